"""The driver against the simulated venue: looks, orders sent once, lost answers found, and refusals told apart."""

from datetime import timedelta
from decimal import Decimal

import pytest
import trio

from adapters.base import RequestNotSent, SessionLost, SignInRefused, Throttled
from adapters.metacopier.driver import MetaCopierAccount
from adapters.simulation.broker import Book
from adapters.transport.network import connect_tcp
from adapters.transport.serving import serve_tcp
from rules.model.actions import ClosePosition, OpenPosition, ReducePosition, ReplaceStops
from rules.model.events import Origin
from rules.model.identity import cl_ord_id
from rules.model.observed import Position
from rules.model.reports import Accepted, Filled, NotFound, NotSent, Rejected, StopsReplaced
from rules.model.values import ClOrdId, LinkId, OmsType, PositionId, Side, Symbol
from tests.adapters.metacopier.venue import ALIAS, HOST, PORT, START, config, now, open_venue

EURUSD = Symbol("EURUSD")


def tag(step: int = 1) -> ClOrdId:
    return cl_ord_id(LinkId("a->b"), PositionId("7"), START, 1, step)


def opening(step: int = 1, volume: str = "0.30", side: Side = Side.BUY, **stops: Decimal) -> OpenPosition:
    return OpenPosition(tag(step), ALIAS, EURUSD, side, Decimal(volume), **stops)


def held(book: Book, volume: str = "1.00", **kwargs: Decimal) -> Position:
    order = book.open(EURUSD, Side.BUY, Decimal(volume), **kwargs)
    assert order.position_id is not None
    return book.positions[order.position_id]


def reducing(position: Position, remaining: str) -> ReducePosition:
    left = Decimal(remaining)
    return ReducePosition(
        tag(), ALIAS, position.position_id, EURUSD, position.side, position.volume - left, remaining=left
    )


def closing(position: Position) -> ClosePosition:
    return ClosePosition(tag(), ALIAS, position.position_id, EURUSD, position.side, position.volume)


async def test_symbols_instrument_and_quote_are_looked_up(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        account = venue.account()
        assert set(await account.symbols()) == set(venue.broker.market.instruments)
        instrument = await account.instrument(EURUSD)
        assert instrument == venue.broker.market.instruments[EURUSD]
        assert await account.quote(EURUSD) == venue.broker.market.quotes[EURUSD]
        assert await account.instrument(Symbol("NO/SUCH?")) is None
        assert await account.quote(Symbol("NO/SUCH?")) is None
        await account.aclose()


async def test_a_snapshot_shows_positions_and_figures_as_asked(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        position = held(venue.book, stop_loss=Decimal("1.15"))
        asked_at = now()
        snapshot, status = await venue.account().snapshot()
        assert snapshot.origin is Origin.RECONCILED
        assert snapshot.certain
        assert snapshot.requested_at == asked_at
        assert [(row.position_id, row.volume, row.stop_loss) for row in snapshot.positions] == [
            (position.position_id, Decimal(1), Decimal("1.15"))
        ]
        figures = venue.book.status()
        assert (status.balance, status.equity, status.currency) == (figures.balance, figures.equity, "USD")
        assert (status.margin_used, status.margin_free) == (figures.margin_used, figures.margin_free)


async def test_an_opening_is_accepted_and_found_by_its_tag(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        account = venue.account()
        stops = {"stop_loss": Decimal("1.10"), "take_profit": Decimal("1.20")}
        assert await account.submit(opening(**stops)) == Accepted(tag())
        (order,) = venue.book.orders
        (position,) = venue.book.positions.values()
        assert (order.tag, position.volume) == (tag(), Decimal("0.30"))
        assert (position.stop_loss, position.take_profit) == (Decimal("1.10"), Decimal("1.20"))
        assert position.comment is not None
        assert position.comment.startswith("API|")
        assert position.comment.endswith(f"|{tag()}")
        assert len(position.comment) <= 31
        assert await account.find(tag(), START) == Filled(
            tag(), position.position_id, Decimal("0.3"), position.open_price
        )


async def test_a_lost_answer_leaves_exactly_one_order_which_is_found(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        account = venue.account()
        venue.simulator.faults.lose_answers = 1
        with pytest.raises(SessionLost) as lost:
            await account.submit(opening())
        assert not isinstance(lost.value, RequestNotSent)
        assert len(venue.book.orders_with_tag(tag())) == 1
        found = await account.find(tag(), START)
        assert isinstance(found, Filled)
        assert list(venue.book.positions) == [found.position_id]
        assert len(venue.book.orders) == 1


async def test_a_lost_request_leaves_no_order_and_is_not_found(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        account = venue.account()
        venue.simulator.faults.lose_requests = 1
        with pytest.raises(SessionLost):
            await account.submit(opening())
        assert venue.book.orders == []
        assert await account.find(tag(), START) == NotFound(tag())


async def test_an_order_that_was_closed_again_is_found_in_the_history(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        account = venue.account()
        await account.submit(opening())
        (position,) = venue.book.positions.values()
        venue.book.close(position.position_id, Decimal("0.10"))
        venue.book.close(position.position_id)
        assert await account.find(tag(), START) == Filled(
            tag(), position.position_id, Decimal("0.3"), position.open_price
        )
        assert await account.find(tag(2), START) == NotFound(tag(2))


async def test_another_process_finds_an_order_by_its_tag_alone(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        await venue.account().submit(opening())
        assert isinstance(await venue.account().find(tag(), START), Filled)


async def test_an_order_whose_comment_is_cut_is_found_by_its_request(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        account = venue.account()
        await account.submit(opening())
        (position,) = venue.book.positions.values()
        assert position.comment is not None
        prefix = position.comment.removesuffix(tag())
        venue.book.close(position.position_id)
        venue.book.closed.clear()
        same = venue.book.open(EURUSD, Side.BUY, Decimal("0.30"), comment=prefix)
        found = await account.find(tag(), START)
        assert isinstance(found, Filled)
        assert found.position_id == same.position_id
        venue.book.open(EURUSD, Side.BUY, Decimal("0.30"), comment=prefix)
        with pytest.raises(SessionLost, match="found several"):
            await account.find(tag(), START)
        assert await venue.account().find(tag(), START) == NotFound(tag())


async def test_a_request_of_another_time_symbol_or_side_is_not_taken_for_ours(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_venue() as venue:
        account = venue.account()
        venue.simulator.faults.lose_requests = 1
        with pytest.raises(SessionLost):
            await account.submit(opening())
        await account.submit(opening(2))
        (position,) = venue.book.positions.values()
        assert position.comment is not None
        number = (int(position.comment.split("|")[1]) - 1) % 1000
        venue.book.open(EURUSD, Side.SELL, Decimal("0.30"), comment=f"API|{number}|")
        venue.book.open(Symbol("GBPUSD"), Side.BUY, Decimal("0.30"), comment=f"API|{number}|")
        assert await account.find(tag(), START) == NotFound(tag())
        venue.book.open(EURUSD, Side.BUY, Decimal("0.30"), comment=f"API|{number}|")
        assert await account.find(tag(), START - timedelta(hours=1)) == NotFound(tag())
        assert isinstance(await account.find(tag(), START), Filled)


async def test_closing_closes_the_whole(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        position = held(venue.book)
        assert await venue.account().submit(closing(position)) == Filled(tag(), position.position_id, Decimal(1))
        assert venue.book.positions == {}


async def test_reducing_leaves_the_remaining_volume_and_both_stops(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        position = held(venue.book, stop_loss=Decimal("1.10"), take_profit=Decimal("1.20"))
        report = await venue.account().submit(reducing(position, "0.70"))
        assert report == Filled(tag(), position.position_id, Decimal("0.3"))
        left = venue.book.positions[position.position_id]
        assert (left.volume, left.stop_loss, left.take_profit) == (Decimal("0.7"), Decimal("1.10"), Decimal("1.20"))


@pytest.mark.parametrize("gone", ["0.30", "0.50"])
async def test_reducing_to_what_is_held_already_is_rejected_without_an_order(
    autojump_clock: trio.testing.MockClock, gone: str
) -> None:
    async with open_venue() as venue:
        position = held(venue.book)
        action = reducing(position, "0.70")
        venue.book.close(position.position_id, Decimal(gone))
        report = await venue.account().submit(action)
        assert isinstance(report, Rejected)
        assert venue.book.positions[position.position_id].volume == Decimal(1) - Decimal(gone)


async def test_stops_are_replaced_and_removed(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        position = held(venue.book, stop_loss=Decimal("1.10"))
        action = ReplaceStops(tag(), ALIAS, position.position_id, EURUSD, None, Decimal("1.30"))
        assert await venue.account().submit(action) == StopsReplaced(tag())
        changed = venue.book.positions[position.position_id]
        assert (changed.volume, changed.stop_loss, changed.take_profit) == (Decimal(1), None, Decimal("1.30"))


async def test_actions_on_a_position_that_is_gone_are_rejected(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        position = held(venue.book)
        venue.book.close(position.position_id)
        account = venue.account()
        replacing = ReplaceStops(tag(), ALIAS, position.position_id, EURUSD, None, None)
        for action in (closing(position), reducing(position, "0.5"), replacing):
            assert isinstance(await account.submit(action), Rejected)


async def test_a_refusal_keeps_the_venues_words(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        venue.simulator.faults.reject("market closed")
        report = await venue.account().submit(opening())
        assert report == Rejected(tag(), "[BROKER_REJECTION] market closed")
        assert venue.book.positions == {}


async def test_a_position_that_cannot_be_looked_at_is_not_touched(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        position = held(venue.book)
        venue.simulator.faults.maintenance = True
        assert isinstance(await venue.account().submit(reducing(position, "0.5")), NotSent)
        assert len(venue.book.orders) == 1


async def test_a_rate_limit_says_when_to_come_back(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        venue.simulator.faults.throttle = 1
        with pytest.raises(Throttled) as caught:
            await venue.account().submit(opening())
        assert caught.value.retry_after_s == 2.0
        assert venue.book.orders == []


async def test_maintenance_leaves_the_outcome_of_an_order_unknown(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        venue.simulator.faults.maintenance = True
        account = venue.account()
        with pytest.raises(SessionLost, match="503"):
            await account.submit(opening())
        with pytest.raises(SessionLost, match="503"):
            await account.snapshot()


async def test_a_slow_answer_is_given_up_and_its_order_found(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        venue.simulator.faults.delay_s = 60
        account = venue.account()
        with pytest.raises(SessionLost, match="no answer within 30 s"):
            await account.submit(opening())
        venue.simulator.faults.delay_s = 0
        await trio.sleep(60)
        # The venue executed it after we had left: what counts is that the books are asked, and asked right.
        assert len(venue.book.orders_with_tag(tag())) == 1
        assert isinstance(await account.find(tag(), START), Filled)


async def test_no_connection_means_that_nothing_was_sent(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        venue.network.refuse(HOST, PORT, True)
        with pytest.raises(RequestNotSent):
            await venue.account().submit(opening())


async def test_a_wrong_key_is_refused_for_good_and_never_shown(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        account = venue.account("wrong-key")
        for look in (account.snapshot, account.symbols, lambda: account.submit(opening())):
            with pytest.raises(SignInRefused) as caught:
                await look()
            assert "wrong-key" not in str(caught.value)
        assert "wrong-key" not in repr(account._config)


async def test_a_netting_account_takes_no_orders_from_us(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue(OmsType.NETTING) as venue:
        account = venue.account(oms=OmsType.NETTING)
        assert not account.capabilities.trades
        assert account.capabilities.volumes_grow
        assert isinstance(await account.submit(opening()), Rejected)
        assert venue.book.orders == []


async def test_an_account_of_another_kind_than_configured_is_refused(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue(OmsType.NETTING) as venue:
        with pytest.raises(SignInRefused, match="set oms"):
            await venue.account().snapshot()


async def test_the_request_numbers_of_a_process_do_not_repeat_soon(autojump_clock: trio.testing.MockClock) -> None:
    async with open_venue() as venue:
        account = venue.account()
        for step in range(20):
            await account.submit(opening(step, "0.01"))
        numbers = [position.comment.split("|")[1] for position in venue.book.positions.values() if position.comment]
        assert len(set(numbers)) == 20


@pytest.mark.slow  # real sockets
async def test_a_lost_answer_over_tcp_leaves_exactly_one_order() -> None:
    async with open_venue() as venue, trio.open_nursery() as nursery:
        port = await nursery.start(serve_tcp, venue.simulator.service, "127.0.0.1", 0)
        account = MetaCopierAccount(
            ALIAS, config(venue.book, host="127.0.0.1", port=port), connect=connect_tcp, now=now
        )
        venue.simulator.faults.lose_answers = 1
        with pytest.raises(SessionLost):
            await account.submit(opening())
        found = await account.find(tag(), now())
        assert isinstance(found, Filled)
        assert len(venue.book.orders) == 1
        await account.aclose()
        nursery.cancel_scope.cancel()
