"""The orders history as executions."""

from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.base import RemoteProtocolError
from adapters.tradelocker.history import fill, filled_rows
from adapters.tradelocker.translate import instant_of_ms
from rules.model.observed import Fill
from rules.model.values import PositionId, Side, Symbol, VenueOrderId

EURUSD = Symbol("EURUSD")
AT = instant_of_ms("1795176000000", "a time")


def row(**cells):
    known = {"id": "5", "strategyId": "cpa", "side": "buy", "status": "Filled", "qty": "0.10", "filledQty": "0.10"}
    times = {"createdDate": "1795170000000", "lastModified": "1795176000000"}
    return {**known, **times, "avgPrice": "1.5", "positionId": "9", "isOpen": "true", **cells}


def test_a_filled_order_is_an_execution_at_the_time_of_its_last_change():
    assert fill(row(), EURUSD) == Fill(
        exec_id="5",
        at=AT,
        symbol=EURUSD,
        side=Side.BUY,
        volume=Decimal("0.10"),
        price=Decimal("1.5"),
        position_id=PositionId("9"),
        venue_order_id=VenueOrderId("5"),
        opens=True,
        tag="cpa",
    )


def test_an_order_without_a_time_of_change_counts_by_its_creation():
    assert fill(row(lastModified=None), EURUSD).at == instant_of_ms("1795170000000", "a time")


@pytest.mark.parametrize(("cell", "opens"), [("true", True), ("false", False), ("maybe", None), (None, None)])
def test_whether_it_opened_is_what_the_row_says(cell, opens):
    assert fill(row(isOpen=cell), EURUSD).opens is opens


def test_an_order_that_closes_shows_no_tag_since_it_may_be_its_positions():
    assert fill(row(isOpen="false"), EURUSD).tag is None
    assert fill(row(isOpen=None), EURUSD).tag == "cpa"


@pytest.mark.parametrize("cell", [None, "", "0"])
def test_an_order_may_name_no_position(cell):
    assert fill(row(positionId=cell), EURUSD).position_id is None


def test_only_orders_that_executed_something_count():
    dead = row(status="Cancelled", filledQty="0")
    part = row(status="Cancelled", filledQty="0.04")
    plain = row(filledQty=None)
    assert filled_rows([dead, part, plain], AT) == [part, plain]
    assert [fill(each, EURUSD).volume for each in (part, plain)] == [Decimal("0.04"), Decimal("0.10")]


def test_what_was_done_long_before_is_not_looked_at():
    assert filled_rows([row(side="both", avgPrice="?")], AT + timedelta(minutes=1)) == []


@pytest.mark.parametrize(
    "cells",
    [
        {"filledQty": "-1"},
        {"filledQty": "NaN"},
        {"filledQty": "0", "qty": "0"},
        {"avgPrice": "0"},
        {"avgPrice": "1e400"},
        {"side": "both"},
        {"id": None},
        {"lastModified": "yesterday"},
    ],
)
def test_what_cannot_be_read_is_refused(cells):
    with pytest.raises(RemoteProtocolError):
        [fill(each, EURUSD) for each in filled_rows([row(**cells)], AT)]
