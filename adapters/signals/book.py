"""What signals add up to: given what is open and one signal, what is open afterwards. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import evolve

from adapters.base import SignalConflict
from adapters.signals.words import Close, Modify, Open, Signal, Which
from rules.model.frozen import frozen
from rules.model.observed import Position
from rules.model.values import PositionId, plain

POSITIONS_MAX = 1000
"""Open at one time: more is a program gone wrong."""

ANOTHER_LIFE = timedelta(seconds=1)
"""A position that is opened under an id that was used before is another one only if it was opened later than this."""


@frozen
class Outcome:
    """The positions that are not what they were (None: closed), and what was done, in words."""

    changed: Mapping[PositionId, Position | None]
    says: str


def applied(positions: Mapping[PositionId, Position], lives: Mapping[PositionId, datetime], signal: Signal) -> Outcome:
    """Return what a signal does.

    Args:
        lives: when each position was opened last, closed ones too.
    Raises:
        SignalConflict: it does not fit what is open; nothing is done.
    """
    match signal.instruction:
        case Open():
            return _opened(positions, lives, signal, signal.instruction)
        case Modify():
            return _modified(positions, signal.instruction)
        case Close():
            return _closed(positions, signal.instruction)


def _opened(
    positions: Mapping[PositionId, Position], lives: Mapping[PositionId, datetime], signal: Signal, wanted: Open
) -> Outcome:
    if wanted.position_id in positions:
        raise SignalConflict(f"position {wanted.position_id} is open already")
    if len(positions) >= POSITIONS_MAX:
        raise SignalConflict(f"expected at most {POSITIONS_MAX} open positions, found more")
    last = lives.get(wanted.position_id)
    if last is not None and signal.at <= last + ANOTHER_LIFE:
        raise SignalConflict(f"position {wanted.position_id} was opened before at {last.isoformat()}, which is later")
    position = Position(
        wanted.position_id,
        wanted.symbol,
        wanted.side,
        wanted.volume,
        wanted.price,
        signal.at,
        wanted.stop_loss,
        wanted.take_profit,
        wanted.contract_size,
        magic=wanted.magic,
        comment=wanted.comment,
    )
    says = f"opened {wanted.side.value} {plain(wanted.volume)} {wanted.symbol} as {wanted.position_id}"
    return Outcome({wanted.position_id: position}, says)


def _modified(positions: Mapping[PositionId, Position], wanted: Modify) -> Outcome:
    found = _meant(positions, wanted.which)
    if len(found) != 1:
        raise SignalConflict(f"expected one position, found {len(found)}; name it by `position`")
    [held] = found
    changed = evolve(held, **wanted.changes)
    return Outcome({held.position_id: changed}, f"modified {held.position_id}")


def _closed(positions: Mapping[PositionId, Position], wanted: Close) -> Outcome:
    found = _meant(positions, wanted.which)
    if not found:
        return Outcome({}, "nothing of it was open")  # a close that comes late has what it wants
    if wanted.volume is None:
        return Outcome(dict.fromkeys(each.position_id for each in found), f"closed {len(found)}")
    if len(found) != 1:
        raise SignalConflict(f"expected one position to close in part, found {len(found)}; name it by `position`")
    [held] = found
    if wanted.volume >= held.volume:
        return Outcome({held.position_id: None}, "closed 1")
    left = held.volume - wanted.volume
    return Outcome({held.position_id: evolve(held, volume=left)}, f"reduced {held.position_id} to {plain(left)}")


def _meant(positions: Mapping[PositionId, Position], which: Which) -> list[Position]:
    if which.position_id is not None:
        held = positions.get(which.position_id)
        return [] if held is None else [held]
    return [
        each for each in positions.values() if which.symbol in (None, each.symbol) and which.side in (None, each.side)
    ]
