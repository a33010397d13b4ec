"""MetaCopier: a cloud copier's accounts as source and target, over its Socket API (STOMP) and its REST API.

Knows only MetaCopier's words and ours; never decides anything about copying.
"""
