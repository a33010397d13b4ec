"""A copy's target orders: those that open, and those that bring what is open to a volume and to its stops."""

from datetime import datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from tests.checker import exits, mirror, stops
from tests.checker.asked import FRESH, Granted, entry_of, other
from tests.checker.facts import expected, is_live, leg_expected, most
from tests.checker.identity import order_id
from tests.checker.trees import Tree
from tests.checker.volumes import on_grid, smallest

if TYPE_CHECKING:
    from tests.checker.lives import Case

NONE = Fraction(0)
REFUSED_FRESH = timedelta(minutes=5)
"""Stops that the venue has refused are judged by an older quote too."""
MANAGED_FRESH = timedelta(seconds=10)
"""Stops of our own are looked at every five seconds, by what was asked for at the look before."""


def opened(now: datetime, copy: Tree, granted: Granted) -> list[Tree]:
    """Return a leg for each piece, numbered on."""
    made = []
    for number, volume in enumerate(granted.size.pieces, copy["legs_made"]):
        name = order_id(copy["link_id"], copy["source_position_id"], copy["opened_at"], number, 0)
        made.append(
            {
                "number": number,
                "cl_ord_id": name,
                "symbol": granted.symbol,
                "side": granted.side,
                "volume": volume,
                "stage": "opening",
                "held": NONE,
                "position_id": None,
                "expected_price": granted.expected_price,
                "open_price": None,
                "stop_loss": granted.stops[0],
                "take_profit": granted.stops[1],
                "pending": under_way("open" if granted.waits is None else "place", name, volume),
                "waits": granted.waits,
                "step": 1,
                "failures": 0,
                "refusals": 0,
                "retry_at": None,
                "retry_of": None,
                "settled_at": None,
                "asked_at": now if copy["legs"] else copy["first_seen_at"],
                "missing": NONE,
                "stops_refused_at": None,
                "exited": None,
                "managed": None,
            }
        )
    return made


def under_way(
    purpose: str, name: str, volume: Fraction = NONE, loss: Fraction | None = None, profit: Fraction | None = None
) -> Tree:
    return {
        "purpose": purpose,
        "cl_ord_id": name,
        "volume": volume,
        "stop_loss": loss,
        "take_profit": profit,
        "unknown": False,
        "accepted": False,
        "expected_price": None,
    }


def opening(copy: Tree, leg: Tree) -> Tree:
    if leg.get("waits") is not None:
        return mirror.placing(copy, leg)
    same = ("cl_ord_id", "symbol", "side", "volume", "stop_loss", "take_profit", "expected_price")
    return {"@kind": "OpenPosition", "account": copy["target"], **{key: leg[key] for key in same}}


def overtaken(leg: Tree) -> Tree:
    """Let a close go ahead of a reduction or of stops whose answer was lost."""
    pending = leg["pending"]
    if pending is None or not pending["unknown"] or pending["purpose"] not in ("reduce", "stops"):
        return leg
    return {**leg, "pending": None, "retry_at": None, "step": leg["step"] + 1}


def replaced(copy: Tree, leg: Tree) -> Tree:
    return {**copy, "legs": [leg if each["number"] == leg["number"] else each for each in copy["legs"]]}


def granted_no_more(copy: Tree) -> Tree:
    """Grant no more than the legs may hold."""
    return {**copy, "granted": min(copy["granted"], sum((most(leg) for leg in copy["legs"]), NONE))}


def brought_to(
    case: "Case", copy: Tree, desired: Fraction, position: Tree | None
) -> tuple[Tree, list[Tree], frozenset[str]]:
    """Order what brings the legs to `desired` lots: what was never opened first, then the oldest.

    A leg has one order at a time; a refused one waits for its retry.
    """
    orders: list[Tree] = []
    refused: set[str] = set()
    excess = surplus = expected(copy) - desired
    if desired > 0:
        excess -= sum((leg["volume"] for leg in copy["legs"] if comes_yet(leg)), NONE)
    unopened = [leg for leg in copy["legs"] if leg["stage"] == "opening"]
    for leg in [*unopened, *(leg for leg in copy["legs"] if leg["stage"] != "opening")]:
        if not is_live(leg) or leg["pending"] is not None:
            continue
        never = leg["stage"] == "opening"
        # What never left is not needed where the others are enough, should they all be executed.
        unwanted = leg["stage"] != "open" and (position is None or surplus >= leg["volume"])
        waits = leg["retry_at"] is not None and case.now < leg["retry_at"]
        if waits and not (unwanted and never) and not (leg["retry_of"] == "stops" and excess > 0):
            if leg["stage"] != "working":
                excess -= min(leg_expected(leg), max(excess, NONE))
            continue
        if leg["stage"] == "working":
            unwanted = unwanted or surplus > 0
            leg, order = mirror.kept_waiting(case, copy, leg, position, unwanted=unwanted)
            copy, surplus = replaced(copy, leg), surplus - (leg["volume"] if unwanted else NONE)
            orders += [] if order is None else [order]
            continue
        if never:
            copy, order, freed, code = opened_again(case, copy, leg, unwanted)
            refused |= code
            surplus -= freed
            if order is not None:
                excess -= leg["volume"]  # under way from now on: nothing that is held is cut for it
        else:
            copy, order, freed = cut(case, copy, leg, excess)
            if order is None and not waits and desired > 0 and position is not None:
                copy, order = protected(case, copy, leg, position)
        excess -= freed
        if order is not None:
            orders.append(order)
    return copy, orders, frozenset(refused)


def comes_yet(leg: Tree) -> bool:
    """Tell whether a leg is yet to be opened, by what is under way: what is sure is not cut for it."""
    return leg["stage"] == "working" or (leg["stage"] == "opening" and leg["pending"] is not None)


def opened_again(case: "Case", copy: Tree, leg: Tree, unwanted: bool) -> tuple[Tree, Tree | None, Fraction, set[str]]:
    """Send an opening that never left again, under its id, unless it is not wanted any more or too late."""
    from tests.checker.lives import patience

    guard = case.rules["guard"]
    longest = max(patience(case, copy), guard["wait_default"] if guard["max_age"] is None else guard["max_age"])
    facts, link = case.facts, case.link
    forbidden = facts.forbidden(link) or facts.source_denied(link, case.rules, case.now)
    forbidden = forbidden or facts.denied(link.target, case.now)
    taken_over = leg["waits"] is not None and case.order is None
    if copy["limited"]:
        taken_over = case.now >= copy["fill_by"] or mirror.given_up(case, copy) is not None
    if (
        unwanted
        or taken_over
        or forbidden is not None
        or case.now - (leg["asked_at"] or copy["first_seen_at"]) > longest
    ):
        dropped = replaced(copy, {**leg, "stage": "closed", "retry_at": None})
        return granted_no_more(dropped), None, leg["volume"], {"SOURCE_GONE" if unwanted else forbidden or "TOO_OLD"}
    if leg["waits"] is not None and (copy["target"], leg["symbol"]) not in facts.instruments:
        return copy, None, NONE, set()
    purpose = "open" if leg["waits"] is None else "place"
    leg = {**leg, "pending": under_way(purpose, leg["cl_ord_id"], leg["volume"]), "retry_at": None}
    return replaced(copy, leg), opening(copy, leg), NONE, set()


def cut(case: "Case", copy: Tree, leg: Tree, excess: Fraction) -> tuple[Tree, Tree | None, Fraction]:
    """Close up to `excess` lots of a leg: the whole, or a part that leaves both halves at least the minimum."""
    if excess <= 0 or leg["position_id"] is None:
        return copy, None, NONE
    volume = possible(leg["held"], excess, case.facts.instruments.get((copy["target"], leg["symbol"])))
    if volume <= 0:
        return copy, None, NONE
    name = order_id(copy["link_id"], copy["source_position_id"], copy["opened_at"], leg["number"], leg["step"])
    whole = volume == leg["held"]
    locked = NONE
    if case.facts.config.nets(copy["target"]):
        locked = case.facts.lots_on(copy["target"], leg["symbol"], other(leg["side"]))
    order = {
        "@kind": "ClosePosition" if whole else "ReducePosition",
        "cl_ord_id": name,
        "account": copy["target"],
        "position_id": leg["position_id"],
        "symbol": leg["symbol"],
        "side": leg["side"],
        "volume": volume,
        **({} if whole else {"remaining": leg["held"] - volume}),
        "expected_price": exit_price(case, leg),
        "locked": locked,
        "opening": leg["cl_ord_id"],
    }
    after = {
        **leg,
        "pending": {
            **under_way("close" if whole else "reduce", name, volume),
            "expected_price": order["expected_price"],
        },
        "retry_at": None,
        "retry_of": None,
        "failures": 0 if leg["retry_of"] == "stops" else leg["failures"],
    }
    return replaced(copy, after), order, volume


def possible(held: Fraction, excess: Fraction, instrument: Tree | None) -> Fraction:
    if excess >= held:
        return held
    if instrument is None:
        return NONE
    least = smallest(instrument)
    part = on_grid(max(min(excess, held - least), NONE), instrument["volume_step"], "down")
    return part if part >= least else NONE


def exit_price(case: "Case", leg: Tree) -> Fraction | None:
    """Return what the close is expected to get: a quote of this moment, else what the source got or sees."""
    if case.quote is not None and case.quote["symbol"] == leg["symbol"] and case.quote["at"] == case.now:
        return entry_of(case.quote, other(leg["side"]))
    if case.price is not None:
        return case.price
    return None if case.position is None else case.position["current_price"]


def protected(case: "Case", copy: Tree, leg: Tree, position: Tree) -> tuple[Tree, Tree | None]:
    """Set a leg's stops where the source's ask for others than were last set."""
    instrument = case.facts.instruments.get((copy["target"], leg["symbol"]))
    if instrument is None or leg["position_id"] is None or leg["open_price"] is None:
        return copy, None
    if not case.facts.stops_follow(case.link):
        return copy, None
    quote, managing = case.quote, exits.follows_price(case.rules)
    longest = REFUSED_FRESH if leg["failures"] else MANAGED_FRESH if managing else FRESH
    market = None
    if quote is not None and quote["symbol"] == leg["symbol"] and case.now - quote["at"] <= longest:
        market = entry_of(quote, other(leg["side"]))
    if managing and market is not None:
        leg = {**leg, "managed": exits.led_to(case.rules, leg, instrument, market)}
        copy = replaced(copy, leg)
    held = (leg["stop_loss"], leg["take_profit"])
    scene = stops.Scene(leg["side"], instrument, leg["open_price"], copy["stop_gap"], leg["managed"])
    wanted = stops.moved(case.rules["stops"], case.rules.reverse, position, scene, market, held)
    if wanted == held:
        return copy, None
    name = order_id(copy["link_id"], copy["source_position_id"], copy["opened_at"], leg["number"], leg["step"])
    order = {
        "@kind": "ReplaceStops",
        "cl_ord_id": name,
        "account": copy["target"],
        "position_id": leg["position_id"],
        "symbol": leg["symbol"],
        "stop_loss": wanted[0],
        "take_profit": wanted[1],
        "side": leg["side"],
    }
    leg = {**leg, "pending": under_way("stops", name, NONE, *wanted), "retry_at": None}
    return replaced(copy, leg), order
