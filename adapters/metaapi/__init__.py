"""MetaApi: MetaTrader 4 and 5 accounts as source and target, over its Socket.IO API and its provisioning REST API.

Knows only MetaApi's words and ours; never decides anything about copying.
"""
