"""The REST API: one table of endpoints drives routing, validation, and the document that describes them.

A handler sees a request whose every part was checked, and only what its principal may see.
"""
