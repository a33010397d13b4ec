"""The gates of new risk: whether a copy may be opened or grown, and how large."""
