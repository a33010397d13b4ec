"""A venue behind an edge that lets no WebSocket through: stream and orders go by long polling, with the same care."""

from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
import trio
from attrs import evolve

from adapters.base import SessionLost, SignInRefused
from adapters.transport.http import HttpResponse
from adapters.transport.network import MemoryNetwork
from rules.model.events import PositionClosed, PositionReported, SnapshotReceived
from rules.model.reports import Filled
from rules.model.values import Side
from tests.adapters.metaapi.scripted import now
from tests.adapters.metaapi.test_driver import EURUSD, HOST, OPENING, PORT, TAG, World, streaming


class Edge:
    """Stands before a simulator: answers upgrades, and polling, by a status where one is set."""

    def __init__(self, service, upgrades, polling) -> None:
        self.upgrades = upgrades
        self.polling = polling
        self.asked = []
        self._service = service

    @property
    def service(self):
        return evolve(self._service, http=self._http, admit=self._admit)

    def _admit(self, request):
        self.asked.append("websocket")
        return None if self.upgrades is None else HttpResponse(self.upgrades)

    async def _http(self, request) -> HttpResponse:
        if request.query.get("transport") == "polling":
            if "sid" not in request.query:
                self.asked.append("polling")
            if self.polling is not None:
                return HttpResponse(self.polling)
        return await self._service.http(request)


@asynccontextmanager
async def behind_an_edge(upgrades=403, polling=None):
    world = World()
    async with trio.open_nursery() as nursery:
        world.network = MemoryNetwork(nursery)
        edge = Edge(world.simulator.service, upgrades, polling)
        world.network.listen(HOST, PORT, edge.service.serve_stream)
        account = world.account()
        yield world, account, edge
        await account.aclose()
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("upgrades", [400, 403, 404, 426, 502])
async def test_stream_looks_and_orders_go_by_polling_where_upgrades_are_refused(autojump_clock, upgrades):
    async with behind_an_edge(upgrades) as (world, account, edge):
        held = world.book.open(EURUSD, Side.BUY, Decimal("0.10"))
        async with streaming(world, account):
            snapshot = await world.next(SnapshotReceived)
            assert [each.position_id for each in snapshot.positions] == [held.position_id]
            report = await account.submit(OPENING)
            assert isinstance(report, Filled)
            reported = await world.next(PositionReported)
            assert (reported.position.position_id, reported.position.tag) == (report.position_id, TAG)
            world.book.close(held.position_id)
            assert (await world.next(PositionClosed)).position_id == held.position_id
            looked, _ = await account.snapshot()
            assert [each.position_id for each in looked.positions] == [report.position_id]
    assert len(world.book.orders) == 3
    assert edge.asked == ["websocket", "polling", "polling"]


async def test_a_websocket_that_gets_through_is_used(autojump_clock):
    async with behind_an_edge(None) as (world, account, edge):
        async with streaming(world, account):
            assert isinstance(await account.submit(OPENING), Filled)
        assert edge.asked == ["websocket", "websocket"]


async def test_a_lost_answer_leaves_one_order_which_is_found(autojump_clock):
    async with behind_an_edge() as (world, account, _):
        world.faults.lose_answers = 1
        with pytest.raises(SessionLost) as lost:
            await account.submit(OPENING)
        assert type(lost.value) is SessionLost
        assert len(world.book.orders) == 1
        report = await account.find(TAG, now())
        assert isinstance(report, Filled)
        assert report.volume == Decimal("0.30")
        assert len(world.book.orders) == 1


@pytest.mark.slow  # four hundred seconds of a stream and its pings
async def test_pings_keep_a_stream_and_the_line_of_requests_for_long(autojump_clock):
    async with behind_an_edge() as (world, account, edge), streaming(world, account):
        for _ in range(20):
            await account.snapshot()
            await trio.sleep(20)
        assert edge.asked == ["websocket", "polling", "polling"]
        assert sum(isinstance(event, SnapshotReceived) for event in world.events) == 1


async def test_that_polling_is_needed_is_remembered_for_an_hour(autojump_clock):
    async with behind_an_edge() as (world, account, edge):
        for _ in range(5):
            world.events.clear()
            async with streaming(world, account):
                await account.snapshot()
            await trio.sleep(300)  # the server forgets us meanwhile
        assert edge.asked == ["websocket", *["polling"] * 10]
        edge.asked.clear()
        edge.upgrades = None
        await trio.sleep(3600)
        await account.snapshot()
        assert edge.asked == ["websocket"]


async def test_polling_that_is_refused_later_is_no_refused_sign_in_before_a_websocket_was_tried(autojump_clock):
    async with behind_an_edge() as (world, account, edge):
        await account.snapshot()
        edge.upgrades, edge.polling = None, 403
        with pytest.raises(SessionLost, match="the next try is a WebSocket"):
            await account.stream(world.emit)
        async with streaming(world, account):
            assert edge.asked[-1] == "websocket"


@pytest.mark.parametrize("status", [401, 403])
async def test_polling_that_is_refused_too_is_a_refused_sign_in(autojump_clock, status):
    async with behind_an_edge(polling=status) as (world, account, _):
        for ask in (lambda: account.stream(world.emit), account.snapshot, lambda: account.submit(OPENING)):
            with pytest.raises(SignInRefused, match=f"found HTTP {status}") as refused:
                await ask()
            assert world.simulator.config("master", "http://x").token.reveal() not in str(refused.value)
        assert not world.book.orders


@pytest.mark.parametrize("upgrades", [401, 429])
async def test_a_refusal_that_is_meant_for_us_is_not_answered_by_polling(autojump_clock, upgrades):
    async with behind_an_edge(upgrades) as (_, account, edge):
        with pytest.raises((SignInRefused, SessionLost), match=f"found HTTP {upgrades}"):
            await account.snapshot()
        assert edge.asked == ["websocket"]
