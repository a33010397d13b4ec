"""Closes on a netting account whose lots another copy offsets: what a stop or a hand closed is not closed again."""

from decimal import Decimal

import pytest
import trio
from attrs import evolve

from adapters.base import SessionLost
from adapters.metaapi import simulator_history
from adapters.metaapi.orders import NettedPast, netted_past, was_overtaken
from adapters.metaapi.wire import Deal
from rules.model.actions import ClosePosition, OpenPosition, ReducePosition
from rules.model.observed import Quote
from rules.model.reports import Filled, NotSent, Rejected
from rules.model.values import ClOrdId, OmsType, PositionId, Side, Symbol, VenueOrderId
from tests.adapters.metaapi.frames import ALIAS
from tests.adapters.metaapi.scripted import now
from tests.adapters.metaapi.test_driver import open_world

EURUSD = Symbol("EURUSD")
FIRST, SECOND, THIRD = (ClOrdId(f"cpabcdefghijklmnopqrs{letter}") for letter in "tuv")
CLOSING = ClOrdId("cpbcdefghijklmnopqrstu")


def hold(world, side, volume, tag, **stops) -> PositionId:
    """Let a copy's order open a position or change it; returns its id."""
    order = world.book.open(EURUSD, side, Decimal(volume), tag=tag, **stops)
    assert order.position_id is not None
    return order.position_id


def closing(position_id, side, volume, locked, tag=CLOSING) -> ClosePosition:
    return ClosePosition(tag, ALIAS, position_id, EURUSD, side, Decimal(volume), locked=Decimal(locked))


def quote(world, bid) -> None:
    world.broker.market.set_quote(Quote(EURUSD, Decimal(bid), Decimal(bid) + Decimal("0.0001"), now()))


def net(world) -> Decimal:
    return sum((each.volume * each.side.sign for each in world.book.positions.values()), Decimal(0))


def stop(world) -> Decimal:
    """A stop-loss for what is bought, somewhat below the price."""
    return world.broker.market.quotes[EURUSD].bid - Decimal("0.0100")


@pytest.fixture
async def world(autojump_clock):
    async with open_world(OmsType.NETTING) as (world, account):
        world.target = account
        yield world


async def test_what_is_locked_is_closed_by_an_opposite_order(world):
    bought = hold(world, Side.BUY, "0.10", FIRST)
    hold(world, Side.SELL, "0.30", SECOND)
    report = await world.target.submit(closing(bought, Side.BUY, "0.10", "0.30"))
    assert isinstance(report, Filled)
    assert net(world) == Decimal("-0.30")


async def test_what_is_locked_in_nothing_at_all_is_closed_by_an_opposite_order(world):
    bought = hold(world, Side.BUY, "0.10", FIRST)
    hold(world, Side.SELL, "0.10", SECOND)
    report = await world.target.submit(closing(bought, Side.BUY, "0.10", "0.30"))
    assert isinstance(report, Filled)
    assert net(world) == Decimal("-0.10")


async def test_a_stop_ends_the_lots_that_were_offset_in_its_position_too(world):
    bought = hold(world, Side.BUY, "0.30", FIRST, stop_loss=stop(world))
    hold(world, Side.SELL, "0.10", SECOND)
    price = stop(world)
    quote(world, price)
    assert not world.book.positions
    report = await world.target.submit(closing(bought, Side.SELL, "0.10", "0.10"))
    stopped = world.book.orders[-1]
    assert report == Filled(CLOSING, bought, Decimal("0.10"), stopped.price, venue_order_id=stopped.order_id)
    assert net(world) == 0


async def test_a_stop_ends_what_was_turned_before(world):
    sold = hold(world, Side.SELL, "0.10", FIRST)
    bought = hold(world, Side.BUY, "0.30", SECOND, stop_loss=stop(world))
    quote(world, stop(world))
    assert sold != bought
    hold(world, Side.BUY, "0.05", THIRD)
    report = await world.target.submit(closing(sold, Side.SELL, "0.10", "0.05"))
    assert isinstance(report, Filled)
    assert report.volume == Decimal("0.10")
    assert net(world) == Decimal("0.05")


async def test_a_close_leaves_the_lots_of_a_copy_that_came_after_the_stop(world):
    bought = hold(world, Side.BUY, "0.30", FIRST, stop_loss=stop(world))
    quote(world, stop(world))
    hold(world, Side.BUY, "0.50", SECOND)
    report = await world.target.submit(closing(bought, Side.BUY, "0.30", "0"))
    assert isinstance(report, Filled)
    assert net(world) == Decimal("0.50")


async def test_a_reduction_of_what_a_stop_ended_leaves_nothing_of_it(world):
    sold = hold(world, Side.SELL, "0.30", FIRST)
    hold(world, Side.BUY, "0.40", SECOND, stop_loss=stop(world))
    quote(world, stop(world))
    cut, rest = Decimal("0.10"), Decimal("0.20")
    action = ReducePosition(CLOSING, ALIAS, sold, EURUSD, Side.SELL, cut, rest, locked=cut)
    report = await world.target.submit(action)
    assert isinstance(report, Filled)
    assert report.volume == cut + rest
    assert net(world) == 0


async def test_a_person_who_closes_the_position_ends_what_was_offset_there(world):
    bought = hold(world, Side.BUY, "0.30", FIRST)
    hold(world, Side.SELL, "0.10", SECOND)
    world.book.close(bought)
    report = await world.target.submit(closing(bought, Side.SELL, "0.10", "0.10"))
    assert isinstance(report, Filled)
    assert net(world) == 0


async def test_a_close_that_offsets_nothing_is_rejected_where_nothing_is_held(world):
    bought = hold(world, Side.BUY, "0.30", FIRST, stop_loss=stop(world))
    quote(world, stop(world))
    assert isinstance(await world.target.submit(closing(bought, Side.BUY, "0.30", "0")), Rejected)


async def test_a_close_waits_for_the_deals_that_explain_what_is_held(world, monkeypatch):
    bought = hold(world, Side.BUY, "0.30", FIRST, stop_loss=stop(world))
    hold(world, Side.SELL, "0.10", SECOND)
    quote(world, stop(world))
    whole = simulator_history.shown
    with monkeypatch.context() as late:
        late.setattr(simulator_history, "shown", lambda *args: whole(*args)[:-1])
        assert isinstance(await world.target.submit(closing(bought, Side.SELL, "0.10", "0.10")), NotSent)
    report = await world.target.submit(closing(bought, Side.SELL, "0.10", "0.10", THIRD))
    assert isinstance(report, Filled)
    assert net(world) == 0


async def test_a_close_waits_for_a_minute_at_most(world, monkeypatch):
    bought = hold(world, Side.BUY, "0.10", FIRST)
    hold(world, Side.SELL, "0.30", SECOND)
    monkeypatch.setattr(simulator_history, "shown", lambda *_: [])
    assert isinstance(await world.target.submit(closing(bought, Side.BUY, "0.10", "0.30")), NotSent)
    await trio.sleep(59)
    assert isinstance(await world.target.submit(closing(bought, Side.BUY, "0.10", "0.30")), NotSent)
    await trio.sleep(2)
    await world.target.submit(closing(bought, Side.BUY, "0.10", "0.30"))
    assert net(world) == Decimal("-0.30")


async def overtaken(world, action, *, cut=False):
    """Let a stop end the position while the answer to the look that a close begins with is on its way."""
    await world.target.snapshot()
    world.faults.delay_s = 0.2
    reports = []

    async def submit() -> None:
        try:
            reports.append(await world.target.submit(action))
        except SessionLost as lost:
            reports.append(lost)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(submit)
        await trio.sleep(0.1)
        world.faults.lose_answers = int(cut)
        world.faults.delay_s = 0.0  # the order itself is executed at once
        quote(world, stop(world))
        assert not world.book.positions
    world.faults.lose_answers = 0
    return reports[0]


async def test_a_close_that_a_stop_overtook_says_what_it_opened(world):
    bought = hold(world, Side.BUY, "0.30", FIRST, stop_loss=stop(world))
    hold(world, Side.SELL, "0.10", SECOND)
    report = await overtaken(world, closing(bought, Side.SELL, "0.10", "0.30"))
    assert isinstance(report, Filled)
    assert (report.volume, report.opened) == (Decimal("0.10"), Decimal("0.10"))
    [left] = world.book.positions.values()
    assert (left.side, left.volume, left.position_id) == (Side.BUY, Decimal("0.10"), report.position_id)


async def test_a_reduction_that_a_stop_overtook_leaves_nothing_of_the_copy(world):
    bought = hold(world, Side.BUY, "0.40", FIRST, stop_loss=stop(world))
    hold(world, Side.SELL, "0.30", SECOND)
    cut, rest = Decimal("0.10"), Decimal("0.20")
    report = await overtaken(
        world, ReducePosition(CLOSING, ALIAS, bought, EURUSD, Side.SELL, cut, rest, locked=Decimal("0.40"))
    )
    assert isinstance(report, Filled)
    assert (report.volume, report.opened) == (cut + rest, cut)


async def test_what_an_overtaken_close_opened_is_found_after_no_answer_too(world):
    bought = hold(world, Side.BUY, "0.30", FIRST, stop_loss=stop(world))
    hold(world, Side.SELL, "0.10", SECOND)
    submitted_at = now()
    lost = await overtaken(world, closing(bought, Side.SELL, "0.10", "0.30"), cut=True)
    assert isinstance(lost, SessionLost)
    report = await world.target.find(CLOSING, submitted_at)
    assert isinstance(report, Filled)
    assert (report.volume, report.opened) == (Decimal("0.10"), Decimal("0.10"))


async def test_a_close_that_nobody_overtook_opened_nothing(world):
    bought = hold(world, Side.BUY, "0.10", FIRST)
    hold(world, Side.SELL, "0.30", SECOND)
    report = await world.target.submit(closing(bought, Side.BUY, "0.10", "0.30"))
    assert isinstance(report, Filled)
    assert report.opened == 0


async def test_an_opening_does_not_overtake_a_close_that_looks_first(world):
    bought = hold(world, Side.BUY, "0.12", FIRST)
    reports = []

    async def submit(action) -> None:
        reports.append(await world.target.submit(action))

    await world.target.snapshot()
    world.faults.delay_s = 0.2
    async with trio.open_nursery() as nursery:
        nursery.start_soon(submit, closing(bought, Side.BUY, "0.12", "0"))
        nursery.start_soon(submit, OpenPosition(SECOND, ALIAS, EURUSD, Side.SELL, Decimal("0.05")))
    assert [(report.cl_ord_id, report.volume) for report in reports] == [
        (CLOSING, Decimal("0.12")),
        (SECOND, Decimal("0.05")),
    ]
    assert net(world) == Decimal("-0.05")


async def test_an_opening_waits_for_a_close_for_a_moment_only(world):
    hold(world, Side.BUY, "0.12", FIRST)
    opening = OpenPosition(SECOND, ALIAS, EURUSD, Side.SELL, Decimal("0.05"))
    trading = world.target._trading
    await world.target.snapshot()
    began = trio.current_time()
    with trading._netting.closing(Symbol("GBPUSD")):
        assert isinstance(await world.target.submit(opening), Filled)
    assert trio.current_time() - began < 1
    with trading._netting.closing(EURUSD), trading._netting.closing(EURUSD):
        assert isinstance(await world.target.submit(evolve(opening, cl_ord_id=THIRD)), Filled)
    assert trio.current_time() - began >= 3


# What deals say


def deal(number, side, volume, position="7", entry="IN", **fields) -> Deal:
    made = {"entry_type": f"DEAL_ENTRY_{entry}", "reason": "DEAL_REASON_EXPERT", "symbol": "EURUSD", **fields}
    return Deal(id=number, type=f"DEAL_TYPE_{side}", volume=Decimal(volume), position_id=position, **made)


def past(deals, held="0") -> NettedPast:
    return netted_past(deals, PositionId("7"), EURUSD, Decimal(held))


BOUGHT = deal(1, "BUY", "0.3")


def test_deals_that_lead_to_what_is_held_tell_all():
    assert past([BOUGHT], "0.3") == NettedPast(None, told=True)
    assert not past([BOUGHT]).told
    assert not past([]).told


@pytest.mark.parametrize("reason", ["SL", "TP", "SO", "CLIENT", "MOBILE", "WEB"])
def test_others_left_nothing(reason):
    ended = deal(2, "SELL", "0.3", entry="OUT", reason=f"DEAL_REASON_{reason}")
    again = deal(3, "BUY", "0.1", position="8")
    assert past([BOUGHT, ended]) == NettedPast(ended, told=True)
    assert past([BOUGHT, ended, again], "0.1") == NettedPast(ended, told=True)


def test_our_own_orders_that_offset_all_end_nothing():
    offset = deal(2, "SELL", "0.3", entry="OUT")
    by_name = deal(2, "SELL", "0.3", entry="OUT", reason="DEAL_REASON_CLIENT", client_id=f"c_{FIRST}_0")
    for ours in (offset, by_name):
        assert past([BOUGHT, ours]) == NettedPast(None, told=True)


def test_what_others_left_something_of_is_not_ended():
    part = deal(2, "SELL", "0.1", entry="OUT", reason="DEAL_REASON_SO")
    assert past([BOUGHT, part], "0.2") == NettedPast(None, told=True)


def test_what_was_before_the_position_and_on_other_symbols_says_nothing():
    before = deal(0, "SELL", "0.5", position="6", entry="OUT", reason="DEAL_REASON_SL")
    other = deal(2, "SELL", "0.3", symbol="GBPUSD", entry="OUT", reason="DEAL_REASON_SL")
    cash = Deal(id=5, type="DEAL_TYPE_BALANCE", symbol="EURUSD")
    assert past([before, BOUGHT, other, cash], "0.3") == NettedPast(None, told=True)


def test_a_position_that_began_by_a_turn_is_told_of_when_its_last_deal_fits():
    turned = deal(1, "BUY", "0.5", entry="INOUT")
    assert past([turned], "0.2").told
    assert not past([turned]).told
    stopped = deal(2, "SELL", "0.2", entry="OUT", reason="DEAL_REASON_SL")
    assert past([turned, stopped]) == NettedPast(stopped, told=True)


def is_overtaken(*deals) -> bool:
    return was_overtaken(deals, PositionId("7"), EURUSD, VenueOrderId("99"))


STOPPED = deal(2, "SELL", "0.3", entry="OUT", reason="DEAL_REASON_SL")
OURS = deal(3, "BUY", "0.1", position="8", order_id="99")


def test_an_order_that_begins_a_position_after_a_stop_was_overtaken():
    assert is_overtaken(BOUGHT, STOPPED, OURS)
    newer = deal(3, "BUY", "0.5", position="8")
    assert is_overtaken(BOUGHT, STOPPED, newer, deal(4, "SELL", "0.1", position="8", entry="OUT", order_id="99"))


def test_an_order_was_not_overtaken_by_what_came_later_or_was_our_own():
    assert not is_overtaken(BOUGHT, OURS, STOPPED)
    assert not is_overtaken(BOUGHT, deal(2, "SELL", "0.3", entry="OUT"), OURS)
    part = deal(2, "SELL", "0.1", entry="OUT", reason="DEAL_REASON_CLIENT")
    assert not is_overtaken(BOUGHT, part, deal(3, "SELL", "0.1", entry="OUT", order_id="99"))


def test_nothing_is_said_of_deals_that_do_not_show_the_order_or_its_position():
    assert not is_overtaken(BOUGHT, STOPPED)
    assert not is_overtaken(deal(2, "SELL", "0.3", position="6", entry="OUT", reason="DEAL_REASON_SL"), OURS)
    assert not is_overtaken(BOUGHT, deal(2, "SELL", "0.3", symbol="GBPUSD", reason="DEAL_REASON_SL"), OURS)
