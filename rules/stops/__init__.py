"""The protective prices of copies, and the orders that keep them."""
