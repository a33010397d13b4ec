"""Limits on losses and profits, on conduct and on results."""
