"""Views and levers of a running service over a real port; and what becomes of them when it is silent or gone."""

import json
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import trio
from rich.console import Console

from adapters.transport.network import connect_tcp
from copier.terminal.asking import NotKnown, Refusal, Unreachable
from copier.terminal.following import follow, tell
from copier.terminal.pulling import pull, resumed
from copier.terminal.remote import Remote
from copier.terminal.service_source import ServiceSource
from copier.terminal.sources import Source
from copier.terminal.views import LIMITS, LINKS, MISMATCHES, POSITIONS, STATUS, alerts_view
from copier.terminal.watch import OneAfterTheOther, View, show_once, watch
from rules.model.levers import Acknowledge, Approve, Lever, ResetLimit, SetAccount, SetLink, TradingState
from rules.model.values import AccountId, LinkId, PositionId
from rules.policy.links import LinkState
from tests.copier.terminal.served_here import READER_KEY, Served, served
from tests.copier.web.clients import told_before

pytestmark = pytest.mark.slow  # each test serves on a port, with a ledger on disk

LINK = LinkId("master->small")


async def shown(view: View[Any], source: Source, *, as_json: bool = False) -> str:
    out = StringIO()
    await show_once(view, source, Console(file=out, width=160), as_json=as_json)
    return out.getvalue()


async def test_every_view_is_drawn_of_a_running_service(tmp_path: Path) -> None:
    async with served(tmp_path) as running:
        position = await running.client.open()
        await running.client.copied(1)
        source = ServiceSource(running.remote(READER_KEY))
        status = await shown(STATUS, source)
        assert "master->small" in status
        assert "holds 1" in status
        assert f"master->small #{position}" in await shown(POSITIONS, source)
        assert "active" in await shown(LINKS, source)
        assert "small/max_loss" in await shown(LIMITS, source)
        assert await shown(MISMATCHES, source) == "no mismatches\n"
        held = json.loads(await shown(POSITIONS, source, as_json=True))
        assert [each["source_position"] for each in held if each["account"] == "small"] == [position]
        found = json.loads(await shown(STATUS, source, as_json=True))
        assert (found["running"], found["status"]["mode"]) == (True, "live")
        await source.aclose()


async def test_levers_are_pulled_with_the_name_of_the_key_and_the_reason(tmp_path: Path) -> None:
    async with served(tmp_path) as running:
        remote = running.remote()
        said = await pull(remote, SetLink(LINK, LinkState.PAUSED), "news")
        assert "master->small" in said
        [record] = running.client.surface.levers
        assert (record.by, record.why) == ("operator", "news")
        assert await resumed(remote, "master->small") == SetLink(LINK, LinkState.ACTIVE)
        assert await resumed(remote, "small") == SetAccount(AccountId("small"), TradingState.ACTIVE)
        await pull(remote, SetLink(LINK, LinkState.ACTIVE), "over")
        assert list(running.client.surface.levers) == []
        await remote.aclose()


async def test_alerts_are_listed_and_acknowledged_with_the_name_of_the_key(tmp_path: Path) -> None:
    await told_before(tmp_path, ("small", "position 7 is nobody's"), ("foreign", "position 8 is nobody's"))
    async with served(tmp_path) as running:
        source, remote = ServiceSource(running.remote(READER_KEY)), running.remote()
        assert await pull(remote, Acknowledge((2,)), "closed it") == "1 alert acknowledged"
        assert [each.seq for each in await source.alerts(open_only=True, most=None)] == [1]
        found = await shown(alerts_view(open_only=False), source)
        assert found.index("position 7") < found.index("position 8"), "the open one first, although it is older"
        assert "operator" in found
        assert "closed it" in found
        with pytest.raises(Refusal, match="no such alert"):
            await pull(remote, Acknowledge((1, 9999)), "")
        await remote.aclose()
        await source.aclose()


async def test_flatten_closes_what_was_copied(tmp_path: Path) -> None:
    async with served(tmp_path) as running:
        await running.client.open()
        await running.client.copied(1)
        remote = running.remote()
        await pull(remote, SetAccount(AccountId("small"), TradingState.FLAT), "done for today")
        surface = running.client.surface
        await running.client.until(lambda: not any(copy.holds for copy in surface.book.of_target(AccountId("small"))))
        await remote.aclose()


async def test_what_waits_is_approved_and_what_does_not_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as running:
        position = await running.client.open()
        await running.client.until(lambda: running.client.surface.book.of_target(AccountId("asking")) != ())
        remote = running.remote()
        with pytest.raises(Refusal, match="waits for an approval"):
            await pull(remote, Approve(PositionId("unheard-of")), "why not")
        await pull(remote, Approve(PositionId(position)), "seen")
        await running.client.copied(1, "asking")
        with pytest.raises(Refusal):
            await pull(remote, ResetLimit("small/unheard-of"), "why not")
        await remote.aclose()


async def test_key_that_may_only_read_pulls_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as running:
        remote = running.remote(READER_KEY)
        with pytest.raises(Refusal, match="may only read") as refused:
            await pull(remote, SetLink(LINK, LinkState.PAUSED), "news")
        assert refused.value.is_input
        assert list(running.client.surface.levers) == []
        await remote.aclose()


async def test_unknown_key_is_told_where_keys_come_from_and_is_not_repeated(tmp_path: Path) -> None:
    async with served(tmp_path) as running:
        remote = running.remote("copier_a-key-that-nobody-made")
        with pytest.raises(Refusal, match="COPIER_KEY") as refused:
            await ServiceSource(remote).links()
        assert "nobody-made" not in str(refused.value)
        await remote.aclose()


class Mute:
    """Takes each request whole, counts it, and answers with what it is given: mostly nothing."""

    def __init__(self, answer: bytes = b"") -> None:
        self.requests: list[bytes] = []
        self._answer = answer

    async def serve(self, stream: trio.SocketStream) -> None:
        async with stream:
            request = b""
            while b"}" not in request and b"\r\n\r\n" not in request.removesuffix(b"\r\n\r\n"):
                request += await stream.receive_some()
                if request.startswith(b"GET"):
                    break
            self.requests.append(request)
            if self._answer:
                await stream.send_all(self._answer)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{",
        b"no HTTP at all\r\n\r\n",
    ],
)
async def test_lost_answer_is_said_to_be_unknown_and_nothing_is_sent_again(
    nursery: trio.Nursery, answer: bytes
) -> None:
    mute = Mute(answer)
    listeners = await nursery.start(partial(trio.serve_tcp, mute.serve, 0, host="127.0.0.1"))
    url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
    remote = Remote(url, None, connect=connect_tcp)
    with pytest.raises(NotKnown) as unknown:
        await pull(remote, SetAccount(AccountId("small"), TradingState.FLAT), "why")
    assert "it is not known whether this was done" in str(unknown.value)
    assert f"copier status --url {url}" in str(unknown.value)
    [request] = mute.requests
    assert request.startswith(b"POST /api/v1/accounts/small/flatten ")
    assert b"idempotency-key: " in request.lower()
    assert b'"confirm":"small"' in request
    await remote.aclose()
    nursery.cancel_scope.cancel()


async def test_service_that_does_not_listen_was_sent_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        remote = Remote(f"http://127.0.0.1:{taken.getsockname()[1]}", None, connect=connect_tcp)
        with pytest.raises(Unreachable, match="nothing was sent"):
            await pull(remote, SetLink(LINK, LinkState.PAUSED), "why")


async def pulled(running: Served, lever: Lever, why: str) -> None:
    """Pull a lever as somebody else."""
    remote = running.remote()
    await pull(remote, lever, why)
    await remote.aclose()


class Frames(StringIO):
    """What is written, and a way to wait for it."""

    _written = trio.Event()

    def write(self, text: str) -> int:
        self._written.set()
        return super().write(text)

    async def until(self, wanted: str) -> None:
        with trio.fail_after(60):
            while wanted not in self.getvalue():
                self._written = trio.Event()
                await self._written.wait()


async def running_beside(nursery: trio.Nursery, do: Callable[[], Awaitable[None]]) -> trio.CancelScope:
    scope = trio.CancelScope()

    async def run() -> None:
        with scope:
            await do()

    nursery.start_soon(run)
    return scope


async def test_watched_view_follows_what_changes_and_outlives_a_restart(tmp_path: Path, nursery: trio.Nursery) -> None:
    frames, errors = Frames(), Frames()
    async with served(tmp_path) as running:
        port = int(running.url.rpartition(":")[2])
        source = ServiceSource(running.remote())
        shows = OneAfterTheOther(frames, errors, as_json=False)
        scope = await running_beside(nursery, partial(watch, LINKS, source, shows))
        await frames.until("active")
        await pulled(running, SetLink(LINK, LinkState.PAUSED), "watched")
        await frames.until("operator: watched")
    await errors.until("reconnecting: ")
    async with served(tmp_path, port=port) as again:
        await pulled(again, SetLink(LINK, LinkState.CLOSE_ONLY), "restarted")
        await frames.until("operator: restarted")
        scope.cancel()
    await source.aclose()


async def test_followed_events_miss_no_decision_over_a_restart(tmp_path: Path, nursery: trio.Nursery) -> None:
    frames, errors = Frames(), Frames()
    async with served(tmp_path) as running:
        port = int(running.url.rpartition(":")[2])
        before = await running.client.open(symbol="GBPUSD")
        await running.client.copied(1)
        source = ServiceSource(running.remote())
        scope = await running_beside(
            nursery, partial(follow, source, 20, Console(file=frames, width=200), errors, json_=True)
        )
        await frames.until(f'"source_position": "{before}"')
        during = await running.client.open(symbol="EURUSD")
        await frames.until(f'"source_position": "{during}"')
    await errors.until("reconnecting: ")
    async with served(tmp_path, port=port):  # the sources are in memory: what was copied has gone with them
        await frames.until("the source closed while nobody looked")
        scope.cancel()
    await source.aclose()
    seqs = [line["data"]["seq"] for line in map(json.loads, frames.getvalue().splitlines()) if "seq" in line["data"]]
    assert seqs == sorted(set(seqs)), "each decision once, in order"


async def test_past_events_are_the_last_decisions(tmp_path: Path) -> None:
    async with served(tmp_path) as running:
        await running.client.open(symbol="XAUUSD")
        await running.client.until(lambda: len(list(running.client.surface.book.of_source(AccountId("master")))) > 1)
        out = StringIO()
        source = ServiceSource(running.remote())
        await tell(source, 20, Console(file=out, width=200), json_=False)
        assert "denied    master->small" in out.getvalue()
        await source.aclose()


async def test_watch_ends_where_the_key_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as running:
        source = ServiceSource(running.remote("copier_unknown"))
        with pytest.raises(Refusal):
            await watch(LINKS, source, OneAfterTheOther(Frames(), Frames(), as_json=False))
        await source.aclose()
