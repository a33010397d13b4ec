"""The same over real sockets: the whole life of a copy, and a lost answer, at every venue with a wire."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from adapters.base import RequestNotSent, SessionLost
from adapters.transport.network import Connect, connect_tcp
from adapters.transport.serving import HttpService, serve_tcp
from rules.model.events import SessionOpened, SnapshotReceived
from rules.model.reports import Filled, StopsReplaced
from tests.conformance.actions import check_filled, closing, opened, opening, reducing, replacing, settled, tag
from tests.conformance.mirror import same_positions, streaming
from tests.conformance.venues import KINDS, WIRED, World, has

# Real sockets and real time: what a venue's pauses cost is waited for.
pytestmark = pytest.mark.slow


@asynccontextmanager
async def open_tcp_world(kind: str, folder: Path) -> AsyncIterator[World]:
    """Serve a world on a port of the loopback interface."""
    async with trio.open_nursery() as nursery:

        @asynccontextmanager
        async def serve(service: HttpService) -> AsyncIterator[tuple[str, Connect, None]]:
            port = await nursery.start(serve_tcp, service, "127.0.0.1", 0)
            yield f"http://127.0.0.1:{port}", connect_tcp, None

        async with KINDS[kind](folder, serve) as world:
            yield world
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("kind", WIRED)
async def test_a_copy_lives_and_ends_over_tcp(kind: str, tmp_path: Path) -> None:
    async with open_tcp_world(kind, tmp_path) as world, streaming(world) as mirror:
        await mirror.until(lambda: mirror.synchronized)
        assert isinstance(mirror.events[0], SessionOpened)
        position = await opened(world, opening())
        await mirror.until_true()
        if has(world, "stops"):
            assert await world.account.submit(replacing(position)) == StopsReplaced(tag(2))
        assert isinstance(
            await settled(world, reducing(position), await world.account.submit(reducing(position))), Filled
        )
        await mirror.until_true()
        left = world.book.positions[position.position_id]
        assert isinstance(await settled(world, closing(left), await world.account.submit(closing(left))), Filled)
        await mirror.until_true()
        await world.cut_streams()
        assert isinstance(await mirror.until_lost(), SessionLost)
        assert mirror.of(SnapshotReceived)


@pytest.mark.parametrize("kind", WIRED)
async def test_a_lost_answer_over_tcp_leaves_one_order_which_is_found(kind: str, tmp_path: Path) -> None:
    async with open_tcp_world(kind, tmp_path) as world:
        submitted_at = world.now()
        assert world.faults is not None
        world.faults.lose_answers = 1
        with pytest.raises(SessionLost) as lost:
            await world.account.submit(opening())
        assert not isinstance(lost.value, RequestNotSent)
        position = world.book.position_of_tag(tag())
        assert position is not None
        check_filled(await world.account.find(tag(), submitted_at), opening(), position)
        assert len(world.book.orders) == 1
        snapshot, _ = await world.account.snapshot()
        assert same_positions(snapshot.positions, world)
