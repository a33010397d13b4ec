"""The nursery tree and its tasks: streams, polls, dispatchers, and what is asked of venues."""
