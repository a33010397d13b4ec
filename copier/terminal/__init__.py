"""What a person sees in a terminal: of a running service over its REST API, or of the ledger on this machine.

Reading gives the same shapes from both (`copier.web.dto`), so that each view is drawn by one function. Nothing here
may decide anything, nor send a command twice.
"""
