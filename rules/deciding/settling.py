"""What a report on one of its orders makes of a copy: filled, rejected, never sent, unknown."""

from datetime import datetime, timedelta

from rules.model.copies import (
    ENTRIES,
    ZERO,
    Copy,
    Leg,
    LegStage,
    Pending,
    Purpose,
    Waits,
    grant_no_more,
    replace_leg,
    with_exit,
)
from rules.model.evolving import evolve
from rules.model.reports import (
    Accepted,
    Canceled,
    Filled,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Placed,
    Rejected,
    Replaced,
    Report,
    StopsReplaced,
)
from rules.model.values import VenueOrderId

RETRY_S_MAX = 30
"""A refused close is asked again after 1, 2, 4 ... seconds, at most this: a close is never given up."""

SLACK = timedelta(seconds=5)
"""A venue's clock may be ahead of ours by so much: an order that ended so shortly before its time ended by that."""

STOPS_TRIES = 5
"""A refused change of stops is tried this often; the protective prices it had before stay in force."""


def settle(copy: Copy, report: Report, now: datetime) -> Copy:
    """Return `copy` as it is after `report` on one of its orders; unchanged when none of its orders is meant.

    A report is taken once: what is no longer under way is not settled again.
    """
    leg = next((leg for leg in copy.legs if leg.pending and leg.pending.cl_ord_id == report.cl_ord_id), None)
    if leg is None or leg.pending is None:
        return copy
    match report:
        case Accepted() | OutcomeUnknown():
            accepted = leg.pending.accepted or isinstance(report, Accepted)
            return replace_leg(copy, evolve(leg, pending=evolve(leg.pending, unknown=True, accepted=accepted)))
        case NotSent(retry_at=retry_at):
            return _not_sent(copy, leg, leg.pending, retry_at, now)
        case NotFound() if leg.waits is not None and leg.waits.order_id is not None and leg.pending.purpose in ENTRIES:
            return lapse(copy, leg, now)  # it worked once, and works no more
        case NotFound():
            # The venue never saw it. An opening may go out again under the same id, everything else under a new one.
            step = leg.step + (leg.pending.purpose not in ENTRIES)
            return replace_leg(copy, evolve(leg, pending=None, step=step, retry_at=None, settled_at=now))
        case Rejected():
            return _rejected(copy, leg, leg.pending, now)
        case Filled():
            return _filled(copy, leg, leg.pending, report, now)
        case StopsReplaced():
            return replace_leg(copy, evolve(_replaced(leg, leg.pending, now), stops_refused_at=None))
        case Placed(venue_order_id=order_id):
            return _placed(copy, leg, order_id, now)
        case Replaced():
            return replace_leg(copy, evolve(_replaced(leg, leg.pending, now), waits=leg.pending.waits))
        case Canceled():
            if leg.pending.purpose in ENTRIES:
                return lapse(copy, leg, now)
            # It may have been filled a moment before: only a look for the order itself tells.
            return replace_leg(copy, in_doubt(evolve(leg, step=leg.step + 1, failures=leg.failures + 1)))


def in_doubt(leg: Leg) -> Leg:
    """Return a leg whose pending order works no more, as far as somebody says: it must be looked for by its tag."""
    asked = Pending(Purpose.PLACE, leg.cl_ord_id, leg.volume, unknown=True, accepted=True)
    return evolve(leg, stage=LegStage.OPENING, pending=asked, retry_at=None)


def lapse(copy: Copy, leg: Leg, now: datetime) -> Copy:
    """Return `copy` with a leg whose pending order ended unfilled: by us, or at the target by itself."""
    ours = leg.waits is not None and (leg.waits.canceled or _by_its_time(copy, leg.waits, now))
    ended = evolve(
        leg,
        stage=LegStage.CLOSED if ours else LegStage.GONE,
        pending=None,
        retry_at=None,
        settled_at=now,
        missing=ZERO if ours else leg.volume,
    )
    return grant_no_more(replace_leg(copy, ended))


def _by_its_time(copy: Copy, waits: Waits, now: datetime) -> bool:
    """Tell whether what waited at its source's price ended at the time that we had given it."""
    return copy.limited and waits.expires_at is not None and now >= waits.expires_at - SLACK


def _not_sent(copy: Copy, leg: Leg, pending: Pending, retry_at: datetime | None, now: datetime) -> Copy:
    """Try again after a while, an opening under its own id: the venue never saw it."""
    waited = now + _backoff(leg.failures)
    return replace_leg(
        copy,
        evolve(
            leg,
            pending=None,
            step=leg.step + (pending.purpose not in ENTRIES),
            failures=leg.failures + 1,
            retry_at=waited if retry_at is None else max(retry_at, waited),
            retry_of=pending.purpose,
        ),
    )


def _replaced(leg: Leg, pending: Pending, now: datetime) -> Leg:
    """Return a leg with the stops that the venue took."""
    return evolve(
        leg,
        stop_loss=pending.stop_loss,
        take_profit=pending.take_profit,
        pending=None,
        failures=0,
        refusals=0,
        retry_at=None,
        settled_at=now,
        step=leg.step + 1,
    )


def _placed(copy: Copy, leg: Leg, order_id: VenueOrderId, now: datetime) -> Copy:
    assert leg.waits is not None  # only pending orders are placed
    placed = evolve(leg, stage=LegStage.WORKING, waits=evolve(leg.waits, order_id=order_id), pending=None)
    if not leg.waits.canceled:
        return replace_leg(copy, evolve(placed, failures=0, retry_at=None, settled_at=now))
    # It works although it was to be canceled: that is asked again, and never as fast as the venue answers.
    return replace_leg(copy, evolve(placed, retry_at=now + _backoff(leg.failures), settled_at=now))


def _filled(copy: Copy, leg: Leg, pending: Pending, report: Filled, now: datetime) -> Copy:
    if pending.purpose in ENTRIES:
        opened = evolve(
            leg,
            stage=LegStage.OPEN,
            held=report.volume,
            position_id=report.position_id,
            open_price=report.price if report.price is not None else leg.expected_price,
            pending=None,
            failures=0,
            retry_at=None,
            settled_at=now,
            missing=max(leg.volume - report.volume, ZERO),
        )
        # What was not filled is given up: a second order for the rest would be new risk at another price.
        return grant_no_more(replace_leg(copy, opened))
    held = max(leg.held - report.volume, ZERO)
    price = report.price if report.price is not None else pending.expected_price
    closed = evolve(
        with_exit(leg, leg.held - held, price),
        held=held,
        stage=LegStage.OPEN if held else LegStage.CLOSED,
        pending=None,
        failures=0,
        retry_at=None,
        settled_at=now,
        step=leg.step + 1,
    )
    return replace_leg(copy, closed)


def _rejected(copy: Copy, leg: Leg, pending: Pending, now: datetime) -> Copy:
    if pending.purpose is Purpose.PLACE and leg.waits is not None and leg.waits.order_id is not None:
        return lapse(copy, leg, now)  # its end shows nowhere
    if pending.purpose in (Purpose.REPLACE, Purpose.CANCEL):
        # It works no more, or it must: what cannot follow the source's order waits at a wrong price.
        waits = None if leg.waits is None else evolve(leg.waits, canceled=True)
        refused = evolve(leg, waits=waits, step=leg.step + 1, failures=leg.failures + 1)
        return replace_leg(copy, in_doubt(refused))
    if pending.purpose in ENTRIES:
        refused = evolve(leg, stage=LegStage.REJECTED, pending=None, settled_at=now, missing=leg.volume)
        return grant_no_more(replace_leg(copy, refused))
    refusals = leg.refusals + (pending.purpose is Purpose.STOPS)
    again = evolve(
        leg,
        pending=None,
        failures=leg.failures + 1,
        refusals=refusals,
        retry_at=now + _backoff(leg.failures),
        retry_of=pending.purpose,
        settled_at=now,
        step=leg.step + 1,
    )
    if refusals >= STOPS_TRIES:
        again = evolve(
            again,
            stop_loss=pending.stop_loss,
            take_profit=pending.take_profit,
            failures=0,
            refusals=0,
            retry_at=None,
            stops_refused_at=now,
        )
    return replace_leg(copy, again)


def _backoff(failures: int) -> timedelta:
    return timedelta(seconds=min(2 ** min(failures, 10), RETRY_S_MAX))
