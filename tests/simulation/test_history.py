"""Positions' lives, as the auditor reads them from the books."""

from datetime import UTC, datetime
from decimal import Decimal

from adapters.simulation.broker import Book, Broker
from adapters.simulation.market import Market
from rules.values import OmsType, Side, Symbol
from tests.simulation.history import lives_of, together

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
EURUSD = Symbol("EURUSD")


def book(oms: OmsType) -> Book:
    return Broker(Market.default(NOW), lambda: NOW).add_account("a", oms, Decimal(100000))


def test_a_life_tells_every_volume_and_the_end() -> None:
    held = book(OmsType.HEDGING)
    position_id = held.open(EURUSD, Side.BUY, Decimal(1)).position_id
    assert position_id is not None
    held.close(position_id, Decimal("0.4"))
    held.close(position_id)
    life = lives_of(held)[position_id]
    assert [volume for _, volume in life.volumes] == [Decimal(1), Decimal("0.6"), Decimal(0)]
    assert life.closed_at == NOW
    assert [volume for _, volume in together([life])] == [Decimal(1), Decimal("0.6"), Decimal(0)]


def test_a_netted_position_that_turns_around_ends_and_another_begins() -> None:
    held = book(OmsType.NETTING)
    held.open(EURUSD, Side.BUY, Decimal(1))
    held.open(EURUSD, Side.BUY, Decimal(2))
    held.open(EURUSD, Side.SELL, Decimal(4))
    first, second = lives_of(held).values()
    assert [volume for _, volume in first.volumes] == [Decimal(1), Decimal(3), Decimal(0)]
    assert [volume for _, volume in second.volumes] == [Decimal(1)]
    assert first.closed_at == NOW
    assert second.side is Side.SELL
