"""What must become of a copy, from the source position as it is: begun, waited for, followed, left."""

from datetime import datetime, timedelta
from fractions import Fraction

from attrs import define, evolve, field

from tests.checker import exits, legs, mirror, pacing, series
from tests.checker.asked import UNTOLD, Asked, Granted
from tests.checker.facts import Facts, exposure, holds
from tests.checker.gates import judge
from tests.checker.identity import order_id
from tests.checker.links import Link, Rules
from tests.checker.refusals import OF_STOPS, WAITING, No
from tests.checker.trees import Tree
from tests.checker.volumes import followed

SAME_LIFE = timedelta(seconds=1)
INCREASE_WAITS = timedelta(seconds=60)
UNTIL_BOOKS_TELL = timedelta(seconds=15)


@define
class Case:
    """A copy, or none yet, and everything that a decision about it may look at."""

    now: datetime
    link: Link
    facts: Facts
    position_id: str
    position: Tree | None
    origin: str
    copy: Tree | None
    price: Fraction | None = None
    quote: Tree | None = None
    source_status: Tree | None = None
    target_status: Tree | None = None
    claimed: str | None = None
    order: Tree | None = None
    """The source's pending order, where it is one: the position is what it would open."""
    memory: Tree = field(init=False)
    """The link's; what ends in this decision is in it before something begins anew."""
    turned_on: set[str] = field(factory=set)
    """Rules that are rarely written and that this decision would not be the same without, to be counted."""

    def __attrs_post_init__(self) -> None:
        self.memory = self.facts.memory_of(self.link.link_id)

    def closes_the_book_on(self, copy: Tree) -> None:
        """Remember how a copy has just ended."""
        self.memory = series.remembered(self.memory, self.rules, copy, self.facts, self.now)

    @property
    def rules(self) -> Rules:
        if self.position is not None:
            return self.link.rules(self.position["symbol"])
        assert self.copy is not None  # one of the two is there
        return self.link.rules(self.copy["source_symbol"])

    def ask(self, position: Tree, copy: Tree, increase: tuple[Fraction, Fraction] | None = None) -> Granted:
        return judge(
            Asked(
                self.now,
                self.link,
                self.rules,
                self.facts,
                position,
                self.memory,
                self.origin if increase is not None else copy["origin"],
                self.now if increase is not None else copy["first_seen_at"],
                self.quote,
                self.source_status,
                self.target_status,
                self.claimed,
                increase,
                copy["stop_gap"] if increase is not None else None,
                copy["approved"],
                self.order if increase is None else None,
                bool(copy["late"] or copy["reopened"]) and increase is None,
                self.turned_on,
                copy["target_symbol"] if increase is not None else None,
            )
        )


@define
class Outcome:
    """The copy as it must be now, the orders that must leave, and the codes of denials."""

    copy: Tree | None
    orders: list[Tree] = field(factory=list)
    denied: frozenset[str] = frozenset()
    memory: Tree | None = None
    """What the link remembers from now on, where that changes."""


def decide(case: Case) -> Outcome:
    """Return what must be done about a source position on a link."""
    outcome = decided(case)
    changed = case.claimed != UNTOLD and case.memory != case.facts.memory_of(case.link.link_id)
    return evolve(outcome, memory=case.memory if changed else None)


def decided(case: Case) -> Outcome:
    copy, position = case.copy, case.position
    if copy is None:
        return Outcome(None) if position is None else begun(case, position, None)
    if copy["status"] == "waiting":
        return waiting(case, copy)
    if copy["status"] == "ended" and not holds(copy):
        anew = position is not None and lives_anew(copy, position)
        return begun(case, position, copy) if anew and position is not None else Outcome(copy)
    if position is None or not is_of(copy, position) or copy["flatten"] is not None or copy["left"]:
        return left(case, copy)
    if copy["order"] is not None:
        return mirrored(case, copy, position)
    if exits.is_over(copy, case.rules, case.now):
        return left(case, {**copy, "flatten": "exits.max_open"})
    return following(case, copy, position)


def mirrored(case: Case, copy: Tree, position: Tree) -> Outcome:
    """Let what a target has of a source's pending order be as that is now."""
    if not holds(copy):
        return ended_or_again(case, over(case, copy), position)
    if copy["early_at"] is None and any(leg["stage"] == "open" for leg in copy["legs"]):
        copy = {**copy, "early_at": case.now}
    order = case.order
    assert order is not None  # the position stands for it
    code = mirror.unwelcome(case, copy)
    if code is not None:
        case.turned_on.add(f"taken off: {code}")
        return left(case, {**copy, "flatten": code, "reason": code})
    if mirror.is_another(case, copy, order):
        return left(case, {**copy, "left": True})
    after, orders, refused = legs.brought_to(case, {**copy, "order": order}, copy["granted"], position)
    if not holds(after):
        return ended_or_again(case, over(case, after), position, refused)
    return Outcome(after, orders, refused)


def begun(case: Case, position: Tree, before: Tree | None, *, late: bool = False, again: int = 0) -> Outcome:
    copy = {
        "link_id": case.link.link_id,
        "source": case.link.source,
        "target": case.link.target,
        "source_position_id": position["position_id"],
        "opened_at": position["opened_at"],
        "source_symbol": position["symbol"],
        "side": position["side"],
        "first_seen_at": min(before["fill_by"] or case.now, case.now) if late and before else case.now,
        "origin": "live" if late or again else case.origin,
        "status": "waiting",
        "reopened": again,
        "limited": False,
        "life": 0 if before is None else before["life"] + 1,
        "ending": None,
        "reason": None,
        "wait_until": None,
        "target_symbol": None,
        "ratio": Fraction(0),
        "granted": Fraction(0),
        "followed": Fraction(0),
        "refused": Fraction(0),
        "flatten": None,
        "left": False,
        "approved": False,
        "stop_gap": None,
        "close_at": None,
        "order": case.order,
        "early_at": None,
        "fill_by": None,
        "late": late,
        "legs": [],
        "legs_made": legs_used_up(case, position) if before is None else before["legs_made"],
    }
    return judged(case, copy, position)


def legs_used_up(case: Case, position: Tree) -> int:
    """Return how many legs had an earlier life of which only the orders are left."""
    number = 0
    name = (case.link.link_id, position["position_id"], position["opened_at"])
    while any(order_id(*name, number, step) in case.facts.intents for step in (0, 1)):
        number += 1
    return number


def judged(case: Case, copy: Tree, position: Tree) -> Outcome:
    try:
        granted = case.ask(position, copy)
    except No as no:
        if no.code == "SKIPPED_FIRST":
            case.memory = pacing.remembered(case.memory, case.rules, position["side"], False, case.now)
        return denied(case, copy, no.code)
    made = legs.opened(case.now, copy, granted)
    opened = {
        **copy,
        "status": "active",
        "target_symbol": granted.symbol,
        "ratio": granted.size.ratio,
        "granted": granted.size.volume,
        "followed": position["volume"],
        "stop_gap": granted.gap,
        "reason": None,
        "wait_until": None,
        "legs": [*copy["legs"], *made],
        "legs_made": copy["legs_made"] + len(made),
    }
    if granted.waits is not None and case.order is None:
        opened |= {"limited": True, "fill_by": case.now + case.rules["guard"]["limit_for"]}
    case.memory = pacing.remembered(case.memory, case.rules, position["side"], True, case.now)
    return Outcome(opened, [legs.opening(opened, leg) for leg in made])


def denied(case: Case, copy: Tree, code: str) -> Outcome:
    """Wait while the reason may clear, within the copy's patience; else it is over."""
    until = copy["first_seen_at"] + patience(case, copy, code)
    if waits(case, code) and case.now < until:
        return Outcome({**copy, "reason": code, "wait_until": until}, denied=frozenset({code}))
    return Outcome(ended(copy, "denied", code), denied=frozenset({code}))


def waits(case: Case, code: str) -> bool:
    by = {"SCHEDULE_CLOSED": case.rules.calendar, "NEWS_WINDOW": case.rules.news}.get(code)
    return code in WAITING if by is None else by.defers


def patience(case: Case, copy: Tree, code: str | None = None) -> timedelta:
    """Return how long a copy may wait: the guard's age, or the start policy's for one that was found."""
    guard, start = case.rules["guard"], case.rules["on_start"]
    longest: timedelta = guard["wait_default"] if guard["max_age"] is None else guard["max_age"]
    if copy["origin"] == "reconciled" and start["open"] != "skip":
        longest = start["max_age"]
    if code == "BEGINNING_UNKNOWN":
        return max(longest, UNTIL_BOOKS_TELL)
    if code == "DELAYED":
        longest += case.rules["delay"]["open"][1]
    return min(longest, guard["wait_for_stop"]) if code in OF_STOPS else longest


def ended(copy: Tree, how: str, reason: str | None) -> Tree:
    return {**copy, "status": "ended", "ending": how, "reason": reason, "wait_until": None}


def waiting(case: Case, copy: Tree) -> Outcome:
    position = case.position
    if copy["flatten"] is not None:
        return Outcome(ended(copy, "flattened", copy["reason"]))
    if position is None:
        return Outcome(ended(copy, "denied", "SOURCE_GONE"), denied=frozenset({"SOURCE_GONE"}))
    if not is_of(copy, position):
        return begun(case, position, copy)
    return judged(case, copy, position)


def is_of(copy: Tree, position: Tree) -> bool:
    """Tell whether a copy is that of a position: an id that comes with another side or symbol is another life."""
    return bool(position["side"] == copy["side"] and position["symbol"] == copy["source_symbol"])


def lives_anew(copy: Tree, position: Tree) -> bool:
    """Tell whether a position is another life than that of a copy that ended."""
    if copy["ending"] == "source_closed" or position["opened_at"] - copy["opened_at"] > SAME_LIFE:
        return True
    return not is_of(copy, position) and copy["ending"] != "flattened"


def left(case: Case, copy: Tree) -> Outcome:
    """Close everything of a copy; what the source opens meanwhile under the same id begins when nothing is held."""
    gone = case.position is None or not is_of(copy, case.position)
    held_until = copy["close_at"]
    if gone and not copy["left"] and copy["flatten"] is None and copy["order"] is None:
        by_account = case.facts.conduct.min_hold(case.link.target)
        held_until = exits.close_at(copy, case.rules, case.now, by_account)
        if by_account and held_until == exits.opened_at(copy) + by_account:
            case.turned_on.add("min_hold of an account")
    copy = {**copy, "wait_until": None, "left": copy["left"] or gone, "close_at": held_until}
    if held_until is not None and copy["flatten"] is None and case.now < held_until and holds(copy):
        return Outcome(copy)
    if not case.facts.config.nets(case.link.target):
        copy = {**copy, "legs": [legs.overtaken(leg) for leg in copy["legs"]]}
    after, orders, refused = legs.brought_to(case, {**copy, "close_at": None}, Fraction(0), None)
    if holds(after):
        return Outcome(after, orders, refused)
    after = {**after, "status": "ended", "ending": "source_closed" if after["flatten"] is None else "flattened"}
    case.closes_the_book_on(after)
    if case.position is not None and lives_anew(after, case.position):
        return begun(case, case.position, after)
    return Outcome(after, orders, refused)


def over(case: Case, copy: Tree) -> Tree:
    """End a copy that holds nothing although its source is open."""
    case.closes_the_book_on(copy)
    return ended_empty(copy)


def ended_empty(copy: Tree) -> Tree:
    stages = {leg["stage"] for leg in copy["legs"]}
    if "gone" in stages:
        return ended(copy, "target_closed", None)
    return ended(copy, "rejected", "REJECTED") if "rejected" in stages else ended(copy, "denied", "TOO_OLD")


def following(case: Case, copy: Tree, position: Tree) -> Outcome:
    """Bring a living copy to the source's volume and stops."""
    if not holds(copy):
        return ended_or_again(case, over(case, copy), position)
    grown = Outcome(copy)
    if position["volume"] > max(copy["followed"], copy["refused"]):
        grown = increased(case, copy, position)
        assert grown.copy is not None
        copy = grown.copy
    elif copy["wait_until"] is not None:
        copy = {**copy, "wait_until": None}
    instrument = case.facts.instruments.get((copy["target"], copy["legs"][0]["symbol"]))
    desired = Fraction(copy["granted"])
    if instrument is not None and position["volume"] < copy["followed"]:
        ratio, volume = copy["ratio"], case.rules["volume"]
        desired = followed(ratio, position["volume"], copy["granted"], instrument, volume)
        if desired < copy["granted"]:
            copy = {**copy, "granted": desired, "followed": position["volume"], "refused": Fraction(0)}
    after, orders, refused = legs.brought_to(case, copy, desired, position)
    if not holds(after):
        return ended_or_again(case, over(case, after), position, refused | grown.denied)
    return evolve(grown, copy=after, orders=[*orders, *grown.orders], denied=refused | grown.denied)


def ended_or_again(case: Case, copy: Tree, position: Tree, refused: frozenset[str] = frozenset()) -> Outcome:
    """Open again what the target closed, and at market what took over from a mirrored order that was not filled in
    time, where the policy says so. `refused`: what was denied before it ended."""
    again = Outcome(copy)
    if copy["limited"] and copy["ending"] == "denied":
        case.turned_on.add("not filled at the source's price")
        again = Outcome({**copy, "reason": "LIMIT_NOT_FILLED"}, denied=frozenset({"LIMIT_NOT_FILLED"}))
    elif copy["fill_by"] is not None and copy["ending"] == "denied":
        if case.rules["mirror"]["late"] == "market":
            case.turned_on.add("late to market")
            again = begun(case, position, copy, late=True)
        else:
            again = Outcome({**copy, "reason": "PENDING_NOT_FILLED"}, denied=frozenset({"PENDING_NOT_FILLED"}))
    elif copy["ending"] == "target_closed" and copy["reopened"] < case.rules.reopen:
        case.turned_on.add("opened again")
        again = begun(case, position, copy, again=copy["reopened"] + 1)
    return evolve(again, denied=refused | again.denied)


def increased(case: Case, copy: Tree, position: Tree) -> Outcome:
    """Judge an increase as new risk at the entry's ratio; a denied one is not asked about again."""
    held = exposure(copy)
    try:
        granted = case.ask(position, copy, (copy["ratio"], held))
    except No as no:
        guard = case.rules["guard"]
        until = copy["wait_until"] or case.now + (guard["max_age"] or INCREASE_WAITS)
        if waits(case, no.code) and case.now < until:
            return Outcome({**copy, "wait_until": until}, denied=frozenset({no.code}))
        return Outcome({**copy, "refused": position["volume"], "wait_until": None}, denied=frozenset({no.code}))
    made = legs.opened(case.now, copy, granted)
    grown = {
        **copy,
        "granted": held + granted.size.volume,
        "followed": position["volume"],
        "wait_until": None,
        "legs": [*copy["legs"], *made],
        "legs_made": copy["legs_made"] + len(made),
    }
    return Outcome(grown, [legs.opening(grown, leg) for leg in made])
