"""What a person wants of how often and how soon copies are made."""

from datetime import timedelta

from rules.model.frozen import frozen

NOTHING = timedelta(0)


@frozen
class Throttle:
    """At most `max_opens` copies are opened within any `window`; more are denied for good (`THROTTLED`).

    Each link counts by itself, and so does each row of `per_symbol` that has a throttle.
    """

    max_opens: int
    window: timedelta


@frozen
class SkipFirst:
    """The first `count` source positions that every gate before would let pass are not copied (`SKIPPED_FIRST`).

    The count begins anew when none came for `reset_after`. Each link counts by itself, and so does each row of
    `per_symbol` that has such a table; with `by_side` buys and sells are counted apart.
    """

    count: int
    reset_after: timedelta = timedelta(hours=2)
    by_side: bool = False


@frozen
class Span:
    """A duration between two, both possible; each copy draws its own, always the same one, evenly."""

    least: timedelta
    most: timedelta

    def __str__(self) -> str:
        return f"{self.least} to {self.most}"


@frozen
class Delay:
    """How long openings, and the closing of a whole copy after its source, are held back; no value: not at all.

    A held-back copy passes the gates again when its time has come (`DELAYED` until then). What is drawn follows from
    the source position, so that a replay draws the same. Closing because of a limit or a schedule is never held back.
    """

    open: Span | None = None
    close: Span | None = None
