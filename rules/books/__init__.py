"""A target's books against our records."""
