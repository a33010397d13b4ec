"""What the clock closes, and what a calendar changes while the engine runs."""

from datetime import datetime, timedelta

import pytest
from attrs import evolve

from copier.engine.inputs import CalendarRead, CalendarUnread
from copier.ledger.records import AlertRecord, CalendarRecord
from rules.model.copies import CopyStatus, Ending
from rules.model.reasons import Reason
from rules.policy.links import CopyPolicy
from rules.times.news import Calendar, Impact, NewsEvent, NewsPolicy
from rules.times.schedule import Outside, Schedule, Window
from tests.copier.desk import LINK, TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import T0, shape

MINUTE = timedelta(minutes=1)
NEWS = NewsPolicy("tight", before=5 * MINUTE, after=5 * MINUTE, close_before=2 * MINUTE)


def linked(news: NewsPolicy = NEWS) -> Desk:
    return Desk(links=[evolve(LINK, policy=CopyPolicy("news", news=news))])


def calendar(*at: datetime, currency: str = "USD", read_at: datetime = T0) -> CalendarRead:
    events = tuple(NewsEvent(each, each, "CPI", currency, Impact.HIGH) for each in at)
    return CalendarRead("tight", Calendar(read_at, T0 + timedelta(days=1), events))


async def test_what_waits_for_the_calendar_is_copied_when_it_has_come():
    desk = await linked().ready()
    assert await desk.sees(source_position()) == []
    assert (desk.copy.status, desk.copy.reason) == (CopyStatus.WAITING, Reason.NEWS_UNKNOWN)
    assert shape(await desk.takes(calendar(T0 + timedelta(hours=3)))) == [("open", "1.00")]


async def test_a_copy_in_a_window_is_denied_for_good():
    desk = await linked().ready()
    await desk.takes(calendar(T0 + 4 * MINUTE))
    assert await desk.sees(source_position()) == []
    assert (desk.copy.ending, desk.copy.reason) == (Ending.DENIED, Reason.NEWS_WINDOW)


async def test_a_copy_in_a_window_that_defers_is_made_when_it_is_over():
    patient = evolve(NEWS, outside=Outside.DEFER, close_before=None)
    policy = CopyPolicy("news", news=patient)
    policy = evolve(policy, guard=evolve(policy.guard, max_age=timedelta(hours=1)))
    desk = await Desk(links=[evolve(LINK, policy=policy)]).ready()
    await desk.takes(calendar(T0 + 4 * MINUTE))
    assert await desk.sees(source_position()) == []
    assert desk.engine.due_at() == T0 + 9 * MINUTE
    desk.now = T0 + 9 * MINUTE
    assert shape(await desk.takes()) == [("open", "1.00")]


async def test_a_copy_is_closed_before_news_that_concern_it_and_stays_closed():
    desk = await linked().ready()
    await desk.takes(calendar(T0 + timedelta(hours=1)))
    await desk.copied(source_position())
    desk.now = T0 + timedelta(minutes=58)
    assert desk.engine.due_at() == desk.now
    closing = await desk.takes()
    assert shape(closing) == [("close", "1.00")]
    await desk.fills(closing)
    assert desk.copy.ending is Ending.FLATTENED
    assert desk.copy.flatten == "news tight: CPI"
    desk.now = T0 + timedelta(hours=2)
    assert await desk.takes(calendar(T0 + timedelta(hours=1))) == []


async def test_news_of_another_currency_close_nothing():
    desk = await linked().ready()
    await desk.takes(calendar(T0 + timedelta(hours=1), currency="JPY"))
    await desk.copied(source_position())
    desk.now = T0 + timedelta(minutes=58)
    assert await desk.takes() == []


async def test_an_event_that_is_listed_late_still_closes():
    desk = await linked().ready()
    await desk.takes(calendar(T0 + timedelta(hours=5)))
    await desk.copied(source_position())
    desk.now = T0 + timedelta(minutes=59)
    assert shape(await desk.takes(calendar(T0 + timedelta(hours=1)))) == [("close", "1.00")]


async def test_a_calendar_is_written_when_it_changes_and_now_and_then():
    desk = await linked().ready()
    one, other = calendar(T0 + timedelta(hours=5)), calendar(T0 + timedelta(hours=6))
    later = evolve(other, calendar=evolve(other.calendar, read_at=T0 + timedelta(hours=12)))
    for read in (one, one, other, evolve(other, calendar=evolve(other.calendar, read_at=T0 + MINUTE)), later):
        await desk.takes(read)
    await desk.copied(source_position())
    assert desk.records("calendar") == [CalendarRecord("tight", each.calendar) for each in (one, other, later)]


async def test_the_targets_of_a_calendar_that_cannot_be_read_are_told_of():
    desk = await linked().ready()
    await desk.takes(CalendarUnread("tight", "expected the status 200, found 404"), CalendarUnread("other", "x"))
    [alert] = desk.records("alert")
    assert isinstance(alert, AlertRecord)
    text = "the calendar of news tight cannot be read: expected the status 200, found 404"
    assert (alert.code, alert.account, alert.text) == ("calendar.unread", TARGET, text)


@pytest.mark.parametrize("flatten", [False, True])
async def test_a_maintenance_window_takes_no_new_risk_and_flattens_if_told(flatten: bool):
    nightly = Window("0 13 * * *", timedelta(hours=1), "rollover", flatten=flatten)
    desk = await Desk(maintenance=(Schedule("rollover", "UTC", closed=(nightly,)),)).ready()
    await desk.copied(source_position())
    desk.now = T0 + timedelta(hours=1)
    assert shape(await desk.takes()) == ([("close", "1.00")] if flatten else [])
    assert await desk.sees(source_position("p2", opened_at=desk.now)) == []
    waiting = next(copy for copy in desk.book.all() if copy.source_position_id == "p2")
    assert (waiting.status, waiting.reason) == (CopyStatus.WAITING, Reason.MAINTENANCE)
    assert shape(await desk.closes()) == ([] if flatten else [("close", "1.00")]), "a close is never denied"
