"""TradeLocker: Streams API (Socket.IO) for the live state, backend-api (REST) for orders and everything else.

Never sends an order twice: no request other than a read is ever repeated here.
"""
