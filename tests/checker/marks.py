"""High-water marks and locks of limits, followed from one row of a ledger to the next: neither ever falls."""

from collections.abc import Iterable
from fractions import Fraction

from tests.checker.figures import floor_of, initial_of
from tests.checker.text import cash, ratio
from tests.checker.trees import Tree

LAST = {"eod_balance": ("balance",), "eod_equity": ("equity",), "eod_max": ("balance", "equity")}
"""Marks that are taken at each reset, from the last of these figures before it."""
LIVE = {"live_balance": ("balance",), "live_equity": ("equity",)}


def wrong(row: Tree, before: Tree | None, state: Tree, turned_on: set[str]) -> Iterable[str]:
    """Yield what is wrong with a state's mark, and with a floor that a profit was to lock, after the state before.

    Args:
        row: the limit's own keys.
        turned_on: takes the names of keys that this state would not be the same without.
    """
    initial, floor = initial_of(row, state), floor_of(row, state)
    if row.get("trailing", "none") != "none":
        yield from marked(row, before, state, turned_on)
    if "lock" in row and initial is not None and floor == initial + state["flows"] + cash(row["lock"], initial):
        turned_on.add("lock")
    if "lock_when" in row:
        yield from locked(row["lock_when"], before, state, initial, floor, turned_on)


def marked(row: Tree, before: Tree | None, state: Tree, turned_on: set[str]) -> Iterable[str]:
    name, new, now = state["limit_id"], state["high_water_mark"], figure(row, state, "")
    old = None if before is None else before["high_water_mark"]
    if new is None or now is None:
        if old is not None and new != old:
            yield f"the mark of {name} is gone"
        return
    if old is None or before is None:
        allowed = {now}  # the first sample
    elif row["trailing"] in LIVE:
        allowed = {max(old, now)} if new <= max(old, now) else {new}  # a sample that no row tells may be higher
    elif state["day_started"] != before["day_started"]:
        ends = max(old, figure(row, state, "day_") or old)
        allowed = {ends}
        if state["estimated"] or state["bridging"]:
            allowed |= {max(ends, now)}  # the higher of both sides of an outage
        if new > old:
            turned_on.add("mark at the end of a day")
    else:
        allowed = {old}
        if before["bridging"]:
            allowed |= {max(old, now)}
    if new not in allowed:
        yield f"the mark of {name} must be one of {sorted(allowed)}, was {new}"


def locked(
    lock: Tree,
    before: Tree | None,
    state: Tree,
    initial: Fraction | None,
    floor: Fraction | None,
    turned_on: set[str],
) -> Iterable[str]:
    name, kept = state["limit_id"], None if before is None else before["locked_floor"]
    if kept is None and initial is not None and floor is not None and state["unknown"] is None:
        seen = state[lock.get("metric", "balance")]
        if seen is not None and seen >= initial + state["flows"] + cash(lock["profit"], initial):
            kept = max(floor, ratio(lock["floor"]) * (seen if lock.get("of", "trigger") == "trigger" else initial))
            turned_on.add("lock_when")
    if state["locked_floor"] != kept:
        yield f"the floor of {name} must be locked at {kept}, was {state['locked_floor']}"


def figure(row: Tree, state: Tree, prefix: str) -> Fraction | None:
    """Return what lifts a limit's mark: of now, or of the day's beginning."""
    known = [state[prefix + each] for each in {**LAST, **LIVE}[row["trailing"]]]
    return max((each for each in known if each is not None), default=None)
