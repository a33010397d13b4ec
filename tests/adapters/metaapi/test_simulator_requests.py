"""The simulated requests: trades, reads, errors by their names, and the faults of what moves money."""

from decimal import Decimal
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from adapters.base import SessionLost
from adapters.simulation.broker import Purpose, Result
from rules.model.identity import cl_ord_id
from rules.model.values import LinkId, OmsType, PositionId, Side, Symbol
from tests.adapters.metaapi.venue import EURUSD, START, Client, Venue, open_venue

TAG = cl_ord_id(LinkId("a->b"), PositionId("7"), START, 1, 1)
CLIENT_ID = f"c_{TAG}_0"
BUY: dict[str, Any] = {"symbol": EURUSD, "volume": Decimal("0.30"), "clientId": CLIENT_ID}


PAST = {"type": "ORDER_TIME_SPECIFIED", "time": "2026-11-20T11:00:00.000Z"}


def trade(kind: str = "ORDER_TYPE_BUY", **fields: object) -> dict[str, object]:
    return {"actionType": kind, **fields}


async def test_a_market_order_opens_a_position_that_carries_its_client_id(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        stops = {"stopLoss": Decimal("1.1"), "takeProfit": Decimal("1.2")}
        done = await client.trade("ORDER_TYPE_BUY", **BUY, **stops, magic=7)
        (held,) = venue.book.positions.values()
        (order,) = venue.book.orders_with_tag(TAG)
        assert done == {
            "numericCode": 10009,
            "stringCode": "TRADE_RETCODE_DONE",
            "message": "Request completed",
            "orderId": order.order_id,
            "positionId": held.position_id,
        }
        position = (await client.ask("getPosition", positionId=held.position_id))["position"]
        assert (position["clientId"], position["magic"]) == (CLIENT_ID, 7)
        assert (position["stopLoss"], position["takeProfit"]) == (Decimal("1.1"), Decimal("1.2"))
        assert (held.side, held.volume) == (Side.BUY, Decimal("0.30"))
        (shown,) = (await client.ask("getHistoryOrdersByTicket", ticket=order.order_id))["historyOrders"]
        assert (shown["clientId"], shown["state"]) == (CLIENT_ID, "ORDER_STATE_FILLED")


async def test_positions_are_changed_and_closed_by_every_action(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        position_id = (await client.trade("ORDER_TYPE_SELL", **BUY))["positionId"]
        changed = await client.trade("POSITION_MODIFY", positionId=position_id, stopLoss=Decimal("1.3"))
        assert changed["numericCode"] == 10009
        assert venue.book.positions[position_id].stop_loss == Decimal("1.3")
        same = await client.trade("POSITION_MODIFY", positionId=position_id, stopLoss=Decimal("1.3"))
        assert same["stringCode"] == "TRADE_RETCODE_NO_CHANGES"
        await client.trade("POSITION_MODIFY", positionId=position_id)
        assert venue.book.positions[position_id].stop_loss is None
        part = await client.trade(
            "POSITION_PARTIAL", positionId=position_id, volume=Decimal("0.1"), clientId="c_part_0"
        )
        assert venue.book.orders_with_tag("c_part_0")[0].order_id == part["orderId"]
        assert venue.book.positions[position_id].volume == Decimal("0.20")
        too_much = await client.trade("POSITION_PARTIAL", positionId=position_id, volume=1)
        assert too_much["stringCode"] == "TRADE_RETCODE_INVALID_CLOSE_VOLUME"
        await client.trade("POSITION_CLOSE_ID", positionId=position_id)
        gone = await client.trade("POSITION_CLOSE_ID", positionId=position_id)
        assert (gone["numericCode"], gone["stringCode"]) == (4753, "ERR_TRADE_POSITION_NOT_FOUND")
        for _ in range(3):
            await client.trade("ORDER_TYPE_BUY", symbol=EURUSD, volume=1)
        await client.trade("ORDER_TYPE_BUY", symbol="XAUUSD", volume=1)
        await client.trade("POSITIONS_CLOSE_SYMBOL", symbol=EURUSD)
        assert {position.symbol for position in venue.book.positions.values()} == {Symbol("XAUUSD")}
        none = await client.trade("POSITIONS_CLOSE_SYMBOL", symbol=EURUSD)
        assert none["numericCode"] == 4753


async def test_on_a_netting_account_every_order_can_be_found_by_its_client_id(autojump_clock: MockClock) -> None:
    async with open_venue(OmsType.NETTING) as venue, venue.client() as client:
        opened = await client.trade("ORDER_TYPE_BUY", **BUY)
        added = await client.trade("ORDER_TYPE_BUY", **{**BUY, "clientId": "c_add_0"})
        closed = await client.trade("POSITION_CLOSE_ID", positionId=opened["positionId"], clientId="c_close_0")
        assert added["positionId"] == opened["positionId"] == closed["positionId"]
        day = {"startTime": "2026-11-20T00:00:00.000Z", "endTime": "2026-11-21T00:00:00.000Z"}
        deals = (await client.ask("getDealsByTimeRange", **day))["deals"]
        assert [deal.get("clientId") for deal in deals] == [None, CLIENT_ID, "c_add_0", "c_close_0"]
        assert [deal.get("entryType") for deal in deals[1:]] == ["DEAL_ENTRY_IN", "DEAL_ENTRY_IN", "DEAL_ENTRY_OUT"]
        assert not venue.book.positions
        information = (await client.ask("getAccountInformation"))["accountInformation"]
        assert information["marginMode"] == "ACCOUNT_MARGIN_MODE_RETAIL_NETTING"


@pytest.mark.parametrize(
    ("kind", "fields", "code"),
    [
        ("ORDER_TYPE_BUY", {**BUY, "volume": Decimal("0.001")}, "TRADE_RETCODE_INVALID_VOLUME"),
        ("ORDER_TYPE_BUY", {**BUY, "volume": 99}, "TRADE_RETCODE_NO_MONEY"),
        ("ORDER_TYPE_BUY", {**BUY, "stopLoss": 2}, "TRADE_RETCODE_INVALID_STOPS"),
        ("ORDER_TYPE_BUY", {**BUY, "symbol": "NOPE"}, "TRADE_RETCODE_INVALID"),
        ("POSITION_MODIFY", {"positionId": "1"}, "ERR_TRADE_POSITION_NOT_FOUND"),
        ("ORDER_TYPE_BUY_LIMIT", {**BUY, "openPrice": 2}, "TRADE_RETCODE_INVALID_PRICE"),
        ("ORDER_TYPE_BUY_STOP", {**BUY, "openPrice": 2, "expiration": PAST}, "TRADE_RETCODE_INVALID_EXPIRATION"),
        ("ORDER_MODIFY", {"orderId": "1", "openPrice": 1}, "ERR_TRADE_ORDER_NOT_FOUND"),
        ("ORDER_CANCEL", {"orderId": "1"}, "ERR_TRADE_ORDER_NOT_FOUND"),
        ("POSITION_CLOSE_BY", {"positionId": "1", "closeByPositionId": "2"}, "ORDER_TYPE_NOT_SUPPORTED"),
    ],
)
@pytest.mark.parametrize("trade_errors", [False, True])
async def test_a_trade_that_the_terminal_refuses_has_a_code(
    autojump_clock: MockClock, kind: str, fields: dict[str, object], code: str, trade_errors: bool
) -> None:
    async with open_venue(trade_errors=trade_errors) as venue, venue.client() as client:
        answer = await client.ask("trade", trade=trade(kind, **fields))
        if trade_errors:
            assert (answer["error"], answer["stringCode"]) == ("TradeError", code)
        else:
            assert (answer["type"], answer["response"]["stringCode"]) == ("response", code)
        assert not venue.book.positions


@pytest.mark.parametrize(
    ("fields", "parameter"),
    [
        ({}, "trade"),
        ({"trade": trade("ORDER_TYPE_HOLD")}, "actionType"),
        ({"trade": trade(symbol=EURUSD)}, "volume"),
        ({"trade": trade(symbol=EURUSD, volume="0.1")}, "volume"),
        ({"trade": trade(symbol=EURUSD, volume=0)}, "volume"),
        ({"trade": trade(volume=1)}, "symbol"),
        ({"trade": trade(**BUY, comment="beside it")}, "clientId"),
        ({"trade": trade(**BUY, magic="7")}, "magic"),
        ({"trade": trade(**BUY, stopLoss=5, stopLossUnits="RELATIVE_PIPS")}, "stopLossUnits"),
        ({"trade": trade(**BUY, trailingStopLoss={"distance": {}})}, "trailingStopLoss"),
        ({"trade": trade("POSITION_CLOSE_ID", positionId=7)}, "positionId"),
        ({"trade": {"actionType": ["ORDER_TYPE_BUY"]}}, "actionType"),
        ({"trade": trade("ORDER_TYPE_BUY_LIMIT", **BUY)}, "openPrice"),
        ({"trade": trade("ORDER_TYPE_BUY_STOP_LIMIT", **BUY, openPrice=2)}, "stopLimitPrice"),
        ({"trade": trade("ORDER_TYPE_BUY_STOP", **BUY, openPrice=2, expiration={"type": "X"})}, "expiration"),
        ({"trade": trade("ORDER_CANCEL")}, "orderId"),
    ],
)
async def test_a_trade_that_makes_no_sense_is_a_validation_error_with_details(
    autojump_clock: MockClock, fields: dict[str, object], parameter: str
) -> None:
    async with open_venue() as venue, venue.client() as client:
        answer = await client.ask("trade", **fields)
        assert answer["error"] == "ValidationError"
        assert answer["accountId"] == venue.account_id
        assert [detail["parameter"] for detail in answer["details"]] == [parameter]
        assert not venue.book.orders


async def test_a_rejection_that_was_asked_for_comes_in_its_own_words(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        position_id = (await client.trade("ORDER_TYPE_BUY", **BUY))["positionId"]
        venue.faults.reject("the dealer is out", 4)
        for kind, fields in (
            ("ORDER_TYPE_BUY", {**BUY, "clientId": "c_two_0"}),
            ("POSITION_PARTIAL", {"positionId": position_id, "volume": Decimal("0.1")}),
            ("POSITION_CLOSE_ID", {"positionId": position_id}),
            ("POSITION_MODIFY", {"positionId": position_id, "stopLoss": 1}),
        ):
            refused = await client.trade(kind, **fields)
            assert (refused["numericCode"], refused["message"]) == (10006, "the dealer is out")
        rejected = [order.purpose for order in venue.book.orders if order.status is Result.REJECTED]
        assert rejected == [Purpose.OPEN, Purpose.REDUCE, Purpose.CLOSE]
        assert venue.book.positions[position_id].volume == Decimal("0.30")


async def cut(venue: Venue, client: Client) -> None:
    """Check that this trade ends the socket."""
    with pytest.raises(SessionLost):
        await one_trade(venue, client)


async def one_trade(venue: Venue, client: Client) -> None:
    async with venue.client() as other:
        other.account_id = client.account_id
        await other.trade("ORDER_TYPE_BUY", **BUY)


async def test_a_lost_request_is_not_executed_and_a_lost_answer_is(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        venue.faults.lose_requests = 1
        assert (await client.ask("getPositions"))["positions"] == []
        await cut(venue, client)
        assert not venue.book.orders
        venue.faults.lose_answers = 2
        await cut(venue, client)
        assert [order.status for order in venue.book.orders_with_tag(TAG)] == [Result.FILLED]
        venue.faults.reject("no", 1)
        await cut(venue, client)
        assert [order.status for order in venue.book.orders_with_tag(TAG)] == [Result.FILLED, Result.REJECTED]
        assert len((await client.ask("getPositions"))["positions"]) == 1


async def test_what_is_lost_may_be_told_as_an_outcome_that_nobody_knows(autojump_clock: MockClock) -> None:
    async with open_venue(doubts=True) as venue, venue.client() as client:
        venue.faults.lose_requests = 1
        assert (await client.trade("ORDER_TYPE_BUY", **BUY))["numericCode"] == 10012
        assert not venue.book.orders
        venue.faults.lose_answers = 1
        assert (await client.trade("ORDER_TYPE_BUY", **BUY))["stringCode"] == "TRADE_RETCODE_TIMEOUT"
        assert [order.status for order in venue.book.orders_with_tag(TAG)] == [Result.FILLED]


async def test_a_request_too_many_is_told_when_to_come_again(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        venue.faults.throttle = 1
        answer = await client.ask("trade", trade=trade(**BUY))
        assert answer["error"] == "TooManyRequestsError"
        assert answer["metadata"]["recommendedRetryTime"] == "2026-11-20T12:00:02.000Z"
        assert not venue.book.orders
        assert (await client.trade("ORDER_TYPE_BUY", **BUY))["numericCode"] == 10009


async def test_answers_are_late_when_that_is_asked_for_and_the_trade_is_not(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        venue.faults.delay_s = 20
        request_id = await client.send("trade", trade=trade(**BUY))
        await trio.sleep(1)
        assert venue.book.positions
        await client.answer_to(request_id)
        assert trio.current_time() == pytest.approx(20, abs=0.1)


async def test_wrong_tokens_accounts_and_maintenance_are_refused_by_name(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client, venue.client("wrong") as stranger:
        assert (await stranger.ask("subscribe"))["error"] == "UnauthorizedError"
        assert "wrong" not in str(await stranger.ask("getPositions"))
        venue.faults.refuse_sign_in = True
        assert (await client.ask("getPositions"))["error"] == "UnauthorizedError"
        venue.faults.refuse_sign_in = False
        venue.faults.maintenance = True
        assert (await client.ask("getPositions"))["error"] == "InternalError"
        venue.faults.maintenance = False
        client.account_id = "nobody"
        assert (await client.ask("subscribe"))["error"] == "NotFoundError"
        assert (await client.ask("getPositions"))["error"] == "NotFoundError"


async def test_an_account_too_many_on_one_socket_is_refused(autojump_clock: MockClock) -> None:
    async with open_venue(subscriptions_max=1) as venue, venue.client() as client:
        await client.subscribe()
        await client.subscribe()
        answer = await client.ask("subscribe", instanceIndex=1)
        assert answer["error"] == "TooManyRequestsError"
        assert answer["metadata"]["type"] == "LIMIT_ACCOUNT_SUBSCRIPTIONS_PER_USER_PER_SERVER"


@pytest.mark.parametrize(
    ("kind", "fields", "error"),
    [
        ("getPosition", {"positionId": "1"}, "NotFoundError"),
        ("getPosition", {}, "ValidationError"),
        ("getOrder", {"orderId": "1"}, "NotFoundError"),
        ("getSymbolSpecification", {"symbol": "NOPE"}, "NotFoundError"),
        ("getSymbolPrice", {"symbol": "NOPE"}, "NotFoundError"),
        ("getDealsByTimeRange", {"startTime": "2026-11-20T00:00:00.000Z"}, "ValidationError"),
        ("getDealsByTimeRange", {"startTime": "yesterday", "endTime": "today"}, "ValidationError"),
        ("getHoroscope", {}, "ValidationError"),
        ("synchronize", {}, "NotAuthenticatedError"),
        ("subscribe", {"instanceIndex": 2}, "ValidationError"),
    ],
)
async def test_a_read_of_what_is_not_there_has_an_error_with_a_name(
    autojump_clock: MockClock, kind: str, fields: dict[str, object], error: str
) -> None:
    async with open_venue() as venue, venue.client() as client:
        answer = await client.ask(kind, **fields)
        assert (answer["error"], answer["requestId"]) == (error, "r1")


async def test_reads_answer_from_the_books(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        order = venue.book.open(EURUSD, Side.BUY, Decimal("0.30"))
        venue.quote("1.15", "1.15008")
        information = (await client.ask("getAccountInformation"))["accountInformation"]
        assert (information["balance"], information["equity"]) == (10_000, Decimal("9697.6"))
        assert information["freeMargin"] == information["equity"] - information["margin"]
        assert (await client.ask("getOrders"))["orders"] == []
        assert "EURUSD" in (await client.ask("getSymbols"))["symbols"]
        specification = (await client.ask("getSymbolSpecification", symbol="XAUUSD"))["specification"]
        grid = [specification[name] for name in ("minVolume", "volumeStep", "maxVolume", "tickSize", "contractSize")]
        assert grid == [Decimal("0.01"), Decimal("0.01"), 50, Decimal("0.01"), 100]
        assert (specification["digits"], specification["profitCurrency"]) == (2, "USD")
        price = (await client.ask("getSymbolPrice", symbol="EURUSD"))["price"]
        assert (price["bid"], price["ask"]) == (Decimal("1.15"), Decimal("1.15008"))
        assert (await client.ask("getServerTime"))["serverTime"]["brokerTime"] == "2026-11-20 14:00:00.000"
        assert (await client.ask("refreshTerminalState"))["symbols"] == ["EURUSD"]
        wanted = {"symbol": "EURUSD", "type": "ORDER_TYPE_BUY", "volume": 1, "openPrice": 1}
        assert (await client.ask("calculateMargin", order=wanted))["margin"] == 1000
        (deal,) = (await client.ask("getDealsByPosition", positionId=order.position_id))["deals"]
        assert (await client.ask("getDealsByTicket", ticket=deal["id"]))["deals"] == [deal]
        assert (await client.ask("waitSynchronized", applicationPattern=".*"))["type"] == "response"


async def test_a_time_range_has_both_ends_and_pages(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        for _ in range(5):
            await trio.sleep(1)
            venue.book.open(EURUSD, Side.BUY, Decimal("0.01"))
        day = {"startTime": "2026-11-20T12:00:02.000Z", "endTime": "2026-11-20T12:00:04.000Z"}
        orders = (await client.ask("getHistoryOrdersByTimeRange", **day))["historyOrders"]
        assert [order["time"][17:19] for order in orders] == ["02", "03", "04"]
        page = await client.ask("getHistoryOrdersByTimeRange", **day, offset=1, limit=1)
        assert page["historyOrders"] == orders[1:2]
        assert (await client.ask("getDealsByTimeRange", **day, limit=1001))["error"] == "ValidationError"


async def test_what_closed_a_position_is_told_by_its_deal(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        position_id = (await client.trade("ORDER_TYPE_BUY", **BUY, stopLoss=Decimal("1.15")))["positionId"]
        venue.quote("1.14", "1.14008")
        _, deal = (await client.ask("getDealsByPosition", positionId=position_id))["deals"]
        assert (deal["reason"], deal["price"], deal["type"]) == ("DEAL_REASON_SL", Decimal("1.14"), "DEAL_TYPE_SELL")
        assert deal["clientId"] == f"c_{TAG}_{deal['orderId']}"


async def test_a_pending_order_is_placed_moved_and_canceled(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        until = {"type": "ORDER_TIME_SPECIFIED", "time": "2026-11-21T12:00:00.000Z"}
        stops = {"stopLoss": Decimal("1.1"), "takeProfit": Decimal("1.2")}
        done = await client.trade("ORDER_TYPE_BUY_LIMIT", **BUY, **stops, openPrice=Decimal("1.15"), expiration=until)
        assert (done["numericCode"], "positionId" in done) == (10009, False)
        order = (await client.ask("getOrder", orderId=done["orderId"]))["order"]
        assert (order["type"], order["state"]) == ("ORDER_TYPE_BUY_LIMIT", "ORDER_STATE_PLACED")
        assert (order["openPrice"], order["stopLoss"], order["takeProfit"]) == (
            Decimal("1.15"),
            Decimal("1.1"),
            Decimal("1.2"),
        )
        assert (order["volume"], order["clientId"]) == (Decimal("0.3"), CLIENT_ID)
        assert (order["expirationType"], order["expirationTime"]) == tuple(until.values())
        move = {"orderId": done["orderId"], "openPrice": Decimal("1.14"), "stopLoss": Decimal("1.1")}
        moved = await client.trade("ORDER_MODIFY", **move, expiration=until)
        assert moved["orderId"] == done["orderId"]
        (waiting,) = venue.book.working.values()
        assert (waiting.price, waiting.stop_loss, waiting.take_profit) == (Decimal("1.14"), Decimal("1.1"), None)
        other = await client.ask("trade", trade=trade("ORDER_MODIFY", **move, expiration={"type": "ORDER_TIME_GTC"}))
        assert other["error"] == "ValidationError"
        venue.faults.reject("not now", 3)
        for kind, fields in (
            ("ORDER_TYPE_BUY_LIMIT", {**BUY, "openPrice": 1}),
            ("ORDER_MODIFY", move),
            ("ORDER_CANCEL", {"orderId": done["orderId"]}),
        ):
            assert (await client.trade(kind, **fields))["message"] == "not now"
        assert list(venue.book.working.values()) == [waiting]
        await client.trade("ORDER_CANCEL", orderId=done["orderId"])
        assert (await client.ask("getOrders"))["orders"] == []
        assert (await client.ask("getOrder", orderId=done["orderId"]))["error"] == "NotFoundError"
        (shown,) = (await client.ask("getHistoryOrdersByTicket", ticket=done["orderId"]))["historyOrders"]
        assert (shown["type"], shown["state"]) == ("ORDER_TYPE_BUY_LIMIT", "ORDER_STATE_CANCELED")


async def test_metatrader_4_has_no_stop_limit_orders(autojump_clock: MockClock) -> None:
    prices = {"openPrice": 2, "stopLimitPrice": Decimal("1.9")}
    async with open_venue(mt4=True) as venue, venue.client() as client:
        refused = await client.trade("ORDER_TYPE_BUY_STOP_LIMIT", **BUY, **prices)
        assert refused["stringCode"] == "ORDER_TYPE_NOT_SUPPORTED"
        assert not venue.book.working
    async with open_venue() as venue, venue.client() as client:
        done = await client.trade("ORDER_TYPE_BUY_STOP_LIMIT", **BUY, **prices)
        order = (await client.ask("getOrder", orderId=done["orderId"]))["order"]
        assert (order["openPrice"], order["stopLimitPrice"]) == (2, Decimal("1.9"))


async def test_an_order_expires_while_nothing_is_quoted(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        until = {"type": "ORDER_TIME_SPECIFIED", "time": "2026-11-20T13:00:00.000Z"}
        done = await client.trade("ORDER_TYPE_SELL_STOP", **BUY, openPrice=1, expiration=until)
        assert len((await client.ask("getOrders"))["orders"]) == 1
        for _ in range(61):
            await trio.sleep(60)
            client.session.ping()
            await client.ask("getServerTime")
        assert (await client.ask("getOrders"))["orders"] == []
        (shown,) = (await client.ask("getHistoryOrdersByTicket", ticket=done["orderId"]))["historyOrders"]
        assert shown["state"] == "ORDER_STATE_EXPIRED"


async def test_a_magic_that_is_no_number_is_shown_as_none(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        for magic in ("7", "seven", "9" * 1000):
            venue.book.open(EURUSD, Side.BUY, Decimal("0.01"), magic=magic)
        positions = (await client.ask("getPositions"))["positions"]
        assert [position["magic"] for position in positions] == [7, 0, 0]
