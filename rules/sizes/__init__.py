"""How large a copy is."""
