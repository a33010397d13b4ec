"""The demo: simulated venues with a moving market and a scripted trader, and a real copier against them.

It uses the same config, service and adapters as `copier run`; only the money is missing.
"""
