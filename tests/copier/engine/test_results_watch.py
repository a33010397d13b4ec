"""Results in the engine: the history is asked when the balance moved, seldom enough, and what it shows is told."""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from attrs import evolve

from copier.engine.inputs import Remembered
from copier.engine.results_watch import ASK_EVERY
from rules.limits.days import ResetTime
from rules.limits.past import Past
from rules.limits.results_policy import Consistency, OnExcess, TradingDays
from rules.model.actions import Action
from rules.model.observed import AccountStatus, Booked
from rules.model.reasons import Reason
from tests.copier.desk import TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.limit_parts import closing
from tests.rules.playbook import T0, shape

RESET = ResetTime((T0 + timedelta(hours=1)).time().replace(microsecond=0), ZoneInfo("UTC"))
SINCE = T0 - timedelta(days=10)
EVEN = Consistency("even", TARGET, Decimal("0.5"), RESET, SINCE, on_excess=OnExcess.BLOCK)
DAYS = TradingDays("days", TARGET, 3, RESET, SINCE)


def figures(balance: int) -> AccountStatus:
    return AccountStatus(Decimal(balance), Decimal(balance), "USD")


def won(days_ago: int, profit: str) -> Booked:
    return evolve(closing("15 12:00", profit, f"d{days_ago}"), at=T0 - timedelta(days=days_ago))


async def told(desk: Desk, *entries: Booked, since_days: int = 30) -> list[Action]:
    past = Past(T0 - timedelta(days=since_days), desk.now, entries)
    return await desk.takes(Remembered(TARGET, past))


def said(desk: Desk) -> list[tuple[str, str]]:
    return [(record.stage, record.state.said) for record in desk.records("limit")]  # type: ignore[union-attr]


async def test_the_history_is_asked_when_the_balance_moved_and_no_oftener_than_once_a_minute() -> None:
    desk = await Desk(results=[DAYS], remembers=True).ready()
    assert desk.recalled == [SINCE - timedelta(days=7)]
    await desk.polls(TARGET)
    await desk.polls(TARGET, status=figures(99_000))
    assert len(desk.recalled) == 1
    due = desk.limits.next_due()
    assert due is not None
    assert due <= desk.now + ASK_EVERY
    desk.now = due
    await desk.takes()
    assert len(desk.recalled) == 2


async def test_what_counts_is_told_when_it_changes() -> None:
    desk = await Desk(results=[DAYS], remembers=True).ready()
    await told(desk, won(3, "5"))
    await told(desk, won(3, "5"))
    await told(desk, won(3, "5"), won(2, "5"))
    assert said(desk) == [("ok", "1 of 3 days"), ("ok", "2 of 3 days")]


async def test_a_history_that_does_not_reach_back_is_not_judged() -> None:
    desk = await Desk(results=[DAYS], remembers=True).ready()
    await told(desk, won(3, "5"), since_days=9)
    assert said(desk) == []


async def test_the_best_day_takes_no_more_risk_until_it_ends() -> None:
    desk = await Desk(results=[EVEN], remembers=True).ready()
    await told(desk, won(3, "100"), won(0, "900"))
    denied = desk.views[TARGET].denied
    assert denied is not None
    assert denied.reason is Reason.BEST_DAY
    assert await desk.sees(source_position()) == []
    due = desk.limits.next_due()
    assert due is not None
    desk.now = due
    await desk.takes()
    assert desk.views[TARGET].denied is None
    assert [stage for stage, _ in said(desk)] == ["block", "warn"]


async def test_the_best_day_takes_no_risk_after_a_restart_before_the_history_is_told_again() -> None:
    desk = await Desk(results=[EVEN], remembers=True).ready()
    await told(desk, won(3, "100"), won(0, "900"))
    again = await Desk(desk.ledger, results=[EVEN], remembers=True, now=desk.now + timedelta(minutes=5)).ready()
    assert await again.sees(source_position()) == []
    assert again.copy.reason is Reason.LIMIT_UNKNOWN
    assert shape(await told(again, won(3, "100"), won(2, "100"))) == [("open", "1.00")], "what it waited for"


async def test_an_account_whose_venue_tells_no_history_says_so_once() -> None:
    desk = await Desk(results=[EVEN, DAYS]).ready()
    assert said(desk) == [("unknown", "the venue tells no history")] * 2


async def test_results_are_told_again_only_when_they_differ_after_a_restart() -> None:
    desk = await Desk(results=[DAYS], remembers=True).ready()
    await told(desk, won(3, "5"))
    again = await Desk(desk.ledger, results=[DAYS], remembers=True, now=desk.now + timedelta(minutes=5)).ready()
    await told(again, won(3, "5"), won(2, "5"))
    assert said(again)[-1] == ("ok", "2 of 3 days")
    assert {state.limit_id for state in again.limits.states} == {"days"}
