"""A source that is told rather than read: programs send signals, and what they add up to is what the account holds.

It must never take a signal that nobody signed, never take one twice, and never forget what it said it had taken.
"""
