"""The simulated Socket API over a WebSocket: the initial push, cadence, heart-beats, caps, and the weather."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
import trio
from attrs import define, field
from trio_websocket import ConnectionClosed, WebSocketConnection

from adapters.base import SessionLost
from adapters.metacopier.simulator import SOCKET_PATH
from adapters.metacopier.simulator_words import account_id
from adapters.transport.stomp import Frame, FrameReader
from adapters.transport.websocket import open_websocket
from rules.model.values import OmsType, Side, Symbol
from tests.adapters.metacopier.venue import HOST, KEY, PORT, Venue, open_venue

MockClock = trio.testing.MockClock
EURUSD = Symbol("EURUSD")
CONNECT = f"CONNECT\napi-key:{KEY}\naccept-version:1.2\nheart-beat:{{beats}}\n\n\0"
SUBSCRIBE = "SUBSCRIBE\nid:sub-0\ndestination:/user/queue/accounts/changes\n\n\0"
ALL = {"UpdateAccountInformationDTO", "UpdateOpenPositionsDTO", "UpdateHistoryDTO"}


def subscribe(*account_ids: str) -> str:
    return f"SEND\ndestination:/app/subscribe\n\n{json.dumps({'accountIds': account_ids})}\0"


@define
class Client:
    socket: WebSocketConnection
    reader: FrameReader = field(factory=FrameReader)

    async def send(self, *frames: str) -> None:
        for frame in frames:
            await self.socket.send_message(frame)

    async def frame(self) -> Frame:
        while True:
            item = self.reader.next_frame()
            if isinstance(item, Frame):
                return item
            if item is None:
                self.reader.receive(await self.socket.get_message())

    async def message(self) -> tuple[str, dict[str, object]]:
        frame = await self.frame()
        assert frame.command == "MESSAGE", frame
        wrapper = json.loads(frame.body)
        return wrapper["type"], wrapper["data"]

    async def close_code(self) -> int | None:
        """Return the code with which the server closes; nothing else may come before."""
        with pytest.raises(ConnectionClosed) as closed:
            await self.socket.get_message()
        return None if closed.value.reason is None else closed.value.reason.code

    async def sign_in(self, beats: str = "0,0") -> None:
        await self.send(CONNECT.format(beats=beats))
        assert (await self.frame()).command == "CONNECTED"

    async def subscribe(self, *account_ids: str) -> None:
        await self.sign_in()
        await self.send(SUBSCRIBE, subscribe(*account_ids))


@asynccontextmanager
async def client_of(venue: Venue) -> AsyncIterator[Client]:
    url = f"ws://{HOST}:{PORT}{SOCKET_PATH}"
    async with open_websocket(url, connect=venue.network.connect, subprotocols=("v11.stomp", "v12.stomp")) as socket:
        assert socket.subprotocol == "v12.stomp"
        yield Client(socket)


async def test_all_three_messages_of_every_account_come_at_once(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, client_of(venue) as client:
        venue.broker.add_account("second", OmsType.NETTING, Decimal(5))
        await client.subscribe()
        seen = [await client.message() for _ in range(6)]
        accounts = {account_id("master"), account_id("second")}
        assert {(kind, data["accountId"]) for kind, data in seen} == {(kind, name) for kind in ALL for name in accounts}
        assert trio.current_time() < 1


async def test_a_filter_chooses_accounts_and_a_new_one_replaces_it(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, client_of(venue) as client:
        second = venue.broker.add_account("second", OmsType.HEDGING, Decimal(1000))
        await client.subscribe(account_id("second"))
        assert {(await client.message())[1]["accountId"] for _ in range(3)} == {account_id("second")}
        venue.book.deposit(Decimal(1))
        second.deposit(Decimal(1))
        assert (await client.message())[1]["accountId"] == account_id("second")
        await client.message()  # the deposit's history and figures
        await client.send(subscribe(account_id("master")))
        assert {(await client.message())[1]["accountId"] for _ in range(3)} == {account_id("master")}


async def test_an_account_that_is_added_later_joins_a_subscription_to_all(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, client_of(venue) as client:
        await client.subscribe()
        for _ in range(3):
            await client.message()
        venue.broker.add_account("late", OmsType.HEDGING, Decimal(1))
        with trio.fail_after(61):
            while (await client.message())[1]["accountId"] != account_id("late"):
                pass


async def test_figures_come_every_minute_and_not_with_every_quote(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, client_of(venue) as client:
        venue.book.open(EURUSD, Side.BUY, Decimal("0.1"))
        await client.subscribe()
        for _ in range(3):
            await client.message()
        for _ in range(10):
            venue.broker.market.set_quote(venue.broker.market.quotes[EURUSD])
        with trio.move_on_after(50) as waited:
            await client.message()
        assert waited.cancelled_caught
        with trio.fail_after(11):
            assert (await client.message())[0] == "UpdateAccountInformationDTO"


async def test_a_client_that_wants_beats_gets_one_after_every_10_idle_seconds(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, client_of(venue) as client:
        await client.sign_in("0,10000")
        beats = []
        for _ in range(3):
            assert await client.socket.get_message() == "\n"
            beats.append(round(trio.current_time()))
        assert beats == [10, 20, 30]


async def test_a_client_that_beats_and_stops_is_told_and_dropped(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, client_of(venue) as client:
        await client.sign_in("10000,0")
        await trio.sleep(25)
        await client.send("\n")
        error = await client.frame()
        assert (error.command, round(trio.current_time())) == ("ERROR", 55)
        assert b"heart-beat within 30 s" in error.body
        assert await client.close_code() == 1000


@pytest.mark.parametrize("beats", ["0,0", "10000,10000"])
async def test_a_client_that_never_beats_is_never_dropped_for_silence(autojump_clock: MockClock, beats: str) -> None:
    async with open_venue() as venue, client_of(venue) as client:
        await client.send(CONNECT.format(beats=beats) + "\n")  # as the documented Python program ends its frames
        assert (await client.frame()).command == "CONNECTED"
        await trio.sleep(300)
        await client.send(SUBSCRIBE + "\n", subscribe() + "\n")
        await client.message()


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (["CONNECT\naccept-version:1.2\n\n\0"], "Unauthorized"),
        (["CONNECT\napi-key:wrong\naccept-version:1.2\n\n\0"], "Unauthorized"),
        ([CONNECT.format(beats="0,0"), SUBSCRIBE, subscribe("f" * 8)], "Forbidden"),
        (["CONNECT\napi-key:other\n\n\0", SUBSCRIBE, subscribe(account_id("master"))], "Forbidden"),
        (["HELLO\n\n\0"], "Protocol error"),
        ([CONNECT.format(beats="0,0"), "SEND\ndestination:/nowhere\n\n\0"], "Protocol error"),
    ],
)
async def test_error_names_the_reason_before_the_server_closes(
    autojump_clock: MockClock, frames: list[str], reason: str
) -> None:
    async with open_venue() as venue, client_of(venue) as client:
        await client.send(*frames)
        while (frame := await client.frame()).command == "CONNECTED":
            pass
        assert (frame.command, frame.headers["message"]) == ("ERROR", reason)
        assert frame.body
        assert await client.close_code() == 1000


async def test_a_receipt_comes_before_the_server_closes(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, client_of(venue) as client:
        await client.sign_in()
        await client.send("DISCONNECT\nreceipt:close-1\n\n\0")
        assert await client.frame() == Frame("RECEIPT", {"receipt-id": "close-1"})


async def test_a_place_in_the_cap_is_free_again_after_a_session(autojump_clock: MockClock) -> None:
    async with open_venue(sessions_max=1) as venue:
        for _ in range(3):
            async with client_of(venue) as client:
                await client.sign_in()
            await trio.sleep(1)


async def test_a_session_that_has_ended_listens_to_no_book(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        before = len(venue.book._listeners._callbacks)
        async with client_of(venue) as client:
            await client.subscribe()
            await client.message()
            assert len(venue.book._listeners._callbacks) == before + 1
        await trio.sleep(1)
        assert len(venue.book._listeners._callbacks) == before


async def test_messages_are_lost_doubled_and_swapped_when_asked_for(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, client_of(venue) as client:
        faults = venue.simulator.faults
        faults.drop_messages, faults.duplicate_messages = 1, 1
        await client.subscribe()
        order = [(await client.message())[0] for _ in range(3)]
        assert order == ["UpdateOpenPositionsDTO", "UpdateOpenPositionsDTO", "UpdateHistoryDTO"]
        faults.reorder_messages = 1
        await client.send(subscribe())
        order = [(await client.message())[0] for _ in range(3)]
        assert order == ["UpdateOpenPositionsDTO", "UpdateAccountInformationDTO", "UpdateHistoryDTO"]


async def test_streams_are_cut_without_a_word(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, client_of(venue) as client:
        await client.sign_in()
        venue.simulator.faults.drop_streams()
        assert await client.close_code() == 1006  # no close frame


async def test_maintenance_refuses_the_handshake_and_a_refused_sign_in_says_error(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        venue.simulator.faults.maintenance = True
        with pytest.raises(SessionLost, match="503"):
            async with client_of(venue):
                pytest.fail("expected no WebSocket")
        venue.simulator.faults.maintenance = False
        venue.simulator.faults.refuse_sign_in = True
        async with client_of(venue) as client:
            await client.send(CONNECT.format(beats="0,0"))
            assert (await client.frame()).headers["message"] == "Unauthorized"


async def test_a_slow_client_gets_the_newest_state_and_not_every_step(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, client_of(venue) as client:
        await client.subscribe()
        for _ in range(3):
            await client.message()
        for _ in range(100):
            venue.book.open(EURUSD, Side.BUY, Decimal("0.01"))
        kind, data = await client.message()
        assert kind == "UpdateOpenPositionsDTO"
        rows = data["openPositions"]
        assert isinstance(rows, list)
        assert len(rows) == 100
