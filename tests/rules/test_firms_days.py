"""The firms' days through both changes of the clock, and with a service that was down at the reset."""

from decimal import Decimal

import pytest

from copier.config.limit_keys import read_reset
from rules.limits.limits import LimitStage
from tests.rules.firms import ALL, DAY, Firm

BREACHED = LimitStage.BREACHED


@pytest.mark.parametrize(
    ("preset", "balance", "before", "after"),
    [
        # Prague leaves winter time on 29 March 2026 and returns to it on 25 October.
        ("ftmo-2-step", "100000", "2026-03-28 23:00", "2026-03-29 22:00"),
        ("ftmo-2-step", "100000", "2026-10-24 22:00", "2026-10-25 23:00"),
        # New York on 8 March and 1 November: "EST" in a firm's text is New York's time all year.
        ("goat-2-step-standard", "100000", "2026-03-07 22:00", "2026-03-08 21:00"),
        ("goat-2-step-standard", "100000", "2026-10-31 21:00", "2026-11-01 22:00"),
        ("the5ers-high-stakes", "100000", "2026-03-07 22:00", "2026-03-08 21:00"),
        ("the5ers-high-stakes", "100000", "2026-10-31 21:00", "2026-11-01 22:00"),
        # The server of FundedNext: midnight GMT+2 in winter, GMT+3 in summer [FN-RST].
        ("fundednext-stellar-2-step", "100000", "2026-03-07 22:00", "2026-03-08 21:00"),
        ("fundednext-stellar-2-step", "100000", "2026-10-31 21:00", "2026-11-01 22:00"),
        # Chicago changes on New York's days: 17:00 there is 23:00 UTC in winter and 22:00 in summer.
        ("topstep-combine-50k", "50000", "2026-03-07 23:00", "2026-03-08 22:00"),
        ("topstep-combine-50k", "50000", "2026-10-31 22:00", "2026-11-01 23:00"),
        # A fixed offset never changes [FP-W].
        ("fundingpips-2-step", "100000", "2026-03-28 21:00", "2026-03-29 21:00"),
        ("fundingpips-2-step", "100000", "2026-10-24 21:00", "2026-10-25 21:00"),
        ("alpha-capital-pro-10", "100000", "2026-03-28 22:00", "2026-03-29 22:00"),
        ("hyrotrader", "100000", "2026-03-29 00:00", "2026-03-30 00:00"),
    ],
)
def test_day_of_a_clock_change_ends_when_the_firm_says(preset: str, balance: str, before: str, after: str):
    firm = Firm(preset, f"{balance} USD")
    firm.report(before, balance)
    begun = firm.states[DAY].day_started
    assert begun is not None
    assert begun.isoformat() == before.replace(" ", "T") + ":00+00:00"
    ends = firm.judged[DAY].resets_at
    assert ends is not None
    assert ends.isoformat() == after.replace(" ", "T") + ":00+00:00"


@pytest.mark.parametrize(
    ("preset", "before", "after", "floor"),
    [
        # From the evening's balance: the higher of what was seen before the outage and after it.
        ("ftmo-2-step", ("102000", "102000"), ("101000", "101000"), "97000"),
        ("ftmo-2-step", ("101000", "101000"), ("102000", "102000"), "97000"),
        # From the higher of both figures: all four count.
        ("goat-2-step-standard", ("100000", "101000"), ("100500", "103000"), "98000"),
        ("goat-2-step-standard", ("100000", "104000"), ("100500", "100500"), "99000"),
        ("the5ers-high-stakes", ("100000", "104000"), ("101000", "101000"), "98800"),
        ("fintokei-protrader", ("109000", "100000"), ("108000", "102000"), "96900"),
    ],
)
def test_service_that_was_down_at_the_reset_takes_the_stricter_side(
    preset: str, before: tuple[str, str], after: tuple[str, str], floor: str
):
    more = {"reset": read_reset("00:00 UTC")} if preset == "fintokei-protrader" else {}
    firm = Firm(preset, "100000 USD", **more)
    firm.report("2026-01-15 12:00", *before)
    firm.report("2026-01-16 08:00", *after)
    assert (firm.floor(DAY), firm.judged[DAY].estimated) == (Decimal(floor), True)
    firm.day("2026-01-16 12:00", "103000")
    assert firm.judged[DAY].estimated is False, "the next reset was seen"


def test_mark_at_a_close_that_nobody_saw_is_the_higher_of_both_sides():
    firm = Firm("topstep-combine-50k", "50000 USD")
    firm.report("2026-01-15 15:00", "50000")
    firm.report("2026-01-15 20:00", "50900")
    firm.report("2026-01-16 09:00", "50400")
    assert (firm.floor(ALL), firm.judged[ALL].estimated) == (Decimal(48_900), True)


def test_breach_of_a_day_is_over_after_an_outage_and_that_of_all_time_is_not():
    firm = Firm("ftmo-2-step", "100000 USD")
    firm.report("2026-01-15 12:00", "100000", "94000")
    assert (firm.stage(DAY), firm.stage(ALL)) == (BREACHED, LimitStage.OK)
    firm.report("2026-01-15 12:01", "100000", "90000")
    assert firm.stage(ALL) is BREACHED
    firm.report("2026-01-19 12:00", "100000")
    assert (firm.stage(DAY), firm.stage(ALL)) == (LimitStage.OK, BREACHED)
