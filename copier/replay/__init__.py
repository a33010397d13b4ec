"""Decisions made again: recorded days by another config, and the cases of a config."""
