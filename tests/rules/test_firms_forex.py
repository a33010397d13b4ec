"""Worked numbers of forex firms, on both sides of each boundary. The tags name pages in the presets' sources."""

from decimal import Decimal

import pytest

from copier.config.limit_keys import read_reset
from rules.limits.limits import LimitStage
from tests.rules.firms import ALL, DAY, GOAL, Firm

OK, WARN, FLATTEN, BREACHED = LimitStage.OK, LimitStage.WARN, LimitStage.FLATTEN, LimitStage.BREACHED
NEXT_CENT = "0.01"


def boundary(firm: Firm, when: str, balance: str, floor: str) -> None:
    """Assert that `floor` in equity breaches and that a cent more does not; the firm is used up after it."""
    above = str(Decimal(floor) + Decimal(NEXT_CENT))
    assert firm.report(when, balance, above) is not BREACHED
    assert firm.report(when, balance, floor) is BREACHED


def test_ftmo_2_step_counts_from_yesterday_s_balance_and_floating_loss_counts():
    # [FTMO-MDL] 5 % of 100,000 from the balance at midnight in Prague: won 3,000 yesterday, the floor is 98,000.
    firm = Firm("ftmo-2-step", "100000 USD")
    firm.day("2026-01-15 20:00", "103000")
    assert (firm.floor(DAY), firm.floor(ALL)) == (Decimal(98_000), Decimal(90_000))
    boundary(firm, "2026-01-16 09:00", "103000", "98000")


def test_ftmo_profit_of_the_day_widens_the_room_of_the_day():
    # [FTMO-MDL] closed +2,000 today: up to 7,000 may be lost from there.
    firm = Firm("ftmo-2-step", "100000 USD")
    firm.day("2026-01-15 20:00", "100000")
    assert firm.report("2026-01-16 09:00", "102000") is OK
    assert firm.judged[DAY].headroom == 7000
    boundary(firm, "2026-01-16 10:00", "102000", "95000")


def test_ftmo_floating_profit_at_midnight_gives_nothing_and_losing_it_takes_from_the_day():
    # [FTMO-MDL] the anchor is the balance: 4,000 of open profit at midnight do not lift the floor.
    firm = Firm("ftmo-2-step", "100000 USD")
    firm.day("2026-01-15 20:00", "100000", "104000")
    assert firm.floor(DAY) == 95_000
    boundary(firm, "2026-01-16 09:00", "100000", "95000")


def test_ftmo_2_step_overall_loss_is_static():
    # [FTMO-ML] 10 % of the initial balance, whatever was won meanwhile.
    firm = Firm("ftmo-2-step", "100000 USD")
    firm.day("2026-01-15 20:00", "115000")
    firm.day("2026-01-16 20:00", "94000")
    assert (firm.floor(ALL), firm.floor(DAY)) == (Decimal(90_000), Decimal(89_000))
    boundary(firm, "2026-01-17 09:00", "94000", "90000")


@pytest.mark.parametrize(("phase", "balance"), [("challenge", "110000"), ("verification", "105000")])
def test_ftmo_2_step_targets_differ_by_phase(phase: str, balance: str):
    firm = Firm("ftmo-2-step", "100000 USD", phase=phase)
    firm.report("2026-01-15 20:00", str(Decimal(balance) - Decimal("0.01")))
    assert firm.stage(GOAL) is OK
    firm.report("2026-01-15 20:01", balance)
    assert firm.stage(GOAL) is BREACHED
    assert not firm.judged[GOAL].forbids, "the firm ends nothing there, and neither do we"


def test_ftmo_1_step_floor_rises_with_evening_balances_and_never_falls():
    # [FTMO-1ML] 10 % below the highest balance at the end of a day.
    firm = Firm("ftmo-1-step", "100000 USD")
    firm.report("2026-01-15 20:00", "104000", "106000")
    assert firm.floor(ALL) == 94_000, "taken over in profit: the first figures are a mark"
    firm.day("2026-01-15 21:00", "103000")
    firm.day("2026-01-16 20:00", "108000", "120000")
    assert firm.floor(ALL) == 98_000
    firm.day("2026-01-17 20:00", "99000")
    assert firm.floor(ALL) == 98_000
    assert firm.floor(DAY) == 96_000
    boundary(firm, "2026-01-18 20:00", "99000", "98000")


def test_ftmo_stop_at_acts_at_four_fifths_of_every_loss_and_warns_before():
    firm = Firm("ftmo-2-step", "100000 USD", stop_at=Decimal("0.8"))
    firm.day("2026-01-15 20:00", "100000")
    # 4,000 is four fifths of 5,000; three quarters of that warn.
    assert firm.report("2026-01-16 09:00", "100000", "97000.01") is OK
    assert firm.report("2026-01-16 09:01", "100000", "97000") is WARN
    assert firm.report("2026-01-16 09:02", "100000", "96000.01") is WARN
    assert firm.report("2026-01-16 09:03", "100000", "96000") is FLATTEN
    assert firm.report("2026-01-16 22:59", "96000") is FLATTEN
    assert firm.clock("2026-01-16 23:00") is OK, "a new day, from what is left"


@pytest.mark.parametrize(
    ("preset", "day", "total"),
    [
        ("fundednext-stellar-2-step", 95_000, 90_000),
        ("fundednext-stellar-1-step", 97_000, 94_000),
        ("fundednext-stellar-lite", 96_000, 92_000),
    ],
)
def test_fundednext_stellar_counts_from_the_evening_s_balance(preset: str, day: int, total: int):
    # [FN-DLL] profit of the day extends the room: 1,000 won today may be lost on top.
    firm = Firm(preset, "100000 USD")
    firm.day("2026-01-15 20:00", "100000", "101000")
    assert (firm.floor(DAY), firm.floor(ALL)) == (Decimal(day), Decimal(total))
    firm.report("2026-01-16 09:00", "101000")
    assert firm.judged[DAY].headroom == 101_000 - day
    boundary(firm, "2026-01-16 10:00", "101000", str(day))


def test_fundednext_instant_trails_up_to_the_beginning():
    # [FN-W] 6 % trailing up to the initial balance.
    firm = Firm("fundednext-stellar-instant", "10000 USD")
    for equity, floor in (("10000", 9400), ("10300", 9700), ("10700", 10_000), ("12000", 10_000)):
        firm.report("2026-01-15 20:00", equity)
        assert firm.floor(ALL) == floor
    boundary(firm, "2026-01-15 21:00", "12000", "10000")


def test_the5ers_high_stakes_counts_from_the_higher_of_both():
    # [T5-HS] 5 % of the higher of balance and equity at the reset: 102,000 of equity leave 96,900.
    firm = Firm("the5ers-high-stakes", "100000 USD")
    firm.day("2026-01-15 20:00", "100000", "102000")
    assert firm.floor(DAY) == 96_900
    boundary(firm, "2026-01-16 20:00", "100000", "96900")


@pytest.mark.parametrize("preset", ["the5ers-hyper-growth", "the5ers-bootcamp-funded"])
def test_the5ers_pause_ends_with_the_day(preset: str):
    # [T5-W] 3 % of the day's starting balance, a pause: midnight of the server is UTC+3.
    firm = Firm(preset, "20000 USD")
    firm.day("2026-01-15 20:00", "20000")
    boundary(firm, "2026-01-16 09:00", "20000", "19400")
    assert firm.report("2026-01-16 20:59:59", "19400") is BREACHED
    assert firm.clock("2026-01-16 21:00:00") is OK
    assert firm.floor(DAY) == 18_818


@pytest.mark.parametrize(
    ("preset", "floor"),
    [("1-step", 97_920), ("2-step", 96_900), ("pro", 98_940), ("zero", 98_940)],
)
def test_fundingpips_counts_from_the_higher_of_both_at_utc_plus_3(preset: str, floor: int):
    # [FP-W] 4 / 5 / 3 % of the higher of balance and equity at 00:00 UTC+3: 102,000.
    firm = Firm(f"fundingpips-{preset}", "100000 USD")
    firm.report("2026-07-15 20:59:59", "100000", "102000")
    firm.clock("2026-07-15 21:00")
    assert firm.floor(DAY) == floor
    boundary(firm, "2026-07-16 09:00", "100000", str(floor))


def test_e8_one_trails_closed_profit_at_once_and_locks():
    # [E8-TD] 6 % below the highest closed balance, moving at once, up to the initial balance.
    firm = Firm("e8-one", "100000 USD", reset=read_reset("00:00 UTC"))
    firm.report("2026-01-15 09:00", "100000", "105000")
    assert firm.floor(ALL) == 94_000, "open profit does not move it"
    firm.report("2026-01-15 10:00", "104000")
    assert firm.floor(ALL) == 98_000
    firm.report("2026-01-15 11:00", "109000")
    assert firm.floor(ALL) == 100_000
    firm.report("2026-01-15 12:00", "120000")
    assert firm.floor(ALL) == 100_000


def test_e8_daily_loss_is_of_the_day_s_start():
    # [E8-TD] 3 % of the day's start.
    firm = Firm("e8-one", "100000 USD", reset=read_reset("00:00 UTC"))
    firm.day("2026-01-15 20:00", "102000")
    assert firm.floor(DAY) == 98_940
    boundary(firm, "2026-01-16 09:00", "102000", "98940")


def test_alpha_pro_counts_yesterday_s_floating_inside_the_day():
    # [AC-DL] 5 % from the balance at 00:00 GMT+2: 2,000 floating at midnight and lost again are part of the day.
    firm = Firm("alpha-capital-pro-10", "100000 USD")
    firm.day("2026-01-15 20:00", "100000", "102000")
    assert firm.floor(DAY) == 95_000
    boundary(firm, "2026-01-16 09:00", "100000", "95000")


@pytest.mark.parametrize(("preset", "floor"), [("10", "90000"), ("8", "92000"), ("6", "94000")])
def test_alpha_pro_overall_loss_is_static(preset: str, floor: str):
    # [AC-DL] 10 / 8 / 6 % of the initial balance.
    firm = Firm(f"alpha-capital-pro-{preset}", "100000 USD")
    firm.day("2026-01-15 20:00", "104000")
    firm.day("2026-01-16 20:00", "99000")
    firm.day("2026-01-17 20:00", "94500")
    assert firm.floor(ALL) == Decimal(floor)
    boundary(firm, "2026-01-18 09:00", "94500", floor)


def test_alpha_one_trails_closed_profit_and_locks():
    # [AC-ONE] 4 % of the higher of both; 6 % below the highest balance, locked at the beginning.
    firm = Firm("alpha-capital-one", "100000 USD")
    firm.day("2026-01-15 20:00", "103000", "104000")
    assert (firm.floor(DAY), firm.floor(ALL)) == (Decimal("99840"), Decimal(97_000))
    firm.report("2026-01-16 10:00", "107000")
    assert firm.floor(ALL) == 100_000
    boundary(firm, "2026-01-16 11:00", "107000", "100000")


def test_goat_2_step_takes_a_share_of_the_beginning_from_the_higher_of_both():
    # [GFT-2S] 5 % of the initial balance, below the higher of both at 17:00 in New York: 104,000 - 5,000.
    firm = Firm("goat-2-step-standard", "100000 USD")
    firm.report("2026-01-15 21:59:59", "101000", "104000")
    firm.clock("2026-01-15 22:00")
    assert (firm.floor(DAY), firm.floor(ALL)) == (Decimal(99_000), Decimal(90_000))
    boundary(firm, "2026-01-16 10:00", "101000", "99000")


def test_goat_pay_later_trails_the_higher_of_both_in_the_evening():
    # [GFT-PL] 8 % below the higher of balance and equity at the reset, locked at the beginning.
    firm = Firm("goat-pay-later-evaluation", "100000 USD")
    firm.report("2026-01-15 12:00", "100000", "109000")
    firm.day("2026-01-15 20:00", "101000", "105000")
    assert firm.floor(ALL) == 100_000, "first figures are a mark: 109,000 - 8,000, locked"
    calm = Firm("goat-pay-later-evaluation", "100000 USD")
    calm.report("2026-01-15 12:00", "100000")
    calm.report("2026-01-15 13:00", "100000", "109000")
    assert calm.floor(ALL) == 92_000
    calm.day("2026-01-15 20:00", "101000", "105000")
    assert calm.floor(ALL) == 97_000


def test_goat_instant_locks_below_the_beginning():
    # [GFT-IN] 8 % of the mark; at a profit of 4 % the floor is 96 % of the initial balance.
    firm = Firm("goat-instant-standard", "10000 USD")
    firm.report("2026-01-15 12:00", "10300")
    assert firm.floor(ALL) == 9476
    firm.report("2026-01-15 13:00", "10399.99")
    assert firm.floor(ALL) == Decimal("9567.9908")
    firm.report("2026-01-15 14:00", "10400")
    assert firm.floor(ALL) == 9600
    firm.report("2026-01-15 15:00", "11000")
    assert firm.floor(ALL) == 9600


def test_hyrotrader_trails_the_day_s_highest_equity():
    # [HYRO] 5 % of the initial balance below the highest equity of the day, which begins at midnight UTC.
    firm = Firm("hyrotrader", "100000 USD")
    firm.day("2026-01-15 20:00", "100000", "103000")
    assert firm.floor(DAY) == 98_000, "the new day's peak begins with what is there"
    firm.report("2026-01-16 08:00", "100000", "106000")
    assert firm.floor(DAY) == 101_000
    boundary(firm, "2026-01-16 09:00", "100000", "101000")


def test_fintokei_counts_from_equity_alone():
    # [FTK] 5 % of the equity at the day's start, though the balance was higher.
    firm = Firm("fintokei-protrader", "100000 USD", reset=read_reset("00:00 Asia/Tokyo"))
    firm.report("2026-01-15 14:59:59", "104000", "98000")
    firm.clock("2026-01-15 15:00")
    assert firm.floor(DAY) == 93_100


def test_breakout_resets_half_an_hour_after_midnight():
    # [BRK] 4 % of the day's balance, from 00:30 UTC on.
    firm = Firm("breakout-4-percent", "100000 USD")
    firm.report("2026-01-15 12:00", "100000")
    firm.report("2026-01-16 00:29:59", "98000")
    assert firm.floor(DAY) == 96_000
    firm.clock("2026-01-16 00:30")
    assert firm.floor(DAY) == 94_080


def test_arctic_floating_profit_at_the_reset_can_breach_at_once_when_it_is_given_back():
    # [ARC] 2 % of the higher of both: 104,000 of equity put the floor at 101,920, above the balance of 100,000.
    firm = Firm("arctic-instant", "100000 USD", reset=read_reset("00:00 UTC"))
    firm.day("2026-01-15 20:00", "100000", "104000")
    assert firm.floor(DAY) == 101_920
    assert firm.report("2026-01-16 00:01", "100000", "101920.01") is WARN
    assert firm.report("2026-01-16 00:02", "101500") is BREACHED, "the winner was closed at less than the floor"


def test_mubite_floor_jumps_at_five_percent():
    # [MUB] 10 %, then 95 % of the balance at a profit of 5 %, frozen.
    firm = Firm("mubite-instant", "100000 USD")
    firm.report("2026-01-15 12:00", "104999.99")
    assert firm.floor(ALL) == 90_000
    firm.report("2026-01-15 12:01", "105000")
    assert firm.floor(ALL) == 99_750
    boundary(firm, "2026-01-15 12:02", "130000", "99750")
