"""What is remembered: the rows, how they are written, and what a start reads of them."""
