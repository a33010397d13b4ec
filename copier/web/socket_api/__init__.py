"""The Socket API: what changes is pushed by STOMP over WebSocket, in MetaCopier's words where it has some.

It only tells: nothing that comes in over it moves money, and no slow reader ever makes the service wait.
"""
