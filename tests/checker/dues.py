"""What must follow from the rows so far: a copy that nobody decided about is as wrong as one decided wrongly."""

from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction

from tests.checker import corrections, net_stops
from tests.checker.asked import UNTOLD
from tests.checker.facts import Facts, holds
from tests.checker.links import Link
from tests.checker.lives import Case, Outcome, decide, is_of
from tests.checker.mirror import is_mirror
from tests.checker.trees import Tree

DRIFT = Fraction(5, 1000)
"""How far a price may have gone since the ledger last told it. A stop beyond it is held back for good reasons."""


def due(facts: Facts, link: Link, position_id: str, now: datetime) -> str | None:
    """Return what must be decided now about a source position on a link, None when nothing must."""
    copy = facts.copies.get((link.link_id, position_id))
    position = facts.source_position(link, position_id, copy)
    if is_mirror(position_id) and (position is None or link.rules(position["symbol"]).pending != "mirror"):
        return None  # the end of an order is decided about when the books show what came of it
    if copy is None:
        return None if position is None else "it is open and not copied"
    waits = copy["status"] == "waiting" or copy["wait_until"] is not None
    if position is not None and is_of(copy, position) and copy["flatten"] is None and not copy["left"]:
        if waits and now < copy["wait_until"]:
            return None
        if waits:
            return f"it waited until {copy['wait_until']}"
        if holds(copy) and position["volume"] > max(copy["followed"], copy["refused"]):
            return f"its source grew to {position['volume']}"
    case = Case(now, link, facts, position_id, position, copy["origin"], copy, claimed=UNTOLD)
    case.order = facts.order(link, position_id)
    outcome = decide(case)
    if outcome.copy == copy and not outcome.orders:
        return None
    if only_stops(outcome) and held_back(case, copy) is not None:
        return None
    return f"{[order['@kind'] for order in outcome.orders]} should leave" if outcome.orders else "its record changes"


def only_stops(outcome: Outcome) -> bool:
    return {order["@kind"] for order in outcome.orders} == {"ReplaceStops"}


def held_back(case: Case, copy: Tree) -> Outcome | None:
    """Return what is decided where today's price forbids the stops that are wanted; None: none that is likely does.

    The ledger tells that price now and then only.
    """
    last = case.facts.quotes.get((copy["target"], copy["target_symbol"]))
    if last is None:
        return None
    for price in possible_prices(case, copy, last, decide(case).orders):
        case.quote = {**last, "bid": price, "ask": price, "at": case.now}
        outcome = decide(case)
        if not outcome.orders:
            return outcome
    return None


def possible_prices(case: Case, copy: Tree, last: Tree, wanted: Iterable[Tree]) -> Iterable[Fraction]:
    """Yield prices of now that may explain stops: far to either side, where those that are held are the nearest, and
    between the two that are `wanted`, where a price that has passed both can take neither."""
    yield from (last["bid"], last["ask"], last["bid"] * (1 - DRIFT), last["ask"] * (1 + DRIFT))
    instrument = case.facts.instruments.get((copy["target"], copy["target_symbol"])) or {}
    away = max(instrument.get("stop_distance_min") or Fraction(0), instrument.get("tick_size") or Fraction(0))
    for leg in copy["legs"]:
        for stop in (leg["stop_loss"], leg["take_profit"]):
            if stop is not None:
                near = (stop - away, stop + away)
                yield from (price for price in near if abs(price - last["bid"]) <= DRIFT * last["bid"])
    for order in wanted:
        if None not in (order["stop_loss"], order["take_profit"]):
            yield (order["stop_loss"] + order["take_profit"]) / 2


def unfinished(facts: Facts, now: datetime) -> Iterable[str]:
    """Yield what should have been done by the end of a ledger."""
    for link in facts.config.links:
        for account, position_id in [*facts.positions]:
            if account == link.source:
                why = due(facts, link, position_id, now)
                if why is not None:
                    yield f"at the end, {link.link_id} {position_id}: {why}"
    for (link_id, position_id), copy in facts.copies.items():
        link = facts.config.link(link_id)
        gone = (link.source, position_id) in facts.seen or link.source == link.target  # a trade of no source position
        if (link.source, position_id) not in facts.positions and gone:
            why = due(facts, link, position_id, now)
            if why is not None:
                yield f"at the end, {link_id} {position_id}: {why}"
        if corrections.must_be_flat(facts, link, copy, now):
            yield f"at the end, {link_id} {position_id}: it should be flat"
    for account in facts.config.accounts:
        for symbol in facts.symbols_at(account) if facts.config.nets(account) else ():
            why = net_stops.missing(facts, account, symbol)
            if why is not None:
                yield f"at the end: {why}"
