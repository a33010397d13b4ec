"""A copy that the target closed by itself stays closed, unless the policy lets it be opened again."""

from datetime import timedelta

import pytest

from rules.books.reconcile import lose_leg
from rules.model.actions import OpenPosition
from rules.model.copies import CopyStatus, Ending
from rules.model.events import Origin
from rules.model.reports import NotFound, OutcomeUnknown
from rules.policy.guard import Guard, StartPolicy
from rules.policy.links import CopyPolicy
from tests.rules.playbook import Playbook, position, shape


def closed_by_target(play: Playbook) -> list[object]:
    """Let the target have closed what the copy holds, and return what follows."""
    assert play.copy is not None
    leg = next(leg for leg in play.copy.legs if leg.live)
    play.copy = lose_leg(play.copy, leg.number)
    return list(play.again())


def opened(policy: CopyPolicy) -> tuple[Playbook, OpenPosition]:
    play = Playbook(policy)
    [order] = play.sees(position())
    assert isinstance(order, OpenPosition)
    play.fills([order])
    return play, order


def test_it_stays_closed_unless_told_otherwise() -> None:
    play, _ = opened(CopyPolicy("plain"))
    assert closed_by_target(play) == []
    assert play.waits(3600) == []


def test_it_is_opened_again_as_often_as_told_each_time_by_another_order() -> None:
    play, first = opened(CopyPolicy("again", reopen=2))
    seen = {first.cl_ord_id}
    for _ in range(2):
        [order] = closed_by_target(play)
        assert isinstance(order, OpenPosition)
        assert order.cl_ord_id not in seen
        seen.add(order.cl_ord_id)
        play.fills([order])
    assert closed_by_target(play) == []
    assert play.copy is not None
    assert (play.copy.status, play.copy.ending) == (CopyStatus.ENDED, Ending.TARGET_CLOSED)
    assert play.waits(3600) == []


@pytest.mark.parametrize("origin", list(Origin))
def test_its_age_counts_from_then_however_old_the_position_is(origin: Origin) -> None:
    young = timedelta(seconds=3)
    play = Playbook(CopyPolicy("again", guard=Guard(max_age=young), on_start=StartPolicy(max_age=young), reopen=1))
    play.fills(play.sees(position(), origin))
    play.now += timedelta(hours=1)
    assert shape(closed_by_target(play)) == [("open", "1.00")]  # type: ignore[arg-type]


def test_it_is_opened_again_when_an_increase_comes_to_nothing_after_it_was_closed() -> None:
    policy = CopyPolicy("again", guard=Guard(max_age=timedelta(seconds=10)), reopen=1)
    play, _ = opened(policy)
    [increase] = play.sees(position("3"))
    assert play.reports(OutcomeUnknown(increase.cl_ord_id, "no answer")) == []
    assert closed_by_target(play) == []
    play.now += timedelta(seconds=30)
    assert shape(play.reports(NotFound(increase.cl_ord_id))) == [("open", "3.00")]
    assert play.codes == ["TOO_OLD"]
    assert play.copy is not None
    assert (play.copy.status, play.copy.reopened) == (CopyStatus.ACTIVE, 1)


def test_it_passes_the_gates_as_new_risk() -> None:
    play, _ = opened(CopyPolicy("again", reopen=1))
    play.target.halted = "anna: storm"
    assert closed_by_target(play) == []
    assert play.codes == ["ACCOUNT_HALTED"]
    play.target.halted = None
    assert play.again() == []


def test_what_was_opened_again_closes_with_its_source() -> None:
    play, _ = opened(CopyPolicy("again", reopen=1))
    play.fills(closed_by_target(play))  # type: ignore[arg-type]
    closing = play.sees(None)
    assert shape(closing) == [("close", "1.00")]
    play.fills(closing)
    assert play.copy is not None
    assert play.copy.ending is Ending.SOURCE_CLOSED


def test_another_life_of_the_position_may_be_opened_again_as_often() -> None:
    play, _ = opened(CopyPolicy("again", reopen=1))
    play.fills(closed_by_target(play))  # type: ignore[arg-type]
    play.fills(play.sees(None))
    play.now += timedelta(minutes=1)
    play.fills(play.sees(position(opened_at=play.now)))
    assert shape(closed_by_target(play)) == [("open", "1.00")]  # type: ignore[arg-type]
