"""What a period's loss counts from, followed from one row of a ledger to the next: its beginning, and its peaks.

Every change of these is told, so that the state before a row and the row's own figures say what they must be. Only the
last figures before a reset are not, where nothing but figures had changed.
"""

from collections.abc import Iterable
from fractions import Fraction

from tests.checker.trees import Tree


def wrong(row: Tree, before: Tree | None, state: Tree) -> Iterable[str]:
    """Yield what is wrong with a state's anchors and peaks, after the state before it."""
    name = state["limit_id"]
    for figure in ("balance", "equity"):
        now = state[figure]
        if now is None:
            continue
        begin, peak = state[f"day_{figure}"], state[f"day_peak_{figure}"]
        starts, peaks = begins(row, before, state, figure), tops(row, before, state, figure)
        if starts and begin not in starts:
            yield f"{name} must count from a {figure} among {sorted(starts)}, not from {begin}"
        if peaks and peak not in peaks:
            yield f"the {figure} of {name} had its peak at one of {sorted(peaks)}, not at {peak}"
    told = None if before is None else before["initial_balance"]
    first = told if told is not None or "initial_balance" in row or not state["balance"] else state["balance"]
    if state["initial_balance"] != first and (first is None or first > 0):
        yield f"{name} began at {first}, not at {state['initial_balance']}"


def begins(row: Tree, before: Tree | None, state: Tree, figure: str) -> set[Fraction]:
    """Return what the period may have begun with; nothing where no row tells."""
    now, old = state[figure], None if before is None else before[f"day_{figure}"]
    if before is None or old is None:
        return {now}  # the first sample opens the day
    if before["day_started"] == state["day_started"]:
        if not before["bridging"]:
            return {old}
        both = min(old, now) if row["kind"] == "profit_target" else max(old, now)
        return {old} if state["bridging"] else {both}  # the stricter side of an outage
    return {now} if state["judged_at"] == state["day_started"] else set()


def tops(row: Tree, before: Tree | None, state: Tree, figure: str) -> set[Fraction]:
    """Return what the period's peak may be; nothing where no row tells."""
    now, old = state[figure], None if before is None else before[f"day_peak_{figure}"]
    if before is None or old is None:
        return {now}
    if before["day_started"] == state["day_started"]:
        return {max(old, now)}
    return set() if row["kind"] == "profit_target" else {max(state[f"day_{figure}"], now)}
