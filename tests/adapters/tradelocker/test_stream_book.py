"""What a stream may make us remember is bounded."""

import msgspec
import pytest

from adapters.base import RemoteProtocolError
from adapters.tradelocker import stream_book, wire
from adapters.tradelocker.stream_book import StreamBook
from rules.model.values import PositionId
from tests.adapters.tradelocker.frames import order, position


def told(data, kind):
    return msgspec.convert(data, kind)


def test_more_positions_than_any_account_has_are_refused(monkeypatch):
    monkeypatch.setattr(stream_book, "_POSITIONS_MAX", 2)
    book = StreamBook()
    for number in ("1", "2", "2"):
        book.hold(told(position(number), wire.Position))
    with pytest.raises(RemoteProtocolError, match="at most 2"):
        book.hold(told(position("3"), wire.Position))


def test_only_the_latest_closes_are_remembered(monkeypatch):
    monkeypatch.setattr(stream_book, "_CLOSED_MAX", 2)
    book = StreamBook()
    for number in ("1", "2", "3"):
        book.release(PositionId(number))
    assert book.hold(told(position("3"), wire.Position)) is None
    assert book.hold(told(position("1"), wire.Position)) is not None


def test_only_the_latest_working_orders_are_remembered(monkeypatch):
    monkeypatch.setattr(stream_book, "_ORDERS_MAX", 1)
    book = StreamBook()
    for number in ("11", "12"):
        book.take_order(told(order(number, "1.5"), wire.OpenOrder))
    held = book.hold(told(position("1", stopLossOrderId="11", takeProfitOrderId="12"), wire.Position))
    assert held is not None
    assert (held.stop_loss, held.take_profit) == (None, 1.5)
    assert book.needs_books


def test_new_life_of_a_position_id_is_not_late():
    book = StreamBook()
    book.hold(told(position("1"), wire.Position))
    book.release(PositionId("1"))
    assert book.hold(told(position("1"), wire.Position)) is None
    later = position("1", openDateTime="2026-01-01T00:00:00.000Z")
    assert book.hold(told(later, wire.Position)) is not None


def test_order_of_a_closed_position_reports_nothing():
    book = StreamBook()
    book.hold(told(position("1", stopLossOrderId="11"), wire.Position))
    book.release(PositionId("1"))
    assert not book.needs_books
    assert book.take_order(told(order("11", "1.5"), wire.OpenOrder)) is None
