"""Copies that end later than their source, or sooner."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.books.mismatch import desired_volume
from rules.books.reconcile import lose_leg
from rules.deciding.exits import NEVER, close_due
from rules.model.copies import CopyStatus, Ending
from rules.policy.exits import Exits
from rules.policy.links import CopyPolicy
from rules.policy.pacing import Delay, Span
from rules.policy.size import VolumePolicy
from tests.rules.playbook import EURUSD, T0, Playbook, position, shape

SECOND = timedelta(seconds=1)
STOPPED = position(stop_loss=Decimal("1.05"), take_profit=Decimal("1.2"))


def opened(exits: Exits, held=STOPPED, **policy: object) -> Playbook:
    play = Playbook(CopyPolicy("exits", exits=exits, **policy))
    play.fills(play.sees(held))
    return play


def test_a_copy_is_held_for_its_minimum_time() -> None:
    play = opened(Exits(min_hold=10 * SECOND))
    play.waits(4)
    assert play.sees(None) == []
    assert play.last.look_again_at == T0 + 10 * SECOND
    assert shape(play.waits(6)) == [("close", "1.00")]


@pytest.mark.parametrize(("own", "accounts", "seconds"), [(None, 10, 10), (4, 10, 10), (20, 10, 20)])
def test_an_accounts_minimum_time_holds_for_every_policy(own: int | None, accounts: int, seconds: int) -> None:
    play = opened(Exits(min_hold=None if own is None else own * SECOND))
    play.target.min_hold = accounts * SECOND
    assert play.sees(None) == []
    assert play.last.look_again_at == T0 + seconds * SECOND
    assert shape(play.waits(seconds)) == [("close", "1.00")]


def test_what_must_be_flat_does_not_wait_for_an_accounts_minimum_time() -> None:
    play = opened(Exits())
    play.target.min_hold = 10 * SECOND
    assert play.copy is not None
    play.copy = evolve(play.copy, flatten="small/daily_loss")
    assert shape(play.again()) == [("close", "1.00")]


def test_after_its_minimum_time_it_closes_with_its_source() -> None:
    play = opened(Exits(min_hold=10 * SECOND))
    play.waits(10)
    assert shape(play.sees(None)) == [("close", "1.00")]


def test_the_sources_close_is_ignored_while_both_stops_are_set() -> None:
    play = opened(Exits(ignore_close=True))
    assert play.sees(None) == []
    assert play.last.look_again_at is None
    assert play.waits(10**6) == []
    assert play.copy is not None
    play.copy = lose_leg(play.copy, 0)
    assert play.again() == []
    assert (play.copy.status, play.copy.ending) == (CopyStatus.ENDED, Ending.SOURCE_CLOSED)


@pytest.mark.parametrize("missing", ["stop_loss", "take_profit"])
def test_with_one_stop_missing_it_is_not_ignored(missing: str) -> None:
    play = opened(Exits(ignore_close=True), evolve(STOPPED, **{missing: None}))
    assert shape(play.sees(None)) == [("close", "1.00")]


def test_it_may_be_ignored_for_a_while_only() -> None:
    play = opened(Exits(ignore_close=True, ignore_close_for=30 * SECOND))
    assert play.sees(None) == []
    assert play.waits(29) == []
    assert shape(play.waits(1)) == [("close", "1.00")]


def test_a_copy_is_closed_after_its_longest_time_and_not_opened_again() -> None:
    play = opened(Exits(max_open=60 * SECOND))
    assert play.last.look_again_at == T0 + 60 * SECOND
    assert play.waits(59) == []
    closing = play.waits(1)
    assert shape(closing) == [("close", "1.00")]
    assert play.fills(closing) == []
    assert play.copy is not None
    assert (play.copy.status, play.copy.ending) == (CopyStatus.ENDED, Ending.FLATTENED)
    assert play.waits(60) == []


def test_the_longest_time_ends_an_ignored_close_too() -> None:
    play = opened(Exits(ignore_close=True, max_open=60 * SECOND))
    assert play.sees(None) == []
    assert play.last.look_again_at == T0 + 60 * SECOND
    assert shape(play.waits(60)) == [("close", "1.00")]


def test_what_is_held_back_on_purpose_is_no_mismatch() -> None:
    play = opened(Exits(ignore_close=True))
    play.sees(None)
    assert play.copy is not None
    assert desired_volume(play.copy, None, EURUSD, VolumePolicy()) == 1
    flat = evolve(play.copy, flatten="limit")
    assert desired_volume(flat, None, EURUSD, VolumePolicy()) == 0


spans = st.none() | st.builds(lambda s: Span(s * SECOND, s * SECOND), st.integers(0, 60))
seconds = st.none() | st.integers(0, 60).map(lambda s: s * SECOND)


@given(st.booleans(), seconds, seconds, seconds, spans, st.integers(0, 90))
def test_a_close_is_never_held_back_beyond_what_was_said(ignore, ignore_for, hold, most, span, waited):
    play = opened(Exits(hold, ignore, ignore_for, most), delay=Delay(close=span))
    assert play.copy is not None
    now = T0 + waited * SECOND
    due = close_due(play.copy, play.policy, play.target, now)
    held = [waited * SECOND + (span.least if span else 0 * SECOND), hold or 0 * SECOND]
    if ignore:
        held.append(waited * SECOND + ignore_for if ignore_for is not None else NEVER - T0)
    longest = max(held) if most is None else min(max(held), most)
    assert due is None or due - T0 == longest
    assert due is not None or longest <= waited * SECOND
