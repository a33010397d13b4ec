"""The lives of positions as a book tells them: when opened, with how much, what came and went, when and how closed."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import pairwise

import attrs
from attrs import define, field

from adapters.simulation.broker import Book, BookOrder, Purpose, Result
from rules.model.values import OmsType, PositionId, Side, Symbol, Volume

ZERO = Volume(0)

STOP = "-stop"
"""What the tag of a stop-loss ends in, where that is an order of its own."""


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
    closed_at: datetime | None = None
    stopped_out: bool = False
    told_id: PositionId = field(default=attrs.Factory(lambda self: self.position_id, takes_self=True))
    """What the venue calls it."""
    openings: list[datetime] = field(default=attrs.Factory(lambda self: [self.opened_at], takes_self=True))
    """When it was opened, and opened again under the same name."""

    @property
    def volume(self) -> Volume:
        return self.volumes[-1][1]

    def was_flat(self, since: datetime, until: datetime) -> bool:
        """Tell whether it held nothing at some moment from `since` to `until`."""
        ends = [at for at, _ in self.volumes[1:]] + [until]
        return any(
            not volume and begin <= until and end >= since
            for (begin, volume), end in zip(self.volumes, ends, strict=True)
        )

    def volumes_until(self, at: datetime) -> list[Volume]:
        """Return every volume above zero that it had until then."""
        return [volume for since, volume in self.volumes if since <= at and volume]

    def reopened(self, since: datetime, until: datetime) -> bool:
        """Tell whether it was opened again under the same name after `since`, until `until`."""
        return any(since < at <= until for at in self.openings[1:])

    def grew(self, since: datetime, until: datetime) -> bool:
        """Tell whether it was increased after `since`, until `until`."""
        steps = pairwise(self.volumes)
        return any(after > before and since < at <= until for (_, before), (at, after) in steps)


def lives_of(book: Book) -> dict[PositionId, PositionLife]:
    """Return all positions that a book ever had."""
    lives: dict[PositionId, PositionLife] = {}
    closed = {each.position.position_id: each for each in book.closed}
    for order in book.orders:
        if order.status is not Result.FILLED or order.position_id is None:
            continue
        life = lives.get(order.position_id)
        if life is None:
            life = PositionLife(order.position_id, order.tag, order.symbol, order.side, order.at)
            turned = _turned(book, lives.values(), order)
            life.volumes.append((order.at, order.volume - turned))
            lives[order.position_id] = life
        elif order.purpose is Purpose.OPEN:
            life.volumes.append((order.at, life.volume + order.volume))
        else:
            life.volumes.append((order.at, life.volume - order.volume))
    for position_id, end in closed.items():
        lives[position_id].closed_at = end.closed_at
        lives[position_id].stopped_out = end.purpose is Purpose.STOP_OUT
        if lives[position_id].volume:  # turned around: the order that closed it is the next one's
            lives[position_id].volumes.append((end.closed_at, ZERO))
    return lives


def by_symbol(lives: Iterable[PositionLife]) -> dict[PositionId, PositionLife]:
    """Return lives as a venue tells them that calls a position by its symbol: what is opened again goes on.

    Nobody who was away, or whose close is still under way, can tell lives of one side apart, and need not.
    """
    last: dict[tuple[Symbol, Side], PositionLife] = {}
    told: dict[PositionId, PositionLife] = {}
    for life in sorted(lives, key=lambda life: life.opened_at):
        life.told_id = PositionId(life.symbol)
        before = last.get((life.symbol, life.side))
        if before is not None:
            life.volumes = before.volumes + life.volumes
            life.openings = before.openings + life.openings
            life.opened_at = before.opened_at
            del told[before.position_id]
        last[life.symbol, life.side] = told[life.position_id] = life
    return told


def shares_of(
    book: Book, opening_of: Callable[[str], str | None], overtaken: Callable[[str], None], in_flight: timedelta
) -> tuple[dict[PositionId, PositionLife], list[PositionLife]]:
    """Return what our orders hold of a netting account's positions, as if each leg had a position of its own.

    A stop that the venue executes ends them all. The close of a leg that other legs offset is an opposite order; if it
    is under way when the stop is hit, nobody can call it back, and it opens lots that no leg has. The copier closes
    those of one order a leg again; what it leaves of them, it takes off the newest leg.

    Args:
        opening_of: tells for an order's tag the tag of the opening whose lots it opened or closed; None: not ours.
        overtaken: is told the tag of each such close; from then on `opening_of` knows the orders that close it again.
        in_flight: how long a close may have been under way when the stop was hit.

    Returns:
        the shares, and what is left of the lots that no leg has.
    """
    shares: dict[PositionId, PositionLife] = {}
    strays: dict[PositionId, PositionLife] = {}
    overtaken_shares: set[PositionId] = set()
    net: dict[Symbol, Volume] = {}
    for order in book.orders:
        if order.status is Result.FILLED:
            net[order.symbol] = net.get(order.symbol, ZERO) + order.volume * order.side.sign
        if order.purpose is Purpose.STOP_OUT or is_stop_loss(order):
            _stop_out((*shares.values(), *strays.values()), order, all_of_it=not net[order.symbol])
            continue
        opening = None if order.tag is None else opening_of(order.tag)
        if order.status is not Result.FILLED or opening is None:
            continue
        share = shares.get(PositionId(opening)) or strays.get(PositionId(opening))
        if share is None:
            shares[PositionId(opening)] = _opened(order, opening)
            continue
        under_way = share.stopped_out and share.closed_at is not None and order.at - share.closed_at < in_flight
        if under_way and share.position_id not in overtaken_shares:
            assert order.tag is not None  # it has an opening
            overtaken_shares.add(share.position_id)
            strays[PositionId(order.tag)] = _opened(order, order.tag)
            overtaken(order.tag)
            continue
        share.volumes.append((order.at, share.volume + order.volume * order.side.sign * share.side.sign))
        share.closed_at = None if share.volume else order.at
    left = [stray for stray in strays.values() if stray.volume]
    for stray in left:
        _take_off_newest(shares.values(), stray)
    return shares, left


def _opened(order: BookOrder, opening: str) -> PositionLife:
    life = PositionLife(PositionId(opening), opening, order.symbol, order.side, order.at)
    life.volumes.append((order.at, order.volume))
    return life


def is_stop_loss(order: BookOrder) -> bool:
    """Tell whether an order was a stop-loss of ours that was reached, where that is an order of its own."""
    return order.status is Result.FILLED and order.tag is not None and order.tag.endswith(STOP)


def _stop_out(shares: Iterable[PositionLife], order: BookOrder, *, all_of_it: bool) -> None:
    """End the shares that a stop took: all there are, or the oldest where others came after it was entered.

    It may take a part of those: a stop that was entered over more than its copy holds by now.
    """
    left = order.volume
    for share in [share for share in shares if share.symbol == order.symbol and share.closed_at is None]:
        taken = share.volume if all_of_it else min(share.volume, left)
        if not all_of_it and (share.side is order.side or not taken):
            continue
        left -= taken
        share.volumes.append((order.at, share.volume - taken))
        share.stopped_out = True
        share.closed_at = None if share.volume else order.at


def _take_off_newest(shares: Iterable[PositionLife], stray: PositionLife) -> None:
    """Let lots that no share has offset what is left of the shares of the other side, open already or opened since."""
    left = stray.volume
    for share in reversed(list(shares)):
        offsets = share.symbol == stray.symbol and share.side is not stray.side
        if offsets and share.volume > ZERO and left:
            at, held = share.volumes[-1]
            at, taken = max(at, stray.opened_at), min(left, held)
            left -= taken
            share.volumes.append((at, held - taken))
            share.closed_at = at if taken == held else None


def _turned(book: Book, lives: Iterable[PositionLife], order: BookOrder) -> Volume:
    """Return how much of an opening order went into closing the netted position of the other side."""
    if book.oms is OmsType.HEDGING:
        return ZERO
    closed = {each.position.position_id: each for each in book.closed if each.order_id == order.order_id}
    return sum((life.volume for life in lives if life.position_id in closed), ZERO)


def together(lives: Iterable[PositionLife]) -> list[tuple[datetime, Volume]]:
    """Return what several positions held in all, from each moment on."""
    steps = [(at, number, volume) for number, life in enumerate(lives) for at, volume in life.volumes]
    steps.sort(key=lambda step: step[0])  # what happened at one instant keeps its order
    held: dict[int, Volume] = {}
    sums: list[tuple[datetime, Volume]] = []
    for at, number, volume in steps:
        held[number] = volume
        sums.append((at, sum(held.values(), ZERO)))
    return sums
