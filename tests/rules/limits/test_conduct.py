"""Rules of conduct: single positions, hours, budgets; both sides of each boundary."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.limits.conduct import (
    budget_denial,
    budget_stage,
    counted,
    flat_denial,
    flat_stage,
    is_blind,
    offence,
    offends_at,
)
from rules.limits.conduct_policy import Budget, BudgetKind, FlatBy, PositionRule, PositionRuleKind
from rules.limits.limits import Cash, LimitAmount, LimitStage, Percent, ResetTime
from rules.limits.state import LimitState
from rules.model.actions import ClosePosition, OpenPosition, PlaceOrder
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Position
from rules.model.reasons import Reason
from rules.model.values import AccountId, ClOrdId, OrderType, PositionId, Price, Side, Symbol, Volume
from rules.times.cron import Cron
from tests.rules.limit_parts import PRAGUE_MIDNIGHT, at

A = AccountId("a")
LOT = Volume(Decimal(1))
GOLD = Instrument(Symbol("XAUUSD"), LOT, LOT, LOT, contract_size=Decimal(100), profit_currency="USD")
KNOWN = {GOLD.symbol: GOLD}
FIGURES = AccountStatus(Decimal(100_000), Decimal(99_000), "USD")
OPENED = at("15 12:00")
POSITION = Position(
    PositionId("p"), GOLD.symbol, Side.BUY, Volume(Decimal(2)), Price(Decimal(2600)), OPENED,
    current_price=Price(Decimal(2590)),
)  # fmt: skip
CHICAGO, NEW_YORK = ZoneInfo("America/Chicago"), ZoneInfo("America/New_York")


def rule(kind: PositionRuleKind, **parts: object) -> PositionRule:
    return PositionRule("r", A, kind, **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("amount", "offends"),
    [
        (Cash(Decimal("2000.01")), False),
        (Cash(Decimal(2000)), True),
        (Cash(Decimal(2000), "USD"), True),
        # FundingPips: 3 % a trade idea; Bootcamp: at most 2 % [T5-P].
        (Percent(Decimal("0.02")), True),
        (Percent(Decimal("0.0200001")), False),
    ],
)
def test_position_that_lost_too_much_offends(amount: LimitAmount, offends: bool):
    found = offence(rule(PositionRuleKind.PER_TRADE_LOSS, amount=amount), POSITION, KNOWN, FIGURES, OPENED)
    assert (found is not None) is offends
    if found is not None:
        assert (found.position_id, found.text) == ("p", "position p XAUUSD lost 2000 of 2000 allowed")


@pytest.mark.parametrize(
    ("position", "instruments", "status", "amount"),
    [
        (evolve(POSITION, current_price=None), KNOWN, FIGURES, Cash(Decimal(1))),
        (POSITION, {GOLD.symbol: None}, FIGURES, Cash(Decimal(1))),
        (POSITION, KNOWN, evolve(FIGURES, currency="EUR"), Cash(Decimal(1))),
        (POSITION, KNOWN, FIGURES, Cash(Decimal(1), "EUR")),
        (POSITION, KNOWN, evolve(FIGURES, balance=None), Percent(Decimal("0.01"))),
    ],
)
def test_loss_that_cannot_be_told_offends_nothing_and_is_said(
    position: Position, instruments: dict[Symbol, Instrument | None], status: AccountStatus, amount: LimitAmount
):
    loss = rule(PositionRuleKind.PER_TRADE_LOSS, amount=amount)
    assert offence(loss, position, instruments, status, OPENED) is None
    assert is_blind(loss, position, instruments, status)


def test_rule_is_not_blind_while_its_instrument_is_looked_up():
    loss = rule(PositionRuleKind.PER_TRADE_LOSS, amount=Cash(Decimal(1)))
    assert not is_blind(loss, POSITION, {}, FIGURES)
    assert not is_blind(loss, POSITION, KNOWN, None)
    assert not is_blind(rule(PositionRuleKind.MAX_POSITION_VOLUME, volume=LOT), POSITION, {}, FIGURES)


@pytest.mark.parametrize(("volume", "offends"), [("2", False), ("1.99", True)])
def test_position_that_is_too_large_offends(volume: str, offends: bool):
    guardrail = rule(PositionRuleKind.MAX_POSITION_VOLUME, volume=Volume(Decimal(volume)))
    assert (offence(guardrail, POSITION, {}, None, OPENED) is not None) is offends


@pytest.mark.parametrize(("waited", "offends"), [("0:02:59.999999", False), ("0:03:00", True)])
def test_position_without_a_stop_offends_after_its_time(waited: str, offends: bool):
    # Bootcamp: a stop within 3 minutes [T5-P].
    hours, minutes, seconds = (float(part) for part in waited.split(":"))
    now = OPENED + timedelta(hours=hours, minutes=minutes, seconds=seconds)
    required = rule(PositionRuleKind.STOP_REQUIRED, within=timedelta(minutes=3))
    assert (offence(required, POSITION, {}, None, now) is not None) is offends
    with_stop = evolve(POSITION, stop_loss=Price(Decimal(2500)))
    assert offence(required, with_stop, {}, None, now) is None
    assert (offends_at(required, POSITION), offends_at(required, with_stop)) == (OPENED + timedelta(minutes=3), None)


def test_position_that_is_open_too_long_offends_with_or_without_a_stop():
    longest = rule(PositionRuleKind.MAX_OPEN_TIME, within=timedelta(hours=4))
    with_stop = evolve(POSITION, stop_loss=Price(Decimal(2500)))
    assert offence(longest, with_stop, {}, None, OPENED + timedelta(hours=4)) is not None
    assert offence(longest, with_stop, {}, None, OPENED + timedelta(hours=3, minutes=59)) is None


@pytest.mark.parametrize(
    ("kind", "parts", "problem"),
    [
        (PositionRuleKind.PER_TRADE_LOSS, {}, "amount is required by per_trade_loss"),
        (PositionRuleKind.MAX_OPEN_TIME, {}, "within is required by max_open_time"),
        (PositionRuleKind.MAX_POSITION_VOLUME, {"within": timedelta(1), "volume": LOT}, "within is not for"),
    ],
)
def test_rule_without_what_it_needs_is_refused(kind: PositionRuleKind, parts: dict[str, object], problem: str):
    with pytest.raises(ValueError, match=f"^rule r: {problem}"):
        rule(kind, **parts)


def flat_by(*crons: str, lasts: timedelta, zone: ZoneInfo = CHICAGO, warn: timedelta = timedelta(0)) -> FlatBy:
    return FlatBy("flat", A, tuple(Cron(text, zone) for text in crons), lasts, warn)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "stage", "until"),
    [
        # Topstep: flat at 15:10 in Chicago, the session begins again at 17:00 [TS-DLL].
        ("2026-01-15T21:09:59", LimitStage.BLOCK, "2026-01-15T21:10"),
        ("2026-01-15T20:59:59", LimitStage.OK, "2026-01-15T21:00"),
        ("2026-01-15T21:10:00", LimitStage.FLATTEN, "2026-01-15T23:00"),
        ("2026-01-15T22:59:59", LimitStage.FLATTEN, "2026-01-15T23:00"),
        ("2026-01-15T23:00:00", LimitStage.OK, "2026-01-16T21:00"),
        ("2026-07-15T20:10:00", LimitStage.FLATTEN, "2026-07-15T22:00"),
        ("2026-03-08T20:30:00", LimitStage.OK, "2026-03-09T20:00"),  # a Sunday, and the day of the clock change
    ],
)
def test_account_is_flat_from_the_firing_for_as_long_as_it_lasts(now: str, stage: LimitStage, until: str):
    session = flat_by("10 15 * * mon-fri", lasts=timedelta(hours=1, minutes=50), warn=timedelta(minutes=10))
    assert flat_stage(session, utc(now)) == (stage, utc(until))
    denied = flat_denial(session, utc(now))
    assert (denied is None) is (stage is LimitStage.OK)
    if denied is not None:
        assert (denied.reason, denied.until) == (Reason.FLAT_BY, utc(until))


def test_weekend_is_a_firing_that_lasts_until_the_open():
    # Flat before Friday's close in New York, until Sunday evening.
    weekend = flat_by("45 16 * * fri", lasts=timedelta(hours=48, minutes=15), zone=NEW_YORK)
    assert flat_stage(weekend, utc("2026-01-16T21:44:59"))[0] is LimitStage.OK
    assert flat_stage(weekend, utc("2026-01-17T12:00"))[0] is LimitStage.FLATTEN
    assert flat_stage(weekend, utc("2026-01-18T22:00"))[0] is LimitStage.OK


def test_of_several_firings_the_one_that_lasts_longest_counts():
    both = flat_by("0 12 * * *", "30 12 * * *", lasts=timedelta(hours=1))
    assert flat_stage(both, utc("2026-01-15T18:45")) == (LimitStage.FLATTEN, utc("2026-01-15T19:30"))


def opening(volume: str = "1") -> OpenPosition:
    return OpenPosition(ClOrdId("o"), A, GOLD.symbol, Side.BUY, Volume(Decimal(volume)))


CLOSING = ClosePosition(ClOrdId("c"), A, PositionId("p"), GOLD.symbol, Side.BUY, LOT)


def budget(kind: BudgetKind, amount: str, **parts: object) -> Budget:
    return Budget("b", A, kind, Decimal(amount), PRAGUE_MIDNIGHT, **parts)  # type: ignore[arg-type]


def test_every_order_counts_and_the_last_allowed_one_ends_new_risk():
    orders = budget(BudgetKind.MAX_ORDERS, "3", warn_at=Decimal("0.6"))
    state: LimitState | None = None
    stages = []
    for number, action in enumerate((opening(), CLOSING, opening("9"))):
        state = counted(orders, state, at(f"15 12:0{number}"), action)
        stages.append(budget_stage(orders, state))
    assert stages == [LimitStage.OK, LimitStage.WARN, LimitStage.BLOCK]
    assert state is not None
    denied = budget_denial(orders, state)
    assert denied is not None
    assert (denied.reason, denied.until) == (Reason.BUDGET_USED_UP, at("15 23:00"))
    assert ("used", "3") in denied.numbers


def test_a_pending_order_counts_as_if_it_were_filled():
    lots = budget(BudgetKind.MAX_OPENED_VOLUME, "10")
    order = PlaceOrder(
        ClOrdId("c"), AccountId("a"), GOLD.symbol, Side.BUY, OrderType.LIMIT, Volume(4), Price(Decimal(2600))
    )
    assert counted(lots, None, at("15 12:00"), order).count == 4


def test_only_openings_count_as_opened_lots():
    # FundingPips: 10 lots a day [FP-LOT].
    lots = budget(BudgetKind.MAX_OPENED_VOLUME, "10")
    state = counted(lots, None, at("15 12:00"), opening("6"))
    state = counted(lots, state, at("15 12:01"), CLOSING)
    assert (state.count, budget_stage(lots, state)) == (Decimal(6), LimitStage.OK)
    state = counted(lots, state, at("15 12:02"), opening("3.99"))
    assert budget_denial(lots, state) is None
    assert budget_denial(lots, counted(lots, state, at("15 12:03"), opening("0.01"))) is not None


def test_count_begins_anew_at_the_reset_and_not_before():
    orders = budget(BudgetKind.MAX_ORDERS, "1")
    state = counted(orders, None, at("15 22:59"), opening())
    assert counted(orders, state, at("15 22:59:59"), None).count == 1
    assert counted(orders, state, at("15 23:00"), None).count == 0
    assert counted(orders, state, at("15 23:00"), opening()).count == 1


@given(seconds=st.lists(st.integers(0, 100_000), max_size=20))
def test_budget_once_used_up_stays_used_up_until_its_reset(seconds: list[int]):
    orders = Budget("b", A, BudgetKind.MAX_ORDERS, Decimal(3), ResetTime(time(0), CHICAGO))
    state, now, spent_in = None, utc("2026-03-07T12:00"), None
    for wait in seconds:
        now += timedelta(seconds=wait)
        if spent_in is not None:
            waited = counted(orders, state, now, None)
            assert (budget_denial(orders, waited) is not None) or waited.day_started != spent_in
        state = counted(orders, state, now, opening())
        spent_in = state.day_started if budget_denial(orders, state) is not None else None


def test_a_minimum_time_is_no_offence_of_what_is_open():
    hold = rule(PositionRuleKind.MIN_HOLD, within=timedelta(minutes=2))
    assert offends_at(hold, POSITION) is None
    assert offence(hold, POSITION, KNOWN, FIGURES, OPENED + timedelta(seconds=1)) is None
