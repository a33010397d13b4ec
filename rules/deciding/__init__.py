"""What to do about one source position on one link, and what an answer makes of its copy."""
