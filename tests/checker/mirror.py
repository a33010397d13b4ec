"""A source's pending order at a target, decided again: what waits there, what takes it off, who takes it over."""

from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING

from tests.checker import stops
from tests.checker.identity import order_id
from tests.checker.links import Rules
from tests.checker.refusals import No
from tests.checker.stops import Pair, on_tick
from tests.checker.trees import Tree

if TYPE_CHECKING:
    from tests.checker.lives import Case

PREFIX = "order:"
ENTRIES = ("open", "place")
"""What a leg begins with."""
ENDED_THERE = ("SKIPPED_FIRST", "PENDING_EXPIRED")


def other(side: str) -> str:
    return "sell" if side == "buy" else "buy"


def is_mirror(position_id: str) -> bool:
    return position_id.startswith(PREFIX)


def as_position(order: Tree, opened_at: datetime) -> Tree:
    """Return the position that an order would open."""
    price = order["price"] if order["limit_price"] is None else order["limit_price"]
    same = ("symbol", "side", "volume", "stop_loss", "take_profit", "magic", "comment", "tag")
    told = {"position_id": PREFIX + order["order_id"], "open_price": price, "opened_at": opened_at}
    return {**{key: order[key] for key in same}, **told, "contract_size": None, "current_price": None}


def waits_for(order: Tree, rules: Rules, instrument: Tree, now: datetime | None = None) -> Tree:
    """Return what the target's order waits for: the source's prices, on the tick that the market reaches later."""
    kind, side = order["order_type"], order["side"]
    if rules.reverse:
        kind, side = {"limit": "stop", "stop": "limit"}.get(kind, kind), other(side)
    limit = order["limit_price"]
    ends, life = order["expires_at"], rules["mirror"]["max_life"]
    if now is not None and life is not None:
        ends = now + life if ends is None else min(ends, now + life)
    return {
        "order_type": kind,
        "price": reached_later(order["price"], side, kind, instrument),
        "limit_price": None if limit is None else reached_later(limit, side, "limit", instrument),
        "expires_at": ends,
        "order_id": None,
        "canceled": False,
    }


def reached_later(price: Fraction, side: str, kind: str, instrument: Tree) -> Fraction:
    below = (side == "buy") == (kind == "limit")
    return on_tick(price, instrument["tick_size"], up=not below)


def unsupported(case_rules: Rules, order: Tree, *, nets: bool) -> bool:
    """Tell whether an order cannot have its like at the target."""
    return nets or (case_rules.reverse and order["order_type"] == "stop_limit")


def placing(copy: Tree, leg: Tree) -> Tree:
    waits = leg["waits"]
    prices = {key: waits[key] for key in ("order_type", "price", "limit_price", "expires_at")}
    same = ("cl_ord_id", "symbol", "side", "volume", "stop_loss", "take_profit")
    return {"@kind": "PlaceOrder", "account": copy["target"], **{key: leg[key] for key in same}, **prices}


def next_id(copy: Tree, leg: Tree) -> str:
    return order_id(copy["link_id"], copy["source_position_id"], copy["opened_at"], leg["number"], leg["step"])


def canceling(copy: Tree, leg: Tree) -> tuple[Tree, Tree]:
    """Return a leg whose pending order is being taken off, and the order for that."""
    name = next_id(copy, leg)
    order = {"@kind": "CancelOrder", "cl_ord_id": name, "account": copy["target"]}
    order |= {"order_id": leg["waits"]["order_id"], "symbol": leg["symbol"]}
    pending = {**nothing("cancel", name), "waits": None}
    return {**leg, "waits": {**leg["waits"], "canceled": True}, "pending": pending, "retry_at": None}, order


def nothing(purpose: str, name: str) -> Tree:
    empty = {"volume": Fraction(0), "stop_loss": None, "take_profit": None, "expected_price": None}
    return {"purpose": purpose, "cl_ord_id": name, **empty, "unknown": False, "accepted": False}


def kept_waiting(
    case: "Case", copy: Tree, leg: Tree, position: Tree | None, *, unwanted: bool
) -> tuple[Tree, Tree | None]:
    """Take a pending order off that is not wanted, or for which it is too late; let another follow its source's."""
    late = copy["fill_by"] is not None and case.now >= copy["fill_by"]
    if unwanted or late or leg["waits"]["canceled"] or (copy["limited"] and unwelcome(case, copy) is not None):
        return canceling(copy, leg)
    instrument = case.facts.instruments.get((copy["target"], leg["symbol"]))
    if case.order is None or position is None or instrument is None:
        return leg, None
    wanted = waits_for(case.order, case.rules, instrument)
    loss, profit = its_stops(case, copy, leg, position, wanted, instrument)
    before = [leg["waits"][key] for key in ("price", "limit_price")] + [leg["stop_loss"], leg["take_profit"]]
    if [wanted["price"], wanted["limit_price"], loss, profit] == before:
        return leg, None
    new = {**leg["waits"], "price": wanted["price"], "limit_price": wanted["limit_price"]}
    name = next_id(copy, leg)
    order = {"@kind": "ReplaceOrder", "cl_ord_id": name, "account": copy["target"], "order_id": new["order_id"]}
    order |= {"symbol": leg["symbol"], "side": leg["side"], "order_type": new["order_type"]}
    order |= {"price": new["price"], "limit_price": new["limit_price"], "stop_loss": loss, "take_profit": profit}
    pending = {**nothing("replace", name), "stop_loss": loss, "take_profit": profit, "waits": new}
    return {**leg, "pending": pending, "retry_at": None}, order


def unwelcome(case: "Case", copy: Tree) -> str | None:
    """Return why nothing may be filled at the target now: it would be new risk."""
    facts, link = case.facts, case.link
    code = facts.forbidden(link) or facts.source_denied(link, case.rules, case.now)
    return code or facts.denied(link.target, case.now) or given_up(case, copy)


def its_stops(case: "Case", copy: Tree, leg: Tree, position: Tree, wanted: Tree, instrument: Tree) -> Pair:
    """Return the stops that an order would have at other prices; where these allow none, those that it has."""
    entry = wanted["price"] if wanted["limit_price"] is None else wanted["limit_price"]
    scene = stops.Scene(leg["side"], instrument, entry, copy["stop_gap"])
    try:
        return stops.at_entry(case.rules["stops"], case.rules.reverse, position, scene, required=False)
    except No:
        return leg["stop_loss"], leg["take_profit"]


def is_another(case: "Case", copy: Tree, order: Tree) -> bool:
    """Tell whether ours must be placed anew: another volume or end, or other prices before it has left."""
    if (order["volume"], order["expires_at"]) != (copy["order"]["volume"], copy["order"]["expires_at"]):
        return True
    for leg in copy["legs"]:
        instrument = case.facts.instruments.get((copy["target"], leg["symbol"]))
        unsent = leg["stage"] == "opening" and leg["pending"] is None and leg["waits"] is not None
        if unsent and instrument is not None:
            wanted = waits_for(order, case.rules, instrument)
            return any(wanted[key] != leg["waits"][key] for key in ("price", "limit_price"))
    return False


def given_up(case: "Case", copy: Tree) -> str | None:
    """Return why nothing may wait at the target although the source's order works."""
    rules, mirror = case.rules, case.rules["mirror"]
    if rules.calendar is not None and not rules.calendar.is_open(case.now):
        return "SCHEDULE_CLOSED"
    instrument = case.facts.instruments.get((copy["target"], copy["target_symbol"]))
    if rules.news is not None and instrument is not None:
        calendar = case.facts.calendars.get(rules.news.name)
        if calendar is not None and rules.news.near(calendar, instrument, case.now):
            return "NEWS_WINDOW"
    early = copy["early_at"]
    if early is not None:
        return "PENDING_ENDED" if mirror["early"] == "close" and case.now >= early + mirror["fill_grace"] else None
    began = min((leg["asked_at"] for leg in copy["legs"] if leg["asked_at"]), default=copy["first_seen_at"])
    life = None if copy["order"] is None else mirror["max_life"]
    return "PENDING_EXPIRED" if life is not None and case.now >= began + life else None


def is_over_for_good(copy: Tree) -> bool:
    """Tell whether what became of a mirrored order speaks against copying the position that the source's opens."""
    alone = copy["ending"] == "flattened" and copy["early_at"] is not None
    return alone or copy["reason"] in ENDED_THERE or copy["ending"] == "target_closed"


def handed_over(mirror: Tree, position: Tree, rules: Rules, now: datetime) -> tuple[Tree, Tree]:
    """Return a mirrored order's copy at its end, and that of the position which takes over all that it has."""
    legs = []
    for leg in mirror["legs"]:
        if leg["stage"] == "opening" and leg["pending"] is None:
            legs.append({**leg, "stage": "closed", "retry_at": None})
        else:
            other_order = leg["pending"] is not None and leg["pending"]["purpose"] not in ENTRIES
            legs.append({**leg, "step": 0 if other_order else 1})
    waiting = any(leg["stage"] in ("opening", "working") for leg in legs)
    nothing_left = not any(leg["stage"] in ("opening", "working", "open") for leg in legs)
    taken = {
        **mirror,
        "source_position_id": position["position_id"],
        "opened_at": position["opened_at"],
        "first_seen_at": now,
        "order": None,
        "early_at": None,
        "fill_by": now + rules["mirror"]["fill_grace"] if waiting else now if nothing_left else None,
        "reason": None if mirror["flatten"] is None else "PENDING_ENDED",
        "legs": legs,
    }
    return {**mirror, "status": "ended", "ending": "handed_over", "legs": []}, taken


def in_doubt(leg: Tree) -> Tree:
    """Return a leg whose pending order works no more, as somebody says: it is looked for by its tag."""
    asked = {**nothing("place", leg["cl_ord_id"]), "volume": leg["volume"], "unknown": True, "accepted": True}
    return {**leg, "stage": "opening", "pending": {**asked, "waits": None}, "retry_at": None}
