"""Worked numbers of futures firms: cash amounts, sessions in Chicago and New York, marks at the close, locks."""

from decimal import Decimal

import pytest

from rules.limits.limits import LimitStage
from tests.rules.firms import ALL, DAY, GOAL, Firm

OK, BREACHED = LimitStage.OK, LimitStage.BREACHED


@pytest.mark.parametrize(
    ("preset", "balance", "day", "total", "goal"),
    [
        ("topstep-combine-50k", "50000", 1000, 2000, 3000),
        ("topstep-combine-100k", "100000", 2000, 3000, 6000),
        ("topstep-combine-150k", "150000", 3000, 4500, 9000),
    ],
)
def test_topstep_combine_amounts(preset: str, balance: str, day: int, total: int, goal: int):
    # [TS-DLL][TS-MLL][TS-PTV] 1k / 2k / 3k a day, 2k / 3k / 4.5k in all, targets of 3k / 6k / 9k.
    firm = Firm(preset, f"{balance} USD", phase="challenge")
    firm.day("2026-01-15 20:00", balance)
    begin = Decimal(balance)
    assert (firm.floor(DAY), firm.floor(ALL), firm.floor(GOAL)) == (-day, begin - total, begin + goal)
    assert firm.report("2026-01-16 15:00", balance, str(begin - day + Decimal("0.01"))) is not BREACHED
    assert firm.report("2026-01-16 15:01", balance, str(begin - day)) is BREACHED
    assert firm.stage(ALL) is not BREACHED


def test_topstep_daily_loss_is_a_pause_until_the_session_in_chicago():
    # [TS-DLL] the day runs to 17:00 in Chicago: 23:00 UTC in winter.
    firm = Firm("topstep-combine-50k", "50000 USD")
    firm.day("2026-01-15 20:00", "50000")
    assert firm.report("2026-01-16 15:00", "49000") is BREACHED
    assert firm.report("2026-01-16 22:59:59", "49000") is BREACHED
    firm.clock("2026-01-16 23:00")
    assert firm.stage(DAY) is OK
    assert firm.judged[DAY].metric == 0


def test_topstep_mark_moves_at_the_close_only_and_locks_at_the_beginning():
    # [TS-MLL] 50K: 51,000 within the day moves nothing; an evening at 50,700 puts the floor at 48,700.
    firm = Firm("topstep-combine-50k", "50000 USD")
    firm.report("2026-01-15 15:00", "50000")
    firm.report("2026-01-15 16:00", "51000")
    assert firm.floor(ALL) == 48_000
    firm.day("2026-01-15 20:00", "50700")
    assert firm.floor(ALL) == 48_700
    firm.day("2026-01-16 20:00", "51999.99")
    assert firm.floor(ALL) == Decimal("49999.99")
    firm.day("2026-01-17 20:00", "53000")
    assert firm.floor(ALL) == 50_000
    assert firm.report("2026-01-18 20:00", "53000", "50000.01") is BREACHED, "the daily loss was passed long before"
    assert firm.stage(ALL) is not BREACHED
    firm.report("2026-01-18 20:01", "53000", "50000")
    assert firm.stage(ALL) is BREACHED


def test_topstep_express_begins_at_zero_and_its_floor_is_minus_the_amount():
    # [TS-PTV] I = 0, floor = -2,000, locked at 0.
    firm = Firm("topstep-express-50k", "0 USD")
    firm.day("2026-01-15 20:00", "0")
    assert firm.floor(ALL) == -2000
    firm.day("2026-01-16 20:00", "1500")
    assert firm.floor(ALL) == -500
    firm.day("2026-01-17 20:00", "5000")
    assert firm.floor(ALL) == 0


def test_apex_evaluation_trails_live_equity_and_never_locks():
    # [APX-PD][APX-Z] 2,500 below the highest equity ever, also above the beginning.
    firm = Firm("apex-legacy-evaluation-50k", "50000 USD", phase="challenge")
    firm.report("2026-01-15 15:00", "50000", "51800")
    assert firm.floor(ALL) == 49_300
    firm.report("2026-01-15 16:00", "50000", "55000")
    assert firm.floor(ALL) == 52_500
    assert firm.report("2026-01-15 16:01", "50000", "52500.01") is not BREACHED
    assert firm.report("2026-01-15 16:02", "50000", "52500") is BREACHED


def test_apex_performance_account_locks_100_above_the_beginning():
    # [APX-Z] the floor stops at 50,100: reached with 52,600 of equity.
    firm = Firm("apex-legacy-pa-50k", "50000 USD")
    firm.report("2026-01-15 15:00", "50000", "52599.99")
    assert firm.floor(ALL) == Decimal("50099.99")
    firm.report("2026-01-15 16:00", "50000", "60000")
    assert firm.floor(ALL) == 50_100


def test_apex_4_floor_is_set_at_the_close_and_enforced_live():
    # [APX-DPF] 51,000 at 17:00 in New York: 48,500 from then on, by equity at any moment.
    firm = Firm("apex-4-eod-50k", "50000 USD")
    firm.report("2026-01-15 15:00", "50000")
    firm.report("2026-01-15 21:00", "51000", "54000")
    assert firm.floor(ALL) == 47_500
    firm.clock("2026-01-15 22:00")
    assert firm.floor(ALL) == 48_500
    assert firm.report("2026-01-16 15:00", "51000", "48500.01") is not BREACHED
    assert firm.report("2026-01-16 15:01", "51000", "48500") is BREACHED


def test_apex_4_intraday_trails_within_the_session():
    firm = Firm("apex-4-intraday-50k", "50000 USD")
    firm.report("2026-01-15 15:00", "50000", "51000")
    assert firm.floor(ALL) == 48_500


@pytest.mark.parametrize(("size", "amount"), [("50", 2000), ("100", 3000), ("150", 4500)])
def test_mffu_core_locks_100_above_the_beginning(size: str, amount: int):
    # [MFF-DPF] 2k / 3k / 4.5k by the evening's balance; the lock follows from the payout buffer of 2,100 on 50K.
    begin = Decimal(size) * 1000
    firm = Firm(f"mffu-core-{size}k", f"{begin} USD")
    firm.day("2026-01-15 20:00", str(begin))
    assert firm.floor(ALL) == begin - amount
    firm.day("2026-01-16 20:00", str(begin + amount + 99))
    assert firm.floor(ALL) == begin + 99
    firm.day("2026-01-17 20:00", str(begin + amount + 101))
    assert firm.floor(ALL) == begin + 100


def test_mffu_rapid_funded_trails_live_equity():
    # [MFF-TC] 4 % live.
    firm = Firm("mffu-rapid-funded", "50000 USD")
    firm.report("2026-01-15 15:00", "50000", "51000")
    assert firm.floor(ALL) == 49_000


def test_alpha_futures_pauses_at_two_percent_after_fees():
    # [AF] 2 % of the initial balance; the day begins at 18:00 in New York, 22:00 UTC in summer.
    firm = Firm("alpha-futures-4-percent", "100000 USD")
    firm.report("2026-07-15 21:59:59", "101000")
    firm.clock("2026-07-15 22:00")
    assert (firm.floor(DAY), firm.floor(ALL)) == (Decimal(99_000), Decimal(97_000))


def test_apteros_does_not_count_floating_and_freezes():
    # [APT] 2.5 % of the day's balance without floating; 5,000 below the evening's balance until 115,000, then 110,000.
    firm = Firm("apteros", "100000 USD")
    firm.day("2026-01-15 20:00", "100000")
    firm.report("2026-01-16 15:00", "100000", "97000")
    assert firm.stage(DAY) is OK
    firm.report("2026-01-16 15:01", "97500.01")
    assert firm.stage(DAY) is not BREACHED
    firm.report("2026-01-16 15:02", "97500")
    assert firm.stage(DAY) is BREACHED
    firm.day("2026-01-16 20:00", "114000")
    assert firm.floor(ALL) == 109_000
    firm.day("2026-01-17 20:00", "115000")
    assert firm.floor(ALL) == 110_000
    firm.day("2026-01-18 20:00", "125000")
    assert firm.floor(ALL) == 110_000
