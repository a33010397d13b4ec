"""An engine that decides limits wrongly is found: what they count from, compare, keep, close and allow."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from copier.engine import limit_watch
from copier.engine.conduct_watch import ConductWatch
from copier.engine.enforcement import Enforcement
from rules.gates import open_risk
from rules.limits import conduct
from rules.limits.limits import Judgement
from rules.limits.policy import EVERYTHING, Cap, Limit
from rules.limits.state import LimitState
from tests.checker.campaign import run_day

RIGHT, RIGHT_LOSS, RIGHT_TIME = limit_watch.judge, conduct._loss, conduct.offends_at
RIGHT_LOOK = ConductWatch.look

SEEDS = range(400)
"""Far more than any of them needs; a search ends at the first day that shows it."""

BEGIN = {"takes a percent of what it always does": 40}
"""Days that show it are rare: where the search begins."""


def judging(**changes: object) -> Callable[..., Judgement]:
    """Return what judges limits as if some of their keys were others, where they are written."""

    def judge(limit: Limit, *rest: Any, **also: Any) -> Judgement:
        kept = {key: value for key, value in changes.items() if getattr(limit, key)}
        return RIGHT(evolve(limit, **kept), *rest, **also)

    return judge


def half(lost: Decimal | None) -> Decimal | None:
    return None if lost is None else lost / 2


def later(at: datetime | None) -> datetime | None:
    return None if at is None else at + timedelta(minutes=10)


def week_from_monday(limit: Limit, *rest: Any, **also: Any) -> Judgement:
    """Judge as if every week began on a Monday."""
    reset = None if limit.reset is None else evolve(limit.reset, weekday=0)
    return RIGHT(evolve(limit, reset=reset), *rest, **also)


def forgetful(limit: Limit, state: LimitState | None, *rest: Any, **also: Any) -> Judgement:
    """Judge as if nothing ever stayed in force."""
    kept = None if state is None else evolve(state, latched=None, latched_at=None, halted_at=None)
    return RIGHT(limit, kept, *rest, **also)


BUGS: dict[str, tuple[object, str, object]] = {
    "ends no target that is not reached any more": (limit_watch, "judge", judging(resets_below=False)),
    "lets floors pass their lock": (limit_watch, "judge", judging(lock=None)),
    "locks no profit": (limit_watch, "judge", judging(lock_when=None)),
    "marks at any time": (Limit, "marks_at_reset", False),
    "counts from where it always does": (limit_watch, "judge", judging(anchor=None)),
    "compares what it always does": (limit_watch, "judge", judging(metric=None)),
    "counts what is not closed yet": (limit_watch, "judge", judging(include=EVERYTHING)),
    "takes a percent of what it always does": (limit_watch, "judge", judging(of=None)),
    "waits for no breach to last": (limit_watch, "judge", judging(hold=None)),
    "forgets the mark that was given": (limit_watch, "judge", judging(high_water_mark=None)),
    "compares whatever currency": (Limit, "currencies", frozenset()),
    "begins every week on a Monday": (limit_watch, "judge", week_from_monday),
    "lets nothing stay in force": (limit_watch, "judge", forgetful),
    "doubles what a trade may lose": (conduct, "_loss", lambda *known: half(RIGHT_LOSS(*known))),
    "lets positions stay open": (conduct, "offends_at", lambda rule, position: later(RIGHT_TIME(rule, position))),
    "judges no position": (Enforcement, "police", lambda *_: None),
    "closes no position that it tells of": (ConductWatch, "look", lambda *known: RIGHT_LOOK(*known) and []),
    "counts no risk that is open": (open_risk, "at_risk", lambda *_, **__: {}),
    "knows no tiers": (Cap, "allowed", lambda cap, _: cap.amount),
}


@pytest.mark.slow  # runs days of about 0.3 s until one shows the bug
@pytest.mark.parametrize("name", BUGS)
def test_an_engine_that_is_wrong_about_limits_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, attribute, wrong = BUGS[name]
    monkeypatch.setattr(module, attribute, wrong)
    assert any(run_day(seed).differences for seed in SEEDS[BEGIN.get(name, 0) :])
