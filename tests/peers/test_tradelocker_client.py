"""The vendor's own Python client and Socket.IO's own client against our simulated venue, over loopback TCP."""

import json
import os
import shutil
import warnings
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
import trio

from adapters.simulation.broker import Purpose, Result
from adapters.tradelocker.rest import Rest
from adapters.tradelocker.simulator import DEVELOPER_KEY, EMAIL, SERVER, SIGN_IN_WORD
from adapters.transport.network import connect_tcp
from rules.model.observed import Quote
from rules.model.values import OrderType, PositionId, Side, Symbol
from tests.adapters.tradelocker.world import ACCOUNT_ID, tcp_world

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own dependencies, at import
    from tradelocker import TLAPI

# slow: the client sleeps a second before each request; peer: we did not write it, nor what warns in its libraries.
pytestmark = [pytest.mark.slow, pytest.mark.peer, pytest.mark.filterwarnings("ignore")]


async def in_thread(function, *args, **kwargs):
    """Run a call of the client without blocking the simulator."""
    with trio.fail_after(60):
        return await trio.to_thread.run_sync(partial(function, *args, **kwargs), abandon_on_cancel=True)


async def sign_in(world, **changes):
    """Return the client, signed in."""
    settings = {
        "environment": world.origin,
        "username": EMAIL,
        "password": SIGN_IN_WORD,
        "server": SERVER,
        "developer_api_key": DEVELOPER_KEY,
        "log_level": "error",
    }
    return await in_thread(TLAPI, **{**settings, **changes})


async def test_client_signs_in_opens_modifies_reduces_and_reads_the_history():
    async with tcp_world(start=datetime.now(UTC)) as (world, _):
        client = await sign_in(world)
        assert (client.account_id, client.acc_num) == (706984, 1)
        instrument = await in_thread(client.get_instrument_id_from_symbol_name, "EURUSD")
        order_id = await in_thread(
            client.create_order,
            instrument,
            quantity=0.03,
            side="buy",
            type_="market",
            stop_loss=1.1,
            stop_loss_type="absolute",
            take_profit=1.2,
            take_profit_type="absolute",
            strategy_id="from-the-client",
        )
        (position,) = world.book.positions.values()
        assert str(order_id) == world.book.orders[0].order_id
        assert (position.symbol, position.side, position.volume) == ("EURUSD", Side.BUY, Decimal("0.03"))
        assert (position.stop_loss, position.take_profit) == (Decimal("1.1"), Decimal("1.2"))
        assert position.tag == "from-the-client"

        assert await in_thread(client.modify_position, int(position.position_id), {"stopLoss": 1.11})
        assert world.book.positions[position.position_id].stop_loss == Decimal("1.11")
        assert await in_thread(client.close_position, position_id=int(position.position_id), close_quantity=0.01)
        assert world.book.positions[position.position_id].volume == Decimal("0.02")

        rows = await in_thread(client.get_all_positions)
        assert rows["id"].tolist() == [int(position.position_id)]
        assert rows["qty"].tolist() == [0.02]
        assert rows["strategyId"].tolist() == ["from-the-client"]
        history = await in_thread(client.get_all_orders, history=True)
        assert history["positionId"].tolist() == [int(position.position_id)] * 2
        assert history["side"].tolist() == ["buy", "sell"]
        assert history["status"].tolist() == ["Filled", "Filled"]


async def test_client_places_changes_and_cancels_pending_orders_and_is_refused_in_words():
    async with tcp_world(start=datetime.now(UTC)) as (world, _):
        world.broker.next_id = 2**57  # ids as large as the venue's
        client = await sign_in(world)
        instrument = await in_thread(client.get_instrument_id_from_symbol_name, "EURUSD")
        place = partial(in_thread, client.create_order, instrument, quantity=0.01, validity="GTC")
        limit_id = await place(side="buy", type_="limit", price=1.05, strategy_id="from-the-client")
        stops = {"stop_loss": 1.14, "stop_loss_type": "absolute", "take_profit": 1.2, "take_profit_type": "absolute"}
        stop_id = await place(side="buy", type_="stop", stop_price=1.17, **stops)
        limit, stop = world.book.working.values()
        assert (int(limit.order_id), int(stop.order_id)) == (limit_id, stop_id)
        assert (limit.order_type, limit.side, limit.price, limit.tag) == (
            OrderType.LIMIT,
            Side.BUY,
            Decimal("1.05"),
            "from-the-client",
        )
        assert (stop.order_type, stop.price, stop.stop_loss, stop.take_profit) == (
            OrderType.STOP,
            Decimal("1.17"),
            Decimal("1.14"),
            Decimal("1.2"),
        )
        rows = await in_thread(client.get_all_orders, history=False)
        assert rows["id"].tolist() == [limit_id, stop_id]
        assert rows["type"].tolist() == ["limit", "stop"]

        assert await in_thread(client.modify_order, limit_id, {"price": "1.04", "qty": "0.02"})
        assert await in_thread(client.modify_order, stop_id, {"stopPrice": 1.18, "stopLoss": 1.15})
        limit, stop = world.book.working.values()
        assert (limit.price, limit.volume) == (Decimal("1.04"), Decimal("0.02"))
        assert (stop.price, stop.stop_loss, stop.take_profit) == (Decimal("1.18"), Decimal("1.15"), Decimal("1.2"))
        assert await in_thread(client.delete_order, limit_id)
        assert list(world.book.working) == [stop.order_id]
        assert not await in_thread(client.delete_order, limit_id)
        assert not await in_thread(client.modify_order, limit_id, {"price": "1.03"})

        world.broker.market.set_quote(Quote(Symbol("EURUSD"), Decimal("1.1795"), Decimal("1.18"), world.now()))
        history = await in_thread(client.get_all_orders, history=True)
        assert history["id"].tolist() == [limit_id, stop_id]
        assert history["status"].tolist() == ["Cancelled", "Filled"]
        assert history["filledQty"].tolist() == [0, 0.01]
        positions = await in_thread(client.get_all_positions)
        assert positions["id"].tolist() == [history["positionId"].tolist()[1]]
        assert positions["avgPrice"].tolist() == [1.18]

        with pytest.raises(Exception, match="Invalid price"):
            await place(side="sell", type_="limit", price=1.1)
        world.faults.reject("Market is closed")
        with pytest.raises(Exception, match="Market is closed"):
            await in_thread(client.create_order, instrument, quantity=0.01, side="sell", type_="market")
        assert (world.book.orders[-1].purpose, world.book.orders[-1].status) == (Purpose.OPEN, Result.REJECTED)


async def test_client_reads_details_quotes_and_state():
    async with tcp_world(start=datetime.now(UTC)) as (world, _):
        world.book.open(Symbol("EURUSD"), Side.SELL, Decimal(1))
        client = await sign_in(world)
        instrument = await in_thread(client.get_instrument_id_from_symbol_name, "EURUSD")
        quotes = await in_thread(client.get_quotes, instrument)
        assert (quotes["bp"], quotes["ap"]) == (1.16, 1.16008)
        state = await in_thread(client.get_account_state)
        assert Decimal(state["balance"]) == 10_000
        assert Decimal(state["openNetPnL"]) == world.book.floating_pnl(PositionId(next(iter(world.book.positions))))
        details = await in_thread(client.get_instrument_details, instrument)
        assert details["lotSize"] == 100_000


async def test_client_with_a_wrong_password_is_refused():
    async with tcp_world(start=datetime.now(UTC)) as (world, _):
        with pytest.raises(ValueError, match="403"):
            await sign_in(world, password="wrong")


NODE_MODULES = Path(__file__).with_name("node_modules")

# As the vendor's published example does it: websocket only, the key in a header; the subscription is acknowledged.
STREAMS_CLIENT = """
const { io } = require("socket.io-client");
const [origin, key, token] = process.argv.slice(1);
const socket = io(origin + "/streams-api", {
  path: "/streams-api/socket.io", transports: ["websocket"], extraHeaders: { "developer-api-key": key } });
const seen = [];
const end = () => { console.log(JSON.stringify(seen)); socket.close(); };
socket.on("connection", (status) => { seen.push(["connection", status]); if (status.status !== "ok") end(); });
socket.on("stream", (message) => { seen.push(["stream", message]); if (message.name === "SyncEnd") end(); });
socket.on("connect", () => socket.emit("subscriptions", { action: "SUBSCRIBE", token }, (answer) => {
  seen.push(["ack", answer]); if (answer.status !== "ok") end(); }));
setTimeout(() => process.exit(3), 20000).unref();
"""


async def run_streams_client(world, key, token):
    """Return what Socket.IO's own client saw, in order."""
    environment = {**os.environ, "NODE_PATH": str(NODE_MODULES)}
    done = await trio.run_process(
        ["node", "-e", STREAMS_CLIENT, world.origin, key, token], capture_stdout=True, env=environment
    )
    return json.loads(done.stdout)


needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not (NODE_MODULES / "socket.io-client").is_dir(),
    reason="node and the packages of tests/peers/package.json are not installed",
)


@needs_node
async def test_socket_io_client_subscribes_by_token_alone_and_is_synchronized():
    async with tcp_world() as (world, _):
        world.book.open(Symbol("EURUSD"), Side.SELL, Decimal(1), stop_loss=Decimal("1.2"))
        rest = Rest(world.simulator.config(ACCOUNT_ID, world.origin), connect_tcp, world.now)
        token = await rest.stream_token()
        await rest.aclose()
        seen = await run_streams_client(world, DEVELOPER_KEY, token.access_token)
        assert [kind for kind, _ in seen[:2]] == ["connection", "ack"]
        assert seen[1][1] == {
            "status": "ok",
            "code": "connected",
            "message": f"Connected to account {SERVER}#{ACCOUNT_ID}",
            "remainingRequests": 29,
        }
        assert [message["type"] for kind, message in seen if kind == "stream"] == [
            "AccountStatus",
            "Position",
            "OpenOrder",
            "Property",
        ]


@needs_node
async def test_socket_io_client_hears_why_it_is_refused():
    async with tcp_world() as (world, _):
        seen = await run_streams_client(world, "wrong", "a.b.c")
        assert (seen[0][0], seen[0][1]["code"]) == ("connection", "unauthorized.invalidApiKey")
        seen = await run_streams_client(world, DEVELOPER_KEY, "a.b.c")
        assert (seen[1][0], seen[1][1]["code"]) == ("ack", "invalidJwt")
