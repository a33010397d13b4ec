"""What a target's books show of our copies: of each its lots, its position, and a price to value them by."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from rules.books.reconcile import CopyKey
from rules.model.copies import ZERO, Copy, Leg, LegStage
from rules.model.frozen import frozen
from rules.model.observed import Position
from rules.model.values import ClOrdId, OmsType, PositionId, Price, Symbol, Volume


@frozen
class Books:
    """What a target's books show. `by_tag` finds what carries an order's tag."""

    oms: OmsType
    positions: Mapping[PositionId, Position]
    by_tag: Mapping[ClOrdId, Position]
    keeps_stops: bool = True

    @classmethod
    def of(cls, oms: OmsType, positions: Iterable[Position], *, keeps_stops: bool = True) -> "Books":
        positions = tuple(positions)
        by_tag = {ClOrdId(each.tag): each for each in positions if each.tag is not None}
        return cls(oms, {each.position_id: each for each in positions}, by_tag, keeps_stops)


def observed_lots(copies: Iterable[Copy], books: Books) -> dict[CopyKey, Volume]:
    """Return the lots that the books show of each copy, > 0 long, < 0 short.

    A netted position is shared out: what it lacks of our lots is taken from the newest copies; what it has beyond them
    is not ours.
    """
    return _hedged(copies, books) if books.oms is OmsType.HEDGING else _netted(copies, books)


def position_of(leg: Leg, books: Books) -> Position | None:
    """Return a leg's own position, found by its id or, before that is known, by our tag; None on a netting account."""
    if books.oms is OmsType.NETTING:
        return None
    if leg.position_id is not None:
        return books.positions.get(leg.position_id)
    return books.by_tag.get(leg.cl_ord_id)


def price_of(copy: Copy, books: Books) -> Price | None:
    """Return a price to value a copy's lots by: the market's as the books show it, or the entry; None: unknown."""
    for leg in copy.legs:
        position = position_of(leg, books)
        if position is not None:
            return position.current_price or position.open_price
        if leg.open_price is not None:
            return leg.open_price
    return None


def same_price(asked: Price | None, shown: Price | None, tick: Price) -> bool:
    """Tell whether a venue has the protective price that was asked for; it may have rounded it by a tick."""
    if asked is None or shown is None:
        return asked is shown
    return abs(asked - shown) <= tick


def symbol_at_target(copy: Copy) -> Symbol:
    """Return what the copy's instrument is called at the target."""
    return copy.target_symbol or copy.source_symbol


def _hedged(copies: Iterable[Copy], books: Books) -> dict[CopyKey, Volume]:
    held: dict[CopyKey, Volume] = {}
    for copy in copies:
        lots = ZERO
        for leg in copy.legs:
            position = position_of(leg, books)
            if position is not None:
                lots += position.volume * position.side.sign
        held[copy.key] = lots
    return held


def _netted(copies: Iterable[Copy], books: Books) -> dict[CopyKey, Volume]:
    held: dict[CopyKey, Volume] = {}
    by_symbol: dict[Symbol, list[Copy]] = defaultdict(list)
    for copy in copies:
        held[copy.key] = sum((leg.held * leg.side.sign for leg in copy.legs if leg.stage is LegStage.OPEN), ZERO)
        by_symbol[symbol_at_target(copy)].append(copy)
    net = {each.symbol: each.volume * each.side.sign for each in books.positions.values()}
    for symbol, ours in by_symbol.items():
        recorded = sum((held[copy.key] for copy in ours), ZERO)
        found = net.get(symbol, ZERO)
        sign = 1 if recorded > 0 else -1
        lacking = abs(recorded) - max(found * sign, ZERO)
        for copy in sorted(ours, key=lambda each: each.first_seen_at, reverse=True):
            if lacking <= ZERO or not recorded:
                break
            lots = held[copy.key] * sign
            if lots > ZERO:
                taken = min(lots, lacking)
                lacking -= taken
                held[copy.key] = (lots - taken) * sign
    return held
