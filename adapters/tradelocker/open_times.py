"""One opening time per position: the first that either of the venue's two APIs told.

Whether their times agree to the millisecond is not documented. A position that seems to have opened later than it did
a moment ago looks like another life of its id, and could be copied twice; here an id has one life.
"""

from collections import OrderedDict
from datetime import datetime
from typing import Final

from attrs import evolve

from rules.model.events import Event, PositionReported, SnapshotReceived
from rules.model.observed import Position
from rules.model.values import PositionId

_POSITIONS_MAX: Final = 20_000
"""Twice what one stream may hold; the ids that were not seen for longest are forgotten first."""


class OpenTimes:
    """Remembers, and gives positions and events back with the time that was told first."""

    def __init__(self) -> None:
        self._first: OrderedDict[PositionId, datetime] = OrderedDict()

    def settled(self, position: Position) -> Position:
        """Return `position` with its first opening time."""
        first = self._first.setdefault(position.position_id, position.opened_at)
        self._first.move_to_end(position.position_id)
        if len(self._first) > _POSITIONS_MAX:
            self._first.popitem(last=False)
        return position if position.opened_at == first else evolve(position, opened_at=first)

    def settled_event(self, event: Event) -> Event:
        """Return `event` with the first opening times in all of its positions."""
        match event:
            case PositionReported():
                return evolve(event, position=self.settled(event.position))
            case SnapshotReceived():
                return evolve(event, positions=tuple(self.settled(position) for position in event.positions))
        return event
