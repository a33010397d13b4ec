"""Kinds of alerts, and alerts as messages for a phone."""

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from rules.alerts.kinds import KINDS, Alert, AlertKind
from rules.alerts.routes import Batch, News
from rules.alerts.text import BODY_MAX, LINES_MAX, TITLE_MAX, duration_words, harmless, message
from rules.model.severity import Severity
from tests.rules.playbook import T0

LOST = Alert(AlertKind.SESSION_LOST, "ftmo", "ftmo: session lost", T0, Severity.WARNING, ("timeout",), lasts=True)


def told(*news: News, later: float = 0, more: tuple[tuple[AlertKind, int], ...] = ()) -> tuple[str, list[str]]:
    said = message(Batch(T0 + timedelta(seconds=later), news, more), UTC)
    return said.title, said.body.split("\n")


def fresh(alert: Alert = LOST, times: int = 1) -> News:
    return News(alert, T0, times, told_before=False)


def test_codes_are_unique_and_every_kind_has_its_words() -> None:
    assert len(KINDS) == len(AlertKind)
    assert all(kind.meaning.endswith(".") and kind.do.endswith((".", "?")) for kind in AlertKind)


def test_severities_rise() -> None:
    assert sorted(Severity, key=lambda each: each.rank) == [Severity.INFO, Severity.WARNING, Severity.CRITICAL]


def test_one_alert_is_its_own_title_with_its_lines() -> None:
    assert told(fresh()) == ("ftmo: session lost", ["timeout"])


def test_what_is_critical_says_so_first() -> None:
    assert told(fresh(evolve(LOST, severity=Severity.CRITICAL)))[0] == "CRITICAL: ftmo: session lost"


def test_what_came_often_is_told_with_its_number() -> None:
    assert told(fresh(times=12))[0] == "ftmo: session lost (12 times)"


def test_a_reminder_says_that_it_still_lasts_and_since_when() -> None:
    reminder = News(LOST, T0, 0, told_before=True)
    assert told(reminder, later=900) == ("still: ftmo: session lost", ["timeout", "Since 12:00 UTC."])
    assert told(reminder, later=86400)[1][-1] == "Since 2026-11-20 12:00 UTC."


def test_times_are_told_in_the_zone_of_the_service() -> None:
    batch = Batch(T0 + timedelta(hours=1), (News(LOST, T0, 0, told_before=True),))
    assert message(batch, ZoneInfo("Europe/Prague")).body.endswith("Since 13:00 CET.")


def test_what_is_over_says_how_long_it_lasted() -> None:
    over = evolve(LOST, over=True, title="ftmo: session is back", at=T0 + timedelta(minutes=3))
    assert told(News(over, T0, 0, told_before=True)) == (
        "ftmo: session is back",
        ["timeout", "It lasted 3 min."],
    )


def test_several_alerts_are_a_list_with_a_number_on_top() -> None:
    other = evolve(LOST, title="prop: limit is breached", severity=Severity.CRITICAL)
    assert told(fresh(other), fresh()) == (
        "2 alerts, 1 critical",
        ["- CRITICAL: prop: limit is breached", "- ftmo: session lost"],
    )


def test_a_long_list_is_cut_and_says_how_much_is_missing() -> None:
    title, lines = told(*[fresh()] * 40, more=((AlertKind.DENIED, 7),))
    assert title == "47 alerts"
    assert len(lines) == LINES_MAX + 2
    assert lines[-2:] == ["and 25 more", "and 7 more of denied"]


def test_no_text_is_longer_than_a_message_may_be() -> None:
    said = message(Batch(T0, (fresh(evolve(LOST, title="t" * 1000, lines=("l" * 5000,))),)), UTC)
    assert (len(said.title), len(said.body)) == (TITLE_MAX, BODY_MAX)
    assert said.title.endswith("...")


def test_a_brokers_words_mention_nobody_and_make_no_link() -> None:
    assert harmless("@everyone https://evil.example") == "@\u200beveryone https:/ /evil.example"
    title, [line] = told(fresh(evolve(LOST, title="@here", lines=("tg://x",))))
    assert (title, line) == ("@\u200bhere", "tg:/ /x")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (45, "45 s"),
        (89, "89 s"),
        (90, "2 min"),
        (180, "3 min"),
        (7199, "2 h"),
        (7500, "2 h 5 min"),
        (200000, "2 days"),
    ],
)
def test_durations_are_told_as_people_say_them(seconds: int, words: str) -> None:
    assert duration_words(timedelta(seconds=seconds)) == words
