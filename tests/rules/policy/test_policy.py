"""Rows of a policy for some symbols: the decision obeys the first that matches."""

from decimal import Decimal

import pytest
from attrs import evolve

from rules.model.actions import OpenPosition
from rules.model.trace import Note
from rules.model.values import Side, Symbol
from rules.policy.links import CopyPolicy, LinkState, SymbolOf, SymbolPolicy
from rules.policy.patterns import PatternError
from rules.policy.size import Size, SizeMode
from rules.policy.symbols import SymbolMap, SymbolRow
from rules.times.schedule import Schedule
from tests.rules.playbook import Playbook, position

SMALL = CopyPolicy("small", size=Size(SizeMode.FIXED, volume=Decimal("0.1")), row=1)


def test_a_row_that_matches_decides_the_copy_and_the_trace_says_which():
    play = Playbook(CopyPolicy("p", per_symbol=(SymbolPolicy("EUR.*", SMALL),)))
    [opened] = play.sees(position("1"))
    assert isinstance(opened, OpenPosition)
    assert opened.volume == Decimal("0.1")
    assert Note("per_symbol", "row 1", (("symbol", "EURUSD"), ("policy", "small"))) in play.last.trace


def test_the_close_of_a_copy_obeys_its_row_too():
    reverse = CopyPolicy("against", reverse=True, row=1)
    play = Playbook(CopyPolicy("p", per_symbol=(SymbolPolicy("EURUSD", reverse),)))
    [opened] = play.sees(position("1"))
    assert isinstance(opened, OpenPosition)
    assert opened.side is Side.SELL
    play.fills([opened])
    assert [type(action).__name__ for action in play.sees(None)] == ["ClosePosition"]


def test_other_symbols_keep_the_policy():
    play = Playbook(CopyPolicy("p", per_symbol=(SymbolPolicy("XAU.*", SMALL),)))
    [opened] = play.sees(position("1"))
    assert isinstance(opened, OpenPosition)
    assert opened.volume == Decimal(1)


def test_a_pattern_is_of_the_whole_name_and_the_first_row_wins():
    other = CopyPolicy("other", row=2)
    policy = CopyPolicy("p", per_symbol=(SymbolPolicy("EUR", SMALL), SymbolPolicy("EUR.*", other)))
    assert policy.for_symbol(Symbol("EURUSD")) is other
    assert policy.for_symbol(Symbol("EUR")) is SMALL
    assert policy.for_symbol(Symbol("xEUR")) is policy


def test_a_row_on_the_target_looks_at_the_mapped_name():
    symbols = SymbolMap((SymbolRow("GOLD", "XAUUSD"),))
    policy = CopyPolicy("p", symbols=symbols, per_symbol=(SymbolPolicy("XAUUSD", SMALL, SymbolOf.TARGET),))
    assert policy.for_symbol(Symbol("GOLD")) is SMALL
    assert policy.for_symbol(Symbol("XAUUSD")) is SMALL, "without a row of the map the name stays"
    assert policy.for_symbol(Symbol("EURUSD")) is policy


def test_a_link_takes_the_rows_policy_and_keeps_the_rest():
    play = Playbook(CopyPolicy("p", per_symbol=(SymbolPolicy("EURUSD", SMALL),)))
    link = evolve(play.link, state=LinkState.PAUSED)
    assert link.for_symbol(Symbol("EURUSD")) == evolve(link, policy=SMALL)
    assert link.for_symbol(Symbol("XAUUSD")) is link


def test_a_policy_knows_the_schedules_of_its_rows():
    day, night = Schedule("day", "UTC"), Schedule("night", "UTC")
    rows = (SymbolPolicy("A", evolve(SMALL, schedule=night)), SymbolPolicy("B", evolve(SMALL, schedule=day)))
    assert CopyPolicy("p", schedule=day, per_symbol=rows).schedules == (day, night)
    assert CopyPolicy("p").schedules == ()


def test_a_pattern_that_cannot_be_used_is_refused():
    with pytest.raises(PatternError, match=r"per_symbol\.match"):
        SymbolPolicy("(", SMALL)
