"""The pure centre: what to do.

Values in, values out. Nothing here waits, reads a clock, draws a random number, logs, or touches a float:
time and every observed number are passed in, so that any decision can be made again from its recorded inputs.
"""
