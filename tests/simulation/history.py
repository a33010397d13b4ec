"""The lives of positions as a book's orders tell them: when opened, with how much, what was taken off, when closed."""

from datetime import datetime

from attrs import define, field

from adapters.simulation.broker import Book, BookOrder, Purpose, Result
from rules.values import PositionId, Side, Symbol, Volume


@define
class PositionLife:
    """One position from its first order to its last."""

    position_id: PositionId
    tag: str | None
    symbol: Symbol
    side: Side
    opened_at: datetime
    volumes: list[tuple[datetime, Volume]] = field(factory=list)
    """What it held from each moment on; zero at its end."""
    closed_by: BookOrder | None = None

    @property
    def closed_at(self) -> datetime | None:
        return None if self.closed_by is None else self.closed_by.at

    @property
    def volume(self) -> Volume:
        return self.volumes[-1][1]

    def volumes_until(self, at: datetime) -> list[Volume]:
        """Return every volume above zero that it had until then."""
        return [volume for since, volume in self.volumes if since <= at and volume]


def lives_of(book: Book) -> dict[PositionId, PositionLife]:
    """Return all positions that a hedging book ever had."""
    lives: dict[PositionId, PositionLife] = {}
    for order in book.orders:
        if order.status is not Result.FILLED or order.position_id is None:
            continue
        if order.purpose is Purpose.OPEN:
            life = PositionLife(order.position_id, order.tag, order.symbol, order.side, order.at)
            life.volumes.append((order.at, order.volume))
            lives[order.position_id] = life
            continue
        life = lives[order.position_id]
        life.volumes.append((order.at, life.volume - order.volume))
        if not life.volume:
            life.closed_by = order
    return lives
