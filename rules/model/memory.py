"""What a link remembers beyond its copies, so that throttles and skips outlive copies and restarts."""

from datetime import datetime, timedelta
from decimal import Decimal

from attrs import evolve

from rules.model.frozen import frozen
from rules.model.values import LinkId, Side, Symbol
from rules.policy.curve import CurveOf
from rules.policy.pacing import SkipFirst, Throttle


@frozen
class Opened:
    """When a copy was opened, by which row of `per_symbol`; 0: by the policy itself."""

    at: datetime
    row: int = 0


@frozen
class Skips:
    """How many source positions were skipped in a row, and when the last one came, skipped or copied.

    `side` is None where both count together; `row` as in `Opened`.
    """

    count: int
    last_at: datetime
    side: Side | None = None
    row: int = 0


@frozen
class Series:
    """How copies ended since the count began: see `rules.policy.series`, whose key of a policy is `rule`.

    With `after_losses` `won` counts the wins since the last loss. `last_at` is when the last one ended, `symbol` the
    source's, None where all count together; `row` as in `Opened`.
    """

    rule: str
    won: int
    lost: int
    last_at: datetime
    row: int = 0
    symbol: Symbol | None = None


@frozen
class Sample:
    """The equity of an account at the beginning of a piece of time, or when it was first seen in it."""

    at: datetime
    equity: Decimal


@frozen
class Curve:
    """The last samples of an account's equity, one for each piece of time of that length, oldest first."""

    of: CurveOf
    every: timedelta
    samples: tuple[Sample, ...] = ()


@frozen
class LinkMemory:
    """The opens that throttles count, oldest first, skips, series; an old one may be missing where nobody counts it.

    `curves` are the samples of equity that its policy asks for.
    """

    link_id: LinkId
    opens: tuple[Opened, ...] = ()
    skips: tuple[Skips, ...] = ()
    series: tuple[Series, ...] = ()
    curves: tuple[Curve, ...] = ()


NO_MEMORY = LinkMemory(LinkId(""))


def recent_opens(memory: LinkMemory, throttle: Throttle, row: int, now: datetime) -> int:
    """Return how many copies of the row were opened within the throttle's window."""
    since = now - throttle.window
    return sum(opened.row == row and opened.at > since for opened in memory.opens)


def with_open(memory: LinkMemory, throttle: Throttle, row: int, now: datetime) -> LinkMemory:
    """Return the memory after one more copy; opens of the row that left the window are forgotten."""
    since = now - throttle.window
    kept = tuple(opened for opened in memory.opens if opened.row != row or opened.at > since)
    return evolve(memory, opens=(*kept, Opened(now, row)))


def skipped_so_far(memory: LinkMemory, skip: SkipFirst, side: Side, row: int, now: datetime) -> int:
    """Return how many positions were skipped since the count began."""
    skips = _of(memory, skip, side, row)
    return 0 if skips is None or now - skips.last_at > skip.reset_after else skips.count


def with_position(memory: LinkMemory, skip: SkipFirst, side: Side, row: int, now: datetime) -> LinkMemory:
    """Return the memory after one more position that was skipped, or copied since enough were."""
    count = min(skipped_so_far(memory, skip, side, row, now) + 1, skip.count)
    rest = tuple(each for each in memory.skips if each is not _of(memory, skip, side, row))
    return evolve(memory, skips=(*rest, Skips(count, now, side if skip.by_side else None, row)))


def _of(memory: LinkMemory, skip: SkipFirst, side: Side, row: int) -> Skips | None:
    wanted = side if skip.by_side else None
    return next((each for each in memory.skips if each.side is wanted and each.row == row), None)
