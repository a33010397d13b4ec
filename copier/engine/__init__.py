"""The single writer of what is known: it decides, writes, and lets orders go."""
