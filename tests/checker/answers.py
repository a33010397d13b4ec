"""What a venue's answer to an order makes of its copy."""

from datetime import datetime, timedelta
from fractions import Fraction

from tests.checker.legs import granted_no_more, replaced
from tests.checker.mirror import ENTRIES, in_doubt
from tests.checker.trees import Tree, kind_of

RETRY_MOST = 30
STOPS_TRIES = 5


def settled(copy: Tree, report: Tree, now: datetime) -> Tree:
    """Return the copy after a report on one of its orders."""
    found = [leg for leg in copy["legs"] if leg["pending"] and leg["pending"]["cl_ord_id"] == report["cl_ord_id"]]
    if not found:
        return copy
    [leg] = found
    pending, opens = leg["pending"], leg["pending"]["purpose"] in ENTRIES
    placed = leg["waits"] is not None and leg["waits"]["order_id"] is not None
    match kind_of(report):
        case "Accepted" | "OutcomeUnknown" as kind:
            accepted = pending["accepted"] or kind == "Accepted"
            return replaced(copy, {**leg, "pending": {**pending, "unknown": True, "accepted": accepted}})
        case "NotSent":
            later = now + backoff(leg["failures"])
            if report["retry_at"] is not None:
                later = max(later, report["retry_at"])
            again = {
                "pending": None,
                "failures": leg["failures"] + 1,
                "retry_at": later,
                "retry_of": pending["purpose"],
            }
            return replaced(copy, {**leg, **again, "step": leg["step"] + (not opens)})
        case "NotFound" | "Canceled" if opens and (placed or kind_of(report) == "Canceled"):
            return lapsed(copy, leg, now)
        case "Canceled":  # it may have been filled a moment before
            return replaced(copy, in_doubt({**leg, "step": leg["step"] + 1, "failures": leg["failures"] + 1}))
        case "Placed":
            works = {**leg, "stage": "working", "waits": {**leg["waits"], "order_id": report["venue_order_id"]}}
            works |= {"pending": None, "settled_at": now}
            if leg["waits"]["canceled"]:
                return replaced(copy, {**works, "retry_at": now + backoff(leg["failures"])})
            return replaced(copy, {**works, "failures": 0, "retry_at": None})
        case "Replaced":
            prices = {key: pending[key] for key in ("stop_loss", "take_profit", "waits")}
            return replaced(copy, {**leg, **prices, **at_rest(now), "step": leg["step"] + 1})
        case "NotFound":
            again = {"pending": None, "retry_at": None, "settled_at": now, "step": leg["step"] + (not opens)}
            return replaced(copy, {**leg, **again})
        case "Rejected":
            return rejected(copy, leg, now)
        case "Filled":
            return filled(copy, leg, report, now)
        case "StopsReplaced":
            stops = {key: pending[key] for key in ("stop_loss", "take_profit")}
            now_set = {**stops, **at_rest(now), "refusals": 0, "stops_refused_at": None, "step": leg["step"] + 1}
            return replaced(copy, {**leg, **now_set})
    return copy


def at_rest(now: datetime) -> Tree:
    return {"pending": None, "failures": 0, "retry_at": None, "settled_at": now}


def filled(copy: Tree, leg: Tree, report: Tree, now: datetime) -> Tree:
    """Take an execution; what an opening did not get is given up."""
    if leg["pending"]["purpose"] in ENTRIES:
        price = leg["expected_price"] if report["price"] is None else report["price"]
        opened = {
            **leg,
            **at_rest(now),
            "stage": "open",
            "held": report["volume"],
            "position_id": report["position_id"],
            "open_price": price,
            "missing": max(leg["volume"] - report["volume"], Fraction(0)),
        }
        return granted_no_more(replaced(copy, opened))
    held = max(leg["held"] - report["volume"], Fraction(0))
    price = leg["pending"]["expected_price"] if report["price"] is None else report["price"]
    after = {"held": held, "stage": "open" if held else "closed", "step": leg["step"] + 1}
    return replaced(copy, {**leg, **at_rest(now), **after, "exited": exited(leg, leg["held"] - held, price)})


def exited(leg: Tree, lots: Fraction, price: Fraction | None) -> Tree:
    """Return what has been closed of a leg, after some more of it."""
    before = leg["exited"] or {"lots": Fraction(0), "proceeds": Fraction(0)}
    known = price is not None and before["proceeds"] is not None
    return {"lots": before["lots"] + lots, "proceeds": before["proceeds"] + price * lots if known else None}


def rejected(copy: Tree, leg: Tree, now: datetime) -> Tree:
    """A refused opening is over; everything else is tried again later under a new id, stops five times."""
    pending = leg["pending"]
    if pending["purpose"] == "place" and leg["waits"]["order_id"] is not None:
        return lapsed(copy, leg, now)
    if pending["purpose"] in ("replace", "cancel"):  # it works no more, or it must
        gone = {"waits": {**leg["waits"], "canceled": True}, "step": leg["step"] + 1, "failures": leg["failures"] + 1}
        return replaced(copy, in_doubt({**leg, **gone}))
    if pending["purpose"] in ENTRIES:
        refused = {"stage": "rejected", "pending": None, "settled_at": now, "missing": leg["volume"]}
        return granted_no_more(replaced(copy, {**leg, **refused}))
    again = {
        **leg,
        "pending": None,
        "failures": leg["failures"] + 1,
        "refusals": leg["refusals"] + (pending["purpose"] == "stops"),
        "retry_at": now + backoff(leg["failures"]),
        "retry_of": pending["purpose"],
        "settled_at": now,
        "step": leg["step"] + 1,
    }
    if again["refusals"] >= STOPS_TRIES:
        given_up = {key: pending[key] for key in ("stop_loss", "take_profit")}
        again = {**again, **given_up, "failures": 0, "refusals": 0, "retry_at": None, "stops_refused_at": now}
    return replaced(copy, again)


def lapsed(copy: Tree, leg: Tree, now: datetime) -> Tree:
    """Return a copy with a leg whose pending order ended unfilled: by us, or at the target by itself."""
    ours = leg["waits"]["canceled"]
    over = {"stage": "closed" if ours else "gone", "missing": Fraction(0) if ours else leg["volume"]}
    return granted_no_more(replaced(copy, {**leg, **over, "pending": None, "retry_at": None, "settled_at": now}))


def backoff(failures: int) -> timedelta:
    return timedelta(seconds=min(2 ** min(failures, 10), RETRY_MOST))
