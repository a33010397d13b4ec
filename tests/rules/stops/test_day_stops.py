"""Stop-losses that are orders of the day: entered after the opening, and anew when the position shows none."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from rules.deciding.settling import STOPS_TRIES
from rules.model.actions import Action, OpenPosition, ReplaceStops
from rules.model.copies import Purpose
from rules.model.observed import Position
from rules.model.reports import Rejected
from rules.model.state import AccountView
from rules.model.values import AccountId, OmsType, PositionId, Side
from rules.policy.links import CopyPolicy
from rules.policy.stops import Stops, StopsMode
from rules.stops.day import REFUSED_PAUSE, SETTLED_FOR
from tests.rules.playbook import EURUSD, Playbook, filled, position, shape

STOP, TAKE = Decimal("1.0900"), Decimal("1.1200")
LATER = (SETTLED_FOR + timedelta(seconds=1)).total_seconds()


def playbook(mode: StopsMode = StopsMode.PRICE, **target: object) -> Playbook:
    """Return a link to a venue that keeps a stop-loss for the session and no take-profit."""
    view = AccountView(AccountId("target"), known=True, ready=True, instruments={EURUSD.symbol: EURUSD})
    view = evolve(view, **{"keeps_take_profit": False, "stop_loss_lasts": False, **target})
    return Playbook(CopyPolicy("test", stops=Stops(mode)), target=view)


def opened(play: Playbook, held: Position | None = None) -> list[Action]:
    """Open the copy; returns what follows at once."""
    [opening] = play.sees(held or position(stop_loss=STOP, take_profit=TAKE))
    assert isinstance(opening, OpenPosition)
    assert (opening.stop_loss, opening.take_profit) == (None, None)
    return play.reports(filled(opening, "t1"))


def shows(play: Playbook, stop_loss: Decimal | None, side: Side = Side.BUY) -> list[Action]:
    """Let the target's books, asked for now, show the position so."""
    shown = position(position_id=PositionId("t1"), stop_loss=stop_loss, side=side)
    play.target.positions[shown.position_id] = shown
    play.target.looked_at = play.now
    return play.again()


def protected() -> Playbook:
    """Return a copy whose stop-loss was entered and is shown."""
    play = playbook()
    assert play.fills(opened(play)) == []
    play.waits(LATER)
    assert shows(play, STOP) == []
    return play


def test_the_stop_loss_follows_the_opening_and_the_take_profit_does_not() -> None:
    [stops] = opened(playbook())
    assert isinstance(stops, ReplaceStops)
    assert (stops.position_id, stops.stop_loss, stops.take_profit, stops.side) == ("t1", STOP, None, Side.BUY)


def test_a_policy_or_a_source_without_a_stop_loss_enters_none() -> None:
    play = playbook(StopsMode.NONE)
    assert opened(play) == []
    play.waits(LATER)
    assert shows(play, None) == []
    assert opened(playbook(), position(take_profit=TAKE)) == []


def test_one_that_is_missing_is_entered_anew_at_the_price_that_the_source_has_now() -> None:
    play = protected()
    play.waits(60_000)
    [again] = shows(play, None)
    assert (again.stop_loss, again.side) == (STOP, Side.BUY)
    assert "the position shows no stop-loss" in str(play.last.trace)
    assert shows(play, None) == []  # it is under way
    play.fills([again])
    play.waits(60_000)
    play.held = position(stop_loss=Decimal("1.0950"))
    assert shape(shows(play, None)) == [("stops", "1.0950")]


def test_one_that_is_shown_is_left_alone_whatever_its_price() -> None:
    play = protected()
    play.waits(60_000)
    assert shows(play, Decimal("1.05")) == []


def test_books_that_were_asked_for_too_soon_prove_nothing() -> None:
    play = playbook()
    play.fills(opened(play))
    asked_at = play.now
    for seconds in (0.0, SETTLED_FOR.total_seconds() - 1):
        play.now = asked_at + timedelta(seconds=seconds)
        assert shows(play, None) == []
    play.now = asked_at + SETTLED_FOR
    assert shape(shows(play, None)) == [("stops", "1.0900")]


def test_what_only_the_stream_showed_since_proves_nothing() -> None:
    play = protected()
    play.waits(60_000)
    play.target.positions[PositionId("t1")] = position(position_id=PositionId("t1"))
    play.target.looked_at = play.copy.legs[0].settled_at
    assert play.again() == []


def test_a_position_that_is_gone_or_on_the_other_side_gets_none() -> None:
    play = protected()
    play.waits(60_000)
    assert shows(play, None, Side.SELL) == []
    play.target.positions.clear()
    assert play.again() == []
    play = playbook()
    play.target.positions[PositionId("t1")] = position(position_id=PositionId("t1"), side=Side.SELL)
    assert opened(play) == []
    play.waits(LATER)
    assert shape(shows(play, None)) == [("stops", "1.0900")]


def test_a_short_copy_gets_one_above() -> None:
    play = playbook()
    play.policy = evolve(play.policy, reverse=True)
    play.link = evolve(play.link, policy=play.policy)
    [opening] = play.sees(position(stop_loss=STOP, take_profit=TAKE))
    [stops] = play.reports(filled(opening, "t1"))
    assert (stops.stop_loss, stops.take_profit, stops.side) == (TAKE, None, Side.SELL)
    play.fills([stops])
    play.waits(LATER)
    assert shape(shows(play, None, Side.SELL)) == [("stops", "1.1200")]


def test_where_stops_last_an_absent_one_is_a_persons_doing() -> None:
    play = playbook(stop_loss_lasts=True)
    [opening] = play.sees(position(stop_loss=STOP))
    assert opening.stop_loss == STOP
    assert play.reports(filled(opening, "t1")) == []
    play.waits(60_000)
    assert shows(play, None) == []


def test_on_a_netting_target_a_hedging_sources_copies_get_none() -> None:
    play = playbook(oms=OmsType.NETTING)
    assert opened(play) == []
    play.waits(LATER)
    assert shows(play, None) == []


def test_one_that_the_venue_refuses_is_tried_some_times_and_then_only_after_a_long_pause() -> None:
    play = playbook()
    actions = opened(play)
    tries = 0
    while actions:
        tries += 1
        actions = play.reports(Rejected(actions[0].cl_ord_id, "halted")) or play.waits(60) or shows(play, None)
        if tries == STOPS_TRIES:
            break
    leg = play.copy.legs[0]
    assert (leg.stop_loss, leg.stops_refused_at is not None, leg.pending) == (STOP, True, None)
    given_up_at = leg.stops_refused_at
    for minutes in range(1, 15):
        play.now = given_up_at + timedelta(minutes=minutes)
        assert shows(play, None) == []
    play.now = given_up_at + REFUSED_PAUSE
    [again] = shows(play, None)
    play.fills([again])
    assert play.copy.legs[0].stops_refused_at is None


@pytest.mark.parametrize("volume", ["1", "0.5"])
def test_a_close_or_a_reduction_does_not_wait_for_a_missing_one(volume: str) -> None:
    play = protected()
    play.waits(60_000)
    shown = position(position_id=PositionId("t1"))
    play.target.positions[shown.position_id] = shown
    play.target.looked_at = play.now
    actions = play.sees(None if volume == "1" else position("0.5", stop_loss=STOP))
    assert [type(action).__name__ for action in actions] == ["ClosePosition" if volume == "1" else "ReducePosition"]
    assert play.copy.legs[0].pending.purpose in (Purpose.CLOSE, Purpose.REDUCE)
