"""Reads a news policy's calendar again and again, from a file or over HTTP, and keeps the last good copy."""

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias, TypeVar, TypeVarTuple, Unpack
from urllib.parse import urlsplit

import structlog
import trio

from adapters.base import RemoteProtocolError, RequestNotSent, SessionLost, UtcNow
from adapters.calendars import CalendarError, parse_calendar
from adapters.transport.http import HttpClient
from adapters.transport.network import Connect
from copier.config.news import CALENDAR_BYTES_MAX, CalendarSource, decoded
from copier.engine.inputs import CalendarRead, CalendarUnread
from copier.telling.logs import redact
from rules.times.news import Calendar

DEADLINE_S = 20.0
"""For one reading, connecting included."""

RETRY_S = 60.0
"""After a reading that failed, where `refresh` is longer."""

FAILURES_TOLD = 5
"""Readings that fail one after the other before people are told: a few minutes of bad weather concern nobody."""

REASON_CHARACTERS_MAX = 200

PAST = timedelta(days=2)
AHEAD = timedelta(days=40)
"""Events of this time around now are kept: no window reaches further, and a calendar that cannot be read again is stale
before they run out."""

Emit: TypeAlias = Callable[[CalendarRead | CalendarUnread], Awaitable[None]]
Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

_log = structlog.get_logger("news")


class CalendarReader:
    """One calendar. `kept` is where its last good copy lies between runs; None keeps none.

    Disk and long texts are left to a thread, since copies wait meanwhile; without `threads` they are read in place.
    """

    def __init__(
        self,
        name: str,
        source: CalendarSource,
        *,
        connect: Connect,
        now: UtcNow,
        kept: Path | None = None,
        threads: bool = True,
    ) -> None:
        self._name = name
        self._source = source
        self._connect = connect
        self._now = now
        self._kept = kept if source.url is not None else None
        self._threads = threads

    async def run(self, emit: Emit) -> None:
        """Read until cancelled. What cannot be read is told once, and leaves what was read before."""
        await self._read_kept(emit)
        failures = 0
        while True:
            pause_s = self._source.refresh.total_seconds()
            try:
                with trio.fail_after(DEADLINE_S):
                    data = await self._fetch()
                calendar = await self._parsed(data, self._now())
            except trio.TooSlowError:
                failed: str | None = f"no answer within {DEADLINE_S:g} s"
            except (CalendarError, RequestNotSent, SessionLost, RemoteProtocolError, OSError) as error:
                failed = redact(str(error))
            else:
                failed = None
                await self._keep(data)
                await emit(CalendarRead(self._name, calendar))
            if failed is not None:
                pause_s = min(pause_s, RETRY_S)
                if not failures:
                    _log.warning("calendar cannot be read, the last good copy stays", news=self._name, error=failed)
                failures += 1
                if failures == FAILURES_TOLD:
                    await emit(CalendarUnread(self._name, failed[:REASON_CHARACTERS_MAX]))
            elif failures:
                _log.info("calendar can be read again", news=self._name)
                failures = 0
            await trio.sleep(pause_s)

    async def _fetch(self) -> bytes:
        """Return the calendar's bytes, one more than allowed at most."""
        if self._source.url is None:
            assert self._source.file is not None, "a calendar is a file or has an address"
            return await self._aside(_read_file, self._source.file)
        url = urlsplit(self._source.url)
        client = HttpClient(
            f"{url.scheme}://{url.netloc}",
            connect=self._connect,
            connections=1,
            timeout_s=DEADLINE_S,
            body_bytes_max=CALENDAR_BYTES_MAX,
        )
        try:
            target = (url.path or "/") + (f"?{url.query}" if url.query else "")
            answer = await client.request("GET", target, headers={"Accept": "text/calendar, text/csv, */*"})
        finally:
            await client.aclose()
        if answer.status != 200:
            raise CalendarError(f"expected the status 200, found {answer.status}")
        return answer.body

    async def _parsed(self, data: bytes, read_at: datetime) -> Calendar:
        """Return what is near of a calendar."""
        source = self._source
        events = await self._aside(parse_calendar, decoded(data), source.written, source.zone)
        now = self._now()
        near = tuple(event for event in events if now - PAST <= event.until and event.at <= now + AHEAD)
        return Calendar(read_at, max((event.until for event in events), default=None), near)

    async def _read_kept(self, emit: Emit) -> None:
        """Begin with the copy of an earlier run, as old as it is."""
        if self._kept is None:
            return
        try:
            read_at = datetime.fromtimestamp(await self._aside(os.path.getmtime, self._kept), UTC)
            calendar = await self._parsed(await self._aside(_read_file, self._kept), min(read_at, self._now()))
        except FileNotFoundError:
            return
        except (OSError, CalendarError) as error:
            _log.warning("the kept copy of a calendar cannot be read", news=self._name, error=str(error))
            return
        await emit(CalendarRead(self._name, calendar))

    async def _keep(self, data: bytes) -> None:
        if self._kept is None:
            return
        try:
            await self._aside(_write_file, self._kept, data)
        except OSError as error:
            _log.warning("a calendar's copy cannot be kept", news=self._name, error=str(error))

    async def _aside(self, do: Callable[[Unpack[Arguments]], Result], *given: *Arguments) -> Result:
        if self._threads:
            return await trio.to_thread.run_sync(do, *given)
        await trio.lowlevel.checkpoint()
        return do(*given)


def _read_file(path: Path) -> bytes:
    with path.open("rb") as opened:
        return opened.read(CALENDAR_BYTES_MAX + 1)


def _write_file(path: Path, data: bytes) -> None:
    """Write a file whole: whoever reads it meanwhile finds the old one or the new one."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(data)
    fresh.replace(path)
