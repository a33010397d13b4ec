"""Clear Street: Studio API v2, a WebSocket channel for activity and REST for orders and everything else.

Never sends an order twice: no request other than a read is ever repeated here.
"""
