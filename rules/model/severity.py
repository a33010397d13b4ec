"""How much something matters to a person."""

from enum import Enum


class Severity(Enum):
    """In rising order."""

    INFO = "info"
    """Good to know."""
    WARNING = "warning"
    """Look at it today."""
    CRITICAL = "critical"
    """Money may be at risk now."""

    @property
    def rank(self) -> int:
        """0 for the least."""
        return list(Severity).index(self)
