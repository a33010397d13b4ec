"""One folder a venue: its words into ours and back.

A session is sans-IO (no clock, no socket), its driver a thin trio loop, its simulator a server that speaks the
venue's own protocol. Nothing here decides anything about copying.
"""
