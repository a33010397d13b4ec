"""One client's session: sign-in, what it asks for, beats, silence, and how it ends."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec
import pytest
import trio
from attrs import define, field

from adapters.transport.stomp import Frame, HeartBeatOffer
from copier.web.principal import KeyScope, Principal
from copier.web.socket_api import session as session_module
from copier.web.socket_api.fan_out import FanOut
from copier.web.socket_api.session import CHANGES, DECISIONS, LIMITS, Message, Refused, Session
from copier.web.socket_api.words import by_id
from rules.model.values import AccountId
from tests.copier.web.socket_api.listeners import FakeOutbox, FakeSource

A, B = AccountId("a"), AccountId("b")
A_ID, B_ID = by_id([A, B])
KEYS = {
    "all": Principal("all", frozenset({KeyScope.READ})),
    "only-b": Principal("only-b", frozenset({KeyScope.READ}), frozenset({B})),
}
CONNECT = "CONNECT\napi-key:{key}\naccept-version:1.2\nheart-beat:{beats}\n\n\0"
SUBSCRIBE = f"SUBSCRIBE\nid:sub-0\ndestination:{CHANGES}\n\n\0"


def asks(*account_ids: str) -> str:
    body = msgspec.json.encode({"accountIds": account_ids}).decode()
    return f"SEND\ndestination:/app/subscribe\n\n{body}\0"


@define
class FakeGate:
    lease: trio.CancelScope = field(factory=trio.CancelScope)

    def stay(self, principal: Principal) -> trio.CancelScope:
        return self.lease

    def sign_in(self, api_key: str | None) -> Principal:
        if api_key not in KEYS:
            raise Refused("Unauthorized", "The api-key is missing, wrong or revoked.")
        return KEYS[api_key]

    def accounts(self, principal: Principal) -> Mapping[str, AccountId]:
        return by_id(account for account in (A, B) if principal.sees(account))


@define
class Client:
    """A client at the other end; `say` returns when the session has looked at it."""

    outbox: FakeOutbox
    source: FakeSource
    fan_out: FanOut
    gate: FakeGate = field(factory=FakeGate)
    session: Session = field(init=False)
    ended: trio.Event = field(factory=trio.Event)
    _channel: tuple[trio.MemorySendChannel[Message], trio.MemoryReceiveChannel[Message]] = field(
        factory=lambda: trio.open_memory_channel[Message](100)
    )

    async def receive(self) -> Message:
        await trio.lowlevel.checkpoint()  # as the host has it
        return await self._channel[1].receive()

    async def run(self) -> None:
        await self.session.run()
        self.ended.set()

    async def say(self, text: str | bytes) -> list[Frame]:
        is_text = isinstance(text, str)
        await self._channel[0].send(
            {"type": "websocket.receive", "text": text if is_text else None, "bytes": None if is_text else text}
        )
        await trio.testing.wait_all_tasks_blocked(0.001)
        return self.outbox.frames()

    async def leave(self) -> None:
        await self._channel[0].send({"type": "websocket.disconnect", "code": 1001})


@asynccontextmanager
async def connected(key: str = "all", beats: str = "0,0", *, sign_in: bool = True) -> AsyncIterator[Client]:
    source = FakeSource({A: {"info": 1}, B: {"info": 1}})
    fan_out = FanOut(source, repeat="info", repeat_every_s=60)
    client = Client(FakeOutbox(), source, fan_out)
    offer = HeartBeatOffer(10_000, 10_000)
    client.session = Session(client.receive, client.outbox, client.gate, fan_out, "s-1", offer=offer)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(fan_out.run)
        nursery.start_soon(client.run)
        if sign_in:
            (frame,) = await client.say(CONNECT.format(key=key, beats=beats))
            assert frame.command == "CONNECTED"
        yield client
        nursery.cancel_scope.cancel()


def bodies(frames: list[Frame]) -> list[object]:
    return [msgspec.json.decode(frame.body) for frame in frames]


async def test_everything_comes_once_both_the_queue_and_the_accounts_are_asked_for(
    autojump_clock: trio.abc.Clock,
) -> None:
    async with connected() as client:
        assert await client.say(SUBSCRIBE) == []
        frames = await client.say(asks())
        assert sorted(bodies(frames)) == [["a", "info", 1], ["b", "info", 1]]  # type: ignore[type-var]  # lists
        assert {frame.headers["subscription"] for frame in frames} == {"sub-0"}
        assert {frame.headers["destination"] for frame in frames} == {CHANGES}
        assert {frame.headers["content-type"] for frame in frames} == {"application/json"}


async def test_the_accounts_may_be_asked_for_before_the_queue(autojump_clock: trio.abc.Clock) -> None:
    async with connected() as client:
        assert await client.say(asks(A_ID.upper())) == []
        assert bodies(await client.say(SUBSCRIBE)) == [["a", "info", 1]]


async def test_another_queue_does_not_tell_the_first_again(autojump_clock: trio.abc.Clock) -> None:
    async with connected() as client:
        await client.say(SUBSCRIBE + asks())
        assert await client.say(f"SUBSCRIBE\nid:d\ndestination:{DECISIONS}\n\n\0") == []
        assert await client.say(f"SUBSCRIBE\nid:l\ndestination:{LIMITS}\n\n\0") == []


async def test_a_receipt_comes_after_the_state_that_it_is_for(autojump_clock: trio.abc.Clock) -> None:
    async with connected() as client:
        await client.say(asks(A_ID))
        frames = await client.say(SUBSCRIBE.replace("id:", "receipt:r\nid:"))
        assert [frame.command for frame in frames] == ["MESSAGE", "RECEIPT"]


async def test_what_is_unsubscribed_is_silent(autojump_clock: trio.abc.Clock) -> None:
    async with connected() as client:
        await client.say(SUBSCRIBE + asks() + "UNSUBSCRIBE\nid:sub-0\n\n\0")
        client.source.told[A]["info"] = 2
        client.fan_out.changed(A)
        await trio.sleep(1)
        assert client.outbox.frames() == []


async def test_a_key_sees_its_accounts_only_and_a_foreign_one_looks_like_none(autojump_clock: trio.abc.Clock) -> None:
    async with connected("only-b") as client:
        assert bodies(await client.say(SUBSCRIBE + asks())) == [["b", "info", 1]]
        (foreign,) = await client.say(asks(A_ID))
        assert client.outbox.closed == 1008
    async with connected("only-b") as client:
        nowhere = A_ID[:-1] + ("0" if A_ID[-1] != "0" else "1")
        (unknown,) = await client.say(asks(nowhere))
    assert foreign.headers["message"] == unknown.headers["message"] == "Forbidden"
    assert foreign.body.decode().replace(A_ID, nowhere) == unknown.body.decode()


@pytest.mark.parametrize("connect", ["CONNECT\naccept-version:1.2\n\n\0", CONNECT.format(key="wrong", beats="0,0")])
async def test_a_client_without_a_good_key_is_told_so_and_closed(connect: str, autojump_clock: trio.abc.Clock) -> None:
    async with connected(sign_in=False) as client:
        (frame,) = await client.say(connect + SUBSCRIBE + asks())
        assert (frame.command, frame.headers["message"]) == ("ERROR", "Unauthorized")
        assert "api-key" in frame.body.decode()
        assert client.outbox.closed == 1008
        await client.ended.wait()


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        ("SUBSCRIBE\nid:a\ndestination:/user/queue/none\n\n\0", "expected SUBSCRIBE to one of"),
        ("SEND\ndestination:/app/subscribe\n\nnot json\0", "accountIds"),
        ("SEND\ndestination:/app/subscribe\n\n{}\0", "accountIds"),
        ('SEND\ndestination:/app/subscribe\n\n{"accountIds":[1]}\0', "accountIds"),
        (asks(*[A_ID] * 1001), "at most 1000 accountIds"),
        ("[" * 60_000, "STOMP"),
        ("SEND\ndestination:/app/subscribe\n\n" + "[" * 60_000 + "\0", "accountIds"),
        (b"SEND\n\xff\n\n\0", "UTF-8"),
    ],
)
async def test_a_broken_rule_is_named_before_the_session_ends(
    wire: str | bytes, text: str, autojump_clock: trio.abc.Clock
) -> None:
    async with connected() as client:
        (frame,) = await client.say(wire)
        assert (frame.command, frame.headers["message"]) == ("ERROR", "Protocol error")
        assert text in frame.body.decode()
        assert client.outbox.closed == 1002


async def test_who_asks_too_often_is_told_so(autojump_clock: trio.abc.Clock) -> None:
    async with connected() as client:
        for _ in range(session_module.FRAMES_BURST // 2 - 1):
            await client.say(asks() + "ACK\nid:1\n\n\0")
        (frame,) = await client.say(asks() + asks())
        assert frame.headers["message"] == "Too many frames"
    async with connected() as client:
        for _ in range(300):
            await trio.sleep(1)
            await client.say(asks())
        assert client.outbox.closed is None


async def test_beats_are_sent_when_there_is_nothing_else_to_send(autojump_clock: trio.abc.Clock) -> None:
    async with connected(beats="0,10000") as client:
        await client.say(SUBSCRIBE + asks(A_ID))
        await trio.sleep(35)
        assert len(client.outbox.items()) == 3
        for _ in range(20):
            await trio.sleep(4)
            client.source.told[A]["info"] = trio.current_time()
            client.fan_out.changed(A)
        assert all(isinstance(item, Frame) for item in client.outbox.items())


async def test_a_client_that_wants_no_beats_gets_none_and_may_be_silent(autojump_clock: trio.abc.Clock) -> None:
    async with connected(beats="0,0") as client:
        await trio.sleep(3600)
        assert client.outbox.items() == []
        assert client.outbox.closed is None


async def test_a_client_that_beat_and_fell_silent_is_cut_after_three_beats(autojump_clock: trio.abc.Clock) -> None:
    async with connected(beats="10000,0") as client:
        await trio.sleep(100)
        assert client.outbox.closed is None, "it never beat: programs that declare beats and send none live on"
        await client.say("\n")
        await trio.sleep(29)
        assert client.outbox.closed is None
        await trio.sleep(2)
        (frame,) = client.outbox.frames()
        assert "within 30 s" in frame.body.decode()
        assert client.outbox.closed == 1002


async def test_a_client_whose_beats_waited_while_we_were_busy_is_not_called_silent(
    autojump_clock: trio.abc.Clock,
) -> None:
    async with connected(beats="10000,0") as client:
        await client.say("\n")
        await client.say(SUBSCRIBE)
        client.outbox.waiting_bytes = 2**20  # it reads slowly: the whole state waits for room
        await client.say(asks())
        for _ in range(4):
            await trio.sleep(10)
            await client.say("\n")
        client.outbox.taken.set()
        await trio.sleep(1)
        assert client.outbox.closed is None
        await trio.sleep(31)
        assert client.outbox.closed == 1002


async def test_a_client_that_never_signs_in_is_cut(autojump_clock: trio.abc.Clock) -> None:
    async with connected(sign_in=False) as client:
        await trio.sleep(31)
        assert client.outbox.closed == 1002


async def test_disconnect_is_answered_and_ends_the_session(autojump_clock: trio.abc.Clock) -> None:
    async with connected() as client:
        await client.say(SUBSCRIBE + asks())
        (frame,) = await client.say("DISCONNECT\nreceipt:close-1\n\n\0")
        assert (frame.command, frame.headers["receipt-id"]) == ("RECEIPT", "close-1")
        assert client.outbox.closed == 1000
        assert not client.fan_out.is_listened_to(A)


async def test_a_client_that_vanishes_is_forgotten(autojump_clock: trio.abc.Clock) -> None:
    async with connected() as client:
        await client.say(SUBSCRIBE + asks())
        await client.leave()
        await client.ended.wait()
        assert not client.fan_out.is_listened_to(A)


async def test_a_session_whose_key_is_revoked_says_so_and_hears_nothing_more(autojump_clock: trio.abc.Clock) -> None:
    async with connected() as client:
        await client.say(SUBSCRIBE + asks())
        client.gate.lease.cancel()
        await client.ended.wait()
        assert not client.fan_out.is_listened_to(A)
        (frame,) = client.outbox.frames()
        assert (frame.command, frame.headers["message"]) == ("ERROR", "Unauthorized")
        assert "revoked" in frame.body.decode()
        assert client.outbox.closed == 1008
