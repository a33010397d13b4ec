"""Follows the source: a living copy is brought to its volume and its stops."""

from datetime import datetime, timedelta

from rules.deciding.decision import Context, Decision, earlier
from rules.deciding.ending import over
from rules.deciding.limit_entry import looked_at_again
from rules.deciding.opening import new_legs, waits
from rules.deciding.shape import shape
from rules.gates.judge import judge_new_risk
from rules.gates.question import Grant, Question
from rules.model.actions import Action
from rules.model.copies import (
    ZERO,
    Copy,
)
from rules.model.evolving import evolve
from rules.model.look_ups import LookUp
from rules.model.observed import Position
from rules.model.trace import Note, Trace
from rules.model.values import plain
from rules.sizes.sizing import following_volume

INCREASE_AGE_MAX = timedelta(seconds=60)
"""How long an increase may wait where the guard names no age."""


LOOK_UP_AGAIN = timedelta(seconds=10)
"""A reduction that waits for the instrument asks again this often: the look-up may have met bad weather."""


def follow(context: Context, copy: Copy, position: Position) -> Decision:
    """Bring a living copy to the source's volume and stops."""
    if not copy.holds:
        return over(context, copy, position)
    trace: Trace = ()
    look_ups: tuple[LookUp, ...] = ()
    opened: tuple[Action, ...] = ()
    again: datetime | None = None
    if position.volume > max(copy.followed, copy.refused):
        grown = _grow(context, copy, position)
        assert grown.copy is not None  # _grow returns the record always
        copy, opened, trace, look_ups, again = (
            grown.copy,
            grown.actions,
            grown.trace,
            grown.look_ups,
            grown.look_again_at,
        )
    elif copy.wait_until is not None:
        copy = evolve(copy, wait_until=None)  # the increase that waited was taken back
    instrument = context.target.instruments.get(copy.legs[0].symbol)
    desired = copy.granted
    if instrument is not None and position.volume < copy.followed:
        desired = following_volume(copy.ratio, position.volume, copy.granted, instrument, context.link.policy.volume)
        if desired < copy.granted:
            copy = evolve(copy, granted=desired, followed=position.volume, refused=ZERO)
            trace = (*trace, _followed(copy, position))
    again = earlier(again, looked_at_again(context, copy))
    shaped = shape(context, copy, desired, position)
    if shaped.copy is not None and not shaped.copy.holds:
        return over(context, shaped.copy, position, (*trace, *shaped.trace))
    if instrument is None:
        look_ups = (*look_ups, LookUp(context.target.account, copy.legs[0].symbol))
        again = earlier(again, context.now + LOOK_UP_AGAIN)
    return Decision(
        shaped.copy,
        (*shaped.actions, *opened),
        (*trace, *shaped.trace),
        (*look_ups, *shaped.look_ups),
        earlier(again, shaped.look_again_at),
    )


def _followed(copy: Copy, position: Position) -> Note:
    return Note("volume", "follows the source", (("source", plain(position.volume)), ("target", plain(copy.granted))))


def _grow(context: Context, copy: Copy, position: Position) -> Decision:
    """Judge an increase of the source as new risk; a denied one is not asked about again."""
    held = copy.exposure
    question = Question(
        context.now,
        context.link,
        context.source,
        context.target,
        position,
        context.origin,
        context.now,
        (copy.ratio, held),
        copy.stop_gap,
        at_target=context.at_target,
        held_in=copy.target_symbol,
        heard=context.heard,
    )
    answer, trace, look_ups = judge_new_risk(question)
    if isinstance(answer, Grant):
        legs, actions = new_legs(context, copy, answer)
        grown = evolve(
            copy,
            granted=held + answer.sized.volume,
            followed=position.volume,
            wait_until=None,
            legs=(*copy.legs, *legs),
            legs_made=copy.legs_made + len(legs),
        )
        return Decision(grown, actions, trace)
    wait_until = copy.wait_until or context.now + (context.link.policy.guard.max_age or INCREASE_AGE_MAX)
    if waits(context, answer) and context.now < wait_until:
        return Decision(evolve(copy, wait_until=wait_until), (), trace, look_ups, wait_until)
    return Decision(evolve(copy, refused=position.volume, wait_until=None), (), trace)
