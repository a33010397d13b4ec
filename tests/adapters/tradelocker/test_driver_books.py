"""The account at a venue whose books lag behind, answer oddly, or fail after an order was taken."""

from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
import trio

from adapters.base import RemoteProtocolError, RequestNotSent
from adapters.tradelocker.simulator_tables import ACCOUNT_DETAILS, ORDERS, POSITIONS
from adapters.transport.http import HttpResponse
from adapters.transport.serving import DropConnection
from rules.model.actions import ClosePosition, ReducePosition
from rules.model.reports import Accepted, Filled, NotFound, Rejected
from rules.model.values import AccountId, ClOrdId, PositionId, Side, Symbol
from tests.adapters.tradelocker.rest_server import CONFIG, NOW, columns, ok, served
from tests.adapters.tradelocker.world import TAG, opening

PLACE = ("POST", "/trade/accounts/706984/orders")
CLOSE = ("DELETE", "/trade/positions/9")
TABLES = ("orders", "ordersHistory", "positions")
CLOSE_TAG = ClOrdId("cpzzzzzzzzzzzzzzzzzzzz")


def cells(names, **values):
    return [values.get(name) for name in names]


def order_row(**values):
    known = {"id": "5", "type": "market", "status": "Filled", "qty": "0.10", "filledQty": "0.10", "avgPrice": "1.2"}
    return cells(ORDERS, **{**known, "strategyId": TAG, "createdDate": "1", **values})


def position_row(**values):
    known = {"id": "9", "tradableInstrumentId": "278", "side": "buy", "qty": "0.10", "avgPrice": "1.2", "openDate": "1"}
    return cells(POSITIONS, **{**known, **values})


@asynccontextmanager
async def venue():
    async with served(account=True) as (server, account):
        tables = {"ordersConfig": columns(*ORDERS), "ordersHistoryConfig": columns(*ORDERS)}
        tables["positionsConfig"] = columns(*POSITIONS)
        tables["accountDetailsConfig"] = columns(*ACCOUNT_DETAILS)
        server.answers["GET", "/trade/config"] = ok({**CONFIG, **tables})
        routes = [{"id": 1, "type": "TRADE"}, {"id": 2, "type": "INFO"}]
        rows = [{"tradableInstrumentId": 278, "name": "EURUSD", "routes": routes}]
        server.answers["GET", "/trade/accounts/706984/instruments"] = ok({"instruments": rows})
        server.answers[PLACE] = ok({"orderId": 5})

        def show(**shown):
            for table in TABLES:
                server.answers["GET", f"/trade/accounts/706984/{table}"] = ok({table: shown.get(table, [])})

        show()
        yield server, account, show


async def test_order_that_the_history_does_not_show_yet_is_accepted_and_found_later(autojump_clock):
    async with venue() as (_, account, show):
        assert await account.submit(opening()) == Accepted(TAG, "5")
        assert await account.find(TAG, NOW) == NotFound(TAG)
        show(ordersHistory=[order_row()])
        assert await account.find(TAG, NOW) == Accepted(TAG, "5")
        show(ordersHistory=[order_row()], positions=[position_row(strategyId=TAG)])
        assert await account.find(TAG, NOW) == Filled(TAG, "9", Decimal("0.10"), Decimal("1.2"))
        show(ordersHistory=[order_row(positionId="9")])
        assert await account.find(TAG, NOW) == Filled(TAG, "9", Decimal("0.10"), Decimal("1.2"), "5")


async def test_history_is_asked_from_an_hour_before_the_order(autojump_clock):
    async with venue() as (server, account, _):
        await account.find(TAG, NOW)
        (query,) = [query for path, query in server.queries if path.endswith("/ordersHistory")]
        assert query == {"from": str((int(NOW.timestamp()) - 3600) * 1000)}


async def test_working_order_is_not_taken_for_its_partly_filled_position(autojump_clock):
    async with venue() as (_, account, show):
        show(orders=[order_row(status="New", filledQty="0.04")], positions=[position_row(strategyId=TAG, qty="0.04")])
        assert await account.find(TAG, NOW) == Accepted(TAG, "5")


async def test_order_that_dies_at_once_is_rejected(autojump_clock):
    async with venue() as (_, account, show):
        show(ordersHistory=[order_row(status="Refused", filledQty="0")])
        assert isinstance(await account.submit(opening()), Rejected)


@pytest.mark.parametrize(
    "answer", [DropConnection(), HttpResponse(500, {}, b""), HttpResponse(429, {}, b""), {"s": "x"}]
)
async def test_failing_look_after_an_order_was_taken_leaves_it_accepted(autojump_clock, answer):
    async with venue() as (server, account, _):
        server.answers["GET", "/trade/accounts/706984/ordersHistory"] = answer
        start = trio.current_time()
        assert await account.submit(opening()) == Accepted(TAG, "5")
        assert trio.current_time() - start <= 2
        assert len(server.asked(*PLACE)) == 1


@pytest.mark.parametrize("answer", [{"s": "ok"}, ok({}), ok({"orderId": None}), ok([])])
async def test_answer_without_an_order_id_leaves_the_outcome_unknown(autojump_clock, answer):
    async with venue() as (server, account, _):
        server.answers[PLACE] = answer
        with pytest.raises(RemoteProtocolError) as raised:
            await account.submit(opening())
        assert not isinstance(raised.value, RequestNotSent)


async def test_close_is_filled_only_when_the_books_say_so(autojump_clock):
    close = ClosePosition(CLOSE_TAG, AccountId("tl"), PositionId("9"), Symbol("EURUSD"), Side.BUY, Decimal("0.10"))
    async with venue() as (server, account, show):
        server.answers[CLOSE] = {"s": "ok"}
        show(positions=[position_row()])
        assert await account.submit(close) == Accepted(CLOSE_TAG)
        show()
        assert await account.submit(close) == Filled(CLOSE_TAG, "9", Decimal("0.10"))
        server.answers["GET", "/trade/accounts/706984/positions"] = DropConnection()
        assert await account.submit(close) == Accepted(CLOSE_TAG)
        assert [request[3] for request in server.asked(*CLOSE)] == [b'{"qty":"0"}'] * 3


async def test_reduction_is_filled_only_when_what_remains_is_right(autojump_clock):
    part, rest = Decimal("0.04"), Decimal("0.06")
    reduce = ReducePosition(CLOSE_TAG, AccountId("tl"), PositionId("9"), Symbol("EURUSD"), Side.BUY, part, rest)
    async with venue() as (server, account, show):
        server.answers[CLOSE] = {"s": "ok"}
        show(positions=[position_row()])
        assert await account.submit(reduce) == Accepted(CLOSE_TAG)
        show(positions=[position_row(qty="0.06")])
        assert await account.submit(reduce) == Filled(CLOSE_TAG, "9", part)
        assert server.asked(*CLOSE)[0][3] == b'{"qty":"0.04"}'


async def test_position_id_from_outside_cannot_leave_its_path(autojump_clock):
    async with venue() as (server, account, _):
        close = ClosePosition(CLOSE_TAG, AccountId("tl"), PositionId("9/../8?x"), Symbol("E"), Side.BUY, Decimal(1))
        assert isinstance(await account.submit(close), Rejected)
        assert [request[:2] for request in server.requests if request[0] == "DELETE"] == [
            ("DELETE", "/trade/positions/9/../8?x")  # one segment on the wire, decoded by the server
        ]


async def test_one_bad_position_makes_no_shorter_snapshot(autojump_clock):
    async with venue() as (_, account, show):
        show(positions=[position_row(), position_row(id="10", qty="NaN")])
        with pytest.raises(RemoteProtocolError):
            await account.snapshot()
