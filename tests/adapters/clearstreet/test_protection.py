"""Which orders are a stop-loss, what they cover, what makes room for an order, and what a reached one ended."""

from decimal import Decimal

import pytest

from adapters.clearstreet import protection, translate, wire
from adapters.clearstreet.reached import ended_by_stop
from rules.model.actions import ClosePosition, ReducePosition, ReplaceStops
from rules.model.reports import Filled
from rules.model.values import PositionId, Side, VenueOrderId
from tests.adapters.clearstreet.frames import AAPL, ALIAS, decoded, order, trade
from tests.adapters.clearstreet.world import tag

OPENING, OTHER, STOP = tag(1), tag(2), tag(3) + "-stop"


def stop(order_id="s", quantity="100", price="90", side="sell", **fields):
    known = {"order_type": "stop", "stop_price": price, "reference_id": STOP, "side": side, "quantity": quantity}
    return translate.order(decoded(order(1, order_id, **{**known, **fields})).message)


def test_a_stop_loss_is_a_stop_order_with_our_mark_and_nothing_else_is():
    assert protection.is_protective(stop())
    for fields in (
        {"reference_id": tag(3)},
        {"reference_id": None},
        {"reference_id": "somebodys-stop"},
        {"order_type": "limit", "state": "closed"},
        {"order_type": "market"},
    ):
        assert not protection.is_protective(stop(**fields))


@pytest.mark.parametrize(
    ("held", "stops", "expected"),
    [
        ("100", [stop()], "90"),
        ("-100", [stop(side="buy", price="110")], "110"),
        ("100", [stop(quantity="120", filled_quantity="20")], "90"),
        ("100", [stop("a", "60"), stop("b", "40")], "90"),
        ("100", [], None),
        ("100", [stop(quantity="99")], None),
        ("100", [stop(quantity="101")], None),
        ("100", [stop(side="buy")], None),
        ("-100", [stop()], None),
        ("0", [stop()], None),
        ("100", [stop("a", "60"), stop("b", "40", "91")], None),
        ("100", [stop(), stop("b", state="closed", filled_quantity="5")], "90"),
    ],
)
def test_a_stop_loss_counts_while_it_covers_a_position_whole_at_one_price(held, stops, expected):
    assert protection.stop_loss(Decimal(held), stops) == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(
    ("stops", "held", "after", "one", "cancel", "lower"),
    [
        ([stop()], "100", "150", False, [], None),
        ([stop()], "100", "100", False, [], None),
        ([stop()], "100", "70", False, [], "70"),
        ([stop(quantity="120", filled_quantity="20")], "100", "70", False, [], "90"),
        ([stop()], "100", "0", False, ["s"], None),
        ([stop()], "100", "-50", False, ["s"], None),
        ([stop()], "0", "100", False, ["s"], None),
        ([stop()], "-100", "-100", False, ["s"], None),
        ([stop(side="buy")], "-100", "-30", False, [], "30"),
        ([stop("a", "60"), stop("b", "40")], "100", "80", False, [], "20"),
        ([stop("a", "60"), stop("b", "40")], "100", "50", False, ["b"], "50"),
        ([stop("a", "60"), stop("b", "40")], "100", "100", True, ["b"], None),
        ([stop("a", "60"), stop("b", "60")], "100", "100", False, [], "40"),
    ],
)
def test_no_more_rests_than_what_is_left_after_an_order(stops, held, after, one, cancel, lower):
    fitting = protection.fitting(stops, Decimal(held), Decimal(after), one=one)
    assert [each.order_id for each in fitting.cancel] == cancel
    assert (None if fitting.lower is None else str(fitting.quantity)) == lower
    assert fitting.is_done is (not cancel and lower is None)


@pytest.mark.parametrize(("held", "side"), [("100", "sell"), ("-100", "buy")])
def test_a_stop_loss_is_entered_over_the_whole_position_for_the_day(held, side):
    action = ReplaceStops(tag(3), ALIAS, PositionId("AAPL"), AAPL, Decimal("90.5"), None)
    assert protection.body(action, Decimal(held), Decimal("90.5")) == {
        "order_type": "stop",
        "side": side,
        "quantity": "100",
        "time_in_force": "day",
        "symbol": "AAPL",
        "reference_id": STOP,
        "stop_price": "90.5",
    }


def test_a_change_names_the_whole_quantity_and_a_price_only_where_it_changes():
    assert protection.terms(Decimal(70), None) == {"quantity": "70"}
    assert protection.terms(Decimal(70), Decimal("90.50")) == {"quantity": "70", "stop_price": "90.5"}


# What a reached stop-loss ended


def day(*steps):
    """Return the day's executions and orders from (reference, signed quantity), from flat on."""
    trades, placed, running = [], [], 0
    for number, (reference, quantity) in enumerate(steps):
        running += quantity
        side, order_id = "buy" if quantity > 0 else "sell", f"o{number}"
        kind = {"order_type": "stop"} if reference == STOP else {"order_type": "market"}
        fields = {"reference_id": reference, "side": side, "state": "closed", "filled_quantity": str(abs(quantity))}
        placed.append(translate.order(decoded(order(1, order_id, **kind, **fields)).message))
        named = {"order_id": order_id, "trade_id": f"t{number}", "price": f"{90 + number}"}
        message = decoded(trade(1, running, abs(quantity), side, **named)).message
        assert isinstance(message, wire.Trade)
        trades.append(message)
    return [], trades, placed


def closing(opening=OPENING, side=Side.BUY):
    return ClosePosition(tag(9), ALIAS, PositionId("AAPL"), AAPL, side, Decimal(100), opening=opening)


ENDED = Filled(tag(9), PositionId("AAPL"), Decimal(100), Decimal(91), VenueOrderId("o1"))


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(OPENING, 100), (STOP, -100)], ENDED),
        ([("hand", 100), (STOP, -100)], ENDED),  # the lots are of an earlier day
        ([("hand", 100), (STOP, -100), (OPENING, 100)], None),
        ([("hand", 100), (STOP, -100), (OPENING + "-1", 100)], None),
        ([(OPENING, 100), (STOP, -100), (OTHER, 50)], ENDED),
        ([(OPENING, 150), (STOP, -100)], None),  # something is left: whose lots, the books cannot tell
        ([(OPENING, 100), ("hand", -100)], None),
        ([(OPENING, 100)], None),
        ([], None),
    ],
)
def test_what_a_stop_loss_left_nothing_of_is_closed_and_what_was_opened_since_is_not(steps, expected):
    assert ended_by_stop(closing(), *day(*steps)) == expected


def test_lots_that_were_offset_in_what_a_stop_loss_ended_are_closed_with_it():
    steps = [(OTHER, 300), (OPENING, -100), (STOP, -200)]
    report = ended_by_stop(closing(side=Side.SELL), *day(*steps))
    assert (report.volume, report.price) == (Decimal(100), Decimal(92))


def test_a_reduction_of_what_a_stop_loss_ended_is_told_of_all_lots():
    action = ReducePosition(
        tag(9), ALIAS, PositionId("AAPL"), AAPL, Side.BUY, Decimal(30), Decimal(70), opening=OPENING
    )
    assert ended_by_stop(action, *day((OPENING, 100), (STOP, -100))).volume == Decimal(100)
