"""How copies ended, and what that makes of the next size: counts of wins and losses, and factors on sizes.

Masaniello's stakes are played here bet by bet with a bankroll, as a person would.
"""

from datetime import datetime
from fractions import Fraction
from functools import cache
from math import floor

from tests.checker.asked import Asked
from tests.checker.facts import Facts
from tests.checker.links import Rules
from tests.checker.trees import Tree

RULES = ("after_losses", "masaniello")
NEVER_HELD, EVEN, UNKNOWN, WON, LOST = "never held", "even", "unknown", "won", "lost"


def factor(asked: Asked) -> Fraction:
    """Return by what the size of a new copy is multiplied."""
    rule = rule_of(asked.rules)
    if rule is None:
        return Fraction(1)
    series = current(asked.memory, asked.rules, rule, asked.position["symbol"], asked.now)
    return times(asked.rules, rule, series["won"], series["lost"])


def rule_of(rules: Rules) -> str | None:
    return next((name for name in RULES if rules.optional(name) is not None), None)


def current(memory: Tree, rules: Rules, rule: str, symbol: str, now: datetime) -> Tree:
    """Return the counts that hold now."""
    table = rules.optional(rule)
    assert table is not None  # the rule is there
    name = symbol if table["by_symbol"] else None
    for each in memory["series"]:
        mine = (each["rule"], each["row"], each["symbol"]) == (rule, rules.row, name)
        if mine and now - each["last_at"] <= table["reset_after"]:
            return {**each, "won": 0, "lost": 0} if ended(rules, rule, each["won"], each["lost"]) else each
    return {"rule": rule, "won": 0, "lost": 0, "last_at": now, "row": rules.row, "symbol": name}


def ended(rules: Rules, rule: str, won: int, lost: int) -> bool:
    table = rules.optional(rule)
    assert table is not None  # the rule is there
    return won >= table["wins"] or (rule == "masaniello" and lost > table["events"] - table["wins"])


def times(rules: Rules, rule: str, won: int, lost: int) -> Fraction:
    """Return a factor, cut to billionths."""
    table = rules.optional(rule)
    assert table is not None  # the rule is there
    if rule == "after_losses":
        by = Fraction(1)
        for _ in range(min(lost, table["levels"])):
            by *= table["multiplier"]
    else:
        events, wins, payout = table["events"], table["wins"], table["payout"]
        first = stake(events, wins, payout)
        bankroll, left, missing = Fraction(1), events, wins
        for wins_it in [True] * won + [False] * lost:
            part = stake(left, missing, payout)
            bankroll *= 1 + payout * part if wins_it else 1 - part
            left, missing = left - 1, missing - wins_it
        by = bankroll * stake(left, missing, payout) / first
    return Fraction(floor(by * 10**9), 10**9)


@cache
def chance(left: int, missing: int, payout: Fraction) -> Fraction:
    """Return the chance of at least `missing` wins in `left` fair bets that pay so much."""
    if missing <= 0:
        return Fraction(1)
    if missing > left:
        return Fraction(0)
    wins = 1 / (payout + 1)
    return wins * chance(left - 1, missing - 1, payout) + (1 - wins) * chance(left - 1, missing, payout)


def stake(left: int, missing: int, payout: Fraction) -> Fraction:
    """Return which part of the bankroll is bet, so that every way of the series ends alike."""
    return 1 - chance(left - 1, missing, payout) / chance(left, missing, payout)


def remembered(memory: Tree, rules: Rules, copy: Tree, facts: Facts, now: datetime) -> Tree:
    """Return what a link remembers after a copy has ended."""
    rule = rule_of(rules)
    table = None if rule is None else rules.optional(rule)
    if rule is None or table is None or copy["target_symbol"] is None:
        return memory
    instrument = facts.instruments.get((copy["target"], copy["target_symbol"]))
    how = result(copy, table["even_within"], instrument)
    if how == NEVER_HELD:
        return memory
    before = current(memory, rules, rule, copy["source_symbol"], now)
    won, lost = counted(rules, rule, before["won"], before["lost"], how)
    after = {**before, "won": won, "lost": lost, "last_at": now}
    kept = []
    for each in memory["series"]:
        ours = each["rule"] == rule and each["row"] == rules.row
        if ours and (each["symbol"] == after["symbol"] or now - each["last_at"] > table["reset_after"]):
            continue
        kept.append(each)
    return {**memory, "series": [*kept, after]}


def result(copy: Tree, even_within: object, instrument: Tree | None) -> str:
    legs = [leg for leg in copy["legs"] if leg["exited"] is not None]
    if not legs:
        return NEVER_HELD
    if any(leg["exited"]["proceeds"] is None or leg["open_price"] is None for leg in legs):
        return UNKNOWN
    gained = Fraction(0)
    for leg in legs:
        came = leg["exited"]["proceeds"] - leg["open_price"] * leg["exited"]["lots"]
        gained += came if leg["side"] == "buy" else -came
    if even_within is not None:
        near = None if instrument is None else even_within.of(instrument, legs[0]["open_price"])  # type: ignore[attr-defined]
        if near is None:
            return UNKNOWN
        if abs(gained) <= near * sum(leg["exited"]["lots"] for leg in legs):
            return EVEN
    return EVEN if gained == 0 else WON if gained > 0 else LOST


def counted(rules: Rules, rule: str, won: int, lost: int, how: str) -> tuple[int, int]:
    """Return the counts after one more result; an unknown one is what makes the next size smaller, a win if equal."""
    if how == EVEN:
        return won, lost
    if how == UNKNOWN:
        ways = [counted(rules, rule, won, lost, each) for each in (WON, LOST)]
        return min(ways, key=lambda way: times(rules, rule, *way))
    if how == WON:
        won += 1
    elif rule == "masaniello":
        lost += 1
    else:
        table = rules.optional(rule)
        assert table is not None  # the rule is there
        won, lost = 0, min(lost + 1, table["levels"])
    return (0, 0) if ended(rules, rule, won, lost) else (won, lost)
