"""One shared market and matching core, under every simulated venue and under the paper venue.

It knows no venue's protocol and no network; it waits for nothing and draws no randomness of its own.
"""
