"""The account against the simulator: questions, orders that are sent once, and the stream, over memory and TCP."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import trio

from adapters.base import RequestNotSent, SessionLost, SignInRefused, Throttled
from adapters.secret import Secret
from adapters.simulation.broker import Purpose, Result
from adapters.tradelocker import simulator_tables
from rules.model.actions import ClosePosition, ReducePosition, ReplaceStops
from rules.model.events import (
    AccountReported,
    Origin,
    PositionClosed,
    PositionReported,
    SessionOpened,
    SnapshotReceived,
)
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Quote
from rules.model.reports import Filled, NotFound, NotSent, Rejected, StopsReplaced
from rules.model.values import ClOrdId, PositionId, Side, Symbol
from tests.adapters.tradelocker.world import (
    ALIAS,
    HOST,
    PORT,
    START,
    TAG,
    Events,
    memory_world,
    opening,
    tcp_world,
)

EURUSD = Symbol("EURUSD")
CLOSE_TAG = ClOrdId("cpzzzzzzzzzzzzzzzzzzzz")


def hold(world, volume="1.00", side=Side.BUY, **fields):
    """Open a position by hand; returns its id."""
    order = world.book.open(EURUSD, side, Decimal(volume), **fields)
    assert order.position_id is not None
    return order.position_id


def placed(world, purpose=Purpose.OPEN):
    """Return the orders in the books that were for `purpose`."""
    return [order for order in world.book.orders if order.purpose is purpose]


# Questions


async def test_symbols_are_those_of_the_account(autojump_clock):
    async with memory_world() as (world, account):
        assert set(await account.symbols()) == set(world.broker.market.instruments)


async def test_instrument_is_read_exactly_over_the_route_that_works(autojump_clock):
    async with memory_world() as (_, account):
        assert await account.instrument(EURUSD) == Instrument(
            symbol=EURUSD,
            volume_min=Decimal("0.01"),
            volume_max=Decimal(100),
            volume_step=Decimal("0.01"),
            tick_size=Decimal("0.00001"),
            contract_size=Decimal(100_000),
            profit_currency="USD",
        )
        assert await account.instrument(Symbol("NOSUCH")) is None


async def test_quote_is_read_exactly(autojump_clock):
    async with memory_world() as (world, account):
        quote = await account.quote(EURUSD)
        assert quote is not None
        assert (quote.bid, quote.ask) == (Decimal("1.16000"), Decimal("1.16008"))
        assert quote.at == world.now()
        assert await account.quote(Symbol("NOSUCH")) is None


async def test_symbol_without_quotes_has_no_quote(autojump_clock):
    async with memory_world() as (world, account):
        del world.broker.market.quotes[EURUSD]
        assert await account.quote(EURUSD) is None


async def test_snapshot_has_positions_with_tags_and_joined_stops(autojump_clock):
    async with memory_world() as (world, account):
        opened = world.book.open(
            EURUSD, Side.BUY, Decimal("1.00"), tag=TAG, stop_loss=Decimal("1.15"), take_profit=Decimal("1.17")
        )
        world.book.open(Symbol("XAUUSD"), Side.SELL, Decimal("0.02"))
        snapshot, status = await account.snapshot()
        assert (snapshot.account, snapshot.origin, snapshot.certain) == (ALIAS, Origin.RECONCILED, True)
        assert snapshot.requested_at is not None
        first, second = snapshot.positions
        assert first.position_id == opened.position_id
        assert (first.symbol, first.side, first.volume, first.tag) == (EURUSD, Side.BUY, Decimal(1), TAG)
        assert (first.stop_loss, first.take_profit) == (Decimal("1.15"), Decimal("1.17"))
        assert first.opened_at == opened.at
        assert first.contract_size == 100_000
        assert (second.symbol, second.side, second.stop_loss, second.tag) == ("XAUUSD", Side.SELL, None, None)
        assert status == world.book.status()


async def test_empty_account_has_an_empty_snapshot(autojump_clock):
    async with memory_world() as (_, account):
        snapshot, status = await account.snapshot()
        assert snapshot.positions == ()
        assert status == AccountStatus(Decimal(10_000), Decimal(10_000), "USD", Decimal(0), Decimal(10_000))


# Orders


async def test_opening_is_filled_tagged_and_found(autojump_clock):
    async with memory_world() as (world, account):
        report = await account.submit(opening(stop_loss=Decimal("1.15"), take_profit=Decimal("1.17")))
        (position,) = world.book.positions.values()
        (order,) = world.book.orders
        assert report == Filled(TAG, position.position_id, Decimal("0.10"), Decimal("1.16008"), order.order_id)
        assert (position.side, position.volume, position.tag) == (Side.BUY, Decimal("0.10"), TAG)
        assert (position.stop_loss, position.take_profit) == (Decimal("1.15"), Decimal("1.17"))
        assert await account.find(TAG, START) == report


async def test_close_closes_all_of_the_position(autojump_clock):
    async with memory_world() as (world, account):
        position_id = hold(world)
        close = ClosePosition(CLOSE_TAG, ALIAS, position_id, EURUSD, Side.BUY, Decimal(1))
        assert await account.submit(close) == Filled(CLOSE_TAG, position_id, Decimal(1))
        assert world.book.positions == {}


async def test_reduce_closes_its_part(autojump_clock):
    async with memory_world() as (world, account):
        position_id = hold(world)
        part, rest = Decimal("0.40"), Decimal("0.60")
        reduce = ReducePosition(CLOSE_TAG, ALIAS, position_id, EURUSD, Side.BUY, part, rest)
        assert await account.submit(reduce) == Filled(CLOSE_TAG, position_id, part)
        assert world.book.positions[position_id].volume == rest


async def test_close_of_a_position_that_is_gone_is_rejected(autojump_clock):
    async with memory_world() as (_, account):
        close = ClosePosition(CLOSE_TAG, ALIAS, PositionId("77"), EURUSD, Side.BUY, Decimal(1))
        assert await account.submit(close) == Rejected(CLOSE_TAG, "Position not found")


async def test_stops_are_replaced_and_none_removes_one(autojump_clock):
    async with memory_world() as (world, account):
        position_id = hold(world, stop_loss=Decimal("1.10"), take_profit=Decimal("1.20"))
        action = ReplaceStops(CLOSE_TAG, ALIAS, position_id, EURUSD, Decimal("1.15"), None)
        assert await account.submit(action) == StopsReplaced(CLOSE_TAG)
        position = world.book.positions[position_id]
        assert (position.stop_loss, position.take_profit) == (Decimal("1.15"), None)


async def test_refusal_with_http_200_is_a_rejection_in_the_venues_words(autojump_clock):
    async with memory_world() as (world, account):
        world.faults.reject("Market is closed")
        assert await account.submit(opening()) == Rejected(TAG, "Market is closed")
        assert await account.submit(opening("0.001")) == Rejected(TAG, "Invalid volume")
        bad_stop = ReplaceStops(CLOSE_TAG, ALIAS, hold(world), EURUSD, Decimal("2"), None)
        assert await account.submit(bad_stop) == Rejected(CLOSE_TAG, "Invalid stops")


async def test_instrument_that_is_not_there_is_rejected_without_a_request(autojump_clock):
    async with memory_world() as (world, account):
        report = await account.submit(opening(symbol="NOSUCH"))
        assert isinstance(report, Rejected)
        assert world.book.orders == []


async def test_lost_answer_leaves_one_order_which_find_finds(autojump_clock):
    async with memory_world() as (world, account):
        await account.snapshot()
        world.faults.lose_answers = 1
        with pytest.raises(SessionLost) as raised:
            await account.submit(opening())
        assert not isinstance(raised.value, RequestNotSent)
        (order,) = world.book.orders
        found = await account.find(TAG, world.now())
        assert found == Filled(TAG, order.position_id, Decimal("0.10"), Decimal("1.16008"), order.order_id)


async def test_lost_request_leaves_no_order_and_find_finds_nothing(autojump_clock):
    async with memory_world() as (world, account):
        world.faults.lose_requests = 1
        with pytest.raises(SessionLost):
            await account.submit(opening())
        assert world.book.orders == []
        assert await account.find(TAG, world.now()) == NotFound(TAG)


async def test_lost_answer_of_a_close_is_never_sent_again(autojump_clock):
    async with memory_world() as (world, account):
        position_id = hold(world)
        world.faults.lose_answers = 1
        reduce = ReducePosition(CLOSE_TAG, ALIAS, position_id, EURUSD, Side.BUY, Decimal("0.4"), Decimal("0.6"))
        with pytest.raises(SessionLost):
            await account.submit(reduce)
        assert [order.volume for order in placed(world, Purpose.REDUCE)] == [Decimal("0.4")]


async def test_rejected_order_is_found_as_rejected(autojump_clock):
    async with memory_world() as (world, account):
        world.faults.reject("No")
        world.faults.lose_answers = 1
        with pytest.raises(SessionLost):
            await account.submit(opening())
        assert [order.status for order in world.book.orders] == [Result.REJECTED]
        assert isinstance(await account.find(TAG, world.now()), Rejected)


async def test_closed_position_is_still_found_as_filled(autojump_clock):
    async with memory_world() as (world, account):
        report = await account.submit(opening())
        assert isinstance(report, Filled)
        world.book.close(report.position_id, tag=TAG)
        assert await account.find(TAG, world.now()) == report


async def test_rate_limit_on_an_order_is_throttled_and_nothing_is_executed(autojump_clock):
    async with memory_world() as (world, account):
        world.faults.throttle = 1
        with pytest.raises(Throttled) as raised:
            await account.submit(opening())
        assert raised.value.retry_after_s == 1
        assert world.book.orders == []


async def test_rate_limit_on_a_question_is_waited_for(autojump_clock):
    async with memory_world(rate_limits={"GET_POSITIONS": (1, 1)}) as (_, account):
        for _ in range(3):
            await account.snapshot()


async def test_no_connection_means_that_nothing_was_sent(autojump_clock):
    async with memory_world() as (world, account):
        world.network.refuse(HOST, PORT, True)
        with pytest.raises(RequestNotSent):
            await account.submit(opening())
        with pytest.raises(RequestNotSent):
            await account.submit(ClosePosition(CLOSE_TAG, ALIAS, PositionId("7"), EURUSD, Side.BUY, Decimal(1)))


async def test_sign_in_that_is_lost_on_the_way_to_an_order_means_that_nothing_was_sent(autojump_clock):
    async with memory_world() as (world, account):
        world.faults.maintenance = True
        with pytest.raises(RequestNotSent):
            await account.submit(opening())


async def test_maintenance_after_sign_in_leaves_an_order_unknown(autojump_clock):
    async with memory_world() as (world, account):
        await account.submit(opening())
        world.faults.maintenance = True
        with pytest.raises(SessionLost) as raised:
            await account.submit(opening(tag=CLOSE_TAG))
        assert not isinstance(raised.value, RequestNotSent)


async def test_expired_token_is_renewed_for_a_question_and_never_for_an_order(autojump_clock):
    async with memory_world() as (world, account):
        await account.submit(opening())
        world.faults.expire_tokens()
        report = await account.submit(opening(tag=CLOSE_TAG))
        assert isinstance(report, NotSent)
        assert len(placed(world)) == 1
        assert isinstance(await account.submit(opening(tag=CLOSE_TAG)), Filled)
        world.faults.expire_tokens()
        assert len((await account.snapshot())[0].positions) == 2


async def test_old_token_is_renewed_before_it_expires(autojump_clock):
    async with memory_world() as (_, account):
        await account.submit(opening())
        await trio.sleep(2 * 3600)
        assert isinstance(await account.submit(opening(tag=CLOSE_TAG)), Filled)
        await trio.sleep(48 * 3600)  # the refresh token is too old now as well
        assert len((await account.snapshot())[0].positions) == 2


@pytest.mark.parametrize("change", [{"password": Secret("wrong")}, {"server": "OTHER"}, {"account_id": "L#1"}])
async def test_wrong_sign_in_is_final_and_shows_no_secret(autojump_clock, change):
    async with memory_world() as (world, _):
        account = world.account(world.network.connect, f"http://{HOST}:{PORT}", **change)
        for attempt in (account.snapshot, lambda: account.submit(opening()), lambda: account.stream(Events().emit)):
            with pytest.raises(SignInRefused) as raised:
                await attempt()
            assert "wrong" not in str(raised.value)
        await account.aclose()


async def test_accounts_of_one_login_share_its_tokens(autojump_clock):
    async with memory_world() as (world, account):
        other = world.account(world.network.connect, f"http://{HOST}:{PORT}", "D#5", environment="live")
        await account.snapshot()
        world.faults.refuse_sign_in = True  # from here on nobody gets a new token
        _, status = await other.snapshot()
        assert (status.balance, status.currency) == (Decimal(5_000), "EUR")
        await other.aclose()


# The stream


async def test_stream_opens_synchronizes_and_follows(autojump_clock):
    async with memory_world() as (world, account):
        position_id = hold(world, stop_loss=Decimal("1.15"))
        events = Events()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(account.stream, events.emit)
            snapshot = await events.next(SnapshotReceived)
            assert isinstance(events.all[0], SessionOpened)
            assert (snapshot.requested_at, snapshot.certain) == (None, True)
            assert [(each.position_id, each.stop_loss) for each in snapshot.positions] == [
                (position_id, Decimal("1.15"))
            ]
            start = len(events.all)
            world.book.replace_stops(position_id, Decimal("1.14"), Decimal("1.18"))
            await trio.sleep(1)
            reported = [event.position for event in events.all[start:] if isinstance(event, PositionReported)]
            assert (reported[-1].stop_loss, reported[-1].take_profit) == (Decimal("1.14"), Decimal("1.18"))
            world.book.close(position_id, Decimal("0.25"))
            await trio.sleep(1)
            assert [e.position.volume for e in events.all if isinstance(e, PositionReported)][-1] == Decimal("0.75")
            world.book.close(position_id)
            closed = await events.next(PositionClosed)
            assert (closed.position_id, closed.close_price) == (position_id, Decimal("1.16"))
            world.broker.market.set_quote(Quote(EURUSD, Decimal("1.2"), Decimal("1.2001"), world.now()))
            assert isinstance(await events.next(AccountReported), AccountReported)
            nursery.cancel_scope.cancel()


async def test_streamed_and_asked_positions_are_the_same(autojump_clock):
    async with memory_world() as (world, account):
        hold(world, stop_loss=Decimal("1.15"))
        events = Events()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(account.stream, events.emit)
            streamed = await events.next(SnapshotReceived)
            nursery.cancel_scope.cancel()
        asked, _ = await account.snapshot()
        assert streamed.positions == asked.positions


async def test_rest_time_that_differs_does_not_make_another_life_of_a_position(autojump_clock, monkeypatch):
    told = simulator_tables.milliseconds
    monkeypatch.setattr(simulator_tables, "milliseconds", lambda at: str(int(told(at)) + 465))
    async with memory_world() as (world, account):
        hold(world)
        events = Events()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(account.stream, events.emit)
            streamed = await events.next(SnapshotReceived)
            nursery.cancel_scope.cancel()
        asked, _ = await account.snapshot()
        assert streamed.positions == asked.positions


async def test_cut_stream_is_lost_and_the_next_session_has_a_snapshot(autojump_clock):
    async with memory_world() as (world, account):
        for _ in range(2):
            events = Events()
            async with trio.open_nursery() as nursery:

                async def cut_once_synchronized(events=events):
                    await events.next(SnapshotReceived)
                    world.faults.drop_streams()

                nursery.start_soon(cut_once_synchronized)
                with pytest.raises(SessionLost):
                    await account.stream(events.emit)


async def test_half_open_stream_is_noticed_by_its_silence(autojump_clock):
    async with memory_world() as (world, account):
        events = Events()
        async with trio.open_nursery() as nursery:

            async def go_silent():
                await events.next(SnapshotReceived)
                world.faults.half_open = True

            nursery.start_soon(go_silent)
            with pytest.raises(SessionLost, match="silent for 45 s"):
                await account.stream(events.emit)


async def test_quiet_stream_lives_on_by_pings(autojump_clock):
    async with memory_world() as (world, account):
        events = Events()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(account.stream, events.emit)
            await events.next(SnapshotReceived)
            await trio.sleep(600)
            hold(world)
            await events.next(PositionReported)
            nursery.cancel_scope.cancel()


async def test_expired_stream_token_is_replaced_by_the_next_session(autojump_clock):
    async with memory_world() as (world, account):
        events = Events()
        with trio.move_on_after(1):
            await account.stream(events.emit)
        world.faults.expire_tokens()
        with pytest.raises(SessionLost, match="invalidJwt"):
            await account.stream(events.emit)
        again = Events()
        with trio.move_on_after(1):
            await account.stream(again.emit)
        assert any(isinstance(event, SnapshotReceived) for event in again.all)


async def test_wrong_developer_key_is_final_and_not_shown(autojump_clock):
    async with memory_world() as (world, _):
        account = world.account(world.network.connect, f"http://{HOST}:{PORT}", developer_api_key=Secret("wr0ng"))
        with pytest.raises(SignInRefused) as raised:
            await account.stream(Events().emit)
        assert "wr0ng" not in str(raised.value)
        await account.aclose()


async def test_account_without_developer_key_trades_and_does_not_stream(autojump_clock):
    async with memory_world() as (world, _):
        account = world.account(world.network.connect, f"http://{HOST}:{PORT}", developer_api_key=None)
        assert not account.capabilities.streams
        with pytest.raises(SignInRefused, match="developer_api_key"):
            await account.stream(Events().emit)
        assert isinstance(await account.submit(opening()), Filled)
        await account.aclose()


async def test_lost_initial_position_ends_the_session_instead_of_looking_closed(autojump_clock):
    async with memory_world() as (world, account):
        hold(world)
        world.faults.drop_messages = 2  # the figures, then the position
        events = Events()
        with pytest.raises(SessionLost, match="open in the books only"):
            await account.stream(events.emit)
        assert not any(isinstance(event, SnapshotReceived) for event in events.all)


async def test_initial_state_that_never_ends_is_given_up(autojump_clock):
    async with memory_world() as (world, account):
        world.faults.drop_messages = 2  # the figures, then SyncEnd
        start = trio.current_time()
        with pytest.raises(SessionLost, match="end of the initial state"):
            await account.stream(Events().emit)
        assert 60 <= trio.current_time() - start < 62


async def test_initial_state_that_cannot_be_confirmed_is_not_given_out(autojump_clock):
    async with memory_world() as (world, account):
        events = []

        async def emit(event):
            await trio.lowlevel.checkpoint()
            events.append(event)
            world.faults.maintenance = True  # from here on the REST API is down

        with pytest.raises(SessionLost, match="503"):
            await account.stream(emit)
        assert [type(event) for event in events] == [SessionOpened]


async def test_lost_protective_order_is_made_up_from_the_books(autojump_clock):
    async with memory_world() as (world, account):
        events = Events()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(account.stream, events.emit)
            await events.next(SnapshotReceived)
            world.faults.drop_messages = 1
            hold(world, stop_loss=Decimal("1.15"))
            await trio.sleep(2)
            reported = [event.position.stop_loss for event in events.all if isinstance(event, PositionReported)]
            assert reported == [None, Decimal("1.15")]
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("fault", ["duplicate_messages", "reorder_messages"])
async def test_twisted_streams_end_at_the_truth(autojump_clock, fault):
    async with memory_world() as (world, account):
        events = Events()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(account.stream, events.emit)
            await events.next(SnapshotReceived)
            setattr(world.faults, fault, 20)
            kept = hold(world, "2.00", stop_loss=Decimal("1.15"))
            gone = hold(world, "3.00")
            world.book.close(kept, Decimal("0.5"))
            world.book.close(gone)
            world.book.deposit(Decimal(1))
            await trio.sleep(3)
            nursery.cancel_scope.cancel()
        last = {}
        for event in events.all:
            if isinstance(event, PositionReported):
                last[event.position.position_id] = event.position
            elif isinstance(event, PositionClosed):
                last[event.position_id] = None
        assert last[gone] is None
        assert last[kept].stop_loss == Decimal("1.15")


@pytest.mark.parametrize("shape", [{"sync_end_names_account": True}, {"answers_by_event": True}])
async def test_both_undocumented_shapes_synchronize(autojump_clock, shape):
    async with memory_world(**shape) as (_, account):
        events = Events()
        with trio.move_on_after(5):
            await account.stream(events.emit)
        assert [type(event) for event in events.all] == [SessionOpened, AccountReported, SnapshotReceived]


# slow: real sockets
@pytest.mark.slow
async def test_trades_and_streams_over_tcp():
    async with tcp_world() as (world, account):
        events = Events()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(account.stream, events.emit)
            await events.next(SnapshotReceived)
            report = await account.submit(opening())
            assert isinstance(report, Filled)
            reported = await events.next(PositionReported)
            assert reported.position.position_id == report.position_id
            world.faults.lose_answers = 1
            with pytest.raises(SessionLost):
                await account.submit(opening(tag=CLOSE_TAG))
            assert len(placed(world)) == 2
            found = await account.find(CLOSE_TAG, datetime.now(UTC) - timedelta(days=365 * 5))
            assert isinstance(found, Filled)
            nursery.cancel_scope.cancel()
