"""What stays in force of a limit, followed from one row of a ledger to the next: breaches, halts, and their waits."""

from collections.abc import Iterable
from datetime import datetime

from tests.checker.figures import STAGES, amount_of, headroom, is_lost, passes, reached, stage_before
from tests.checker.periods import begins_anew, begun
from tests.checker.text import duration
from tests.checker.trees import Tree

STAYS = ("flatten", "breached")


def stage_of(row: Tree, state: Tree) -> str:
    """Return the stage that the state's own figures, and what stays in force, make."""
    return max(stages_of(row, state), key=STAGES.index)


def stages_of(row: Tree, state: Tree) -> list[str]:
    stages = [now_at(row, state)]
    if state["latched"] is not None:
        stages.append(state["latched"])
    if state["halted_at"] is not None:
        stages.append("halt")
    return stages


def forbidding(row: Tree, state: Tree) -> list[str]:
    """Return the stages in force that take no new risk; a breach that is only told takes as much as before."""
    told = row.get("on_breach", "flatten") == "warn"
    found = [stage for stage in stages_of(row, state) if STAGES.index(stage) >= STAGES.index("block")]
    return [stage for stage in found if not (told and stage == "breached")]


def now_at(row: Tree, state: Tree) -> str:
    """Return the stage of this moment; a breach that must last counts when it has, also while nobody knows."""
    stage = reached(row, state)
    if "for" not in row or stage not in ("breached", "unknown"):
        return stage
    since = state["breaching_from"]
    if since is not None and state["judged_at"] - since >= duration(row["for"]):
        return "breached"
    room, amount = headroom(row, state), amount_of(row, state)
    return "unknown" if room is None or amount is None else stage_before(row, room, amount)


def wrong(row: Tree, before: Tree | None, state: Tree) -> Iterable[str]:
    """Yield what is wrong with the instants and stages that a state keeps, after the one before it."""
    name = state["limit_id"]
    if "reset" in row and state["day_started"] not in (None, begun(row, state["judged_at"])):
        yield f"the period of {name} began at {begun(row, state['judged_at'])}, not at {state['day_started']}"
    since = breaching(row, before, state)
    if state["breaching_from"] not in since:
        yield f"{name} has been passed since {since}, not since {state['breaching_from']}"
    latch = latched(row, before, state)
    if state["latched"] != latch:
        yield f"of {name} {latch} must stay in force, was {state['latched']}"
    elif latch is not None:
        kept = None if before is None or before["latched"] != latch else before["latched_at"]
        if state["latched_at"] not in (kept, state["judged_at"]):
            yield f"{name} stays in force since {kept or state['judged_at']}, not since {state['latched_at']}"
    halted = halted_at(row, before, state)
    if state["halted_at"] != halted:
        yield f"{name} must be halted since {halted}, was since {state['halted_at']}"


def breaching(row: Tree, before: Tree | None, state: Tree) -> tuple[datetime | None, ...]:
    """Return since when the floor may count as passed, of a limit whose breach must last.

    The clock alone ends no such wait, a sample does; whether one came with a row is not told.
    """
    if "for" not in row:
        return (None,)
    kept = None if before is None else before["breaching_from"]
    room = headroom(row, state)
    if room is None:
        return (kept,)
    return (kept or state["judged_at"],) if passes(row, room) else (None, kept)


def latched(row: Tree, before: Tree | None, state: Tree) -> str | None:
    """Return what must stay in force; a period's reset ends it, and figures below a target that then begins anew."""
    now = now_at(row, state)
    kept = None if before is None else before["latched"]
    if before is not None and begins_anew(row) and before["day_started"] not in (None, state["day_started"]):
        kept = None
    if row.get("resets_below", False) and now == "ok":
        kept = None
    stages = [each for each in (kept, now) if each in STAYS]
    return max(stages, key=STAGES.index, default=None)


def halted_at(row: Tree, before: Tree | None, state: Tree) -> datetime | None:
    """Return since when a limit must be halted; only a person ends that."""
    if before is not None and before["halted_at"] is not None:
        return before["halted_at"]  # type: ignore[no-any-return]  # an instant
    room, amount = headroom(row, state), amount_of(row, state)
    known = room is not None and amount is not None
    halts = known and row["kind"] != "profit_target" and is_lost(row, "halt", room, amount)  # type: ignore[arg-type]
    halts = halts or (now_at(row, state) == "breached" and row.get("on_breach", "flatten") == "halt")
    return state["judged_at"] if halts else None
