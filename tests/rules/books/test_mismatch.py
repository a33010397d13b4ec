"""What counts as a mismatch, of which kind and how severe, and what does not."""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.books.mismatch import Difference, Mismatch, MismatchKind, beyond, desired_volume, differences, summed
from rules.books.reconcile import CopyKey, lose_leg, shrink_leg
from rules.books.targets import Books
from rules.deciding.settling import settle
from rules.model.copies import ZERO, Copy, CopyStatus, Ending, LegStage, Pending, Purpose, Waits
from rules.model.instruments import Instrument
from rules.model.observed import Position, WorkingOrder
from rules.model.reports import Filled, Rejected
from rules.model.severity import Severity
from rules.model.values import AccountId, ClOrdId, LinkId, OmsType, OrderType, PositionId, Price, Side, VenueOrderId
from rules.policy.mismatch import Tolerance, ToleranceUnit
from rules.policy.size import VolumePolicy
from tests.rules.books.test_reconcile import copy, shows
from tests.rules.playbook import EURUSD, T0, Playbook, position

INSTRUMENTS = {EURUSD.symbol: EURUSD}
AS_IS = VolumePolicy()
TARGET = AccountId("target")
ONE = Decimal(1)


def wanted(held: Copy, source: Position | None, instrument: Instrument | None = EURUSD) -> Decimal:
    return desired_volume(held, source, instrument, AS_IS)


def found(held: Copy, lots: str, *shown: Position, **books: object) -> list[tuple[MismatchKind, Decimal, Decimal]]:
    seen = evolve(Books.of(OmsType.HEDGING, shown), **books)
    return [
        (each.kind, each.desired, each.observed) for each in differences([(held, Decimal(lots))], seen, INSTRUMENTS)
    ]


# What the target should hold


def test_what_waits_at_the_target_is_not_held_yet() -> None:
    waits = Waits(OrderType.LIMIT, Price("1.1"), order_id=VenueOrderId("t1"))
    held = copy("a", "0.3")
    held = evolve(held, legs=(evolve(held.legs[0], waits=waits),))
    empty = evolve(held.legs[0], stage=LegStage.WORKING, held=ZERO, position_id=None)
    waiting = evolve(held, legs=(empty,))
    order = WorkingOrder(VenueOrderId("1"), EURUSD.symbol, Side.BUY, OrderType.LIMIT, ONE, Price("1.1"))
    assert wanted(waiting, position("1")) == 0, "taken over by its position, and not filled yet"
    assert wanted(held, position("1")) == Decimal("0.3")
    assert wanted(evolve(waiting, order=order), None) == 0, "mirrored, and not filled yet"
    assert wanted(evolve(held, order=order), None) == Decimal("0.3"), "filled alone, and not given up yet"
    assert wanted(evolve(held, order=order, flatten="mirror"), None) == 0
    assert wanted(evolve(held, order=order, left=True), None) == 0


def test_the_target_should_hold_what_was_granted_while_the_source_holds_it() -> None:
    assert wanted(copy("a", "0.3"), position("1")) == Decimal("0.3")


@pytest.mark.parametrize(
    "held",
    [
        evolve(copy("a"), flatten="limit"),
        evolve(copy("a"), left=True),
        evolve(copy("a"), status=CopyStatus.WAITING),
        evolve(copy("a"), status=CopyStatus.ENDED, ending=Ending.DENIED),
        evolve(copy("a"), status=CopyStatus.ENDED, ending=Ending.FLATTENED),
    ],
)
def test_what_a_rule_closed_or_denied_should_not_be_there(held: Copy) -> None:
    assert wanted(held, position("1")) == 0


def test_nothing_should_be_held_of_a_source_that_closed_or_turned() -> None:
    assert wanted(copy("a"), None) == 0
    assert wanted(copy("a"), position("1", side=Side.SELL)) == 0


def test_what_the_venue_rejected_should_be_there() -> None:
    play = Playbook()
    [order] = play.sees(position("1"))
    play.reports(Rejected(order.cl_ord_id, "no money"))
    assert play.copy is not None
    assert (play.copy.ending, wanted(play.copy, position("1"))) == (Ending.REJECTED, 1)


def test_what_the_venue_did_not_fill_should_be_there() -> None:
    play = Playbook()
    [order] = play.sees(position("1"))
    play.reports(Filled(order.cl_ord_id, PositionId("t"), Decimal("0.6"), Decimal("1.1")))
    assert play.copy is not None
    assert wanted(play.copy, position("1")) == 1
    assert wanted(play.copy, position("0.5")) == Decimal("0.5"), "the source took half of it back"


def test_what_the_target_closed_by_itself_should_be_there() -> None:
    gone = evolve(lose_leg(copy("a"), 0), status=CopyStatus.ENDED, ending=Ending.TARGET_CLOSED)
    assert wanted(gone, position("1")) == 1
    assert wanted(gone, position("0.25")) == Decimal("0.25")
    assert wanted(gone, None) == 0


def test_what_a_person_left_of_a_position_is_what_should_be_there() -> None:
    shrunk = shrink_leg(copy("a"), 0, Decimal("0.4"), ONE)
    assert wanted(shrunk, position("1")) == Decimal("0.4")
    assert wanted(shrunk, position("0.5")) == Decimal("0.2")


def test_a_denied_increase_should_not_be_there() -> None:
    assert wanted(evolve(copy("a"), refused=Decimal(3)), position("3")) == 1


def test_an_increase_that_was_capped_counts_as_it_was_granted() -> None:
    capped = evolve(copy("a", "2"), ratio=Fraction(1), followed=Decimal(3))
    assert wanted(capped, position("3")) == 2


def test_an_unknown_instrument_lets_the_largest_volume_stand_in() -> None:
    gone = lose_leg(copy("a"), 0)
    assert wanted(gone, position("0.3"), None) == 1


# Kinds


def test_books_as_they_should_be_show_no_difference() -> None:
    assert found(copy("a"), "1", shows("a")) == []


def test_a_position_that_is_not_there_is_missing() -> None:
    assert found(copy("a"), "1") == [(MismatchKind.MISSING, 1, 0)]


def test_a_position_that_should_be_closed_is_unexpected() -> None:
    assert found(copy("a", side=Side.SELL), "0", shows("a", side=Side.SELL)) == [(MismatchKind.UNEXPECTED, 0, -1)]


def test_a_position_of_the_other_side_is_told_by_signs() -> None:
    assert found(copy("a"), "1", shows("a", side=Side.SELL)) == [(MismatchKind.SIDE, 1, -1)]


def test_too_little_and_too_much_are_differences_of_volume() -> None:
    assert found(copy("a"), "1", shows("a", "0.7")) == [(MismatchKind.VOLUME, 1, Decimal("0.7"))]
    assert found(copy("a"), "1", shows("a", "1.5")) == [(MismatchKind.VOLUME, 1, Decimal("1.5"))]


def test_a_remainder_below_the_minimum_that_waits_is_none() -> None:
    coarse = evolve(EURUSD, volume_min=Decimal("0.05"))
    books = Books.of(OmsType.HEDGING, [shows("a")])
    assert differences([(copy("a"), Decimal("0.98"))], books, {EURUSD.symbol: coarse}) == []
    assert differences([(copy("a"), Decimal("0.9"))], books, {EURUSD.symbol: coarse}) != []


def test_a_reversed_copy_is_judged_on_its_own_side() -> None:
    reversed_ = evolve(copy("a", side=Side.SELL), side=Side.BUY)
    assert found(reversed_, "1", shows("a", side=Side.SELL)) == []


# Stops


def protected(stop_loss: str | None = "1.05", **changes: object) -> Copy:
    return copy("a", stop_loss=None if stop_loss is None else Decimal(stop_loss), **changes)


def test_a_missing_stop_loss_is_a_difference_that_is_bare() -> None:
    [each] = differences([(protected(), ONE)], Books.of(OmsType.HEDGING, [shows("a")]), INSTRUMENTS)
    assert (each.kind, each.bare, each.why) == (MismatchKind.STOPS, True, "the target has no stop-loss")


def test_another_stop_loss_is_a_difference_and_not_bare() -> None:
    books = Books.of(OmsType.HEDGING, [evolve(shows("a"), stop_loss=Decimal("1.04"))])
    [each] = differences([(protected(), ONE)], books, INSTRUMENTS)
    assert (each.kind, each.bare) == (MismatchKind.STOPS, False)


@pytest.mark.parametrize("shown", ["1.05", "1.05001", "1.04999"])
def test_a_stop_that_the_venue_rounded_by_a_tick_is_as_asked(shown: str) -> None:
    assert found(protected(), "1", evolve(shows("a"), stop_loss=Decimal(shown))) == []


def test_stops_are_not_judged_while_they_are_being_set_nor_where_the_venue_keeps_none() -> None:
    setting = protected(pending=Pending(Purpose.STOPS, ClOrdId("s")))
    assert found(setting, "1", shows("a")) == []
    assert found(protected(), "1", shows("a"), keeps_stops=False) == []


# Why


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (copy("a", stage=LegStage.REJECTED, held=Decimal(0), missing=ONE), "the venue rejected the order"),
        (lose_leg(copy("a"), 0), "the target closed it: a stop, or a person"),
        (copy("a", held=Decimal("0.4"), missing=Decimal("0.6")), "the venue did not fill all of it"),
        (copy("a", pending=Pending(Purpose.CLOSE, ClOrdId("c"), unknown=True)), "an order has no answer yet"),
        (copy("a", failures=3), "our order was refused, or could not be sent, 3 times"),
        (copy("a"), ""),
    ],
)
def test_a_difference_says_what_the_records_know_of_its_cause(held: Copy, why: str) -> None:
    [each] = differences([(held, ONE)], Books.of(OmsType.HEDGING, []), INSTRUMENTS)
    assert each.why == why


# Tolerance


def differing(desired: str, observed: str, kind: MismatchKind = MismatchKind.VOLUME) -> Difference:
    return Difference((LinkId("l"), PositionId("a")), EURUSD.symbol, kind, Decimal(desired), Decimal(observed))


STEP = Tolerance(ONE, ToleranceUnit.STEPS)
TENTH = Tolerance(Decimal("0.1"), ToleranceUnit.PERCENT)
CASH = Tolerance(Decimal(1100), ToleranceUnit.CASH, "USD")
IN_USD = evolve(EURUSD, profit_currency="USD")


@pytest.mark.parametrize(
    ("tolerance", "observed", "is_beyond"),
    [
        (STEP, "0.99", False),
        (STEP, "0.98", True),
        (STEP, "1.01", False),
        (TENTH, "0.90", False),
        (TENTH, "0.89", True),
        (CASH, "0.99", False),  # 0.01 lots of 100,000 at 1.1
        (CASH, "0.98", True),
    ],
)
def test_a_difference_counts_beyond_its_tolerance_only(tolerance: Tolerance, observed: str, is_beyond: bool) -> None:
    assert beyond(differing("1", observed), tolerance, IN_USD, Decimal("1.1")) is is_beyond


def test_what_cannot_be_reckoned_is_beyond() -> None:
    small = differing("1", "0.99")
    assert beyond(small, STEP, None, ONE)
    assert beyond(small, CASH, None, ONE)
    assert beyond(small, CASH, IN_USD, None)
    assert beyond(small, CASH, EURUSD, ONE), "the instrument's currency is unknown"
    assert beyond(small, CASH, evolve(IN_USD, contract_size=None), ONE)


def test_a_copy_of_one_step_that_is_missing_is_beyond_every_tolerance() -> None:
    assert beyond(differing("0.01", "0", MismatchKind.MISSING), STEP, EURUSD, ONE)


# Sums and severities


def all_of(found: Iterable[Difference], total: str) -> list[Mismatch]:
    totals = {(LinkId("l"), EURUSD.symbol): Decimal(total)}
    return list(summed(TARGET, found, totals).values())


def named(name: str, difference: Difference) -> Difference:
    key: CopyKey = (LinkId("l"), PositionId(name))
    return evolve(difference, key=key)


def test_differences_of_one_kind_and_instrument_are_one_mismatch() -> None:
    found = [
        named("a", differing("1", "0", MismatchKind.MISSING)),
        named("b", differing("-2", "0", MismatchKind.MISSING)),
    ]
    [each] = all_of(found, "3")
    assert (each.desired, each.observed, each.lots, each.positions) == (-1, 0, 3, ("a", "b"))
    assert (each.link_id, each.symbol, each.target) == ("l", "EURUSD", "target")


def test_kinds_do_not_hide_each_other() -> None:
    found = [
        named("a", differing("1", "0", MismatchKind.MISSING)),
        named("b", differing("0", "1", MismatchKind.UNEXPECTED)),
    ]
    assert {each.kind for each in all_of(found, "2")} == {MismatchKind.MISSING, MismatchKind.UNEXPECTED}


@pytest.mark.parametrize(
    ("observed", "severity"),
    [("0.91", Severity.INFO), ("0.90", Severity.WARNING), ("0.51", Severity.WARNING), ("0.5", Severity.CRITICAL)],
)
def test_a_mismatch_is_as_severe_as_it_is_large(observed: str, severity: Severity) -> None:
    [each] = all_of([differing("1", observed)], "1")
    assert each.severity is severity


def test_one_missing_copy_of_many_is_less_than_the_only_one() -> None:
    missing = differing("1", "0", MismatchKind.MISSING)
    assert all_of([missing], "1")[0].severity is Severity.CRITICAL
    assert all_of([missing], "5")[0].severity is Severity.WARNING


def test_a_position_without_its_stop_loss_is_critical() -> None:
    other = differing("1", "1", MismatchKind.STOPS)
    assert all_of([other], "1")[0].severity is Severity.WARNING
    assert all_of([evolve(other, bare=True)], "1")[0].severity is Severity.CRITICAL


def test_a_mismatch_names_a_bounded_number_of_positions() -> None:
    many = [named(f"p{n}", differing("1", "0", MismatchKind.MISSING)) for n in range(50)]
    [each] = all_of(many, "50")
    assert (len(each.positions), each.lots) == (20, 50)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(-5, 5), st.sampled_from(Side)), max_size=8),
)
def test_copies_as_they_should_be_and_only_those_make_no_difference(held: list[tuple[int, int, Side]]) -> None:
    """Each copy should hold its first number of lots; the books show its second, signed."""
    copies = [
        (copy(f"c{n}", str(max(abs(shown), 1)), side), Decimal(lots)) for n, (lots, shown, side) in enumerate(held)
    ]
    shown = [
        shows(f"c{n}", str(abs(lots)), Side.BUY if lots > 0 else Side.SELL)
        for n, (_, lots, _) in enumerate(held)
        if lots
    ]
    found = differences(copies, Books.of(OmsType.HEDGING, shown), INSTRUMENTS)
    wrong = {f"c{n}" for n, (lots, seen, side) in enumerate(held) if lots * side.sign != seen}
    assert {each.key[1] for each in found} == wrong


def test_a_rejected_order_is_kept_as_missing_lots() -> None:
    opening = copy("a", stage=LegStage.OPENING, held=Decimal(0), pending=Pending(Purpose.OPEN, ClOrdId("o-a"), ONE))
    assert settle(opening, Rejected(ClOrdId("o-a"), "no"), T0).legs[0].missing == 1
