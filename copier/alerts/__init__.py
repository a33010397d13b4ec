"""Alerts of a running service, from a record to a phone."""
