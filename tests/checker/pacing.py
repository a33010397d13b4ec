"""How often and how soon copies are made: skips, throttles, approval, delays; and what a link remembers of them."""

from datetime import datetime, timedelta
from hashlib import blake2b

from tests.checker.asked import Asked
from tests.checker.links import Rules
from tests.checker.refusals import No
from tests.checker.trees import Tree

MICROSECOND = timedelta(microseconds=1)


def skip_first(asked: Asked) -> None:
    """Refuse the first positions after a quiet time."""
    skip = asked.rules.optional("skip_first")
    if skip is None or asked.increase is not None:
        return
    if skipped(asked.memory, asked.rules, asked.position["side"], asked.now) < skip["count"]:
        raise No("SKIPPED_FIRST")


def throttle(asked: Asked) -> None:
    """Refuse more copies than may be opened within the window."""
    limit = asked.rules.optional("throttle")
    if limit is not None and asked.increase is None:
        since = asked.now - limit["window"]
        opens = asked.memory["opens"]
        if sum(each["row"] == asked.rules.row and each["at"] > since for each in opens) >= limit["max_opens"]:
            raise No("THROTTLED")


def approval(asked: Asked) -> None:
    """Hold a new copy back until somebody approves of it."""
    if asked.rules.approval and not asked.approved and asked.increase is None:
        raise No("APPROVAL_NEEDED")


def delay(asked: Asked) -> None:
    """Hold a new copy back for what it draws."""
    span = asked.rules["delay"]["open"]
    if span is not None and asked.increase is None:
        position = asked.position
        drawn = draw(span, "open", asked.link.link_id, position["position_id"], position["opened_at"])
        if asked.now < asked.seen_at + drawn:
            raise No("DELAYED")


def draw(span: tuple[timedelta, timedelta], what: str, link: str, position_id: str, opened_at: datetime) -> timedelta:
    """Return a duration of the span: 64 bits of a hash of the position, spread evenly over its microseconds."""
    seed = f"{what}\x1f{link}\x1f{position_id}\x1f{opened_at.isoformat()}"
    number = int.from_bytes(blake2b(seed.encode(), digest_size=8).digest(), "big")
    least, most = span
    return least + number % ((most - least) // MICROSECOND + 1) * MICROSECOND


def remembered(memory: Tree, rules: Rules, side: str, granted: bool, now: datetime) -> Tree:
    """Return what a link remembers after a position was copied or skipped."""
    skip, limit = rules.optional("skip_first"), rules.optional("throttle")
    if skip is not None:
        count = min(skipped(memory, rules, side, now) + 1, skip["count"])
        mine = of_side(memory, rules, side)
        others = [each for each in memory["skips"] if each is not mine]
        told = {"count": count, "last_at": now, "side": side if skip["by_side"] else None, "row": rules.row}
        memory = {**memory, "skips": [*others, told]}
    if limit is not None and granted:
        since = now - limit["window"]
        kept = [each for each in memory["opens"] if each["row"] != rules.row or each["at"] > since]
        memory = {**memory, "opens": [*kept, {"at": now, "row": rules.row}]}
    return memory


def skipped(memory: Tree, rules: Rules, side: str, now: datetime) -> int:
    mine, skip = of_side(memory, rules, side), rules.optional("skip_first")
    assert skip is not None  # nobody counts otherwise
    return 0 if mine is None or now - mine["last_at"] > skip["reset_after"] else int(mine["count"])


def of_side(memory: Tree, rules: Rules, side: str) -> Tree | None:
    skip = rules.optional("skip_first")
    wanted = side if skip is not None and skip["by_side"] else None
    for each in memory["skips"]:
        if each["side"] == wanted and each["row"] == rules.row:
            return each  # type: ignore[no-any-return]  # a tree of the ledger
    return None
