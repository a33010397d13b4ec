"""Keeps a position's id while MetaTrader 4 gives what a partial close leaves of it one new ticket after the other."""

import re
from collections.abc import Collection, Mapping

from attrs import define, field

from adapters.metaapi.values import name
from adapters.metaapi.wire import Position
from rules.values import PositionId

# What the MetaTrader 4 server writes over the comment of the rest.
_FROM = re.compile(r"from #([0-9]{1,20})\b")

_KEPT_MAX = 10_000
"""Links that are remembered; an account holds no more positions at once, and the oldest are long closed."""


@define
class Tickets:
    """One account's links from tickets to the id under which a position is known to us, for as long as we run."""

    _first: dict[str, PositionId] = field(factory=dict)
    _now: dict[PositionId, str] = field(factory=dict)

    def learn(self, rows: Collection[Position], known: Mapping[str, Position], platform: str | None) -> None:
        """Take in which of the rows, told together, are what is left of an earlier ticket.

        Args:
            known: rows of before, by ticket; what is left of one has its opening.
            platform: of the account, for rows that do not tell theirs; MetaTrader 5 keeps its tickets.
        """
        together = {str(row.id) for row in rows}
        for row in rows:
            ticket = name(row.id, "id")
            if ticket in self._first or (row.platform or platform) != "mt4":
                continue
            found = _FROM.search(row.comment or "") or _FROM.search(row.broker_comment or "")
            if found is None or found[1] in together:  # also a person can write such a comment
                continue
            before = known.get(found[1])
            if before is None or _opening(before) == _opening(row):
                self._link(ticket, self.first(found[1]))

    def first(self, ticket: str) -> PositionId:
        """Return the id under which a position is known that has this ticket now, or had it."""
        return self._first.get(ticket, PositionId(ticket))

    def now(self, position_id: PositionId) -> str:
        """Return the ticket that the venue knows a position by."""
        return self._now.get(position_id, position_id)

    def is_superseded(self, ticket: str, open_tickets: Collection[str]) -> bool:
        """Tell whether the position that had this ticket lives on under one of the open ones."""
        now = self.now(self.first(ticket))
        return now != ticket and now in open_tickets

    def _link(self, ticket: str, first: PositionId) -> None:
        self._first[ticket] = first
        self._now[first] = ticket
        if len(self._first) > _KEPT_MAX:
            oldest = next(iter(self._first))
            gone = self._first.pop(oldest)
            if self._now.get(gone) == oldest:
                del self._now[gone]


def _opening(row: Position) -> tuple[object, ...]:
    return row.symbol, row.type, row.open_price, row.time
