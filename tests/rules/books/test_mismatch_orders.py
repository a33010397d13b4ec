"""What counts as a mismatch of pending orders, and what does not."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.books.mismatch import Difference, MismatchKind
from rules.books.orders import ShownOrders, has_waited, order_difference
from rules.books.reconcile import as_shown
from rules.books.targets import Books
from rules.model.copies import ZERO, Copy, CopyStatus, Ending, LegStage, Pending, Purpose, Waits
from rules.model.observed import Position, WorkingOrder
from rules.model.reasons import Reason
from rules.model.values import ClOrdId, OmsType, OrderType, Price, Side, VenueOrderId
from tests.rules.books.test_reconcile import copy, shows
from tests.rules.playbook import EURUSD, T0

ONE = Decimal(1)
OURS = VenueOrderId("t1")
SOURCES = WorkingOrder(VenueOrderId("1"), EURUSD.symbol, Side.BUY, OrderType.LIMIT, ONE, Price("1.1"))
SHOWN = evolve(SOURCES, order_id=OURS, tag="o-a")
LATER = T0 + timedelta(hours=1)


def waiting(**changes: object) -> Copy:
    """Return a copy that mirrors an order and waits at the target."""
    waits = Waits(OrderType.LIMIT, Price("1.1"), order_id=OURS)
    held = copy("a", stage=LegStage.WORKING, held=ZERO, position_id=None, waits=waits)
    leg = evolve(held.legs[0], **changes)
    return evolve(held, order=SOURCES, legs=(leg,))


def lapsed() -> Copy:
    """Return a copy whose order ended at the target by itself."""
    gone = waiting(stage=LegStage.GONE, missing=ONE)
    return evolve(gone, status=CopyStatus.ENDED, ending=Ending.TARGET_CLOSED)


def found(
    held: Copy, *shown: WorkingOrder, works: bool = True, positions: tuple[Position, ...] = (), keeps_stops: bool = True
) -> Difference | None:
    books = Books.of(OmsType.HEDGING, positions, keeps_stops=keeps_stops)
    return order_difference(held, works, books, ShownOrders.of(shown), EURUSD, LATER)


def lots(difference: Difference | None) -> tuple[Decimal, Decimal] | None:
    assert difference is None or difference.kind is MismatchKind.PENDING
    return None if difference is None else (difference.desired, difference.observed)


def test_an_order_that_waits_as_it_was_asked_for_is_none() -> None:
    assert found(waiting(), SHOWN) is None
    assert has_waited(waiting())
    assert not has_waited(copy("a"))


def test_an_order_that_is_not_there_is_one() -> None:
    each = found(waiting())
    assert each is not None
    assert (lots(each), each.symbol, each.why) == ((ONE, ZERO), "EURUSD", "")


def test_an_order_that_ended_at_the_target_or_was_rejected_should_be_there_while_the_sources_works() -> None:
    rejected = evolve(lapsed(), ending=Ending.REJECTED, legs=(evolve(lapsed().legs[0], stage=LegStage.REJECTED),))
    for each, why in (
        (lapsed(), "it ended at the target: a person, or the venue"),
        (rejected, "the venue rejected the order"),
    ):
        difference = found(each)
        assert difference is not None
        assert (lots(difference), difference.why) == ((ONE, ZERO), why)
        assert found(each, works=False) is None


@pytest.mark.parametrize(
    "held",
    [
        evolve(waiting(), flatten="SCHEDULE_CLOSED"),
        evolve(waiting(), left=True),
        evolve(waiting(), status=CopyStatus.WAITING),
        evolve(waiting(), status=CopyStatus.ENDED, ending=Ending.DENIED, reason=Reason.SYMBOL_UNMAPPED),
        evolve(waiting(), status=CopyStatus.ENDED, ending=Ending.FLATTENED),
        waiting(waits=Waits(OrderType.LIMIT, Price("1.1"), order_id=OURS, canceled=True)),
        waiting(waits=Waits(OrderType.LIMIT, Price("1.1"), expires_at=LATER, order_id=OURS)),
    ],
)
def test_an_order_that_a_rule_or_its_time_took_off_should_be_gone(held: Copy) -> None:
    assert found(held) is None
    assert lots(found(held, SHOWN)) == (ZERO, ONE)


def test_an_order_whose_sources_works_no_more_should_be_gone() -> None:
    assert lots(found(waiting(side=Side.SELL), evolve(SHOWN, side=Side.SELL), works=False)) == (ZERO, -ONE)


def test_what_was_filled_is_a_matter_of_positions() -> None:
    filled = evolve(shows("x"), tag="o-a")
    assert found(waiting(), positions=(filled,)) is None
    assert found(waiting(), evolve(SHOWN, volume=Decimal("0.4")), positions=(filled,)) is None
    assert found(waiting(stage=LegStage.OPEN, held=ONE)) is None


def test_an_order_that_a_position_took_over_should_be_there_until_its_grace_ends() -> None:
    taken = evolve(waiting(), order=None, fill_by=LATER + timedelta(seconds=1))
    assert found(taken, SHOWN, works=False) is None
    assert lots(found(taken, works=False)) == (ONE, ZERO)
    assert lots(found(evolve(taken, fill_by=LATER), SHOWN, works=False)) == (ZERO, ONE)
    assert found(evolve(lapsed(), order=None, fill_by=taken.fill_by), works=False) is None, "these are missing lots"


def test_an_order_is_found_by_its_tag_before_its_id_is_known() -> None:
    waits = Waits(OrderType.LIMIT, Price("1.1"))
    unknown = waiting(
        stage=LegStage.OPENING, waits=waits, pending=Pending(Purpose.PLACE, ClOrdId("o-a"), ONE, unknown=True)
    )
    assert found(unknown, SHOWN) is None
    each = found(unknown, evolve(SHOWN, tag="another"))
    assert each is not None
    assert (lots(each), each.why) == ((ONE, ZERO), "an order has no answer yet")


def test_a_venue_that_keeps_refusing_is_named() -> None:
    each = found(waiting(stage=LegStage.OPENING, failures=3))
    assert each is not None
    assert each.why == "our order was refused, or could not be sent, 3 times"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"price": Price("1.2")}, "its price is 1.2 in place of 1.1"),
        ({"limit_price": Price("1.2")}, "its limit is 1.2 in place of none"),
        ({"stop_loss": Price("1.2")}, "its stop-loss is 1.2 in place of none"),
        ({"take_profit": Price("1.2")}, "its take-profit is 1.2 in place of none"),
        ({"expires_at": LATER}, "it expires 2026-11-20T13:00:00+00:00 in place of never"),
    ],
)
def test_an_order_with_another_price_or_time_is_one(changes: dict[str, object], why: str) -> None:
    each = found(waiting(), evolve(SHOWN, **changes))
    assert each is not None
    assert (lots(each), each.why) == ((ONE, ONE), why)


def test_what_a_venue_rounds_is_as_asked() -> None:
    assert found(waiting(), evolve(SHOWN, price=Price("1.10001"))) is None
    expires_at = LATER + timedelta(hours=1)
    expiring = waiting(waits=Waits(OrderType.LIMIT, Price("1.1"), expires_at=expires_at, order_id=OURS))
    assert found(expiring, evolve(SHOWN, expires_at=expires_at + timedelta(seconds=59))) is None
    assert found(expiring, evolve(SHOWN, expires_at=expires_at + timedelta(seconds=60))) is not None


def test_stops_are_not_judged_where_the_venue_keeps_none_nor_prices_while_they_are_changed() -> None:
    assert found(waiting(), evolve(SHOWN, stop_loss=Price("1.05")), keeps_stops=False) is None
    changing = waiting(pending=Pending(Purpose.REPLACE, ClOrdId("r")))
    assert found(changing, evolve(SHOWN, price=Price("1.2"))) is None


def test_an_order_with_another_volume_is_one() -> None:
    assert lots(found(waiting(), evolve(SHOWN, volume=Decimal("0.4")))) == (ONE, Decimal("0.4"))


def test_books_that_are_the_truth_give_an_order_the_prices_that_they_show() -> None:
    moved = evolve(SHOWN, price=Price("1.2"), stop_loss=Price("1.15"))
    [leg] = as_shown(waiting(), {}, {OURS: moved}, LATER).legs
    assert leg.waits is not None
    assert (leg.waits.price, leg.stop_loss) == (Price("1.2"), Price("1.15"))
    changing = waiting(pending=Pending(Purpose.REPLACE, ClOrdId("r")))
    assert as_shown(changing, {}, {OURS: moved}, LATER) == changing
    assert as_shown(waiting(), {}, {}, LATER) == waiting()


@given(st.sampled_from(LegStage), st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_orders_differ_only_where_one_should_wait_and_does_not_or_the_other_way_round(
    stage: LegStage, is_shown: bool, works: bool, canceled: bool, flattened: bool
) -> None:
    waits = Waits(OrderType.LIMIT, Price("1.1"), order_id=OURS, canceled=canceled)
    held = evolve(waiting(stage=stage, waits=waits), flatten="limit" if flattened else None)
    difference = found(held, *([SHOWN] if is_shown else []), works=works)
    should = works and not canceled and not flattened and held.legs[0].live
    assert (difference is not None) is (should != is_shown)
