"""Bytes that arrive one by one, or in pieces cut anywhere: the events are the same as those of whole messages."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from adapters.transport.network import Connect
from rules.model.events import AccountReported, Event
from tests.conformance.actions import by_hand, trade
from tests.conformance.mirror import streaming
from tests.conformance.venues import START, STREAMED, WireWorld, World, open_world


class CutStream(trio.abc.Stream):
    """A connection whose reader gets as many bytes at a time as `size` says."""

    def __init__(self, inner: trio.abc.Stream, size: Callable[[], int]) -> None:
        self._inner = inner
        self._size = size

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        size = self._size()
        return bytes(await self._inner.receive_some(size if max_bytes is None else min(size, max_bytes)))

    def is_quiet(self) -> bool:
        return bool(self._inner.is_quiet())  # type: ignore[attr-defined]

    async def aclose(self) -> None:
        await self._inner.aclose()


def cutting(size: Callable[[], int]) -> Callable[[Connect], Connect]:
    """Return what makes connections of cut ones."""

    def over(connect: Connect) -> Connect:
        async def cut(host: str, port: int, tls: bool) -> trio.abc.Stream:
            return CutStream(await connect(host, port, tls), size)

        return cut

    return over


def cuts(name: str) -> Callable[[], int]:
    random = Random(3)
    sizes: dict[str, Callable[[], int]] = {
        "byte by byte": lambda: 1,
        "in random pieces": lambda: random.choice((1, 1, 2, 3, 7, 20, 100, 1000)),
    }
    return sizes[name]


async def told(world: World) -> list[Event]:
    """Return what one session tells of positions during some trading, without the times of arrival.

    Figures are left out: of those that change twice while nobody reads, a venue tells the last.
    """
    random = Random(9)
    by_hand(world)
    async with streaming(world) as mirror:
        await mirror.until_true()
        for _ in range(10):
            trade(world, random)
            await trio.sleep(20)  # each change by itself: what comes together may be told together
            await mirror.until_true()
        events = [event for event in mirror.events if not isinstance(event, AccountReported)]
        return [evolve(event, received_at=START) for event in events]


@pytest.mark.slow  # every byte of a session is read by itself
@pytest.mark.parametrize("name", ["byte by byte", "in random pieces"])
@pytest.mark.parametrize("kind", STREAMED)
async def test_a_session_that_is_fed_in_pieces_tells_the_same(
    tmp_path: Path, autojump_clock: MockClock, kind: str, name: str
) -> None:
    async with open_world(kind, tmp_path) as world:
        whole = await told(world)
    async with open_world(kind, tmp_path) as world:
        assert isinstance(world, WireWorld)
        world.account = world.over(cutting(cuts(name)))
        pieces = await told(world)
        await world.account.aclose()
    assert len(whole) > 7  # a venue without stops has nothing to tell of some of it
    assert pieces == whole
