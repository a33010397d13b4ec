"""What of the ledger becomes an alert, how severe, in which words, and when it is over."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from copier.alerts.own_words import (
    config_refused,
    ledger_stuck,
    nothing_served,
    service_ended,
    service_started,
    surface_failed,
    trial_alert,
)
from copier.alerts.words import AlertWords, denial_severity
from copier.ledger.records import AcknowledgedRecord, AlertRecord, LimitRecord, MismatchRecord
from rules.alerts.kinds import KINDS, Alert, AlertKind
from rules.books.mismatch import Mismatch, MismatchKind
from rules.limits.state import LimitStage, LimitState
from rules.model.reasons import Reason
from rules.model.reports import OutcomeUnknown, Rejected
from rules.model.severity import Severity
from rules.model.values import AccountId, LinkId, PositionId, Symbol
from rules.policy.guard import Guard
from rules.policy.links import CopyLink, CopyPolicy, LinkState
from rules.policy.mismatch import MismatchAction
from tests.copier.desk import LINK, TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import EURUSD, T0, filled


class Told:
    """A desk whose records become alerts."""

    def __init__(self, links: tuple[CopyLink, ...] = (LINK,)) -> None:
        self.alerts: list[Alert] = []
        self.desk = Desk(links=links, listeners=[AlertWords(self.alerts.append)])

    def of(self, kind: AlertKind) -> list[Alert]:
        return [each for each in self.alerts if each.kind is kind]


def words(*records: AlertRecord | LimitRecord | MismatchRecord) -> list[Alert]:
    alerts: list[Alert] = []
    listener = AlertWords(alerts.append)
    for record in records:
        listener(record, T0)
    return alerts


# Copies


async def test_somebody_is_asked_for_an_approval_once_and_told_how() -> None:
    policy = CopyPolicy("asks", approval=True, guard=Guard(max_age=timedelta(minutes=10)))
    told = Told((evolve(LINK, policy=policy),))
    await told.desk.ready()
    await told.desk.sees(source_position())
    await told.desk.sees(source_position(volume="2"))
    [alert] = told.of(AlertKind.APPROVAL)
    assert alert.title == "target: buy EURUSD waits for an approval until 12:10:00 UTC"
    assert alert.lines[0] == "copier approve p1 --why ... --yes"
    assert alert.severity is Severity.WARNING


async def test_a_denial_says_what_was_not_copied_and_why() -> None:
    told = Told()
    await told.desk.ready()
    told.desk.views[TARGET].instruments[EURUSD.symbol] = evolve(EURUSD, tradable=False)
    await told.desk.sees(source_position())
    [alert] = told.of(AlertKind.DENIED)
    assert alert.title == "target: buy EURUSD not copied: The target's instrument does not take orders."
    assert alert.severity is Severity.WARNING
    assert alert.lines[1] == "link source->target, source position #p1"
    assert set(alert.accounts) == {"source", "target"}


async def test_a_denial_that_the_config_asks_for_is_only_good_to_know() -> None:
    told = Told((evolve(LINK, state=LinkState.PAUSED),))
    await told.desk.ready()
    await told.desk.sees(source_position())
    assert [each.severity for each in told.of(AlertKind.DENIED)] == [Severity.INFO]


async def test_denials_of_one_reason_on_one_link_are_one_topic() -> None:
    told = Told((evolve(LINK, state=LinkState.PAUSED),))
    await told.desk.ready()
    for name in ("p1", "p2"):
        await told.desk.sees(source_position(name))
    assert len({each.topic for each in told.of(AlertKind.DENIED)}) == 1


@pytest.mark.parametrize(
    ("reason", "severity"),
    [
        (Reason.FILTER_SYMBOL, Severity.INFO),
        (Reason.SYMBOL_DENIED, Severity.INFO),
        (Reason.SCHEDULE_CLOSED, Severity.INFO),
        (Reason.LINK_CLOSE_ONLY, Severity.INFO),
        (Reason.NEWS_WINDOW, Severity.INFO),
        (Reason.NEWS_UNKNOWN, Severity.WARNING),
        (Reason.SYMBOL_ABSENT, Severity.WARNING),
        (Reason.LIMIT_DAILY_LOSS, Severity.WARNING),
        (Reason.VOLUME_BELOW_MIN, Severity.WARNING),
    ],
)
def test_a_denial_is_as_severe_as_it_is_surprising(reason: Reason, severity: Severity) -> None:
    assert denial_severity(reason) is severity


async def test_a_copy_that_is_opened_and_closed_as_wished_is_no_alert() -> None:
    told = Told()
    await told.desk.ready()
    await told.desk.fills(await told.desk.sees(source_position()))
    await told.desk.fills(await told.desk.closes())
    assert told.alerts == []


async def test_a_copy_that_the_target_closed_is_told() -> None:
    told = Told()
    await told.desk.ready()
    await told.desk.copied(source_position())
    await told.desk.polls(TARGET)
    await told.desk.polls(TARGET)
    assert [each.title for each in told.of(AlertKind.TARGET_CLOSED)] == ["target: buy EURUSD was closed at the target"]


async def test_flattening_many_copies_is_one_topic() -> None:
    told = Told()
    await told.desk.ready()
    for name in ("p1", "p2"):
        await told.desk.copied(source_position(name))
    for copy in list(told.desk.book.all()):
        told.desk.engine._desk.flatten(copy, "schedule london")
    await told.desk.takes()
    alerts = told.of(AlertKind.FLATTEN)
    assert {(each.topic, each.lines) for each in alerts} == {("target/schedule london", ("schedule london",))}
    assert len(alerts) == 2


# Orders


async def test_an_order_without_an_answer_is_told_until_it_is_accounted_for() -> None:
    told = Told()
    await told.desk.ready()
    [order] = await told.desk.sees(source_position())
    await told.desk.reports(OutcomeUnknown(order.cl_ord_id, "timeout"), OutcomeUnknown(order.cl_ord_id, "timeout"))
    await told.desk.reports(filled(order))
    assert [(each.title, each.over) for each in told.of(AlertKind.ORDER_UNKNOWN)] == [
        ("target: no answer to an order for buy EURUSD", False),
        ("target: the order for buy EURUSD is accounted for", True),
    ]


async def test_a_rejected_opening_is_a_warning_in_the_venues_own_words() -> None:
    told = Told()
    await told.desk.ready()
    [order] = await told.desk.sees(source_position())
    await told.desk.reports(Rejected(order.cl_ord_id, "no money\x1b[31m"))
    [alert] = told.of(AlertKind.ORDER_REJECTED)
    assert (alert.severity, alert.lines[0]) == (Severity.WARNING, "no money\N{REPLACEMENT CHARACTER}[31m")


async def test_a_rejected_close_is_critical() -> None:
    told = Told()
    await told.desk.ready()
    await told.desk.copied(source_position())
    [close] = await told.desk.closes()
    await told.desk.reports(Rejected(close.cl_ord_id, "market closed"))
    assert [each.severity for each in told.of(AlertKind.ORDER_REJECTED)] == [Severity.CRITICAL]


# Limits


def limit(stage: LimitStage) -> LimitRecord:
    state = LimitState("ftmo/daily_loss", T0, balance=Decimal(100_000), equity=Decimal("96500.50"), currency="USD")
    return LimitRecord(AccountId("ftmo"), state, stage.value)


def test_a_limit_is_told_at_each_stage_and_when_it_is_over() -> None:
    alerts = words(
        limit(LimitStage.OK),
        limit(LimitStage.WARN),
        limit(LimitStage.WARN),
        limit(LimitStage.FLATTEN),
        limit(LimitStage.BREACHED),
        limit(LimitStage.OK),
    )
    assert [(each.kind.value, each.title, each.over) for each in alerts] == [
        ("limit.warning", "ftmo: limit ftmo/daily_loss is nearly used up", False),
        ("limit.warning", "ftmo: limit ftmo/daily_loss went on: it closes what is open", True),
        ("limit.breach", "ftmo: limit ftmo/daily_loss closes what is open", False),
        ("limit.breach", "ftmo: limit ftmo/daily_loss is breached", False),
        ("limit.breach", "ftmo: limit ftmo/daily_loss is over", True),
    ]
    assert alerts[2].severity is Severity.CRITICAL
    assert alerts[0].lines == ("equity 96500.5 USD, balance 100000 USD",)


@pytest.mark.parametrize("stage", LimitStage)
def test_every_stage_of_a_limit_has_its_words(stage: LimitStage) -> None:
    assert len(words(limit(stage))) == (stage is not LimitStage.OK)


# Mismatches and notes


def mismatch(**changes: object) -> Mismatch:
    base = Mismatch(
        LinkId("a->b"),
        TARGET,
        Symbol("EURUSD"),
        MismatchKind.MISSING,
        Decimal(1),
        Decimal(0),
        Decimal(1),
        Severity.CRITICAL,
        tuple(PositionId(f"p{n}") for n in range(9)),
    )
    return evolve(base, **changes)


def test_a_mismatch_is_as_severe_as_it_was_found_and_names_a_few_positions() -> None:
    begun, over = words(MismatchRecord(mismatch(), False), MismatchRecord(mismatch(), True))
    assert (begun.title, begun.severity) == ("target: EURUSD should be long 1 and is not there", Severity.CRITICAL)
    assert begun.lines == ("link a->b, source positions #p0, #p1, #p2, #p3, #p4",)
    assert (over.title, over.over, over.topic) == (
        "target: mismatch is over: EURUSD should be long 1 and is not there",
        True,
        begun.topic,
    )


def test_a_mismatch_that_its_policy_leaves_alone_is_no_alert() -> None:
    assert words(MismatchRecord(mismatch(action=MismatchAction.NONE), False)) == []


@pytest.mark.parametrize("code", KINDS)
def test_what_the_journal_notes_is_told_with_its_text(code: str) -> None:
    [alert] = words(AlertRecord(code, "why\n", AccountId("ftmo")))
    assert (alert.kind, alert.severity) == (KINDS[code], KINDS[code].severity)
    assert alert.title.startswith("ftmo: ")
    assert "why\N{REPLACEMENT CHARACTER}" in "".join((alert.title, *alert.lines))


@pytest.mark.parametrize(("code", "topics"), [("session.lost", 1), ("orphan", 2)])
def test_another_text_is_another_topic_unless_it_is_about_the_whole_account(code: str, topics: int) -> None:
    account = AccountId("ftmo")
    alerts = words(AlertRecord(code, "one", account), AlertRecord(code, "two", account))
    assert len({alert.topic for alert in alerts}) == topics


def test_a_session_that_is_back_ends_the_topic_of_the_lost_one() -> None:
    account = AccountId("ftmo")
    lost, back = words(
        AlertRecord("session.lost", "timeout", account), AlertRecord("session.lost", "back", account, over=True)
    )
    assert (lost.topic, lost.lasts, lost.over) == (back.topic, True, False)
    assert (back.title, back.over) == ("ftmo: session is back", True)


def test_what_somebody_has_seen_is_handed_on_by_its_topic_and_the_time_when_it_came() -> None:
    alerts: list[Alert] = []
    seen: list[tuple[AlertKind, str, datetime]] = []
    listener, account = AlertWords(alerts.append, lambda *told: seen.append(told)), AccountId("ftmo")
    listener(AlertRecord("session.lost", "timeout", account), T0)
    listener(AcknowledgedRecord(7, "session.lost", account, T0, "anna"), T0 + timedelta(hours=1))
    listener(AcknowledgedRecord(8, "orphan", account, T0, "anna"), T0 + timedelta(hours=1))
    [lost] = alerts
    assert seen == [(lost.kind, lost.topic, lost.at)], "an orphan is not reminded of"


# The service itself


def test_the_service_tells_of_its_start_and_its_end() -> None:
    assert service_started(T0, 2, 3).lines == ("2 links, 3 accounts",)
    failed = surface_failed(T0, "GET /x\x1b failed by a bug; see the log")
    assert failed.severity is Severity.WARNING
    assert "\x1b" not in failed.lines[0]
    asked, fell = service_ended(T0, None, 0), service_ended(T0, "LedgerFailed: disk", 2)
    assert (asked.severity, asked.lines) == (Severity.WARNING, ())
    assert (fell.severity, fell.lines[0]) == (Severity.CRITICAL, "LedgerFailed: disk")
    assert "2 orders were under way" in fell.lines[1]


def test_a_changed_config_is_told_whether_it_was_taken_or_not() -> None:
    taken = service_started(T0, 1, 2, again=True)
    assert (taken.title, taken.severity) == ("copier runs by the changed config", Severity.INFO)
    refused = config_refused(T0, [f"copier.toml:{line}: x\x1b" for line in range(7)])
    assert refused.severity is Severity.WARNING
    assert refused.lines == (*(f"copier.toml:{line}: x\N{REPLACEMENT CHARACTER}" for line in range(5)), "and 2 more")
    assert config_refused(T0, ["one"]).lines == ("one",)
    assert nothing_served(T0, "cannot listen").lines == ("cannot listen",)


def test_a_ledger_that_cannot_be_written_is_critical_until_it_can() -> None:
    stuck, free = ledger_stuck(T0, "disk full"), ledger_stuck(T0 + timedelta(1), None)
    assert (stuck.severity, stuck.over, free.over) == (Severity.CRITICAL, False, True)
    assert (stuck.kind, stuck.topic) == (free.kind, free.topic)


def test_a_test_says_that_it_is_one() -> None:
    assert trial_alert(T0).title == "copier: this is a test"
