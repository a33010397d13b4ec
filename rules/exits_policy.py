"""What a person wants of how copies end, besides following their source."""

from datetime import timedelta

from attrs import frozen


@frozen
class Exits:
    """When a copy is closed later than its source, or sooner. No value: with its source.

    What limits, schedules and people close is closed at once, and a copy that the target closed stays closed.
    """

    min_hold: timedelta | None = None
    ignore_close: bool = False
    ignore_close_for: timedelta | None = None
    max_open: timedelta | None = None
