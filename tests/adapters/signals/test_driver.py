"""An account of signals: signed, once, durable, and told to the engine like any source."""

import base64
import hmac
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import pytest
import trio
from attrs import evolve

from adapters.base import Receipt, SessionLost, SignalConflict, SignalFault, SignalReceiver, SignInRefused
from adapters.secret import Secret
from adapters.signals.config import Config
from adapters.signals.driver import SignalsAccount
from rules.model.events import Event, PositionClosed, PositionReported, SessionOpened, SnapshotReceived
from rules.model.values import AccountId, PositionId, Side
from tests.adapters.simulation.worlds import Clock

NAME = AccountId("alerts")
SECRET = "a-secret-of-some-length"


async def nowhere(host: str, port: int, tls: bool) -> NoReturn:
    raise AssertionError(f"an account of signals connected to {host}:{port}")


class World:
    """An account on a file, and a sender who knows its secret."""

    def __init__(self, path: Path | str, **keys: Any) -> None:
        self.clock = Clock()
        self.config = Config(state=str(path), secret=Secret(SECRET), **keys)
        self.account = self.opened()
        self.sent = 0

    def opened(self, name: AccountId = NAME, config: Config | None = None) -> SignalsAccount:
        return SignalsAccount(name, config or self.config, connect=nowhere, now=self.clock)

    async def again(self) -> None:
        """Begin another run on the same file."""
        await self.account.aclose()
        self.account = self.opened()

    def message(self, **keys: Any) -> bytes:
        self.sent += 1
        base = {"id": f"s{self.sent}", "time": self.clock().isoformat(), "secret": SECRET}
        return json.dumps({**base, **keys}).encode()

    async def send(self, **keys: Any) -> Receipt:
        return await self.account.receive(self.message(**keys), {})

    async def open(self, position: str = "p1", volume: str = "1", **keys: Any) -> Receipt:
        base = {"action": "open", "symbol": "EURUSD", "side": "buy", "price": "1.1"}
        return await self.send(**{**base, "position": position, "volume": volume, **keys})

    async def held(self) -> dict[str, str]:
        """Return the lots of each open position, as a poll shows them."""
        snapshot, status = await self.account.snapshot()
        assert status.equity is None
        return {position.position_id: str(position.volume) for position in snapshot.positions}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path / "alerts.db")
    yield world
    await world.account.aclose()


async def test_what_is_opened_modified_and_closed_is_what_it_holds(world: World) -> None:
    assert (await world.open(stop_loss="1.05")).says == "opened buy 1 EURUSD as p1"
    await world.open("p2", side="sell")
    await world.send(action="modify", position="p1", volume="3", stop_loss=None, take_profit="1.2")
    [first, second] = (await world.account.snapshot())[0].positions
    assert (first.volume, first.stop_loss, first.take_profit) == (Decimal(3), None, Decimal("1.2"))
    assert (second.side, second.open_price, second.opened_at) == (Side.SELL, Decimal("1.1"), world.clock())
    assert (await world.send(action="close", position="p1", volume="0.5")).says == "reduced p1 to 2.5"
    assert await world.held() == {"p1": "2.5", "p2": "1"}
    assert (await world.send(action="close", symbol="EURUSD", side="short")).says == "closed 1"
    await world.open("p3", symbol="XAUUSD")
    assert (await world.send(action="close_all")).says == "closed 2"
    assert await world.held() == {}


async def test_it_is_all_there_after_a_restart(world: World) -> None:
    await world.open()
    await world.open("p2")
    await world.send(action="close", position="p2")
    before = (await world.account.snapshot())[0].positions
    await world.again()
    assert (await world.account.snapshot())[0].positions == before
    assert await world.held() == {"p1": "1"}


async def test_a_signal_that_comes_again_does_nothing_also_after_a_restart(world: World) -> None:
    body = world.message(action="open", symbol="EURUSD", side="buy", price=1, volume=1)
    first = await world.account.receive(body, {})
    await world.send(action="close_all")
    assert await world.account.receive(body, {}) == Receipt(first.says, repeated=True)
    await world.again()
    assert await world.account.receive(body, {}) == Receipt(first.says, repeated=True)
    assert await world.held() == {}


async def test_an_id_with_another_body_is_a_conflict(world: World) -> None:
    await world.open(id="same")
    with pytest.raises(SignalConflict, match="taken before"):
        await world.open("p2", id="same")
    assert await world.held() == {"p1": "1"}


async def test_a_replay_out_of_the_window_is_refused_however_long_ago(world: World) -> None:
    body = world.message(action="open", symbol="EURUSD", side="buy", price=1, volume=1)
    await world.account.receive(body, {})
    await world.send(action="close_all")
    world.clock.advance(61)
    with pytest.raises(SignalFault) as refused:
        await world.account.receive(body, {})
    assert refused.value.key == "time"
    world.clock.advance(2 * 86_400)  # the id is forgotten by now
    with pytest.raises(SignalFault):
        await world.account.receive(body, {})
    early = (world.clock() + timedelta(seconds=61)).isoformat()
    with pytest.raises(SignalFault):
        await world.open(time=early)
    assert await world.held() == {}


async def test_what_does_not_fit_what_is_open_does_nothing(world: World) -> None:
    await world.open()
    await world.open("p2")
    for keys in (
        {"action": "open", "position": "p1", "symbol": "EURUSD", "side": "buy", "volume": 1, "price": 1},
        {"action": "modify", "position": "p9", "volume": 1},
        {"action": "modify", "symbol": "EURUSD", "volume": 1},
        {"action": "close", "symbol": "EURUSD", "volume": "0.5"},
    ):
        with pytest.raises(SignalConflict):
            await world.send(**keys)
    assert await world.held() == {"p1": "1", "p2": "1"}
    assert (await world.send(action="close", position="p9")).says == "nothing of it was open"


async def test_an_id_of_a_closed_position_may_be_used_again_later(world: World) -> None:
    await world.open()
    await world.send(action="close", position="p1")
    with pytest.raises(SignalConflict, match="opened before"):
        await world.open()
    world.clock.advance(2)
    await world.open()
    assert await world.held() == {"p1": "1"}


async def test_only_who_knows_the_secret_may_send(world: World) -> None:
    good = world.message(action="close_all")
    assert world.account.is_signed(good, {})
    for body in (
        world.message(action="close_all", secret="another-secret-of-some"),
        world.message(action="close_all", secret=None),
        world.message(action="close_all", secret=5),
        b"{}",
        b"[]",
        b"\xff",
    ):
        assert not world.account.is_signed(body, {})


def headers(key: bytes, body: bytes, at: int, signal_id: str = "msg_1") -> dict[str, str | None]:
    """Return the headers of Standard Webhooks."""
    signed = f"{signal_id}.{at}.".encode() + body
    mac = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return {"webhook-id": signal_id, "webhook-timestamp": str(at), "webhook-signature": f"v1,bm8= v1,{mac}"}


async def test_a_signature_stands_for_secret_id_and_time(tmp_path: Path) -> None:
    world = World(tmp_path / "alerts.db", signing_key=Secret("whsec_" + base64.b64encode(b"k" * 24).decode()))
    body, at = b'{"action":"close_all"}', int(world.clock().timestamp())
    good = headers(b"k" * 24, body, at)
    assert world.account.is_signed(body, good)
    assert not (await world.account.receive(body, good)).repeated
    assert (await world.account.receive(body, good)).repeated
    for bad in (
        headers(b"x" * 24, body, at),
        {**good, "webhook-id": "msg_2"},
        {**good, "webhook-timestamp": str(at + 1)},
        {**good, "webhook-timestamp": "now"},
        {**good, "webhook-signature": "v1,"},
        {**good, "webhook-signature": None},
    ):
        assert not world.account.is_signed(body, bad)
    assert not world.account.is_signed(body + b" ", good)
    await world.account.aclose()


async def test_the_engine_is_told_of_each_change_and_begins_with_what_is_open(world: World) -> None:
    told: list[Event] = []

    async def emit(event: Event) -> None:
        await trio.lowlevel.checkpoint()
        told.append(event)

    await world.open()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.account.stream, emit)
        await trio.testing.wait_all_tasks_blocked()
        await world.open("p2")
        await trio.testing.wait_all_tasks_blocked()
        await world.send(action="close", position="p1")
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    opened, snapshot, reported, closed = told
    assert isinstance(opened, SessionOpened)
    assert isinstance(snapshot, SnapshotReceived)
    assert ([each.position_id for each in snapshot.positions], snapshot.certain) == (["p1"], True)
    assert isinstance(reported, PositionReported)
    assert reported.position.position_id == "p2"
    assert closed == PositionClosed(NAME, world.clock(), PositionId("p1"))


async def test_a_file_that_is_not_its_own_is_refused(world: World, tmp_path: Path) -> None:
    await world.open()
    with pytest.raises(SessionLost):
        await world.opened().snapshot()  # two at once
    await world.account.aclose()
    with pytest.raises(SignInRefused, match="must be account"):
        await world.opened(AccountId("other")).snapshot()
    other = tmp_path / "text"
    other.write_text("no database, but long enough to be looked at as one, which takes a hundred bytes" * 3)
    with pytest.raises(SignInRefused):
        await world.opened(config=evolve(world.config, state=str(other))).snapshot()


async def test_what_cannot_be_written_down_does_not_count(world: World) -> None:
    await world.open()
    world.account._opened()._connection.pragma("query_only", 1)
    with pytest.raises(SessionLost):
        await world.open("p2")
    assert await world.held() == {"p1": "1"}
    await world.open("p2")
    assert await world.held() == {"p1": "1", "p2": "1"}


def test_it_is_a_receiver_of_signals() -> None:
    assert isinstance(World(":memory:").account, SignalReceiver)


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({}, "secret or signing_key is required"),
        ({"secret": Secret("short")}, "16 characters"),
        ({"signing_key": Secret("whsec_not base64 at all")}, "base64"),
        ({"secret": Secret(SECRET), "window": timedelta(seconds=1)}, "from 5 s to 1 h"),
        ({"secret": Secret(SECRET), "state": ""}, "state must be"),
    ],
)
def test_keys_that_mean_nothing_are_refused(keys: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Config(**{"state": "alerts.db", **keys})
