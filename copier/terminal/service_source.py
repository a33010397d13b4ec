"""Views of a running service, by its REST API."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from copier.clock import utc_now
from copier.telling.overview import LimitAt, Overview
from copier.terminal.event_stream import SentEvent
from copier.terminal.happenings import EVENTS, Happening, Stages, of_sent
from copier.terminal.held import Held, of_position
from copier.terminal.remote import Remote, Stream, segment
from copier.web.dto.accounts import Account, Position
from copier.web.dto.copies import Copy
from copier.web.dto.decisions import Decision
from copier.web.dto.events import Alert
from copier.web.dto.limits import Limit
from copier.web.dto.links import Link
from copier.web.dto.mismatches import Mismatch
from copier.web.dto.status import Status

FOLLOW_S: Final = 60.0
"""The stream itself says something every 15 s, or is taken for lost."""

MISSED_MAX: Final = 500
"""Decisions that are told after a gap: more than a person reads, and `copier explain` tells each."""

_OF_NO_RUN: Final = "0-0"
"""An id after which no service can go on: it says `reset`, and what was missed is asked for."""


class ServiceSource:
    """Asks for everything anew: what came before is never mixed with what comes now."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._stages = Stages()
        self._last_id = _OF_NO_RUN
        self._last_seq = 0

    @property
    def where(self) -> str:
        return self._remote.url

    async def overview(self) -> Overview:
        status = await self._remote.one("/status", Status)
        accounts = await self._remote.listing("/accounts", Account)
        copies = await self._remote.listing("/copies", Copy)
        return Overview(
            running=True,
            entries=status.ledger_seq,
            copies=[copy for copy in copies if copy.status != "ended" or copy.positions or copy.orders_under_way],
            limits=[LimitAt(limit.limit, limit.stage) for limit in await self.limits()],
            mismatches=await self.mismatches(),
            status=status,
            accounts=accounts,
        )

    async def positions(self) -> list[Held]:
        held: list[Held] = []
        for account in await self._remote.listing("/accounts", Account):
            if account.positions:
                found = await self._remote.listing(f"/accounts/{segment(account.name)}/positions", Position)
                held += map(of_position, found)
        return held

    async def links(self) -> list[Link]:
        return await self._remote.listing("/links", Link)

    async def limits(self) -> list[Limit]:
        return await self._remote.listing("/limits", Limit)

    async def mismatches(self) -> list[Mismatch]:
        return await self._remote.listing("/mismatches", Mismatch)

    async def alerts(self, *, open_only: bool, most: int | None) -> list[Alert]:
        query = {"acknowledged": "false"} if open_only else {}
        return await self._remote.listing("/alerts", Alert, most, **query)

    async def happened(self, count: int) -> list[Happening]:
        """Return the last decisions: of the past, the API tells those."""
        found = await self._remote.listing("/decisions", Decision, most=count)
        new = [each for each in reversed(found) if each.seq > self._last_seq]
        self._last_seq = max((each.seq for each in new), default=self._last_seq)
        return [Happening(each.at, "decision", each) for each in new]

    async def note(self) -> str:
        return ""

    @asynccontextmanager
    async def changes(self, events: Iterable[str]) -> AsyncIterator["_Changes"]:
        async with self._remote.events(events) as stream:
            yield _Changes(stream)

    async def following(self) -> AsyncIterator[Happening]:
        async with self._remote.events(EVENTS, self._last_id) as stream:
            while True:
                for sent in await stream.some(FOLLOW_S):
                    self._last_id = sent.id
                    for each in await self._told(sent):
                        yield each

    async def _told(self, sent: SentEvent) -> list[Happening]:
        """Return what an event tells; after a gap, the decisions that were missed."""
        if sent.event == "reset":
            return await self.happened(MISSED_MAX)
        found = of_sent(sent, utc_now())
        if found is None:
            return []
        if isinstance(found.what, Decision):
            if found.what.seq <= self._last_seq:
                return []
            self._last_seq = found.what.seq
        return list(self._stages.news([found]))

    async def aclose(self) -> None:
        await self._remote.aclose()


class _Changes:
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    async def some(self, patience_s: float) -> bool:
        return bool(await self._stream.some(patience_s))
