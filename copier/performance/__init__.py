"""What became of what was copied, in figures: folded from the ledger's rows, exact, and never guessed at.

Pure but for `reading` and `curves`: whoever calls it hands the rows in, and is handed values.
"""
