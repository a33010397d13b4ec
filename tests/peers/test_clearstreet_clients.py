"""The vendor's own Python package and a plain `websockets` client against our simulated venue, over loopback TCP."""

import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trio
from attrs import define, field
from studio_sdk import (
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
    StudioSDK,
)

from adapters.clearstreet.simulator_limits import RATE_LIMITS
from adapters.clearstreet.simulator_universe import SHARES
from adapters.transport.serving import serve_tcp
from rules.model.values import Side
from tests.adapters.clearstreet.simulated import ACCOUNT, ACCOUNT_ID, ACCOUNT_NUMBER, BASE, Venue

# slow: real sockets, and for some tests an interpreter is started; peer: we wrote neither client.
pytestmark = [pytest.mark.slow, pytest.mark.peer]

T = TypeVar("T")
PATIENCE_S = 60
PROGRAM = Path(__file__).with_name("clearstreet_client.py")
FOR_THE_DAY: dict[str, Any] = {"account_id": ACCOUNT_ID, "symbol": "AAPL", "time_in_force": "day"}
TRADE = ["order-update", "order-update", "trade-notice", "position-update", "buying-power-update"]


async def in_thread(call: Callable[..., T], *args: object, **kwargs: object) -> T:
    """Run a call of the client without blocking the simulator."""
    with trio.fail_after(PATIENCE_S):
        return await trio.to_thread.run_sync(partial(call, *args, **kwargs), abandon_on_cancel=True)


@asynccontextmanager
async def venue_on_tcp(**settings: Any) -> AsyncIterator[tuple[Venue, str]]:
    """Serve a venue on a loopback port; gives its host and port."""
    venue = Venue(**settings)
    await venue.sign_in()
    async with trio.open_nursery() as nursery:
        port = await nursery.start(serve_tcp, venue.simulator.service, "127.0.0.1", 0)
        yield venue, f"127.0.0.1:{port}"
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def sdk_client(max_retries: int = 0, **settings: Any) -> AsyncIterator[tuple[Venue, StudioSDK]]:
    """Serve a venue and give the vendor's client of it, which does not repeat what it sends unless asked to."""
    async with venue_on_tcp(**settings) as (venue, place):
        client = StudioSDK(bearer_token=venue.token, base_url=f"http://{place}{BASE}", max_retries=max_retries)
        yield venue, client
        client.close()


# The vendor's package


async def test_sdk_reads_accounts_and_instruments() -> None:
    async with sdk_client() as (_, client):
        [account] = (await in_thread(client.accounts.list)).data or []
        assert (account.account_id, account.account_number) == (ACCOUNT_ID, ACCOUNT_NUMBER)
        assert (await in_thread(client.accounts.retrieve, ACCOUNT_NUMBER)).account_id == ACCOUNT_ID
        instruments = (await in_thread(client.instruments.list)).data or []
        assert len(instruments) == len(SHARES)
        share = await in_thread(client.instruments.retrieve, "BRK.B", symbol_format="cms")
        assert (share.asset_class, share.symbols[0].symbol) == ("equity", "BRK.B")
        with pytest.raises(NotFoundError):
            await in_thread(client.instruments.retrieve, "NOPE")


async def test_sdk_trades_and_reads_order_trade_and_position() -> None:
    async with sdk_client() as (venue, client):
        placed = await in_thread(
            client.accounts.orders.create,
            **FOR_THE_DAY,
            order_type="market",
            side="buy",
            quantity="100",
            reference_id="from-the-client",
            strategy={"type": "vwap", "max_percent": 20},
        )
        shown = (await in_thread(client.accounts.orders.retrieve, placed.order_id, account_id=ACCOUNT_ID)).order
        assert (shown.state, shown.status, shown.reference_id) == ("closed", "filled", "from-the-client")
        assert (shown.quantity, shown.filled_quantity, shown.running_position) == ("100", "100", "100")
        assert shown.average_price == 270.02
        assert shown.strategy is not None
        assert shown.strategy.type == "vwap"
        [trade] = (await in_thread(client.accounts.trades.list, ACCOUNT_ID)).data
        assert (trade.order_id, trade.quantity, trade.price) == (placed.order_id, "100", "270.02")
        again = await in_thread(client.accounts.trades.retrieve, trade.trade_id, account_id=ACCOUNT_ID)
        assert again == trade
        [position] = (await in_thread(client.accounts.positions.list, ACCOUNT_ID)).data
        assert (position.symbol, position.quantity, position.average_cost) == ("AAPL", "100", 270.02)
        assert await in_thread(client.accounts.positions.retrieve, "AAPL", account_id=ACCOUNT_ID) == position
        holdings = await in_thread(client.accounts.holdings.list, ACCOUNT_ID)
        assert [(each.symbol, each.quantity, each.sod_quantity) for each in holdings.data] == [("AAPL", "100", "0")]
        [held] = venue.book.positions.values()
        assert (held.side, held.volume, held.tag) == (Side.BUY, Decimal(100), "from-the-client")


async def test_sdk_modifies_and_cancels_working_orders() -> None:
    async with sdk_client() as (venue, client):
        orders = client.accounts.orders
        ids = [
            (
                await in_thread(
                    orders.create, **FOR_THE_DAY, order_type="limit", side="buy", quantity="10", price="190.10"
                )
            ).order_id
            for _ in range(3)
        ]
        await in_thread(orders.patch, ids[0], account_id=ACCOUNT_ID, quantity="12", price="191.00")
        shown = (await in_thread(orders.retrieve, ids[0], account_id=ACCOUNT_ID)).order
        assert (shown.state, shown.status, shown.quantity, shown.price) == ("open", "replaced", "12", "191")
        await in_thread(orders.cancel, ids[0], account_id=ACCOUNT_ID)
        assert (await in_thread(orders.retrieve, ids[0], account_id=ACCOUNT_ID)).order.status == "canceled"
        assert (await in_thread(orders.delete, ACCOUNT_ID, symbol="AAPL")).data == ids[1:]
        assert [each.state for each in (await in_thread(orders.list, ACCOUNT_ID)).data] == ["closed"] * 3
        venue.quote("100.00")
        assert not venue.book.positions


async def test_sdk_holds_a_stop_that_a_quote_fills() -> None:
    async with sdk_client() as (venue, client):
        venue.by_hand(Side.BUY, "10")
        orders = client.accounts.orders
        placed = await in_thread(
            orders.create, **FOR_THE_DAY, order_type="stop", side="sell", quantity="10", stop_price="260.00"
        )
        venue.quote("259.50")
        shown = (await in_thread(orders.retrieve, placed.order_id, account_id=ACCOUNT_ID)).order
        assert (shown.status, shown.average_price, shown.running_position) == ("filled", 259.5, "0")


async def test_sdk_reads_orders_page_by_page() -> None:
    async with sdk_client() as (venue, client):
        for _ in range(30):
            venue.by_hand(Side.BUY, "1")
        first = await in_thread(client.accounts.orders.list, ACCOUNT_ID)
        assert len(first.data) == 25
        token = first.next_page_token
        assert token
        rest = await in_thread(client.accounts.orders.list, ACCOUNT_ID, page_token=token)
        assert [each.order_id for each in first.data + rest.data] == [order.order_id for order in venue.book.orders]
        assert rest.next_page_token is None
        since = first.data[0].created_at
        assert len((await in_thread(client.accounts.orders.list, ACCOUNT_ID, from_=since, page_size=2000)).data) == 30
        assert (await in_thread(client.accounts.orders.list, ACCOUNT_ID, to=since - 1)).data == []


async def test_sdk_places_many_orders_at_once() -> None:
    async with sdk_client() as (venue, client):
        rows: list[dict[str, str]] = [
            {"order_type": "market", "side": "buy", "quantity": quantity, "symbol": "AAPL", "time_in_force": "day"}
            for quantity in ("1", "0", "2")
        ]
        answer = await in_thread(client.accounts.bulk_orders.create, ACCOUNT_ID, orders=rows)
        assert (answer.submitted, answer.rejected) == (2, 1)
        assert [row.submitted for row in answer.data] == [True, False, True]
        assert answer.data[1].reason
        assert [order.volume for order in venue.book.orders] == [Decimal(1), Decimal(2)]


async def test_sdk_locates_what_is_hard_to_borrow_and_sells_it_short() -> None:
    async with sdk_client() as (venue, client):
        assert "XOM" not in (await in_thread(client.accounts.easy_borrows.list, ACCOUNT_ID)).data
        short = {**FOR_THE_DAY, "symbol": "XOM", "order_type": "market", "side": "sell-short", "quantity": "60"}
        orders, locates = client.accounts.orders, client.accounts.locate_orders
        refused = await in_thread(orders.create, **short)
        shown = (await in_thread(orders.retrieve, refused.order_id, account_id=ACCOUNT_ID)).order
        assert (shown.state, shown.order_update_reason) == ("rejected", "reject")
        assert "not easy to borrow" in (shown.text or "")
        asked = await in_thread(
            locates.create, ACCOUNT_ID, mpid="SIMU", quantity="100", reference_id="locate-1", symbol="XOM"
        )
        assert (asked.status, asked.requested_quantity) == ("pending", "100")
        venue.later(seconds=1)
        offered = await in_thread(locates.retrieve, asked.locate_order_id, account_id=ACCOUNT_ID)
        assert (offered.status, offered.located_quantity) == ("offered", "100")
        await in_thread(locates.update, asked.locate_order_id, account_id=ACCOUNT_ID, accept=True)
        assert [each.status for each in (await in_thread(locates.list, ACCOUNT_ID)).data] == ["filled"]
        sold = await in_thread(orders.create, **short)
        assert (await in_thread(orders.retrieve, sold.order_id, account_id=ACCOUNT_ID)).order.status == "filled"
        inventory = await in_thread(client.accounts.inventories.retrieve, "XOM", account_id=ACCOUNT_ID)
        assert (inventory.available, inventory.reserved, inventory.used) == ("40", "0", "60")


async def test_sdk_is_received_and_then_refused_in_words() -> None:
    async with sdk_client() as (venue, client):
        venue.faults.reject("Market is closed")
        orders = client.accounts.orders
        placed = await in_thread(orders.create, **FOR_THE_DAY, order_type="market", side="buy", quantity="1")
        shown = (await in_thread(orders.retrieve, placed.order_id, account_id=ACCOUNT_ID)).order
        assert (shown.state, shown.status, shown.text) == ("rejected", "rejected", "Market is closed")
        with pytest.raises(BadRequestError, match="quantity") as malformed:
            await in_thread(orders.create, **FOR_THE_DAY, order_type="market", side="buy", quantity="none")
        assert isinstance(malformed.value.body, dict)
        assert malformed.value.body["status"] == 400


async def test_sdk_meets_the_rate_limit() -> None:
    async with sdk_client(rate_limits=RATE_LIMITS) as (venue, client):
        venue.faults.throttle = 1
        create = partial(client.accounts.orders.create, **FOR_THE_DAY, order_type="market", side="buy", quantity="1")
        with pytest.raises(RateLimitError) as throttled:
            await in_thread(create)
        assert throttled.value.response.headers["retry-after"] == "1"
        assert not venue.book.orders

        def list_often() -> None:
            for _ in range(21):  # at most 20 of them fall into two seconds, which they do not take
                client.accounts.orders.list(ACCOUNT_ID)

        with pytest.raises(RateLimitError):
            await in_thread(list_often)


async def test_sdk_with_a_token_that_has_ended_or_under_maintenance_is_told_so() -> None:
    async with sdk_client() as (venue, client):
        venue.faults.maintenance = True
        with pytest.raises(InternalServerError):
            await in_thread(client.accounts.list)
        venue.faults.maintenance = False
        venue.faults.expire_tokens()
        with pytest.raises(AuthenticationError):
            await in_thread(client.accounts.list)


@pytest.mark.parametrize(("max_retries", "orders"), [(0, 1), (2, 2)])
async def test_sdk_that_retries_buys_twice_when_an_answer_is_lost(max_retries: int, orders: int) -> None:
    """Nothing in the API prevents it, and so nothing in the simulated venue does."""
    async with sdk_client(max_retries) as (venue, client):
        venue.faults.lose_answers = 1
        create = partial(
            client.accounts.orders.create,
            **FOR_THE_DAY,
            order_type="market",
            side="buy",
            quantity="1",
            reference_id="same",
        )
        if max_retries:
            await in_thread(create)
        else:
            with pytest.raises(APIConnectionError):
                await in_thread(create)
        assert len(venue.book.orders_with_tag("same")) == orders


# A plain WebSocket client


@define
class Program:
    """The running program and the frames that it has printed."""

    process: trio.Process
    _rest: bytearray = field(factory=bytearray)

    async def next(self) -> dict[str, Any]:
        """Return its next line that is no heartbeat."""
        assert self.process.stdout is not None
        with trio.fail_after(PATIENCE_S):
            while True:
                line, found, rest = self._rest.partition(b"\n")
                if not found:
                    data = await self.process.stdout.receive_some(65_536)
                    assert data, "the program ended without a last word"
                    self._rest += data
                    continue
                self._rest = rest
                frame: dict[str, Any] = json.loads(line)
                if frame.get("payload", {}).get("type") != "heartbeat":
                    return frame

    async def take(self, count: int) -> list[dict[str, Any]]:
        return [await self.next() for _ in range(count)]


@asynccontextmanager
async def plain_client(**settings: Any) -> AsyncIterator[tuple[Venue, Callable[..., Any]]]:
    """Serve a venue; gives it and what starts the program there with its last two arguments."""
    async with venue_on_tcp(**settings) as (venue, place), trio.open_nursery() as nursery:

        async def start(*arguments: str) -> Program:
            command = [sys.executable, str(PROGRAM), f"ws://{place}{BASE}/ws", *arguments]
            return Program(await nursery.start(partial(trio.run_process, command, stdout=-1, check=False)))

        yield venue, start
        nursery.cancel_scope.cancel()


async def test_plain_client_gets_acknowledgment_replay_and_live_messages_in_sequence() -> None:
    async with plain_client() as (venue, start):
        venue.by_hand(Side.BUY, "10")
        client = await start(venue.token, ACCOUNT_ID)
        [acknowledged] = await client.take(1)
        assert acknowledged["payload"] == {
            "type": "subscribe-activity-ack",
            "account_id": ACCOUNT_ID,
            "success": True,
            "details": "Subscribed successfully",
        }
        replayed = await client.take(5)
        assert [frame["payload"]["type"] for frame in replayed] == TRADE
        assert [frame["sequence"] for frame in replayed] == [1, 2, 3, 4, 5]
        assert (await client.next())["payload"] == {"type": "replay-complete"}
        venue.by_hand(Side.SELL, "4")
        live = await client.take(5)
        assert [frame["payload"]["type"] for frame in live] == TRADE
        assert [frame["sequence"] for frame in live] == [6, 7, 8, 9, 10]
        assert live[3]["payload"]["data"] == {**ACCOUNT, "symbol": "AAPL", "quantity": "6", "average_cost": 270.02}
        venue.faults.drop_streams()
        assert await client.next() == {"closed": None}  # cut without a word


async def test_plain_client_that_does_not_subscribe_is_told_and_dropped() -> None:
    async with plain_client(subscribe_s_max=0.2) as (_, start):
        client = await start()
        assert (await client.next())["payload"] == {
            "type": "error-notice",
            "details": "No subscription within 0.2 seconds",
        }
        assert await client.next() == {"closed": 1000}


async def test_plain_client_with_a_wrong_token_hears_that_it_failed() -> None:
    async with plain_client(subscribe_s_max=1) as (_, start):
        client = await start("wrong", ACCOUNT_ID)
        acknowledged = (await client.next())["payload"]
        assert (acknowledged["success"], acknowledged["details"]) == (False, "Invalid access token")
        assert (await client.next())["payload"]["type"] == "error-notice"
        assert await client.next() == {"closed": 1000}


async def test_plain_client_is_dropped_with_its_token() -> None:
    async with plain_client() as (venue, start):
        client = await start(venue.token, ACCOUNT_ID)
        await client.take(2)
        venue.faults.expire_tokens()
        assert (await client.next())["payload"] == {"type": "error-notice", "details": "Access token expired"}
        assert await client.next() == {"closed": 1000}
