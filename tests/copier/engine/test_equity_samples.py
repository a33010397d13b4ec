"""Samples of equity in a running engine: kept by the ledger, over restarts, and told again to a replay."""

from datetime import timedelta
from decimal import Decimal

from attrs import evolve

from copier.ledger.records import DecisionRecord, MemoryRecord
from rules.model.events import AccountReported
from rules.model.observed import AccountStatus
from rules.model.reasons import Reason
from rules.model.values import AccountId
from rules.policy.curve import CurveOf, EquityCurve
from rules.policy.links import CopyLink, CopyPolicy
from tests.copier.desk import LINK, SOURCE, TARGET, Desk
from tests.copier.fakes import source_position
from tests.copier.replay.test_replay import begun, through
from tests.rules.playbook import shape

HOUR = timedelta(hours=1)


def by_curve(samples: int = 2, of: CurveOf = CurveOf.SOURCE) -> CopyLink:
    return evolve(LINK, policy=CopyPolicy("by curve", equity_curve=EquityCurve(samples, HOUR, of)))


async def tells(desk: Desk, equity: int, account: AccountId = SOURCE, after: timedelta = HOUR) -> None:
    """Let time pass, and an account tell its figures then."""
    desk.now += after
    await desk.takes(AccountReported(account, desk.now, AccountStatus(Decimal(equity), Decimal(equity), "USD")))


def samples(desk: Desk) -> list[int]:
    """Return what the ledger has of the curve."""
    records = [each for each in desk.records("memory") if isinstance(each, MemoryRecord)]
    return [int(each.equity) for curve in records[-1].memory.curves for each in curve.samples]


async def opens(desk: Desk, name: str) -> list[tuple[str, str]]:
    return shape(await desk.sees(source_position(name, opened_at=desk.now)))


async def test_a_link_copies_while_its_sources_equity_is_above_its_mean() -> None:
    desk = await begun(by_curve())
    await tells(desk, 100)
    await tells(desk, 200)
    assert await opens(desk, "p1") == [("open", "1.00")]
    await tells(desk, 149, after=timedelta(minutes=1))
    assert await opens(desk, "p2") == []
    denied = [each.copy.reason for each in desk.records("decision") if isinstance(each, DecisionRecord)]
    assert denied[-1] is Reason.EQUITY_CURVE
    assert samples(desk) == [100, 200], "of an hour the first figures"


async def test_a_restart_remembers_the_samples() -> None:
    desk = await begun(by_curve())
    await tells(desk, 300)
    await tells(desk, 100)
    again = Desk(desk.ledger, links=[by_curve()], now=desk.now + timedelta(minutes=1))
    await again.takes_books()
    await again.polls(TARGET)
    await tells(again, 150, after=timedelta(minutes=1))
    assert await opens(again, "p1") == []
    assert samples(again) == [300, 100]


async def test_the_targets_own_curve_is_of_its_figures() -> None:
    desk = await begun(by_curve(of=CurveOf.TARGET))
    await tells(desk, 100)
    await tells(desk, 100, TARGET, after=timedelta(0))
    await tells(desk, 200, TARGET)
    assert samples(desk)[-2:] == [100, 200]
    assert await opens(desk, "p1") == [("open", "1.00")]


async def test_links_without_a_curve_write_nothing() -> None:
    desk = await begun()
    for _ in range(3):
        await tells(desk, 100)
    assert desk.records("memory") == []


async def test_a_replay_decides_on_the_recorded_samples() -> None:
    desk = await begun(by_curve())
    outcomes = []
    for number, (first, later) in enumerate([(500, 90), (90, 300), (310, 200), (200, 260), (10, 400)]):
        await tells(desk, first)
        # Figures that no decision met are in no row: a replay sees the samples alone.
        await tells(desk, later, after=timedelta(minutes=2))
        orders = await opens(desk, f"p{number}")
        outcomes.append(bool(orders))
        await desk.fills(desk.sent[-1:] if orders else [])
    assert True in outcomes
    assert False in outcomes
    found = await through(desk.ledger, by_curve())
    assert (found.trades, found.differences, found.left_out) == (5, (), 0)


async def test_a_replay_with_another_curve_takes_the_samples_that_it_can() -> None:
    desk = await begun()
    for number, equity in enumerate((100, 200, 300)):
        await tells(desk, equity)
        await desk.fills(await desk.sees(source_position(f"p{number}", opened_at=desk.now)))
    found = await through(desk.ledger, by_curve())
    denied = [each.position_id for each in found.differences]
    assert denied == ["p0"], "one sample is too few; then each is above the mean"
