"""Ends of the Socket API in memory: an outbox that remembers, and a source of messages that tests write."""

from collections.abc import Collection, Mapping

import msgspec
import trio
from attrs import define, field

from adapters.transport.stomp import Frame, FrameReader, HeartBeat
from copier.web.socket_api.fan_out import Shown
from copier.web.socket_api.session import CHANGES
from rules.model.values import AccountId


@define(eq=False)
class FakeOutbox:
    """Takes everything at once; `sent` holds it. `waiting_bytes` is what the test says until it is `taken`."""

    sent: list[bytes] = field(factory=list)
    waiting_bytes: int = 0
    closed: int | None = None
    taken: trio.Event = field(factory=trio.Event)

    def put(self, payload: bytes) -> bool:
        if self.closed is None:
            self.sent.append(payload)
        return self.closed is None

    async def emptied(self) -> None:
        await self.taken.wait()
        self.waiting_bytes = 0

    def close(self, code: int, reason: str = "") -> None:
        self.closed = code if self.closed is None else self.closed

    def frames(self) -> list[Frame]:
        """Return the frames sent since the last look; beats are left out."""
        return [frame for frame in self.items() if isinstance(frame, Frame)]

    def items(self) -> list[Frame | HeartBeat]:
        """Return the frames and beats sent since the last look."""
        reader, found = FrameReader(), []
        for payload in self.sent:
            reader.receive(payload)
            while (item := reader.next_frame()) is not None:
                found.append(item)
        self.sent.clear()
        return found

    def bodies(self) -> list[object]:
        return [msgspec.json.decode(frame.body) for frame in self.frames()]


@define
class FakeSource:
    """Shows of each account what the test says, as messages of the queue of changes, and counts how often."""

    told: dict[AccountId, dict[str, object]] = field(factory=dict)
    shows: int = 0

    def accounts(self) -> Collection[AccountId]:
        return self.told.keys()

    def show(self, account: AccountId) -> Mapping[str, Shown]:
        self.shows += 1
        return {
            kind: Shown(CHANGES, msgspec.json.encode(value), msgspec.json.encode([account, kind, value]))
            for kind, value in self.told[account].items()
        }
