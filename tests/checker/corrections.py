"""Records that something outside of the ledger corrected: a target's books, a person, a limit, a schedule.

What the books showed is not recorded, so it is taken as told; what follows from it for the copy is recomputed.
"""

from datetime import datetime
from fractions import Fraction
from math import floor

from tests.checker import answers
from tests.checker.facts import Facts, holds
from tests.checker.legs import replaced
from tests.checker.links import Link
from tests.checker.trees import Tree

DIGITS = 12
"""After the point, to which the source's share of what is left is told."""
BY_BOOKS = ("target closed it", "target changed it", "target changed its stops")


def by_books(because: str, old: Tree, new: Tree, source: Tree | None, on_change: str) -> bool:
    """Tell whether the books of a target made `new` of a copy: one leg lost, made smaller, or stopped elsewhere."""
    changed = [(one, two) for one, two in zip(old["legs"], new["legs"], strict=False) if one != two]
    if len(changed) != 1 or len(old["legs"]) != len(new["legs"]):
        return False
    [(leg, now)] = changed
    if leg["stage"] != "open" or leg["pending"] is not None:
        return False
    if because == "target changed its stops":
        return on_change != "adopt" and moved(old, leg, now, on_change)
    granted = max(old["granted"] - (leg["held"] - now["held"]), Fraction(0))
    told = now["exited"]
    if told is None or told["lots"] != answers.exited(leg, leg["held"] - now["held"], None)["lots"]:
        return False
    leg = {**leg, "exited": told}  # at which price, a quote of that moment says
    if because == "target closed it":
        lost = {**leg, "stage": "gone", "held": Fraction(0), "missing": leg["missing"] + leg["held"]}
        return {**replaced(old, lost), "granted": granted} == new
    shrunk = {**replaced(old, {**leg, "held": now["held"]}), "granted": granted}
    if asks_again(old, on_change):
        covers = Fraction(floor(granted / old["ratio"] * 10**DIGITS), 10**DIGITS)
        shrunk |= {"followed": min(covers, old["followed"]), "restored": True}
    elif source is not None and source["volume"] > 0:
        shrunk |= {"followed": source["volume"], "ratio": granted / source["volume"]}
    return now["held"] < leg["held"] and shrunk == new


def asks_again(old: Tree, on_change: str) -> bool:
    """Tell whether lots that a person took off are asked for again: once a copy, while it follows its source."""
    return on_change == "restore" and not old["restored"] and follows(old) and old["ratio"] > 0


def follows(copy: Tree) -> bool:
    return copy["status"] == "active" and copy["flatten"] is None and not copy["left"]


def moved(old: Tree, leg: Tree, now: Tree, on_change: str) -> bool:
    """Tell whether a leg's record takes stops that a person moved: they are news, and asked for again at most once."""
    shown, asked = now["moved_to"], (leg["stop_loss"], leg["take_profit"])
    if shown is None or shown == leg["moved_to"]:
        return False
    stops = {"stop_loss": shown["stop_loss"], "take_profit": shown["take_profit"]}
    if all(one is None or one == other for one, other in zip(asked, stops.values(), strict=True)):
        return False
    again = on_change == "restore" and leg["moved_to"] is None and follows(old)
    return bool(now == {**leg, "moved_to": shown, **({**stops, "retry_at": None} if again else {})})


def is_flattening(because: str, old: Tree, new: Tree) -> bool:
    """Tell whether a row only notes that everything of a copy must go."""
    why = because.removeprefix("flatten: ")
    return why != because and old["flatten"] is None and new == {**old, "flatten": why}


def may_flatten(facts: Facts, link: Link, copy: Tree, why: str, now: datetime) -> bool:
    """Tell whether a limit, a schedule, a maintenance window, news or a mismatch ask for that."""
    if why == facts.flattened_by_mismatch(copy):
        return True
    by_hand = why == "operator" and facts.operator.accounts.get(copy["target"]) == "flat"
    if by_hand or why in by_clock(facts, link, copy, now) or why in by_limit(facts, copy):
        return True
    nets = facts.config.nets(copy["target"])
    return why in facts.conduct.flat_now(copy["target"], now) or why in facts.single.closes(copy, nets=nets)


def by_limit(facts: Facts, copy: Tree) -> list[str]:
    return [name for name in facts.limits.of(copy["target"]) if facts.limits.flattens(name)]


def by_clock(facts: Facts, link: Link, copy: Tree, now: datetime) -> list[str]:
    """Return what has closed everything of a copy by now, since it was first seen."""
    rules, since = link.rules(copy["source_symbol"]), copy["first_seen_at"]
    found = []
    if rules.calendar is not None and rules.calendar.flattens(since, now):
        found.append(f"schedule {rules.calendar.name}")
    for window in facts.maintenance_of(copy["target"]):
        if window.flattens(since, now):
            found.append(f"maintenance {window.name}")
    if rules.news is not None:
        instrument = facts.instruments.get((copy["target"], copy["target_symbol"] or ""))
        titles = rules.news.closing(facts.calendars.get(rules.news.name), instrument, since, now)
        found += [f"news {rules.news.name}: {title}" for title in titles]
    return found


def must_be_flat(facts: Facts, link: Link, copy: Tree, now: datetime) -> bool:
    """Tell whether a copy should have been flattened by now, and was not."""
    if copy["flatten"] is not None or copy["status"] == "ended":
        return False
    by_hand = facts.operator.accounts.get(copy["target"]) == "flat"
    by_hours = facts.conduct.flat_now(copy["target"], now)
    by_rule = not facts.config.nets(copy["target"]) and facts.single.closes(copy, nets=False)
    held = holds(copy) and (by_hand or by_limit(facts, copy) or by_hours or by_rule)
    return bool(by_clock(facts, link, copy, now) or held)


def is_approval(because: str, old: Tree, new: Tree) -> bool:
    """Tell whether a row only notes that somebody let a copy be opened."""
    waits = old["status"] == "waiting" and old["reason"] == "APPROVAL_NEEDED" and not old["approved"]
    return because == "approved" and waits and new == {**old, "approved": True}
