"""The reader of a calendar: from a file, over HTTP, through bad weather, and from what an earlier run kept."""

import os
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import trio
from trio.testing import MockClock

from adapters.calendars import CalendarFormat
from copier.clock import VirtualClock
from copier.config.news import CALENDAR_BYTES_MAX, CalendarSource
from copier.engine.inputs import CalendarRead, CalendarUnread
from copier.service.calendars import DEADLINE_S, FAILURES_TOLD, RETRY_S, CalendarReader
from tests.adapters.venues import HOST, Venue, ok, read_request
from tests.rules.playbook import T0

REFRESH = timedelta(minutes=15)


def row(day: str, title: str = "CPI") -> str:
    return f"{day}T13:30:00Z,USD,high,{title}\n"


TEXT = "datetime,currency,impact,title\n" + row("2026-11-21") + row("2026-01-05", "old") + row("2027-06-01", "far")


class Office:
    """Where a calendar can be had: answers requests with what it holds, and notes them."""

    def __init__(self, nursery: trio.Nursery, kept: Path | None = None, *, threads: bool = False) -> None:
        self.answer = ok(TEXT.encode())
        self.requests: list[bytes] = []
        self.silent = False
        self.has_heard = trio.Event()
        self.heard: list[CalendarRead] = []
        self.complaints: list[CalendarUnread] = []
        clock = VirtualClock.starting(T0)
        venue = Venue(nursery, self._serve)
        url = f"http://{HOST}/calendar.csv?key=s3cret"
        source = CalendarSource(CalendarFormat.CSV, ZoneInfo("UTC"), REFRESH, url=url)
        assert "s3cret" not in repr(source)
        self.reader = CalendarReader(
            "tight", source, connect=venue.network.connect, now=clock.utc_now, kept=kept, threads=threads
        )
        nursery.start_soon(self.reader.run, self._hear)

    async def _hear(self, read: CalendarRead | CalendarUnread) -> None:
        await trio.lowlevel.checkpoint()
        if isinstance(read, CalendarUnread):
            self.complaints.append(read)
        else:
            self.heard.append(read)
            self.has_heard.set()

    async def _serve(self, stream: trio.abc.Stream) -> None:
        while request := await read_request(stream):
            self.requests.append(request)
            if self.silent:
                await trio.sleep_forever()
            await stream.send_all(self.answer)


async def test_a_calendar_is_read_again_and_again(autojump_clock: MockClock, nursery: trio.Nursery):
    office = Office(nursery)
    await trio.sleep(REFRESH.total_seconds() + 5)
    assert office.requests[0].startswith(b"GET /calendar.csv?key=s3cret HTTP/1.1\r\n")
    first, second = (read.calendar for read in office.heard)
    assert [event.title for event in first.events] == ["CPI"], "what is over or far off is left out"
    assert first.ends is not None
    assert first.ends.year == 2027, "the end is that of the whole calendar"
    assert second.read_at - first.read_at == REFRESH


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.test/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
        ok(b"<html>sign in</html>"),
        ok(b"datetime,title\nnever,x\n"),
        ok(b"\xff\xfe"),
        b"no http",
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (CALENDAR_BYTES_MAX + 1),
    ],
)
async def test_what_cannot_be_read_changes_nothing_and_is_tried_again_soon(
    autojump_clock: MockClock, nursery: trio.Nursery, answer: bytes
):
    office = Office(nursery)
    good, office.answer = office.answer, answer
    await trio.sleep(2 * (DEADLINE_S + RETRY_S))
    assert len(office.requests) >= 2
    assert office.heard == []
    office.answer = good
    await trio.sleep(DEADLINE_S + RETRY_S)
    assert len(office.heard) == 1


async def test_a_silent_office_is_given_up_on_in_time(autojump_clock: MockClock, nursery: trio.Nursery):
    office = Office(nursery)
    office.silent = True
    await trio.sleep(DEADLINE_S + 1)
    office.silent = False
    assert office.heard == []
    await trio.sleep(RETRY_S)
    assert len(office.heard) == 1


async def test_people_are_told_once_when_it_fails_for_some_minutes(autojump_clock: MockClock, nursery: trio.Nursery):
    office = Office(nursery)
    good, office.answer = office.answer, ok(b"<html>sign in</html>")
    await trio.sleep((FAILURES_TOLD - 1) * RETRY_S - 1)
    assert office.complaints == []
    await trio.sleep(10 * RETRY_S)
    assert [(complaint.news, complaint.reason[:16]) for complaint in office.complaints] == [
        ("tight", "expected columns")
    ]
    office.answer = good
    await trio.sleep(RETRY_S)
    office.answer = b"no http"
    await trio.sleep(REFRESH.total_seconds() + FAILURES_TOLD * (RETRY_S + DEADLINE_S))
    assert len(office.complaints) == 2, "another time"


async def test_the_last_good_copy_is_there_at_the_next_start(
    autojump_clock: MockClock, nursery: trio.Nursery, tmp_path: Path
):
    kept = tmp_path / "copier.db.news-tight"
    first = Office(nursery, kept)
    await trio.sleep(1)
    assert kept.read_text() == TEXT
    assert os.listdir(tmp_path) == [kept.name]
    yesterday = T0 - timedelta(days=1)
    os.utime(kept, (yesterday.timestamp(), yesterday.timestamp()))
    second = Office(nursery, kept)
    second.answer = b"no http"
    await trio.sleep(1)
    assert second.heard[0].calendar.read_at == yesterday, "as old as it is"
    assert second.heard[0].calendar.events == first.heard[0].calendar.events


async def test_a_kept_copy_that_is_broken_is_no_calendar(
    autojump_clock: MockClock, nursery: trio.Nursery, tmp_path: Path
):
    kept = tmp_path / "kept"
    kept.write_text("half a li")
    office = Office(nursery, kept)
    await trio.sleep(1)
    assert office.heard[0].calendar.read_at >= T0, "the one that was fetched"


async def test_a_file_is_read_again_after_it_was_changed(
    autojump_clock: MockClock, nursery: trio.Nursery, tmp_path: Path
):
    file = tmp_path / "week.csv"
    clock = VirtualClock.starting(T0)
    heard: list[CalendarRead] = []

    async def hear(read: CalendarRead | CalendarUnread) -> None:
        await trio.lowlevel.checkpoint()
        assert isinstance(read, CalendarRead)
        heard.append(read)

    async def nowhere(host: str, port: int, tls: bool) -> trio.abc.Stream:
        raise AssertionError("a file needs no network")

    source = CalendarSource(CalendarFormat.CSV, ZoneInfo("UTC"), REFRESH, file=file)
    reader = CalendarReader("tight", source, connect=nowhere, now=clock.utc_now, threads=False)
    nursery.start_soon(reader.run, hear)
    await trio.sleep(1)
    assert heard == []
    file.write_text(TEXT)
    await trio.sleep(RETRY_S)
    assert [[event.title for event in read.calendar.events] for read in heard] == [["CPI"]]
    file.write_text(TEXT + row("2026-11-22", "NFP"))
    await trio.sleep(REFRESH.total_seconds())
    assert [event.title for event in heard[1].calendar.events] == ["CPI", "NFP"]


async def test_disk_and_text_may_be_left_to_threads(nursery: trio.Nursery, tmp_path: Path):
    kept = tmp_path / "kept"
    office = Office(nursery, kept, threads=True)
    with trio.fail_after(10):
        await office.has_heard.wait()
    assert kept.read_text() == TEXT
