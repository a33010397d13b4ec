"""The simulated venue beyond what the driver needs: pending orders, control, shapes of refusals, published requests."""

import json
from decimal import Decimal

import pytest
import trio

from adapters.base import SessionLost
from adapters.tradelocker.simulator import DEVELOPER_KEY, EMAIL, SERVER, SIGN_IN_WORD
from adapters.transport.http import HttpClient
from adapters.transport.websocket import open_websocket
from rules.model.observed import Quote
from rules.model.values import Side, Symbol
from tests.adapters.tradelocker.frames import sample
from tests.adapters.tradelocker.world import ACCOUNT_ID, HOST, PORT, memory_world

EURUSD = Symbol("EURUSD")
ORIGIN = f"http://{HOST}:{PORT}"


class Client:
    """Plain HTTP to the simulator."""

    def __init__(self, world):
        self.http = HttpClient(ORIGIN, connect=world.network.connect)
        self.headers = {}

    async def ask(self, method, path, body=None, headers=None):
        """Return status and JSON of the answer."""
        data = None if body is None else json.dumps(body).encode()
        answer = await self.http.request(method, path, headers={**self.headers, **(headers or {})}, body=data)
        return answer.status, json.loads(answer.body)

    async def trade(self, method, path, body=None):
        status, answer = await self.ask(method, f"/backend-api/trade{path}", body)
        assert status == 200
        return answer

    async def sign_in(self):
        credentials = {"email": EMAIL, "password": SIGN_IN_WORD, "server": SERVER}
        status, tokens = await self.ask("POST", "/backend-api/auth/jwt/token", credentials)
        assert status == 201
        self.headers = {"authorization": f"Bearer {tokens['accessToken']}", "accNum": "1"}
        return tokens


async def signed_in(world):
    client = Client(world)
    await client.sign_in()
    return client


def limit(**fields):
    order = {"tradableInstrumentId": 278, "routeId": 1_152_278, "qty": 0.1, "side": "buy", "type": "limit"}
    return {**order, "validity": "GTC", "price": 1.15, "strategyId": "mine", **fields}


async def test_limit_order_works_until_the_market_reaches_it_and_keeps_its_id(autojump_clock):
    async with memory_world() as (world, _):
        world.broker.next_id = 2**60
        client = await signed_in(world)
        answer = await client.trade("POST", "/accounts/706984/orders", limit(stopLoss=1.14, stopLossType="absolute"))
        order_id = answer["d"]["orderId"]
        assert int(order_id) > 2**53
        rows = await client.trade("GET", "/accounts/706984/orders")
        assert [row[0] for row in rows["d"]["orders"]] == [order_id]
        world.broker.market.set_quote(Quote(EURUSD, Decimal("1.14990"), Decimal("1.15001"), world.now()))
        assert world.book.positions == {}
        world.broker.market.set_quote(Quote(EURUSD, Decimal("1.14980"), Decimal("1.14990"), world.now()))
        (position,) = world.book.positions.values()
        assert (position.open_price, position.stop_loss) == (Decimal("1.14990"), Decimal("1.14"))
        history = await client.trade("GET", "/accounts/706984/ordersHistory")
        ((first, *_, tag),) = history["d"]["ordersHistory"]
        assert (first, tag) == (order_id, "mine")
        rows = await client.trade("GET", "/accounts/706984/orders")
        assert [row[16] for row in rows["d"]["orders"]] == [position.position_id]  # its stop-loss


async def test_stop_order_waits_for_the_other_side(autojump_clock):
    async with memory_world() as (world, _):
        client = await signed_in(world)
        await client.trade("POST", "/accounts/706984/orders", limit(type="stop", price=None, stopPrice=1.17))
        world.broker.market.set_quote(Quote(EURUSD, Decimal("1.1699"), Decimal("1.1701"), world.now()))
        assert [position.open_price for position in world.book.positions.values()] == [Decimal("1.1701")]


async def test_reached_order_that_the_books_refuse_is_rejected(autojump_clock):
    async with memory_world() as (world, _):
        client = await signed_in(world)
        await client.trade("POST", "/accounts/706984/orders", limit(qty=99))
        world.broker.market.set_quote(Quote(EURUSD, Decimal("1.14"), Decimal("1.1401"), world.now()))
        history = await client.trade("GET", "/accounts/706984/ordersHistory")
        assert [row[6] for row in history["d"]["ordersHistory"]] == ["Rejected"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"tradableInstrumentId": 1}, "Instrument not found"),
        ({"routeId": 5}, "Invalid route"),
        ({"side": "long"}, "Invalid side"),
        ({"qty": -0.05}, "Invalid qty"),
        ({"qty": "many"}, "Invalid qty"),
        ({"validity": "IOC"}, "Invalid TIF"),
        ({"type": "stop_limit"}, "Invalid TIF"),
        ({"price": None}, "Price is missing"),
        ({"strategyId": "x" * 33}, "strategyId must be"),
        ({"stopLoss": 5, "stopLossType": "offset"}, "Only absolute"),
    ],
)
async def test_wrong_order_is_refused_with_http_200_and_a_text(autojump_clock, change, text):
    async with memory_world() as (world, _):
        client = await signed_in(world)
        answer = await client.trade("POST", "/accounts/706984/orders", limit(**change))
        assert (answer["s"], "d" in answer) == ("error", False)
        assert text in answer["errmsg"]
        assert world.book.positions == {}
        assert world.simulator.desks()[ACCOUNT_ID].pending == []


async def test_everything_can_be_canceled_and_closed_at_once(autojump_clock):
    async with memory_world() as (world, _):
        client = await signed_in(world)
        await client.trade("POST", "/accounts/706984/orders", limit())
        for symbol in (EURUSD, Symbol("GBPUSD")):
            world.book.open(symbol, Side.BUY, Decimal(1))
        assert await client.trade("DELETE", "/accounts/706984/orders") == {"s": "ok"}
        assert world.simulator.desks()[ACCOUNT_ID].pending == []
        assert await client.trade("DELETE", "/accounts/706984/positions?tradableInstrumentId=278") == {"s": "ok"}
        assert [position.symbol for position in world.book.positions.values()] == ["GBPUSD"]
        executions = await client.trade("GET", "/accounts/706984/executions")
        assert len(executions["d"]["executions"]) == 3


async def test_protective_order_keeps_its_id_while_its_price_moves(autojump_clock):
    async with memory_world() as (world, _):
        order = world.book.open(EURUSD, Side.BUY, Decimal(1), stop_loss=Decimal("1.15"))
        protections = world.simulator.desks()[ACCOUNT_ID].protections
        before = protections[order.position_id]["stop"]
        world.book.replace_stops(order.position_id, Decimal("1.14"), None)
        after = protections[order.position_id]["stop"]
        assert (after.order_id, after.price) == (before.order_id, Decimal("1.14"))
        world.book.replace_stops(order.position_id, None, None)
        assert protections[order.position_id] == {}


async def test_strategy_id_beside_a_position_only_selects(autojump_clock):
    async with memory_world() as (world, _):
        client = await signed_in(world)
        order = world.book.open(EURUSD, Side.BUY, Decimal(1), tag="mine")
        path = f"/positions/{order.position_id}"
        assert (await client.trade("DELETE", path + "?strategyId=other", {"qty": "0"}))["s"] == "error"
        assert await client.trade("DELETE", path + "?strategyId=mine", {"qty": "0"}) == {"s": "ok"}


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        ({"authorization": "Bearer x"}, "/backend-api/trade/config", 401),
        ({"accNum": "77"}, "/backend-api/trade/config", 400),
        ({"accNum": "2"}, "/backend-api/trade/accounts/706984/positions", 403),
        ({}, "/backend-api/trade/nothing", 404),
        ({}, "/elsewhere", 404),
        ({}, "/backend-api/auth/nothing", 403),
    ],
)
async def test_request_that_is_not_allowed_has_its_status(autojump_clock, headers, path, status):
    async with memory_world() as (world, _):
        client = await signed_in(world)
        assert (await client.ask("GET", path, headers=headers))[0] == status


async def test_refresh_token_is_good_once_and_changes_both(autojump_clock):
    async with memory_world() as (world, _):
        client = Client(world)
        tokens = await client.sign_in()
        body = {"refreshToken": tokens["refreshToken"]}
        status, renewed = await client.ask("POST", "/backend-api/auth/jwt/refresh", body)
        assert status == 201
        assert renewed.keys() == tokens.keys()
        assert not set(renewed.values()) & set(tokens.values())
        assert (await client.ask("POST", "/backend-api/auth/jwt/refresh", body))[0] == 401


async def test_published_token_request_is_understood_and_must_not_carry_the_key(autojump_clock):
    asked = sample("token-request")
    settings = {"email": asked["email"], "password": asked["password"], "server": asked["server"]}
    async with memory_world(**settings) as (world, _):
        client = Client(world)
        path = "/backend-api/auth/jwt/accounts/tokens"
        status, answer = await client.ask("POST", path, asked)
        assert status == 201
        assert [(each["accountId"], each["brandId"]) for each in answer["data"]] == [
            (ACCOUNT_ID, "BAPIA"),
            ("D#5", "BAPIA"),
        ]
        assert (await client.ask("POST", path, asked, {"developer-api-key": DEVELOPER_KEY}))[0] == 400
        assert (await client.ask("POST", path, {**asked, "password": "x"}))[0] == 403


async def test_control_opens_by_hand_and_adds_accounts(autojump_clock):
    async with memory_world() as (world, _):
        client = Client(world)
        order = {"account": ACCOUNT_ID, "symbol": "EURUSD", "side": "buy", "volume": "0.5"}
        assert (await client.ask("POST", "/control/open", order))[0] == 200
        assert len(world.book.positions) == 1
        added = {"account": "L#42", "oms": "hedging", "balance": "100"}
        assert (await client.ask("POST", "/control/accounts", added))[0] == 200
        assert world.simulator.desks()["L#42"].acc_num == "3"


# The socket


class Socket:
    """A WebSocket to the streams, frame by frame."""

    def __init__(self, websocket):
        self.websocket = websocket

    async def say(self, text):
        await self.websocket.send_message(text)

    async def hear(self, prefix="42/streams-api,"):
        """Return the JSON behind the next frame that starts with `prefix`."""
        with trio.fail_after(30):
            while True:
                frame = await self.websocket.get_message()
                if frame.startswith(prefix):
                    return json.loads(frame.removeprefix(prefix))

    async def subscribe(self, action, ack_id):
        await self.say(f"42/streams-api,{ack_id}" + json.dumps(["subscriptions", action]))
        (answer,) = await self.hear(f"43/streams-api,{ack_id}")
        return answer


def open_socket(world):
    url = f"ws://{HOST}:{PORT}/streams-api/socket.io/?EIO=4&transport=websocket"
    return open_websocket(url, connect=world.network.connect, headers=[("developer-api-key", DEVELOPER_KEY)])


async def connected(websocket):
    socket = Socket(websocket)
    assert (await socket.hear("0"))["pingInterval"] == 25_000
    await socket.say("40/streams-api,")
    assert "sid" in await socket.hear("40/streams-api,")
    assert await socket.hear() == ["connection", sample("connection-connected")]
    return socket


async def stream_token(world, account=ACCOUNT_ID):
    client = Client(world)
    credentials = {"email": EMAIL, "password": SIGN_IN_WORD, "server": SERVER}
    _, answer = await client.ask("POST", "/backend-api/auth/jwt/accounts/tokens", credentials)
    return next(each["accessToken"] for each in answer["data"] if each["accountId"] == account)


async def test_published_subscribe_and_unsubscribe_are_understood(autojump_clock):
    async with memory_world() as (world, _), open_socket(world) as websocket:
        socket = await connected(websocket)
        subscribe = {**sample("subscribe"), "token": await stream_token(world)}
        answer = await socket.subscribe(subscribe, 0)
        text = f"Connected to account {SERVER}#{ACCOUNT_ID}"
        assert answer == {**sample("ack-connected"), "message": text}
        assert (await socket.hear())[1]["type"] == "AccountStatus"
        assert await socket.hear() == ["stream", sample("stream-sync-end")]
        assert (await socket.subscribe(subscribe, 1))["code"] == "alreadyConnectedError"
        unsubscribe = {**sample("unsubscribe"), "accountId": ACCOUNT_ID}
        assert (await socket.subscribe(unsubscribe, 2))["code"] == "disconnected"
        world.book.open(EURUSD, Side.BUY, Decimal(1))
        assert (await socket.subscribe({"action": "DANCE"}, 3))["code"] == "unknown"


async def test_streamed_messages_have_the_published_fields(autojump_clock):
    async with memory_world() as (world, _), open_socket(world) as websocket:
        socket = await connected(websocket)
        await socket.subscribe({"action": "SUBSCRIBE", "token": await stream_token(world)}, 0)
        order = world.book.open(EURUSD, Side.BUY, Decimal(1))
        world.book.close(order.position_id)
        seen = {}
        while "ClosePosition" not in seen:
            _, message = await socket.hear()
            seen[message["type"]] = message
        for name in ("account-status", "position", "open-order", "close-position"):
            published = sample(f"stream-{name}")
            assert published.keys() <= seen[published["type"]].keys()
            for key, value in published.items():
                assert type(seen[published["type"]][key]) is type(value), (name, key)


async def test_subscription_budget_ends_in_rate_limit(autojump_clock):
    async with memory_world() as (world, _), open_socket(world) as websocket:
        socket = await connected(websocket)
        for number in range(30):
            assert (await socket.subscribe({"action": "SUBSCRIBE", "token": "x"}, number))["code"] == "invalidJwt"
        assert (await socket.subscribe({"action": "SUBSCRIBE", "token": "x"}, 30))["code"] == "rateLimit"


async def test_newer_socket_takes_the_account_over(autojump_clock):
    async with memory_world() as (world, account):
        lost = []

        async def stream_until_dropped():
            async def emit(event):
                await trio.lowlevel.checkpoint()

            try:
                await account.stream(emit)
            except SessionLost as error:
                lost.append(str(error))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(stream_until_dropped)
            await trio.sleep(5)
            async with open_socket(world) as websocket:
                socket = await connected(websocket)
                token = await stream_token(world)
                assert (await socket.subscribe({"action": "SUBSCRIBE", "token": token}, 0))["status"] == "ok"
                await trio.sleep(5)
        assert len(lost) == 1
        assert "Disconnected" in lost[0]


@pytest.mark.parametrize("garbage", ["x", "42/streams-api,[", "40/streams-api,", "451-[]"])
async def test_client_that_speaks_garbage_is_cut_off(autojump_clock, garbage):
    async def listen_until_cut(world):
        async with open_socket(world) as websocket:
            await connected(websocket)
            await websocket.send_message(garbage)
            with trio.fail_after(10):
                while True:
                    await websocket.get_message()

    async with memory_world() as (world, _):
        with pytest.raises(SessionLost):
            await listen_until_cut(world)


async def test_other_namespace_is_refused(autojump_clock):
    async with memory_world() as (world, _), open_socket(world) as websocket:
        socket = Socket(websocket)
        await socket.say("40/elsewhere,")
        assert await socket.hear("44/elsewhere,") == {"message": "Invalid namespace"}
