"""A report of some time for people: in a terminal, as one page that prints well, or as JSON."""
