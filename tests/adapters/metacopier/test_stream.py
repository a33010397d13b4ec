"""The stream against the simulated venue: sign-in, first snapshot, live changes, and every way of losing it."""

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest
import trio
from trio_websocket import WebSocketConnection

from adapters.base import SessionLost, SignInRefused
from adapters.metacopier.driver import MetaCopierAccount
from adapters.metacopier.simulator import SOCKET_PATH
from adapters.metacopier.simulator_words import account_id
from adapters.transport.serving import HttpRequest, HttpService
from adapters.transport.stomp import Frame, FrameReader, Version, encode
from rules.model.events import AccountReported, Origin, PositionClosed, SessionOpened, SnapshotReceived
from rules.model.values import OmsType, Side, Symbol
from tests.adapters.metacopier.venue import ALIAS, Events, Venue, open_venue

EURUSD = Symbol("EURUSD")
MockClock = trio.testing.MockClock


class Running:
    """A stream that runs beside the test, and how it ended."""

    def __init__(self, account: MetaCopierAccount, nursery: trio.Nursery) -> None:
        self.events = Events()
        self.error: Exception | None = None
        self._ended = trio.Event()
        nursery.start_soon(self._run, account)

    async def _run(self, account: MetaCopierAccount) -> None:
        try:
            await account.stream(self.events.emit)
        except (SessionLost, SignInRefused) as error:
            self.error = error
        self._ended.set()

    async def ended(self) -> Exception:
        with trio.fail_after(1000):
            await self._ended.wait()
        assert self.error is not None
        return self.error


def live(size: int) -> Callable[[SnapshotReceived], bool]:
    return lambda event: event.origin is Origin.LIVE and len(event.positions) == size


async def test_the_first_list_with_positions_is_the_snapshot(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    async with open_venue() as venue:
        venue.book.open(EURUSD, Side.BUY, Decimal("0.1"))
        stream = Running(venue.account(), nursery)
        await stream.events.wait_for(SessionOpened)
        snapshot = await stream.events.wait_for(SnapshotReceived)
        assert snapshot.origin is Origin.RECONCILED
        assert snapshot.certain
        assert snapshot.requested_at is None
        assert [position.symbol for position in snapshot.positions] == [EURUSD]


async def test_an_empty_beginning_is_confirmed_by_asking(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    async with open_venue() as venue:
        stream = Running(venue.account(), nursery)
        pushed = await stream.events.wait_for(SnapshotReceived)
        assert (pushed.positions, pushed.certain, pushed.requested_at) == ((), False, None)
        asked = await stream.events.wait_for(SnapshotReceived)
        assert (asked.positions, asked.certain, asked.origin) == ((), True, Origin.RECONCILED)
        assert asked.requested_at is not None
        await stream.events.wait_for(AccountReported)


async def test_an_answer_that_a_pushed_list_has_overtaken_is_not_told(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    async with open_venue() as venue:
        venue.simulator.faults.delay_s = 3
        stream = Running(venue.account(), nursery)
        await stream.events.wait_for(SnapshotReceived)
        await trio.sleep(4)
        venue.book.open(EURUSD, Side.BUY, Decimal("0.1"))
        await stream.events.wait_for(SnapshotReceived, live(1))
        await trio.sleep(60)
        assert not [event for event in stream.events.all if isinstance(event, SnapshotReceived)]


async def test_changes_arrive_live_and_a_close_with_its_price(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    async with open_venue() as venue:
        stream = Running(venue.account(), nursery)
        await stream.events.wait_for(SnapshotReceived, lambda event: event.certain)
        order = venue.book.open(EURUSD, Side.BUY, Decimal("0.1"), magic="42", comment="API|3|mine")
        opened = await stream.events.wait_for(SnapshotReceived, live(1))
        (position,) = opened.positions
        assert (position.position_id, position.volume, position.side) == (order.position_id, Decimal("0.1"), Side.BUY)
        assert (position.magic, position.comment, position.tag) == ("42", "API|3|mine", None)
        assert order.position_id is not None
        venue.book.close(order.position_id, Decimal("0.04"))
        reduced = await stream.events.wait_for(SnapshotReceived, live(1))
        assert reduced.positions[0].volume == Decimal("0.06")
        closing = venue.book.close(order.position_id)
        closed = await stream.events.wait_for(PositionClosed)
        assert closed == PositionClosed(ALIAS, closed.received_at, order.position_id, closing.price, closing.at)


async def test_figures_arrive_every_minute_and_after_a_deposit(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    async with open_venue() as venue:
        stream = Running(venue.account(), nursery)
        await stream.events.wait_for(SnapshotReceived, lambda event: event.certain)
        venue.book.deposit(Decimal(500))
        reported = await stream.events.wait_for(AccountReported, lambda event: event.status.balance == Decimal(10_500))
        again = await stream.events.wait_for(AccountReported)
        assert (again.received_at - reported.received_at).total_seconds() <= 60


async def test_a_session_lives_on_while_nothing_happens(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    async with open_venue() as venue:
        stream = Running(venue.account(), nursery)
        await trio.sleep(1200)
        assert stream.error is None
        venue.book.open(EURUSD, Side.BUY, Decimal("0.1"))
        await stream.events.wait_for(SnapshotReceived, live(1))


async def test_our_heart_beat_comes_at_once_and_every_8_seconds(autojump_clock: MockClock) -> None:
    beats: list[float] = []

    async def serve(socket: WebSocketConnection) -> None:
        await connected(socket)
        since = trio.current_time()
        while True:
            if await socket.get_message() == "\n":
                beats.append(trio.current_time() - since)

    await run_against(serve, 30)
    assert beats == [0, 8, 16, 24]


async def test_a_cut_connection_is_weather(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    async with open_venue() as venue:
        stream = Running(venue.account(), nursery)
        await stream.events.wait_for(SnapshotReceived)
        venue.simulator.faults.drop_streams()
        assert isinstance(await stream.ended(), SessionLost)


async def test_a_silent_server_is_given_up_after_three_beats(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    async with open_venue() as venue:
        stream = Running(venue.account(), nursery)
        await stream.events.wait_for(SnapshotReceived, lambda event: event.certain)
        venue.simulator.faults.half_open = True
        since = trio.current_time()
        assert "nothing received within 30 s" in str(await stream.ended())
        assert trio.current_time() - since <= 30


async def test_heart_beats_without_news_are_an_account_without_the_socket_feature(autojump_clock: MockClock) -> None:
    async def serve(socket: WebSocketConnection) -> None:
        await connected(socket)
        while True:
            await socket.send_message("\n")
            await trio.sleep(5)

    async with open_venue() as venue, trio.open_nursery() as nursery:
        stream = Running(other_socket(venue, serve), nursery)
        asked = await stream.events.wait_for(SnapshotReceived)
        assert asked.requested_at is not None
        assert "has it the Socket feature?" in str(await stream.ended())


async def test_what_is_pushed_after_an_answered_question_is_live(autojump_clock: MockClock) -> None:
    async def serve(socket: WebSocketConnection) -> None:
        await connected(socket)
        await trio.sleep(20)
        await socket.send_message(open_positions())
        await trio.sleep_forever()

    async with open_venue() as venue, trio.open_nursery() as nursery:
        stream = Running(other_socket(venue, serve), nursery)
        assert (await stream.events.wait_for(SnapshotReceived)).origin is Origin.RECONCILED
        assert (await stream.events.wait_for(SnapshotReceived)).origin is Origin.LIVE
        nursery.cancel_scope.cancel()


async def test_a_wrong_key_is_refused_for_good(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    async with open_venue() as venue:
        error = await Running(venue.account("wrong-key"), nursery).ended()
        assert isinstance(error, SignInRefused)
        assert "wrong-key" not in str(error)


async def test_an_account_that_the_key_may_not_see_is_refused_for_good(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    async with open_venue() as venue:
        assert isinstance(await Running(venue.account("other"), nursery).ended(), SignInRefused)


async def test_one_session_too_many_is_weather(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    async with open_venue(sessions_max=1) as venue:
        first = Running(venue.account(), nursery)
        await first.events.wait_for(SessionOpened)
        error = await Running(venue.account(), nursery).ended()
        assert isinstance(error, SessionLost)
        assert "Too many sessions" in str(error)
        venue.simulator.faults.drop_streams()
        await first.ended()
        again = Running(venue.account(), nursery)
        await again.events.wait_for(SessionOpened)


async def test_a_server_that_never_says_connected_is_given_up(autojump_clock: MockClock) -> None:
    async def serve(_: WebSocketConnection) -> None:
        await trio.sleep_forever()

    assert "no CONNECTED within 15 s" in str(await run_against(serve, 60))


async def test_an_account_of_another_kind_than_configured_is_refused(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    async with open_venue(OmsType.NETTING) as venue:
        assert isinstance(await Running(venue.account(), nursery).ended(), SignInRefused)


@pytest.mark.parametrize(
    "text",
    [
        "HELLO\n\n\0",
        "MESSAGE\n\nnot json\0",
        'MESSAGE\n\n{"type":"UpdateOpenPositionsDTO","data":{}}\0',
        "CONNECTED\nversion:1.2\n\n\0",
    ],
)
async def test_a_server_that_breaks_its_word_loses_the_session(autojump_clock: MockClock, text: str) -> None:
    async def serve(socket: WebSocketConnection) -> None:
        await connected(socket)
        await socket.send_message(text)
        await trio.sleep_forever()

    assert "expected" in str(await run_against(serve, 60))


async def test_unknown_messages_and_those_of_other_accounts_are_left_aside(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def serve(socket: WebSocketConnection) -> None:
        await connected(socket)
        await socket.send_message(message({"type": "UpdateWeatherDTO", "data": {"x": 1}}))
        await socket.send_message(message({"type": "UpdateOpenPositionsDTO", "data": {"accountId": "f" * 8}}))
        await socket.send_message(open_positions())
        await trio.sleep_forever()

    async with open_venue() as venue, trio.open_nursery() as nursery:
        stream = Running(other_socket(venue, serve), nursery)
        assert (await stream.events.wait_for(SnapshotReceived)).positions == ()
        assert stream.error is None
        nursery.cancel_scope.cancel()
    assert "UpdateWeatherDTO" in caplog.text


def message(wrapper: object) -> str:
    return encode(Frame("MESSAGE", {"subscription": "sub-0"}, msgspec.json.encode(wrapper)), Version.V1_2)


def open_positions() -> str:
    data = {"accountId": account_id("master"), "openPositions": []}
    return message({"type": "UpdateOpenPositionsDTO", "data": data})


async def connected(socket: WebSocketConnection) -> None:
    """Be a server of few words: read CONNECT, answer it, and read the subscription."""
    reader = FrameReader()
    reader.receive(await socket.get_message())
    frame = reader.next_frame()
    assert isinstance(frame, Frame)
    assert frame.command == "CONNECT"
    await socket.send_message("CONNECTED\nversion:1.2\nheart-beat:10000,10000\n\n\0")
    for command in ("SUBSCRIBE", "SEND"):
        reader.receive(await socket.get_message())
        frame = reader.next_frame()
        assert isinstance(frame, Frame)
        assert frame.command == command


def other_socket(venue: Venue, serve: Callable[[WebSocketConnection], object]) -> MetaCopierAccount:
    """Return the venue's account with another socket server in place of the simulator's."""

    async def handle(socket: WebSocketConnection, _: HttpRequest) -> None:
        await serve(socket)  # type: ignore[misc]

    async def no_http(_: HttpRequest) -> object:
        raise AssertionError("REST goes to the simulator")

    service = HttpService(no_http, {SOCKET_PATH: handle})  # type: ignore[arg-type]
    venue.network.listen("socket.test", 80, service.serve_stream)
    return venue.account(socket_url=f"ws://socket.test:80{SOCKET_PATH}")


async def run_against(serve: Callable[[WebSocketConnection], object], seconds: float) -> Exception | None:
    """Run a stream against a hand-written server for some time; returns how it ended, None if it did not."""
    async with open_venue() as venue, trio.open_nursery() as nursery:
        stream = Running(other_socket(venue, serve), nursery)
        await trio.sleep(seconds)
        nursery.cancel_scope.cancel()
    return stream.error
