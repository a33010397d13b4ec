"""`/metrics`: what the service counts and holds, in Prometheus' text format. Nothing is done before a scrape.

Trading must never wait for it: what is shown is read from what is there, and counted elsewhere by plain integers.
"""
