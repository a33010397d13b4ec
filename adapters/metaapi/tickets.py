"""Keeps a position's id while MetaTrader 4 gives what a partial close leaves of it one new ticket after the other."""

import re
from collections.abc import Collection
from typing import TypeAlias

from attrs import define, field

from adapters.metaapi.values import name
from adapters.metaapi.wire import Position
from rules.model.values import PositionId

# What the MetaTrader 4 server writes over the comment of the rest.
_FROM = re.compile(r"from #([0-9]{1,20})\b")

_KEPT_MAX = 10_000
"""Tickets that are remembered; an account holds no more positions at once, and the oldest are long closed."""

_Opening: TypeAlias = tuple[object, ...]
"""What a rest has in common with what it is left of: symbol, side, opening price and time."""


@define
class Tickets:
    """One account's links from tickets to the id under which a position is known to us, for as long as we run."""

    _first: dict[str, PositionId] = field(factory=dict)
    _now: dict[PositionId, str] = field(factory=dict)
    _openings: dict[str, _Opening] = field(factory=dict)
    """Of tickets that were no rests."""
    _opened: dict[_Opening, set[PositionId]] = field(factory=dict)

    def learn(
        self, rows: Collection[Position], platform: str | None, *, also_open: Collection[str] = frozenset()
    ) -> None:
        """Take in which of the rows, told together, are what is left of an earlier ticket.

        Args:
            platform: of the account, for rows that do not tell theirs; MetaTrader 5 keeps its tickets.
            also_open: tickets of which these rows do not tell, as nothing has become of them.
        """
        movable = [row for row in rows if (row.platform or platform) == "mt4"]
        together = {str(row.id) for row in movable}
        for row in movable:
            ticket = name(row.id, "id of a position")
            if ticket in self._first or ticket in self._openings:
                continue
            found = _FROM.search(row.comment or "") or _FROM.search(row.broker_comment or "")
            first = None if found is None else self._origin(row, found[1], together, also_open)
            if first is None:
                self._remember(ticket, _opening(row))
            else:
                self._link(ticket, first)

    def first(self, ticket: str) -> PositionId:
        """Return the id under which a position is known that has this ticket now, or had it."""
        return self._first.get(ticket, PositionId(ticket))

    def now(self, position_id: PositionId) -> str:
        """Return the ticket that the venue knows a position by."""
        return self._now.get(position_id, position_id)

    def is_superseded(self, ticket: str, open_tickets: Collection[str]) -> bool:
        """Tell whether the position that had this ticket lives on under one of the open ones."""
        if not self._now:  # as in MetaTrader 5 always, for each of thousands
            return False
        now = self.now(self.first(ticket))
        return now != ticket and now in open_tickets

    def _origin(
        self, row: Position, old: str, together: Collection[str], also_open: Collection[str]
    ) -> PositionId | None:
        """Return what a row is left of whose comment names `old`; None where it is not: a person can write that too.

        Several partial closes may lie between two messages. Then nobody told us of `old`, and the opening says it.
        """
        if old in together:
            return None
        first, opening = self.first(old), _opening(row)
        if first in self._openings:
            return first if self._openings[first] == opening else None
        alive = {self.first(ticket) for ticket in (*together, *also_open) if ticket != str(row.id)}
        same = self._opened.get(opening, set()) - alive
        return next(iter(same)) if len(same) == 1 and first == old else first

    def _remember(self, ticket: str, opening: _Opening) -> None:
        self._openings[ticket] = opening
        self._opened.setdefault(opening, set()).add(PositionId(ticket))
        if len(self._openings) > _KEPT_MAX:
            oldest = next(iter(self._openings))
            gone = self._openings.pop(oldest)
            self._opened[gone].discard(PositionId(oldest))
            if not self._opened[gone]:
                del self._opened[gone]

    def _link(self, ticket: str, first: PositionId) -> None:
        self._first[ticket] = first
        self._now[first] = ticket
        if len(self._first) > _KEPT_MAX:
            oldest = next(iter(self._first))
            gone = self._first.pop(oldest)
            if self._now.get(gone) == oldest:
                del self._now[gone]


def _opening(row: Position) -> _Opening:
    return row.symbol, row.type, str(row.open_price), row.time
