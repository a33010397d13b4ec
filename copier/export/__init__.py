"""Writes what the ledger holds as tables for other programs: exact, streamed, and harmless in a spreadsheet."""
