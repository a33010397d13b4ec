"""The account over the simulated venue: what an answer means, gaps, other platforms, and lost lines."""

from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal

import pytest
import trio
from attrs import evolve

from adapters.base import RemoteProtocolError, RequestNotSent, SessionLost, SignInRefused, Throttled
from adapters.metaapi.driver import MetaApiAccount
from adapters.metaapi.simulator import Simulator
from adapters.secret import Secret
from adapters.simulation.broker import Broker
from adapters.simulation.market import Market
from adapters.transport.network import MemoryNetwork
from rules.model.actions import (
    CancelOrder,
    ClosePosition,
    OpenPosition,
    PlaceOrder,
    ReducePosition,
    ReplaceOrder,
    ReplaceStops,
)
from rules.model.events import PositionClosed, PositionReported, SessionOpened, SnapshotReceived
from rules.model.observed import Fill
from rules.model.reports import (
    Accepted,
    Canceled,
    Filled,
    NotFound,
    NotSent,
    Placed,
    Rejected,
    Replaced,
    StopsReplaced,
)
from rules.model.values import ClOrdId, OmsType, OrderType, PositionId, Side, Symbol, VenueOrderId
from tests.adapters.metaapi.frames import ACCOUNT, ALIAS, row
from tests.adapters.metaapi.scripted import config, now, open_server

HOST, PORT = "metaapi.test", 80
ORIGIN = f"http://{HOST}:{PORT}"
EURUSD = Symbol("EURUSD")
TAG = ClOrdId("cpabcdefghijklmnopqrst")
OPENING = OpenPosition(TAG, ALIAS, EURUSD, Side.BUY, Decimal("0.30"))


class World:
    def __init__(self, oms=OmsType.HEDGING, **settings) -> None:
        self.broker = Broker(Market.default(now()), now)
        self.book = self.broker.add_account("master", oms, Decimal(10_000))
        self.simulator = Simulator(self.broker, now=now, **settings)
        self.faults = self.simulator.faults
        self.events = []
        self.changed = trio.Event()

    def account(self, **changes) -> MetaApiAccount:
        settings = evolve(self.simulator.config("master", ORIGIN), **changes)
        return MetaApiAccount(ALIAS, settings, connect=self.network.connect, now=now)

    async def emit(self, event) -> None:
        self.events.append(event)
        self.changed.set()
        self.changed = trio.Event()

    async def next(self, kind, after=0):
        """Return the first event of that kind at or behind an index, waiting for it."""
        with trio.fail_after(200):
            while True:
                for event in self.events[after:]:
                    if isinstance(event, kind):
                        return event
                await self.changed.wait()


@asynccontextmanager
async def open_world(oms=OmsType.HEDGING, **settings):
    world = World(oms, **settings)
    async with trio.open_nursery() as nursery:
        world.network = MemoryNetwork(nursery)
        world.network.listen(HOST, PORT, world.simulator.service.serve_stream)
        account = world.account()
        yield world, account
        await account.aclose()
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def streaming(world, account):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(account.stream, world.emit)
        await world.next(SnapshotReceived)
        yield
        nursery.cancel_scope.cancel()


# Orders whose answer says less than all


@asynccontextmanager
async def answering(magic=None, **answers):
    """An account at a venue that answers trades as the test says, and has no deals."""
    async with open_server() as (server, network):
        nothing = {"orders": [], "deals": [], "historyOrders": [], "positions": []}
        kinds = (
            "getOrders",
            "getDealsByTimeRange",
            "getHistoryOrdersByTimeRange",
            "getPositions",
            "getDealsByPosition",
        )
        server.answers = {**{kind: [nothing] for kind in kinds}, **answers}
        account = MetaApiAccount(ALIAS, config(oms=OmsType.HEDGING, magic=magic), connect=network.connect, now=now)
        yield server, account
        await account.aclose()


def result(code, name="X", **fields):
    return [{"response": {"numericCode": code, "stringCode": name, "message": "words", **fields}}]


CLOSE = ClosePosition(TAG, ALIAS, PositionId("7"), EURUSD, Side.BUY, Decimal("0.30"))
REDUCE = ReducePosition(TAG, ALIAS, PositionId("7"), EURUSD, Side.BUY, Decimal("0.10"), Decimal("0.20"))
STOPS = ReplaceStops(TAG, ALIAS, PositionId("7"), EURUSD, Decimal(1), None)


@pytest.mark.parametrize(
    ("action", "code", "kind"),
    [
        (OPENING, 10009, Accepted),
        (OPENING, 10008, Accepted),
        (OPENING, 10010, Accepted),
        (CLOSE, 10009, Filled),
        (CLOSE, 0, Filled),
        (CLOSE, 10010, Accepted),
        (CLOSE, 10008, Accepted),
        (REDUCE, 10009, Filled),
        (STOPS, 10009, StopsReplaced),
        (STOPS, 10025, StopsReplaced),
        (OPENING, 10019, Rejected),
        (CLOSE, 10018, Rejected),
        (CLOSE, 4753, Rejected),
        (REDUCE, 10036, Rejected),
        (OPENING, -10, NotSent),
        (OPENING, -6, NotSent),
    ],
)
async def test_a_result_code_is_a_report(autojump_clock, action, code, kind):
    async with answering(trade=result(code, orderId="70", positionId="7")) as (server, account):
        report = await account.submit(action)
        assert isinstance(report, kind)
        if kind is Rejected:
            assert report.text == f"words (X, {code})"
        if kind is Filled:
            assert (report.position_id, report.volume) == ("7", action.volume)
        assert server.count("trade") == 1


@pytest.mark.parametrize("code", [-11, -7, -1, 1, 10012, 128, 10004, 10021, 136, 138, 99999])
async def test_a_doubtful_code_is_an_unknown_outcome(autojump_clock, code):
    async with answering(trade=result(code)) as (server, account):
        with pytest.raises(SessionLost, match="unknown") as lost:
            await account.submit(OPENING)
        assert not isinstance(lost.value, RequestNotSent)
        assert server.count("trade") == 1
        assert await account.find(TAG, now()) == NotFound(TAG)


@pytest.mark.parametrize("answer", [{}, {"response": None}, {"response": []}, {"response": {}}])
async def test_an_answer_that_says_nothing_is_an_unknown_outcome(autojump_clock, answer):
    async with answering(trade=[answer]) as (_, account):
        with pytest.raises(SessionLost) as lost:
            await account.submit(OPENING)
        assert not isinstance(lost.value, RequestNotSent)


@pytest.mark.parametrize(
    ("error", "fields", "kind"),
    [
        ("ValidationError", {}, Rejected),
        ("NotFoundError", {}, Rejected),
        ("NotSynchronizedError", {}, NotSent),
        ("NotAuthenticatedError", {}, NotSent),
        ("TradeError", {"numericCode": 10016, "stringCode": "TRADE_RETCODE_INVALID_STOPS"}, Rejected),
        ("TradeError", {"stringCode": "ERR_NO_QUOTES"}, NotSent),
    ],
)
async def test_an_error_in_place_of_a_result_is_a_report(autojump_clock, error, fields, kind):
    async with answering(trade=[(error, fields)]) as (_, account):
        report = await account.submit(OPENING)
        assert isinstance(report, kind)
        assert "words" in (report.text if kind is Rejected else report.reason)


@pytest.mark.parametrize(
    ("error", "fields"),
    [
        ("TimeoutError", {}),
        ("InternalError", {}),
        ("NewError", {}),
        ("TradeError", {}),
        ("TradeError", {"numericCode": 0}),
    ],
)
async def test_an_error_that_leaves_doubt_is_an_unknown_outcome(autojump_clock, error, fields):
    async with answering(trade=[(error, fields)]) as (_, account):
        with pytest.raises(SessionLost, match="words") as lost:
            await account.submit(OPENING)
        assert not isinstance(lost.value, RequestNotSent)


@pytest.mark.parametrize("error", ["UnauthorizedError", "ForbiddenError"])
async def test_a_refused_token_is_final(autojump_clock, error):
    async with answering(trade=[(error, {})], getPositions=[(error, {})]) as (_, account):
        with pytest.raises(SignInRefused):
            await account.submit(OPENING)
        with pytest.raises(SignInRefused):
            await account.snapshot()


async def test_a_rate_limit_says_when_to_come_again(autojump_clock):
    until = {"metadata": {"recommendedRetryTime": (now() + timedelta(seconds=7)).isoformat()}}
    async with answering(trade=[("TooManyRequestsError", until)], getPositions=[("TooManyRequestsError", until)]) as (
        _,
        account,
    ):
        with pytest.raises(Throttled) as throttled:
            await account.submit(OPENING)
        assert throttled.value.retry_after_s == pytest.approx(7)
        with pytest.raises(SessionLost, match="TooManyRequestsError"):
            await account.snapshot()


@pytest.mark.parametrize("code", [10024, 8, 141])
async def test_a_busy_broker_is_waited_for(autojump_clock, code):
    async with answering(trade=result(code)) as (_, account):
        with pytest.raises(Throttled) as throttled:
            await account.submit(OPENING)
        assert throttled.value.retry_after_s == 5


async def test_the_deals_of_the_order_tell_its_lots_and_price(autojump_clock):
    deals = [
        {
            "id": n,
            "type": "DEAL_TYPE_BUY",
            "volume": 0.1,
            "price": price,
            "positionId": 7,
            "orderId": order,
            "profit": 0,
        }
        for n, (price, order) in enumerate([(1.1, 70), (1.2, 70), (9.9, 71)])
    ]
    answers = {"trade": result(10010, orderId="70", positionId="7"), "getDealsByPosition": [{"deals": deals}]}
    async with answering(**answers) as (server, account):
        report = await account.submit(OPENING)
        assert report == Filled(TAG, PositionId("7"), Decimal("0.2"), Decimal("1.15"), VenueOrderId("70"))
        [trade] = [request["trade"] for request in server.heard if request["type"] == "trade"]
        assert trade["clientId"] == f"c_{TAG}_0"


async def test_a_look_for_the_deals_that_takes_too_long_is_given_up(autojump_clock):
    answers = {"trade": result(10009, orderId="70", positionId="7"), "getDealsByPosition": [None]}
    async with answering(**answers) as (_, account):
        started = trio.current_time()
        assert await account.submit(OPENING) == Accepted(TAG, VenueOrderId("70"))
        assert trio.current_time() - started == pytest.approx(2)


async def test_find_looks_into_every_book(autojump_clock):
    order = {"id": 70, "type": "ORDER_TYPE_BUY", "volume": 0.3, "clientId": f"c_{TAG}_0", "positionId": "7"}
    working = {"orders": [{**order, "state": "ORDER_STATE_STARTED", "currentVolume": 0.3}]}
    done = {"historyOrders": [{**order, "state": "ORDER_STATE_FILLED", "currentVolume": 0}]}
    held = {"positions": [row("7", clientId=f"c_{TAG}_0")]}
    async with answering(getOrders=[working]) as (_, account):
        assert await account.find(TAG, now()) == Accepted(TAG, VenueOrderId("70"))
    async with answering(getHistoryOrdersByTimeRange=[done]) as (_, account):
        assert await account.find(TAG, now()) == Filled(
            TAG, PositionId("7"), Decimal("0.3"), venue_order_id=VenueOrderId("70")
        )
    async with answering(getPositions=[held]) as (_, account):
        assert await account.find(TAG, now()) == Filled(TAG, PositionId("7"), Decimal("0.3"), Decimal("1.26101"))


@pytest.mark.slow  # twenty thousand deals
async def test_a_long_history_is_read_page_by_page(autojump_clock):
    def deals(asked):
        numbers = range(asked["offset"], min(asked["offset"] + asked["limit"], 2500))
        return {"deals": [deal(number) for number in numbers]}

    def deal(number):
        tag = {"clientId": f"c_{TAG}_0"} if number == 2400 else {}
        made = {"id": number, "type": "DEAL_TYPE_BUY", "volume": 1, "price": 2, "positionId": number, "orderId": number}
        return {**made, **tag, "profit": 0}

    async with answering(getDealsByTimeRange=[deals]) as (server, account):
        found = await account.find(TAG, now())
        assert found == Filled(TAG, PositionId("2400"), Decimal(1), Decimal(2), VenueOrderId("2400"))
        assert server.count("getDealsByTimeRange") == 3
    async with answering(getDealsByTimeRange=[lambda asked: {"deals": [deal(0)] * 1000}]) as (_, account):
        with pytest.raises(SessionLost, match="found more"):
            await account.find(TAG, now())


def nameless(number, **fields):
    """Return a deal whose client id the broker has lost."""
    made = {
        "id": number,
        "type": "DEAL_TYPE_BUY",
        "symbol": "EURUSD",
        "volume": Decimal("0.3"),
        "price": Decimal("1.1"),
    }
    return {**made, "time": "2026-11-20T12:00:05.000Z", "positionId": number, "orderId": number, "magic": 5, **fields}


@pytest.mark.parametrize(
    ("deals", "magic", "kind"),
    [
        ([nameless(1)], 5, Filled),
        ([nameless(1), nameless(2)], 5, Rejected),
        ([nameless(1)], None, Rejected),
        ([nameless(1)], 6, NotFound),
        ([nameless(1, type="DEAL_TYPE_SELL")], 5, NotFound),
        ([nameless(1, symbol="GBPUSD")], 5, NotFound),
        ([nameless(1, volume=Decimal("0.2"))], 5, NotFound),
        ([nameless(1, clientId="a_b_c")], 5, NotFound),
        ([nameless(1, time="2026-11-20T12:05:00.000Z")], 5, NotFound),
        ([], 5, NotFound),
    ],
)
async def test_an_order_whose_client_id_the_broker_lost_is_not_sent_again(autojump_clock, deals, magic, kind):
    first = evolve(OPENING, cl_ord_id=ClOrdId("cpbcdefghijklmnopqrstu"))
    trades = [*result(10009, orderId="9", positionId="9"), "drop"]
    known = {"getDealsByPosition": [{"deals": [nameless(9)]}]}
    async with answering(magic=magic, trade=trades, getDealsByTimeRange=[{"deals": deals}], **known) as (
        server,
        account,
    ):
        assert isinstance(await account.submit(first), Filled)
        submitted_at = now()
        with pytest.raises(SessionLost):
            await account.submit(OPENING)
        assert await account.find(TAG, submitted_at) == NotFound(TAG)  # the books may still show it by its name
        await trio.sleep(account.capabilities.settle_s)
        assert isinstance(await account.find(TAG, submitted_at), kind)
        never = ClOrdId("cpcdefghijklmnopqrstuv")
        assert await account.find(never, submitted_at) == NotFound(never)
        assert server.count("trade") == 2


async def test_a_nameless_deal_is_somebody_elses_where_the_broker_keeps_client_ids(autojump_clock):
    kept = {"getDealsByPosition": [{"deals": [nameless(9, clientId=f"c_{TAG}_0")]}]}
    trades = [*result(10009, orderId="9", positionId="9"), "drop"]
    async with answering(trade=trades, getDealsByTimeRange=[{"deals": [nameless(1)]}], **kept) as (_, account):
        assert isinstance(await account.submit(OPENING), Filled)
        second, submitted_at = ClOrdId("cpbcdefghijklmnopqrstu"), now()
        with pytest.raises(SessionLost):
            await account.submit(evolve(OPENING, cl_ord_id=second))
        await trio.sleep(account.capabilities.settle_s)
        assert await account.find(second, submitted_at) == NotFound(second)


PLACE = PlaceOrder(TAG, ALIAS, EURUSD, Side.BUY, OrderType.LIMIT, Decimal("0.1"), Decimal(1))
ORDER = (VenueOrderId("70"), EURUSD)
REPLACE = ReplaceOrder(TAG, ALIAS, *ORDER, Side.BUY, OrderType.LIMIT, Decimal(1), None, None, None)
CANCEL = CancelOrder(TAG, ALIAS, *ORDER)


@pytest.mark.parametrize(
    ("action", "code", "report"),
    [
        (PLACE, 10009, Placed(TAG, VenueOrderId("70"))),
        (PLACE, 10008, Placed(TAG, VenueOrderId("70"))),
        (REPLACE, 10009, Replaced(TAG)),
        (REPLACE, 10025, Replaced(TAG)),
        (REPLACE, 10008, Accepted(TAG, VenueOrderId("70"))),
        (CANCEL, 0, Canceled(TAG)),
        (CANCEL, 10008, Accepted(TAG, VenueOrderId("70"))),
        (CANCEL, 4754, Rejected(TAG, "words (X, 4754)")),
        (PLACE, 10015, Rejected(TAG, "words (X, 10015)")),
    ],
)
async def test_a_result_code_is_a_report_about_a_pending_order(autojump_clock, action, code, report):
    async with answering(trade=result(code, orderId=70)) as (server, account):
        assert await account.submit(action) == report
        assert server.count("trade") == 1


async def test_a_placing_that_names_no_order_is_looked_for(autojump_clock):
    async with answering(trade=result(10009)) as (_, account):
        assert await account.submit(PLACE) == Accepted(TAG)


# Over the simulated venue


async def test_the_magic_is_that_of_the_config(autojump_clock):
    async with open_world() as (world, _):
        account = world.account(magic=4711)
        assert isinstance(await account.submit(OPENING), Filled)
        [position] = world.book.positions.values()
        assert position.magic == "4711"
        snapshot, _ = await account.snapshot()
        assert [(each.magic, each.tag) for each in snapshot.positions] == [("4711", TAG)]
        await account.aclose()


@pytest.mark.parametrize("trade_errors", [False, True])
async def test_a_refusal_comes_in_the_venues_words_in_either_form(autojump_clock, trade_errors):
    async with open_world(trade_errors=trade_errors) as (_, account):
        report = await account.submit(evolve(OPENING, stop_loss=Decimal(2)))
        assert isinstance(report, Rejected)
        assert "Invalid stops" in report.text


@pytest.mark.parametrize("update_type", ["update", "status"])
async def test_updates_are_heard_by_either_name(autojump_clock, update_type):
    async with open_world(update_type=update_type) as (world, account), streaming(world, account):
        order = world.book.open(EURUSD, Side.BUY, Decimal("0.10"))
        reported = await world.next(PositionReported)
        assert reported.position.position_id == order.position_id
        world.book.close(order.position_id)
        closed = await world.next(PositionClosed)
        assert (closed.position_id, closed.close_price) == (order.position_id, world.book.closed[-1].close_price)


async def test_a_lost_packet_is_healed_within_two_seconds(autojump_clock):
    async with open_world() as (world, account), streaming(world, account):
        told = len(world.events)
        world.faults.drop_messages = 1
        world.book.open(EURUSD, Side.BUY, Decimal("0.10"))
        await trio.sleep(0.1)
        world.book.open(EURUSD, Side.BUY, Decimal("0.20"))
        started = trio.current_time()
        snapshot = await world.next(SnapshotReceived, told)
        assert trio.current_time() - started < 2
        assert sorted(position.volume for position in snapshot.positions) == [Decimal("0.10"), Decimal("0.20")]
        assert len([event for event in world.events if isinstance(event, SessionOpened)]) == 1


async def test_another_host_leads_on_when_the_first_one_goes(autojump_clock):
    async with open_world(hosts=("a", "b")) as (world, account), streaming(world, account):
        order = world.book.open(EURUSD, Side.BUY, Decimal("0.10"))
        await world.next(PositionReported)
        await trio.sleep(1)
        told = len(world.events)
        world.simulator.desk("master").take_down("a")
        snapshot = await world.next(SnapshotReceived, told)
        assert [position.position_id for position in snapshot.positions] == [order.position_id]
        world.book.close(order.position_id)
        assert (await world.next(PositionClosed)).position_id == order.position_id
        closes = [event for event in world.events if isinstance(event, PositionClosed)]
        assert len(closes) == 1


async def test_a_terminal_that_goes_away_ends_the_stream_and_a_later_one_waits_for_it(autojump_clock):
    async with open_world() as (world, account):
        desk = world.simulator.desk("master")

        async def bring_up():
            await trio.sleep(30)
            desk.bring_up()

        async def run() -> None:
            with pytest.raises(SessionLost, match="disconnected"):
                await account.stream(world.emit)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            await world.next(SnapshotReceived)
            desk.take_down()
        world.book.open(EURUSD, Side.BUY, Decimal("0.10"))
        world.events.clear()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bring_up)
            async with streaming(world, account):
                assert [type(event) for event in world.events[:2]] == [SessionOpened, SnapshotReceived]
                assert len(world.events[1].positions) == 1


async def test_metatrader_4_positions_keep_their_id_over_partial_closes(autojump_clock):
    async with open_world(mt4=True) as (world, account), streaming(world, account):
        report = await account.submit(OPENING)
        assert isinstance(report, Filled)
        position_id = report.position_id
        for number, left in enumerate(("0.20", "0.10")):
            told = len(world.events)
            action = ReducePosition(
                ClOrdId(f"cpbcdefghijklmnopqrs2{number + 2}"),
                ALIAS,
                position_id,
                EURUSD,
                Side.BUY,
                Decimal("0.10"),
                Decimal(left),
            )
            report = await account.submit(action)
            assert isinstance(report, Filled)
            assert (report.position_id, report.volume) == (position_id, Decimal("0.10"))
            reported = await world.next(PositionReported, told)
            assert (reported.position.position_id, reported.position.volume) == (position_id, Decimal(left))
            snapshot, _ = await account.snapshot()
            assert [(each.position_id, each.volume) for each in snapshot.positions] == [(position_id, Decimal(left))]
        stops = ReplaceStops(TAG, ALIAS, position_id, EURUSD, Decimal("1.10"), None)
        assert await account.submit(stops) == StopsReplaced(TAG)
        close = ClosePosition(TAG, ALIAS, position_id, EURUSD, Side.BUY, Decimal("0.10"))
        assert isinstance(await account.submit(close), Filled)
        assert not world.book.positions
        assert (await world.next(PositionClosed)).position_id == position_id
        assert not [
            event for event in world.events if isinstance(event, PositionClosed) and event.position_id != position_id
        ]


async def test_metatrader_4_positions_can_be_closed_in_parts_without_a_stream(autojump_clock):
    async with open_world(mt4=True) as (world, account):
        order = world.book.open(EURUSD, Side.BUY, Decimal("0.30"))
        for number, left in enumerate(("0.20", "0.10")):
            tag = ClOrdId(f"cpbcdefghijklmnopqrs2{number + 2}")
            reduce = evolve(REDUCE, cl_ord_id=tag, position_id=order.position_id, remaining=Decimal(left))
            assert isinstance(await account.submit(reduce), Filled)
        assert [held.volume for held in world.book.positions.values()] == [Decimal("0.10")]
        stops = ReplaceStops(TAG, ALIAS, order.position_id, EURUSD, Decimal("1.10"), None)
        assert await account.submit(stops) == StopsReplaced(TAG)


async def test_a_new_process_knows_a_metatrader_4_position_after_one_partial_close(autojump_clock):
    async with open_world(mt4=True) as (world, _):
        order = world.book.open(EURUSD, Side.BUY, Decimal("0.30"))
        world.book.close(order.position_id, Decimal("0.10"))
        again = world.account()
        snapshot, _ = await again.snapshot()
        assert [each.position_id for each in snapshot.positions] == [order.position_id]
        close = ClosePosition(TAG, ALIAS, order.position_id, EURUSD, Side.BUY, Decimal("0.20"))
        assert isinstance(await again.submit(close), Filled)
        assert not world.book.positions
        await again.aclose()


async def test_a_metatrader_4_position_that_is_opened_and_partly_closed_at_once_is_one_position(autojump_clock):
    """Its first ticket is never told as open; another position that was opened in the same moment stays what it is."""
    async with open_world(mt4=True) as (world, account), streaming(world, account):
        twin = world.book.open(EURUSD, Side.BUY, Decimal("0.30")).position_id
        assert (await world.next(PositionReported)).position.position_id == twin
        told = len(world.events)
        first = world.book.open(EURUSD, Side.BUY, Decimal("0.30")).position_id
        world.book.close(first, Decimal("0.10"))
        reported = await world.next(PositionReported, told)
        assert reported.position.opened_at == world.book.positions[twin].opened_at
        assert (reported.position.position_id, reported.position.volume) == (first, Decimal("0.20"))
        held = {twin: Decimal("0.30"), first: Decimal("0.20")}
        for look in (account.snapshot, world.account().snapshot):
            snapshot, _ = await look()
            assert {each.position_id: each.volume for each in snapshot.positions} == held
        world.book.close(first, Decimal("0.10"))
        reported = await world.next(PositionReported, len(world.events))
        assert (reported.position.position_id, reported.position.volume) == (first, Decimal("0.10"))
        assert not [event for event in world.events if isinstance(event, PositionClosed)]
        close = ClosePosition(TAG, ALIAS, first, EURUSD, Side.BUY, Decimal("0.10"))
        assert isinstance(await account.submit(close), Filled)
        assert (await world.next(PositionClosed)).position_id == first
        assert [*world.book.positions] == [twin]
        assert [event.position_id for event in world.events if isinstance(event, PositionClosed)] == [first]


async def test_a_metatrader_4_position_that_is_partly_closed_twice_at_once_with_its_opening_is_one_position(
    autojump_clock,
):
    async with open_world(mt4=True) as (world, account), streaming(world, account):
        told = len(world.events)
        first = world.book.open(EURUSD, Side.BUY, Decimal("0.30")).position_id
        for _ in range(2):
            world.book.close(first, Decimal("0.10"))
        reported = await world.next(PositionReported, told)
        assert reported.position.volume == Decimal("0.10")
        position_id = reported.position.position_id  # the ticket before the last: of the first one nobody tells
        for look in (account.snapshot, world.account().snapshot):
            snapshot, _ = await look()
            assert [(each.position_id, each.volume) for each in snapshot.positions] == [(position_id, Decimal("0.10"))]
        close = ClosePosition(TAG, ALIAS, position_id, EURUSD, Side.BUY, Decimal("0.10"))
        assert isinstance(await account.submit(close), Filled)
        assert (await world.next(PositionClosed)).position_id == position_id
        assert len([event for event in world.events if isinstance(event, PositionClosed)]) == 1


async def test_a_metatrader_4_position_that_is_opened_and_closed_at_once_was_never_there(autojump_clock):
    async with open_world(mt4=True) as (world, account), streaming(world, account):
        told = len(world.events)
        first = world.book.open(EURUSD, Side.BUY, Decimal("0.30")).position_id
        world.book.close(first, Decimal("0.10"))
        world.book.close(first)
        await trio.sleep(30)
        assert not [each for each in world.events[told:] if isinstance(each, PositionReported | PositionClosed)]


def netted(kind=ClosePosition, volume="0.10", side=Side.BUY, locked="0", **fields):
    position = (PositionId("1"), EURUSD, side, Decimal(volume))
    return kind(TAG, ALIAS, *position, locked=Decimal(locked), **fields)


async def test_a_netted_close_takes_only_our_part(autojump_clock):
    async with open_world(OmsType.NETTING) as (world, account):
        world.book.open(EURUSD, Side.BUY, Decimal("0.30"))
        report = await account.submit(netted())
        assert isinstance(report, Filled)
        assert report.volume == Decimal("0.10")
        [left] = world.book.positions.values()
        assert left.volume == Decimal("0.20")
        assert isinstance(await account.find(TAG, now()), Filled)


async def test_a_netted_close_never_takes_more_than_is_there(autojump_clock):
    async with open_world(OmsType.NETTING) as (world, account):
        world.book.open(EURUSD, Side.BUY, Decimal("0.05"))
        report = await account.submit(netted())
        assert isinstance(report, Filled)
        assert report.volume == Decimal("0.05")
        assert not world.book.positions
        assert isinstance(await account.submit(netted()), Rejected)
        world.book.open(EURUSD, Side.SELL, Decimal("0.05"))
        assert isinstance(await account.submit(netted()), Rejected)
        assert len(world.book.positions) == 1


async def test_a_netted_close_of_all_that_it_saw_leaves_what_came_since(autojump_clock):
    async with open_world(OmsType.NETTING) as (world, account):
        world.book.open(EURUSD, Side.BUY, Decimal("0.10"))
        await account.snapshot()
        world.faults.delay_s = 1.0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(account.submit, netted())
            await trio.sleep(0.5)  # the position was looked at, the answer is on its way
            world.book.open(EURUSD, Side.BUY, Decimal("0.20"))
        [left] = world.book.positions.values()
        assert left.volume == Decimal("0.20")


async def test_a_netted_close_that_cannot_look_is_not_sent(autojump_clock):
    async with open_world(OmsType.NETTING) as (world, account):
        world.book.open(EURUSD, Side.BUY, Decimal("0.30"))
        world.network.refuse(HOST, PORT, True)
        assert isinstance(await account.submit(netted()), NotSent)
        assert len(world.book.orders) == 1


async def test_an_account_of_the_other_kind_is_refused_in_stream_and_snapshot(autojump_clock):
    async with open_world(OmsType.NETTING) as (world, _):
        account = world.account(oms=OmsType.HEDGING)
        with pytest.raises(SignInRefused, match="set oms = 'netting'"):
            await account.snapshot()
        with pytest.raises(SignInRefused, match="set oms = 'netting'"):
            await account.stream(world.emit)
        await account.aclose()


async def test_a_wrong_token_is_refused_without_being_shown(autojump_clock):
    async with open_world() as (world, _):
        account = world.account(token=Secret("wrong-word"), provisioning_url=None)
        for ask in (account.snapshot, lambda: account.stream(world.emit), lambda: account.submit(OPENING)):
            with pytest.raises(SignInRefused) as refused:
                await ask()
            assert "wrong-word" not in str(refused.value)
        await account.aclose()


async def test_a_busy_reader_does_not_make_the_venue_look_silent(autojump_clock):
    async with open_world() as (world, account):

        async def slow(event) -> None:
            await world.emit(event)
            await trio.sleep(100)

        with trio.move_on_after(1000):
            await account.stream(slow)
        kinds = [type(event) for event in world.events]
        assert kinds.count(SessionOpened) == 1
        assert kinds.count(SnapshotReceived) == 1


async def test_an_account_id_that_nobody_has_is_refused(autojump_clock):
    async with open_world() as (world, _):
        account = world.account(account_id=ACCOUNT, provisioning_url=None)
        with pytest.raises(SignInRefused, match="NotFoundError"):
            await account.stream(world.emit)
        with pytest.raises(SignInRefused, match="NotFoundError"):
            await account.snapshot()
        await account.aclose()


# The past


async def test_a_history_keeps_the_id_of_what_a_partial_close_gave_a_new_ticket(autojump_clock):
    async with open_world(mt4=True) as (world, account):
        since = now()
        opened = world.book.open(EURUSD, Side.BUY, Decimal("0.30")).position_id
        await account.snapshot()
        world.book.close(opened, Decimal("0.10"))
        await account.snapshot()
        world.book.close(opened)
        fills = [each for each in await account.history(since) if isinstance(each, Fill)]
        assert [(fill.opens, fill.volume) for fill in fills] == [
            (True, Decimal("0.3")),
            (False, Decimal("0.1")),
            (False, Decimal("0.2")),
        ]
        assert {fill.position_id for fill in fills} == {opened}


async def test_a_history_without_an_end_is_given_up(autojump_clock, monkeypatch):
    monkeypatch.setattr("adapters.metaapi.looks._PAGE", 2)
    monkeypatch.setattr("adapters.metaapi.looks._PAGES_TO_READ_MAX", 2)
    async with open_world() as (world, account):
        since = now()
        for _ in range(2):
            world.book.open(EURUSD, Side.BUY, Decimal("0.10"))
        assert len(await account.history(since)) == 3  # with the deposit that the account began with
        world.book.open(EURUSD, Side.BUY, Decimal("0.10"))
        with pytest.raises(RemoteProtocolError, match="at most 4 deals"):
            await account.history(since)
