"""Positions' lives, as the auditor reads them from the books."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from adapters.simulation.broker import Book, Broker
from adapters.simulation.market import Market
from rules.model.observed import Quote
from rules.model.values import OmsType, PositionId, Side, Symbol
from tests.simulation.history import lives_of, shares_of, together

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


def stopped_with_an_offset_leg(closes: int) -> Book:
    """Return a book where a stop ended a long of 3 and a short of 1 in it, and the short was closed after that."""
    held = book(OmsType.NETTING)
    bid = held.market.quotes[EURUSD].bid
    held.open(EURUSD, Side.BUY, Decimal(3), tag="long", stop_loss=bid - Decimal("0.01"))
    held.open(EURUSD, Side.SELL, Decimal(1), tag="short")
    held.market.set_quote(Quote(EURUSD, bid - Decimal("0.02"), bid - Decimal("0.01"), NOW))
    for _ in range(closes):
        held.open(EURUSD, Side.BUY, Decimal(1), tag="short")
    return held


def test_one_close_that_was_under_way_at_a_stop_opens_lots_of_nobody() -> None:
    held = stopped_with_an_offset_leg(closes=1)
    held.open(EURUSD, Side.SELL, Decimal(2), tag="newer")
    overtaken: list[str] = []
    shares, [stray] = shares_of(held, lambda tag: tag, overtaken.append, timedelta(seconds=1))
    long, short, newer = shares.values()
    assert (long.stopped_out, short.stopped_out) == (True, True)
    assert (short.volume, newer.volume) == (Decimal(0), Decimal(1))
    assert newer.closed_at is None
    assert (stray.volume, overtaken) == (Decimal(1), ["short"])


def test_a_stop_over_more_than_its_copy_holds_takes_a_part_of_the_next_one() -> None:
    held = book(OmsType.NETTING)
    held.open(EURUSD, Side.SELL, Decimal(3), tag="first")
    held.open(EURUSD, Side.SELL, Decimal(2), tag="second")
    held.open(EURUSD, Side.BUY, Decimal(4), tag="first-stop")
    first, second = shares_of(held, lambda tag: tag, lambda _: None, timedelta(seconds=1))[0].values()
    assert (first.volume, first.stopped_out, first.closed_at) == (Decimal(0), True, NOW)
    assert (second.volume, second.stopped_out, second.closed_at) == (Decimal(1), True, None)


def test_what_a_late_close_opened_and_the_copier_closed_again_is_nobodys_loss() -> None:
    held = stopped_with_an_offset_leg(closes=0)
    held.open(EURUSD, Side.BUY, Decimal(1), tag="close of short")
    held.open(EURUSD, Side.SELL, Decimal(2), tag="newer")
    held.open(EURUSD, Side.SELL, Decimal(1), tag="close again")
    openings = {"close of short": "short", "close again": "close of short"}
    shares, left = shares_of(held, lambda tag: openings.get(tag, tag), lambda _: None, timedelta(seconds=1))
    assert left == []
    assert [share.volume for share in shares.values()] == [Decimal(0), Decimal(0), Decimal(2)]


def test_a_close_after_a_stop_is_one_too_many_when_it_is_late_or_a_second_one() -> None:
    short = PositionId("short")
    again = stopped_with_an_offset_leg(closes=2)
    assert shares_of(again, lambda tag: tag, lambda _: None, timedelta(seconds=1))[0][short].volume == -1
    late = stopped_with_an_offset_leg(closes=1)
    assert shares_of(late, lambda tag: tag, lambda _: None, timedelta(0))[0][short].volume == -1
