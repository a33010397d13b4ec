"""What a person is told of, and how."""
