"""What a limit's own figures say of it, without what stays in force: anchor, amount, floor, and the stage reached."""

from fractions import Fraction

from tests.checker.periods import begins_anew
from tests.checker.text import cash, number, ratio
from tests.checker.trees import Tree

STAGES = ("ok", "warn", "block", "unknown", "halt", "flatten", "breached")
PARTS = {"floating", "commission", "swap"}
ANCHORS = {
    "day_start_balance": ("day_balance",),
    "day_start_equity": ("day_equity",),
    "day_start_max": ("day_balance", "day_equity"),
    "day_peak_balance": ("day_peak_balance",),
    "day_peak_equity": ("day_peak_equity",),
}
"""What a period's loss or profit counts from: the highest of these. `initial` is the beginning of all."""


def reached(row: Tree, state: Tree) -> str:
    """Return the severest stage whose condition holds by the figures, a breach as if it had to last for nothing."""
    room, amount = headroom(row, state), amount_of(row, state)
    if room is None or amount is None:
        return "unknown"
    if row["kind"] == "profit_target":
        return "breached" if room <= 0 else "ok"
    return "breached" if passes(row, room) else stage_before(row, room, amount)


def passes(row: Tree, room: Fraction) -> bool:
    """Tell whether a floor was passed, or touched where that counts."""
    return room < 0 or (room == 0 and row.get("comparator", "le") == "le")


def stage_before(row: Tree, room: Fraction, amount: Fraction) -> str:
    """Return the severest stage of a loss that comes before its breach."""
    if row["kind"] == "profit_target":
        return "ok"
    for stage in ("flatten", "halt", "block", "warn"):
        if is_lost(row, stage, room, amount):
            return stage
    return "ok"


def is_lost(row: Tree, stage: str, room: Fraction, amount: Fraction) -> bool:
    at = row.get(f"{stage}_at", "75 %" if stage == "warn" else None)
    return at is not None and at != "off" and room <= (1 - ratio(at)) * amount


def headroom(row: Tree, state: Tree) -> Fraction | None:
    """Return what may still be lost, or what is missing to a profit; None: that cannot be known."""
    if state["balance"] is None or state["unknown"] is not None:
        return None
    if any(state["currency"] != each for each in currencies(row)):
        return None  # money of one currency, and nobody told that the figures are in it
    anchor, amount, seen = counted_from(row, state), amount_of(row, state), judged(row, state)
    if anchor is None or amount is None or seen is None:
        return None
    if row["kind"] == "profit_target":
        return anchor + amount - seen
    floor = state["locked_floor"] if "lock_when" in row else None
    floor = floor_of(row, state) if floor is None else floor
    return None if floor is None else seen - floor


def currencies(row: Tree) -> set[str]:
    """Return the currencies that a row names."""
    profit = row.get("lock_when", {}).get("profit")
    words = [each.split() for each in (row.get("amount"), row.get("lock"), profit) if isinstance(each, str)]
    named = {each[1] for each in words if len(each) == 2 and each[1] != "%"}
    return named if row.get("currency") is None else {*named, row["currency"]}


def initial_of(row: Tree, state: Tree) -> Fraction | None:
    return number(row["initial_balance"]) if "initial_balance" in row else state["initial_balance"]


def judged(row: Tree, state: Tree) -> Fraction | None:
    """Return the figure that is compared; a day's result is compared as the equity that it leads to."""
    metric = row.get("metric", "balance" if row["kind"] == "profit_target" else "equity")
    closed = metric == "balance" or "floating" not in row.get("include", PARTS)
    return state["balance" if closed else "equity"]  # type: ignore[no-any-return]  # a number, or nothing


def amount_of(row: Tree, state: Tree) -> Fraction | None:
    """Return how much may be lost, or is to be won; of a high-water mark the anchor is the mark."""
    of = row.get("of", "anchor" if begins_anew(row) else "initial")
    if not is_share(row["amount"]):
        return cash(row["amount"], Fraction(0))
    base = initial_of(row, state) if of == "initial" else counted_from(row, state)
    return None if base is None else cash(row["amount"], base)


def is_share(amount: object) -> bool:
    return isinstance(amount, str) and amount.endswith("%")


def floor_of(row: Tree, state: Tree) -> Fraction | None:
    """Return where a loss ends, a lock at a level counted in; one that was set off at a profit is another matter."""
    anchor, amount, initial = counted_from(row, state), amount_of(row, state), initial_of(row, state)
    if anchor is None or amount is None:
        return None
    floor = anchor - amount
    if "lock" not in row or initial is None:
        return floor
    return min(floor, initial + state["flows"] + cash(row["lock"], initial))


def anchor_named(row: Tree) -> str:
    """Return what a limit that does not trail counts from."""
    usual = "initial"
    if begins_anew(row):
        usual = "day_start_equity" if row.get("metric") == "day_net_pnl" else "day_start_max"
        usual = "day_start_balance" if row["kind"] == "profit_target" else usual
    return str(row.get("anchor", usual))


def counted_from(row: Tree, state: Tree) -> Fraction | None:
    """Return what a loss or a profit counts from: the period's beginning, the mark, or the initial balance."""
    named = anchor_named(row)
    if named in ANCHORS:
        starts = [state[figure] for figure in ANCHORS[named]]
        return None if None in starts else Fraction(max(starts))
    initial = initial_of(row, state)
    if initial is None:
        return None
    start = initial + state["flows"]
    if row.get("trailing", "none") == "none":
        return start
    given = [] if "high_water_mark" not in row else [number(row["high_water_mark"]) + state["flows"]]
    mark = state["high_water_mark"]
    return None if mark is None else max(mark, start, *given)
