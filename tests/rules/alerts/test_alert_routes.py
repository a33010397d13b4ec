"""When a route tells, what goes together, what is held back, and that nothing is lost."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.alerts.kinds import Alert, AlertKind
from rules.alerts.routes import REMINDER_MAX, TOPICS_MAX, AlertRoute, Batch, Outbox
from rules.model.severity import Severity
from rules.model.values import AccountId
from tests.rules.playbook import T0

FTMO = AccountId("ftmo")


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def lost(seconds: float = 0, topic: str = "ftmo", **changes: object) -> Alert:
    alert = Alert(AlertKind.SESSION_LOST, topic, "session lost", at(seconds), Severity.WARNING, lasts=True)
    return evolve(alert, **changes)


def back(seconds: float, topic: str = "ftmo") -> Alert:
    return lost(seconds, topic, over=True, title="session is back")


def denied(seconds: float, topic: str = "SPREAD") -> Alert:
    return Alert(AlertKind.DENIED, topic, "denied", at(seconds), Severity.WARNING)


def outbox(**changes: object) -> Outbox:
    return Outbox(evolve(AlertRoute("phone"), **changes))


def told(box: Outbox, seconds: float) -> list[tuple[str, int]]:
    batch = box.tell(at(seconds))
    return [] if batch is None else [(each.alert.title, each.times) for each in batch.news]


def run(box: Outbox, until: float) -> list[tuple[float, Batch]]:
    """Let the box tell whatever it wants to up to a time; return the batches with their seconds."""
    said = []
    while (due := box.due_at()) is not None and due <= at(until):
        batch = box.tell(due)
        assert batch is not None, "what is due is told"
        said.append(((due - T0).total_seconds(), batch))
    return said


# Which


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, True),
        ({"kinds": frozenset({AlertKind.SESSION_LOST})}, True),
        ({"kinds": frozenset({AlertKind.DENIED})}, False),
        ({"min_severity": Severity.CRITICAL}, False),
        ({"min_severity": Severity.INFO}, True),
        ({"accounts": frozenset({FTMO})}, True),
        ({"accounts": frozenset({AccountId("other")})}, False),
    ],
)
def test_a_route_takes_what_it_asks_for(changes: dict[str, object], wanted: bool) -> None:
    box = outbox(**changes)
    box.take(lost(accounts=(FTMO,)))
    assert (box.due_at() is not None) is wanted


def test_what_is_about_no_account_is_for_every_routes_accounts() -> None:
    assert AlertRoute("a", accounts=frozenset({FTMO})).wants(lost())


# Groups


def test_alerts_of_one_moment_are_one_message_the_most_severe_first() -> None:
    box = outbox()
    box.take(lost(0, "a"))
    box.take(evolve(lost(1, "b"), severity=Severity.CRITICAL))
    box.take(denied(4.9))
    assert box.tell(at(4.9)) is None
    assert box.due_at() == at(5)
    batch = box.tell(at(5))
    assert batch is not None
    assert [each.alert.topic for each in batch.news] == ["b", "a", "SPREAD"]
    assert batch.severity is Severity.CRITICAL
    assert run(box, 60) == []


def test_the_same_cause_in_one_group_is_told_once_and_counted() -> None:
    box = outbox()
    for second in range(4):
        box.take(denied(second))
    assert told(box, 5) == [("denied", 4)]


def test_what_came_and_went_within_its_group_is_told_as_over() -> None:
    box = outbox()
    box.take(lost(0))
    box.take(back(3))
    assert told(box, 5) == [("session is back", 1)]
    assert run(box, 10**6) == []


# Repeats


def test_the_same_cause_again_is_told_after_repeat_with_its_number() -> None:
    box = outbox()
    box.take(denied(0))
    assert told(box, 5) == [("denied", 1)]
    for second in (10, 20, 30):
        box.take(denied(second))
    assert box.due_at() == at(5 + 15 * 60)
    assert told(box, 5 + 15 * 60) == [("denied", 3)]


def test_another_cause_is_told_at_once() -> None:
    box = outbox()
    box.take(denied(0))
    assert told(box, 5)
    box.take(denied(6, "SYMBOL_ABSENT"))
    assert box.due_at() == at(11)


def test_what_lasts_is_told_again_after_longer_and_longer_pauses() -> None:
    box = outbox()
    box.take(lost(0))
    times = [seconds - 5 for seconds, _ in run(box, 86400)]
    assert times == [0, 900, 900 * 3, 900 * 7, 900 * 15, 900 * 31, 900 * 63]


def test_reminders_come_once_a_day_at_last() -> None:
    box = outbox()
    box.take(lost(0))
    times = [seconds for seconds, _ in run(box, 20 * 86400)]
    assert times[-1] - times[-2] == REMINDER_MAX.total_seconds()


def test_an_end_is_told_at_once_and_stops_the_reminders() -> None:
    box = outbox()
    box.take(lost(0))
    assert told(box, 5) == [("session lost", 1)]
    box.take(back(180))
    assert box.due_at() == at(185)
    batch = box.tell(at(185))
    assert batch is not None
    [news] = batch.news
    assert (news.alert.over, news.since, news.told_before) == (True, T0, True)
    assert run(box, 10**6) == []


def test_an_end_of_what_an_earlier_run_told_is_told() -> None:
    box = outbox()
    box.take(back(0))
    assert told(box, 5) == [("session is back", 0)]
    box.take(lost(60))
    assert box.due_at() == at(65)


def test_a_session_that_flaps_is_told_once_in_repeat_with_its_number() -> None:
    box = outbox()
    said = []
    for second in range(0, 880, 20):
        box.take(lost(second))
        said += run(box, second + 10)
        box.take(back(second + 10))
        said += run(box, second + 20)
    said += run(box, 3600)
    numbers = [(seconds, [(each.times, each.alert.over) for each in batch.news]) for seconds, batch in said]
    assert numbers == [(5, [(1, False)]), (15, [(0, True)]), (905, [(43, True)])]


def test_what_begins_again_before_its_end_was_told_goes_on_as_if_nothing_was() -> None:
    box = outbox()
    box.take(lost(0))
    assert told(box, 5)
    box.take(back(100))
    box.take(lost(102))
    assert box.due_at() == at(905)


def test_what_gets_worse_is_told_at_once() -> None:
    box = outbox()
    box.take(lost(0))
    assert told(box, 5)
    box.take(lost(60, severity=Severity.CRITICAL))
    assert box.due_at() == at(65)


def test_what_lasts_and_changes_waits_for_its_reminder() -> None:
    box = outbox()
    box.take(lost(0))
    assert told(box, 5)
    box.take(lost(60, title="another volume"))
    assert box.due_at() == at(905)
    assert told(box, 905) == [("another volume", 0)]


# Acknowledged

SESSION = AlertKind.SESSION_LOST


def test_what_somebody_has_seen_is_not_told_again_while_it_lasts() -> None:
    box = outbox()
    box.take(lost(0))
    assert told(box, 5)
    box.acknowledge(SESSION, "ftmo", at(0))
    assert run(box, 10**6) == []


def test_the_end_of_what_somebody_has_seen_is_told_and_the_next_time_too() -> None:
    box = outbox()
    box.take(lost(0))
    assert told(box, 5)
    box.acknowledge(SESSION, "ftmo", at(0))
    box.take(denied(4000))
    assert told(box, 4005) == [("denied", 1)]
    box.take(back(5000))
    batch = box.tell(at(5005))
    assert batch is not None
    [news] = batch.news
    assert (news.alert.title, news.since, news.told_before) == ("session is back", T0, True)
    box.take(lost(9000))
    assert [seconds for seconds, _ in run(box, 12_000)] == [9005, 9905, 11_705]


def test_another_one_of_the_same_cause_is_told_although_the_last_was_seen() -> None:
    box = outbox()
    box.take(lost(0))
    assert told(box, 5)
    box.acknowledge(SESSION, "ftmo", at(0))
    box.take(lost(60, title="another reason"))
    assert told(box, 905) == [("another reason", 0)]
    assert box.due_at() is not None, "and people are reminded of it"


def test_what_is_seen_before_it_was_told_is_told_once() -> None:
    box = outbox()
    box.take(lost(0))
    box.acknowledge(SESSION, "ftmo", at(0))
    assert [seconds for seconds, _ in run(box, 10**6)] == [5]


@pytest.mark.parametrize(("topic", "seconds"), [("ftmo", 1), ("other", 0)])
def test_an_older_or_another_one_that_was_seen_stops_no_reminder(topic: str, seconds: int) -> None:
    box = outbox()
    box.take(lost(0))
    assert told(box, 5)
    box.acknowledge(SESSION, topic, at(seconds))
    assert box.due_at() == at(905)


# Rates


def test_no_more_messages_leave_in_an_hour_than_allowed_and_nothing_is_lost() -> None:
    box = outbox(per_hour=3)
    for number in range(10):
        box.take(denied(number * 60, str(number)))
        run(box, number * 60 + 59)
    said = run(box, 7200)
    assert [seconds for seconds, _ in said] == [3605.0]
    assert [each.alert.topic for each in said[0][1].news] == [str(number) for number in range(3, 10)]


def test_what_is_critical_is_held_back_by_no_rate() -> None:
    box = outbox(per_hour=1)
    box.take(denied(0))
    assert told(box, 5)
    box.take(denied(10, "other"))
    box.take(evolve(lost(20), severity=Severity.CRITICAL))
    assert box.due_at() == at(25)
    batch = box.tell(at(25))
    assert batch is not None
    assert len(batch.news) == 2, "what waits goes along"


def test_more_topics_than_a_person_can_read_are_told_as_numbers() -> None:
    box = outbox()
    for number in range(TOPICS_MAX + 7):
        box.take(denied(0, str(number)))
    batch = box.tell(at(5))
    assert batch is not None
    assert (len(batch.news), batch.more) == (TOPICS_MAX, ((AlertKind.DENIED, 7),))


def test_topics_that_are_over_make_room() -> None:
    box = outbox()
    for number in range(TOPICS_MAX):
        box.take(denied(0, str(number)))
    assert box.tell(at(5))
    box.take(denied(1000, "new"))
    batch = box.tell(at(1005))
    assert batch is not None
    assert ([each.alert.topic for each in batch.news], batch.more) == (["new"], ())


def test_at_the_end_everything_untold_is_told_but_no_reminder() -> None:
    box = outbox()
    box.take(denied(0))
    box.take(lost(0))
    assert box.tell(at(5))
    box.take(denied(6))
    box.take(lost(6, "other"))
    batch = box.tell(at(7), all_=True)
    assert batch is not None
    assert {each.alert.topic for each in batch.news} == {"SPREAD", "other"}
    assert box.tell(at(8), all_=True) is None


STEPS = st.lists(
    st.tuples(
        st.integers(0, 400), st.sampled_from(["a", "b", "c"]), st.sampled_from(["lost", "back", "seen", "denied"])
    ),
    max_size=40,
)


@given(STEPS, st.integers(1, 5))
def test_every_denial_is_counted_once_and_the_last_state_of_each_session_is_told(
    steps: list[tuple[int, str, str]], per_hour: int
) -> None:
    """Whatever comes in whatever order: the numbers add up, and in the end people know how things stand."""
    box = outbox(per_hour=per_hour)
    taken: Counter[str] = Counter()
    state: dict[str, bool] = {}
    known: dict[str, bool] = {}
    counted: Counter[str] = Counter()
    came: dict[str, float] = {}
    now = 0.0

    def hear(batches: list[tuple[float, Batch]]) -> None:
        for _, batch in batches:
            for news in batch.news:
                if news.alert.kind is AlertKind.DENIED:
                    counted[news.alert.topic] += news.times
                else:
                    known[news.alert.topic] = not news.alert.over

    for wait, topic, what in steps:
        hear(run(box, now + wait))
        now += wait
        if what == "denied":
            box.take(denied(now, topic))
            taken[topic] += 1
        elif what == "seen":
            box.acknowledge(SESSION, topic, at(came.get(topic, 0)))
        else:
            came[topic] = now
            box.take(lost(now, topic) if what == "lost" else back(now, topic))
            state[topic] = what == "lost"
    hear(run(box, now + 40 * 3600))
    assert counted == taken
    assert known == state
