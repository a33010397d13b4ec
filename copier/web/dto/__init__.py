"""What is shown to programs and people: plain attrs classes, exact numbers as text, nothing that is not shown.

Each module maps the service's own records to its classes, so that one thing has one shape wherever it is shown.
"""
