"""What the checker is worth: wrong rows, and a wrong engine, are found."""

from collections.abc import Callable
from copy import deepcopy
from fractions import Fraction
from functools import lru_cache
from typing import Any

import pytest
from attrs import evolve

import copier.engine.conduct_watch
import copier.engine.net_stops
import copier.engine.targets
import rules.deciding.decide
import rules.deciding.ending
import rules.deciding.keep_alive
import rules.deciding.mirror
import rules.deciding.shape
import rules.gates.caps
import rules.gates.entry
import rules.gates.equity_curve
import rules.gates.filters
import rules.gates.grants
import rules.gates.judge
import rules.limits.results
import rules.model.beginnings
import rules.sizes.sizing
import rules.sizes.volumes
import rules.stops.protect
import rules.stops.stops
import tests.checker.running
from copier.engine.conduct_watch import ConductWatch
from copier.engine.keep_alive import KeepAlives
from copier.engine.mirroring import Mirroring
from copier.engine.mismatches import MismatchWatch
from copier.engine.net_stops import NetStopWatch
from copier.engine.results_watch import ResultsWatch
from rules.model.copies import Copy
from rules.model.instruments import Rounding
from rules.policy.exits import Exits
from rules.policy.limits import Together
from rules.policy.links import OnTargetChange
from rules.policy.symbols import Mapped
from tests.checker.campaign import run_day
from tests.checker.checker import check
from tests.checker.curves import EPOCH
from tests.checker.day import Story, live
from tests.checker.differences import Difference
from tests.checker.links import read_config
from tests.checker.trees import Row, kind_of

SEEDS = range(400)
"""Enough days for each kind of row."""

BEGIN = {
    "protects no netted position": 186,
    "puts back whatever the policy says": 56,
    "protects by the stops of the other side": 64,
}
"""Days that show these are rare: where the search begins."""

STEP = Fraction(1, 100)


@lru_cache
def story(seed: int) -> Story:
    return live(seed)


def found(story: Story, rows: list[Row]) -> list[Difference]:
    return check(read_config(story.config), rows, story.starts, story.shown).differences


def first(wanted: Callable[[Row], bool]) -> tuple[Story, int]:
    """Return the first day with such a row, and where in it that row is."""
    for seed in SEEDS:
        for index, row in enumerate(story(seed).rows):
            if wanted(row):
                return story(seed), index
    raise LookupError("no day has such a row")


def is_order(kind: str) -> Callable[[Row], bool]:
    return lambda row: row.kind == "intent" and kind_of(row.tree["action"]) == kind


def changed(story: Story, index: int, change: Callable[[dict[str, Any]], object]) -> list[Row]:
    """Return the day's rows with one of them changed."""
    tree = deepcopy(story.rows[index].tree)
    change(tree)
    return [evolve(row, tree=tree) if at == index else row for at, row in enumerate(story.rows)]


def is_denied(row: Row) -> bool:
    return row.kind == "decision" and row.tree["copy"]["ending"] == "denied" and bool(row.tree["trace"])


def swap_code(tree: dict[str, Any]) -> None:
    """Give a denial another code, in the trace and in the copy alike."""
    code = "SPREAD" if tree["copy"]["reason"] != "SPREAD" else "TOO_OLD"
    tree["copy"]["reason"] = code
    for each in tree["trace"]:
        if kind_of(each) == "Denied":
            each["reason"] = code


CHANGES: dict[str, tuple[Callable[[Row], bool], Callable[[dict[str, Any]], object]]] = {
    "a volume off by one step": (
        is_order("OpenPosition"),
        lambda tree: tree["action"].update(volume=tree["action"]["volume"] + STEP),
    ),
    "a wrong symbol": (is_order("OpenPosition"), lambda tree: tree["action"].update(symbol="SILVER")),
    "the other side": (is_order("OpenPosition"), lambda tree: tree["action"].update(side="neither")),
    "a stop where it should not be": (
        is_order("ReplaceStops"),
        lambda tree: tree["action"].update(stop_loss=Fraction(1)),
    ),
    "too much taken off": (
        is_order("ReducePosition"),
        lambda tree: tree["action"].update(volume=tree["action"]["volume"] + STEP),
    ),
    "a close of something else": (is_order("ClosePosition"), lambda tree: tree["action"].update(position_id="t-1")),
    "another reason for a denial": (is_denied, swap_code),
    "a grant that nobody gave": (
        is_denied,
        lambda tree: tree["copy"].update(status="active", ending=None, reason=None),
    ),
    "a waiting copy that waits on": (
        lambda row: row.kind == "decision" and row.tree["copy"]["status"] == "waiting",
        lambda tree: tree["copy"].update(wait_until=None),
    ),
    "more held than was filled": (
        lambda row: row.kind == "report" and kind_of(row.tree["report"]) == "Filled",
        lambda tree: tree["copy"]["legs"][0].update(held=Fraction(99)),
    ),
    "a sample of another time": (
        lambda row: row.kind == "memory" and bool(row.tree["memory"]["curves"]),
        lambda tree: tree["memory"]["curves"][0]["samples"][-1].update(at=EPOCH),
    ),
    "a limit that is not as bad": (
        lambda row: row.kind == "limit" and row.tree["stage"] == "breached",
        lambda tree: tree.update(stage="ok"),
    ),
}


@pytest.mark.slow  # runs some days of about 0.1 s, once for all cases
@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_row_is_found(name: str) -> None:
    wanted, change = CHANGES[name]
    day, index = first(wanted)
    assert not found(day, day.rows)
    seqs = {difference.seq for difference in found(day, changed(day, index, change))}
    assert any(seq >= day.rows[index].seq for seq in seqs)


@pytest.mark.slow  # as above
@pytest.mark.parametrize("kind", ["OpenPosition", "ReducePosition", "ClosePosition", "ReplaceStops"])
def test_a_missing_order_is_found(kind: str) -> None:
    day, index = first(is_order(kind))
    assert found(day, day.rows[:index] + day.rows[index + 1 :])


@pytest.mark.slow  # as above
@pytest.mark.parametrize("kind", ["OpenPosition", "ReducePosition", "ClosePosition"])
def test_a_decision_that_nobody_made_is_found(kind: str) -> None:
    day, index = first(is_order(kind))
    order_id = day.rows[index].tree["action"]["cl_ord_id"]
    [decided] = [at for at, row in enumerate(day.rows) if row.kind == "decision" and order_id in row.tree["orders"]]
    key = key_of(day.rows[decided])
    ours = {order for row in day.rows if key_of(row) == key for order in row.tree.get("orders", ())}
    rest = [row for row in day.rows[decided:] if key_of(row) != key and row.key not in ours and row.kind != "resend"]
    assert found(day, [*day.rows[:decided], *rest]), "and nothing more was ever told of that copy"


def key_of(row: Row) -> object:
    """Return the link and the source position that a row is about."""
    about = row.tree.get("copy", row.tree)
    return about.get("link_id"), about.get("source_position_id")


@pytest.mark.slow  # as above
def test_an_order_that_leaves_twice_is_found() -> None:
    day, index = first(is_order("OpenPosition"))
    assert found(day, [*day.rows[: index + 1], day.rows[index], *day.rows[index + 1 :]])


def closer(exits: Exits) -> Exits:
    """Return exits whose trailing stop follows at half the distance."""
    trail = exits.trailing
    if trail is None:
        return exits
    half = evolve(trail.distance, amount=trail.distance.amount / 2)
    return evolve(exits, trailing=evolve(trail, distance=half))


def unmoved(copy: Copy) -> Copy:
    """Return a copy of which nobody remembers that a person moved its stops."""
    return evolve(copy, legs=tuple(evolve(leg, moved_to=None) for leg in copy.legs))


def never(*_: object) -> None:
    """Let everything pass."""


BUGS: dict[str, tuple[object, str, object]] = {
    "rounds up": (
        rules.sizes.volumes,
        "to_grid",
        lambda volume, step, _, right=rules.sizes.volumes.to_grid: right(volume, step, Rounding.UP),
    ),
    "sees no spread": (rules.gates.entry, "check_spread", never),
    "counts no positions": (rules.gates.judge, "_MARKET_GATES", rules.gates.judge._MARKET_GATES[:-1]),
    "has no limits": (
        rules.gates.judge,
        "_MARKET_GATES",
        tuple(gate for gate in rules.gates.judge._MARKET_GATES if gate is not rules.gates.caps.account_limits),
    ),
    "looks at no curve": (
        rules.gates.judge,
        "_MARKET_GATES",
        tuple(gate for gate in rules.gates.judge._MARKET_GATES if gate is not rules.gates.equity_curve.equity_curve),
    ),
    "opens again without end": (
        rules.deciding.ending,
        "begin",
        lambda context, position, earlier, _=0, *, late=False, right=rules.deciding.ending.begin: right(
            context, position, earlier, late=late
        ),
    ),
    "opens in the last month": (Mapped, "at", lambda mapped, _: mapped),
    "waits at no price": (rules.gates.entry, "at_source_price", lambda _, denied: denied),
    "waits for ever": (rules.deciding.shape, "canceling", lambda copy, _: (copy, None)),
    "filters nothing": (rules.gates.judge, "check_filter", never),
    "locks no stops": (rules.stops.stops, "_locked", lambda *_: False),
    "trails at half the distance": (
        rules.stops.protect,
        "follow_price",
        lambda exits, *rest, right=rules.stops.protect.follow_price: right(closer(exits), *rest),
    ),
    "has no budgets": (ConductWatch, "spent", never),
    "keeps no hours": (copier.engine.conduct_watch, "flat_denial", never),
    "closes before an account's time": (
        tests.checker.running,
        "empty_views",
        lambda able, rulebook, right=tests.checker.running.empty_views: right(able, evolve(rulebook, conduct=())),
    ),
    "trades on after its best day": (ResultsWatch, "denied", never),
    "reckons without costs": (rules.limits.results, "booked_money", lambda entry: getattr(entry, "realized_pnl", None)),
    "asks not how a position began": (rules.gates.judge, "_began", never),
    "takes no order for a beginning": (rules.model.beginnings, "_opened", lambda *_: False),
    "closes nothing for a mismatch": (MismatchWatch, "_flatten", never),
    "puts back whatever the policy says": (
        copier.engine.targets,
        "after_lots",
        lambda copy, leg, held, volume, _, price, right=copier.engine.targets.after_lots: right(
            copy, leg, held, volume, OnTargetChange.RESTORE, price
        ),
    ),
    "puts stops back again and again": (
        copier.engine.targets,
        "after_stops",
        lambda copy, moved, how, right=copier.engine.targets.after_stops: right(unmoved(copy), moved, how),
    ),
    "keeps nothing alive": (KeepAlives, "_decide", never),
    "trades to stay alive too often": (rules.deciding.keep_alive, "last_trade", lambda rule, _: rule.since),
    "protects no netted position": (NetStopWatch, "compare", never),
    "protects by the stops of the other side": (
        copier.engine.net_stops,
        "net_stops",
        lambda shares, side, instrument, right=copier.engine.net_stops.net_stops: right(
            shares, side.opposite, instrument
        ),
    ),
    "places orders elsewhere": (rules.deciding.mirror, "later_tick", lambda price, *_: price * 2),
    "lets orders wait through everything": (rules.deciding.decide, "forbids_new_risk", never),
    "opens beside what was mirrored": (Mirroring, "of", never),
    "obeys no source": (rules.gates.caps, "obeyed", never),
    "counts each symbol alone": (Together, "has", lambda *_: False),
    "forgets what was lost": (rules.gates.grants, "_scale", never),
    "keeps no proportions": (rules.sizes.sizing, "in_proportion", lambda wanted, *_: wanted),
    "closes what is asked, grid or not": (
        rules.deciding.shape,
        "possible_cut",
        lambda leg, excess, _: min(excess, leg.held),
    ),
}


@pytest.mark.slow  # runs days of about 0.1 s until one shows the bug
@pytest.mark.parametrize("name", BUGS)
def test_a_wrong_engine_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, attribute, wrong = BUGS[name]
    monkeypatch.setattr(module, attribute, wrong)
    assert any(run_day(seed).differences for seed in SEEDS[BEGIN.get(name, 0) :])
