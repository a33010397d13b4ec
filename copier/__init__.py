"""The service: config, nursery tree, engine shell, dispatch, ledger, schedule, alerts, HTTP surfaces, command line.

It runs what `rules` decide through what `adapters` translate, and decides nothing about copying by itself.
"""
