"""The surfaces: one port for people, browsers and programs, beside the engine and in its thread.

What is here reads the running service between awaits, and changes it only by levers. It must never make the engine
wait, never tell one key what another may see, and never end the service because of what a client sent.
"""
