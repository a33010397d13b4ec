"""What a person wants of how copies end, besides following their source."""

from datetime import timedelta

from rules.model.frozen import frozen
from rules.policy.distances import Distance


@frozen
class BreakEven:
    """Once the price has come `trigger` far from the target's entry, the stop goes to the entry, or `lock` beyond it.

    Beyond is the side of profit. It stays there, whatever the price does then.
    """

    trigger: Distance
    lock: Distance | None = None


@frozen
class Trailing:
    """The stop-loss follows the price at `distance`, and never goes back."""

    distance: Distance
    activate: Distance | None = None
    step: Distance | None = None


@frozen
class Exits:
    """When a copy is closed later than its source, or sooner. No value: with its source.

    What limits, schedules and people close is closed at once, and a copy that the target closed stays closed.

    Stops of our own are set at the venue, beside those that follow the source: of two stop-losses the tighter one
    counts. They are looked at by the target's quotes, every 5 s and whenever something else changes, while the source
    is open, and only where copies get stops at all.
    """

    min_hold: timedelta | None = None
    ignore_close: bool = False
    ignore_close_for: timedelta | None = None
    max_open: timedelta | None = None
    break_even: BreakEven | None = None
    reverse_break_even: BreakEven | None = None
    trailing: Trailing | None = None

    @property
    def manage_stops(self) -> bool:
        """Tell whether stops of our own follow the price."""
        return self.break_even is not None or self.reverse_break_even is not None or self.trailing is not None
