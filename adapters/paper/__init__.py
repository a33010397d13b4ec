"""The paper venue: an account that trades with nobody, for trying out a config before money is on the line.

It must never forget an order or fill one twice, and never pretend to a price that nobody gave it.
"""
