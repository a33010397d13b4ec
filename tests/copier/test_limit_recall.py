"""Figures that may show a deposit, or what nobody saw: they wait for the account's history, and no longer than that."""

from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from copier.engine.inputs import Remembered
from copier.engine.limit_watch import RECALL_MAX
from rules.limits.days import ResetTime
from rules.limits.limits import LimitStage
from rules.limits.past import Past
from rules.limits.policy import Limit
from rules.limits.terms import Anchor, LimitKind, Metric, Part, Percent
from rules.model.events import AccountReported
from rules.model.observed import AccountStatus, Booked, CashFlow, Fill
from rules.model.reasons import Reason
from rules.model.values import Price, Side, Symbol, Volume
from tests.copier.desk import TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import shape

RESET = ResetTime(time(13), ZoneInfo("UTC"))
DAILY = Limit(
    "daily", TARGET, LimitKind.DAILY_LOSS, Percent(Decimal("0.05")), reset=RESET, anchor=Anchor.DAY_START_BALANCE
)
COSTLY = Limit(
    "costly", TARGET, LimitKind.DAILY_LOSS, Percent(Decimal("0.05")), reset=RESET, include=frozenset({Part.FLOATING})
)


def figures(balance: int, equity: int | None = None) -> AccountStatus:
    return AccountStatus(Decimal(balance), Decimal(balance if equity is None else equity), "USD")


def withdrawal(at: datetime, amount: int) -> CashFlow:
    return CashFlow("f", at, Decimal(amount), "withdrawal")


def loss(at: datetime, amount: int, commission: int = 0) -> Fill:
    one = Decimal(1)
    return Fill(
        "d", at, Symbol("EURUSD"), Side.SELL, Volume(one), Price(one), opens=False,
        realized_pnl=Decimal(amount), commission=Decimal(commission),
    )  # fmt: skip


async def told(desk: Desk, *entries: Booked) -> None:
    past = Past(desk.now - timedelta(days=2), desk.now, entries)
    await desk.takes(Remembered(TARGET, past))


def stage(desk: Desk) -> LimitStage:
    [(_, judgement)] = desk.limits.judgements(TARGET)
    return judgement.stage


async def test_a_withdrawal_waits_for_the_history_and_is_no_loss() -> None:
    desk = await Desk(limits=[DAILY], remembers=True).ready()
    held = await desk.copied(source_position())
    assert await desk.polls(TARGET, held, status=figures(90_000)) == [], "nothing is closed before it is known why"
    denied = desk.views[TARGET].denied
    assert denied is not None
    assert denied.reason is Reason.LIMIT_UNKNOWN
    assert len(desk.recalled) == 1
    assert await desk.sees(source_position("p2")) == []
    assert shape(await desk.takes(Remembered(TARGET, Past(desk.now - timedelta(days=1), desk.now, (
        withdrawal(desk.now, -10_000),
    ))))) == [("open", "1.00")], "what waited is decided"  # fmt: skip
    assert stage(desk) is LimitStage.OK
    assert TARGET in desk.polled


async def test_a_loss_that_looks_like_a_withdrawal_is_one_loss_once_the_history_says_so() -> None:
    desk = await Desk(limits=[DAILY], remembers=True).ready()
    held = await desk.copied(source_position())
    await desk.polls(TARGET, held, status=figures(90_000))
    closing = await desk.takes(Remembered(TARGET, Past(desk.now - timedelta(days=1), desk.now, (
        loss(desk.now, -10_000),
    ))))  # fmt: skip
    assert shape(closing) == [("close", "1.00")]
    assert stage(desk) is LimitStage.BREACHED


async def test_figures_wait_no_longer_than_the_history_may_take() -> None:
    desk = await Desk(limits=[DAILY], remembers=True).ready()
    held = await desk.copied(source_position())
    await desk.polls(TARGET, held, status=figures(90_000))
    assert desk.limits.next_due() == desk.now + RECALL_MAX
    desk.now += RECALL_MAX
    assert shape(await desk.takes()) == [("close", "1.00")]


async def test_a_history_that_does_not_add_up_is_asked_again() -> None:
    desk = await Desk(limits=[DAILY], remembers=True).ready()
    await desk.polls(TARGET, status=figures(90_000))
    await told(desk)  # the venue has not booked it yet
    assert len(desk.recalled) == 2
    assert desk.views[TARGET].denied is not None
    await told(desk, withdrawal(desk.now, -10_000))
    assert desk.views[TARGET].denied is None


async def test_a_history_that_never_adds_up_still_tells_of_flows_in_the_end() -> None:
    desk = await Desk(limits=[DAILY], remembers=True).ready()
    await desk.polls(TARGET, status=figures(89_990))  # a charge of 10 is never told
    await told(desk, withdrawal(desk.now, -10_000))
    assert desk.views[TARGET].denied is not None
    desk.now += RECALL_MAX
    await desk.takes()
    assert (stage(desk), desk.views[TARGET].denied) == (LimitStage.OK, None)


@pytest.mark.parametrize(
    "status",
    [
        figures(100_000, 90_000),  # floating: prices moved
        figures(90_000, 100_000),  # a loss that was floating was closed
    ],
)
async def test_what_can_be_no_flow_is_judged_at_once(status: AccountStatus) -> None:
    desk = await Desk(limits=[DAILY], remembers=True).ready()
    before = figures(100_000) if status.balance == 100_000 else figures(100_000, 90_000)
    await desk.polls(TARGET, status=before)
    await desk.polls(TARGET, status=status)
    assert desk.recalled == []


async def test_a_withdrawal_that_reaches_nothing_is_a_loss_until_the_history_tells() -> None:
    desk = await Desk(limits=[DAILY], remembers=True).ready()
    await desk.polls(TARGET, status=figures(99_000))
    assert desk.views[TARGET].denied is None
    assert len(desk.recalled) == 1
    await told(desk, withdrawal(desk.now, -1000))
    await desk.polls(TARGET, status=figures(99_000))
    [(_, judgement)] = desk.limits.judgements(TARGET)
    assert (judgement.floor, judgement.headroom) == (Decimal(94_050), Decimal(4950))


async def test_a_deposit_gives_no_room_before_the_history_tells() -> None:
    desk = await Desk(limits=[DAILY], remembers=True).ready()
    await desk.polls(TARGET, status=figures(110_000))
    assert desk.views[TARGET].denied is not None
    await told(desk, CashFlow("f", desk.now, Decimal(10_000), "deposit"))
    [(_, judgement)] = desk.limits.judgements(TARGET)
    assert (judgement.floor, judgement.headroom) == (Decimal(104_500), Decimal(5500))
    assert desk.views[TARGET].denied is None


async def test_an_account_without_a_history_is_judged_at_once() -> None:
    desk = await Desk(limits=[DAILY]).ready()
    held = await desk.copied(source_position())
    assert shape(await desk.polls(TARGET, held, status=figures(90_000))) == [("close", "1.00")]


async def test_a_balance_that_nobody_saw_at_the_reset_is_rebuilt_after_a_restart() -> None:
    by_balance = Limit(
        "daily", TARGET, LimitKind.DAILY_LOSS, Percent(Decimal("0.05")), reset=RESET,
        anchor=Anchor.DAY_START_BALANCE, metric=Metric.BALANCE,
    )  # fmt: skip
    desk = await Desk(limits=[by_balance], remembers=True).ready()
    reset = desk.limits.next_due()
    assert reset is not None
    again = Desk(desk.ledger, limits=[by_balance], remembers=True, now=reset + timedelta(hours=3))
    await again.takes(AccountReported(TARGET, again.now, figures(97_000)))
    assert again.views[TARGET].denied is not None
    entries = (loss(reset - timedelta(hours=1), -2000), loss(reset, -1000))
    past = Past(desk.now - timedelta(days=1), again.now, entries)
    await again.takes(Remembered(TARGET, past))
    [(_, judgement)] = again.limits.judgements(TARGET)
    assert (judgement.floor, judgement.estimated) == (Decimal(93_100), False)
    assert again.views[TARGET].denied is None


async def test_costs_that_a_limit_leaves_out_are_asked_when_the_balance_moved() -> None:
    desk = await Desk(limits=[COSTLY], remembers=True).ready()
    assert stage(desk) is LimitStage.UNKNOWN
    await desk.polls(TARGET)
    assert desk.recalled
    await told(desk)
    await desk.polls(TARGET)
    assert stage(desk) is LimitStage.OK
    asked = len(desk.recalled)
    await desk.polls(TARGET)
    assert len(desk.recalled) == asked, "nothing moved"
    await desk.polls(TARGET, status=figures(99_000, 99_000 + 1000))
    assert len(desk.recalled) > asked
