"""What all that is open at a target would lose if every stop-loss were hit, against the policy's caps on that sum."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from attrs import evolve

from rules.gates.exposure import Room, cash_of, entry_now, takes, worth_of
from rules.gates.market import Market
from rules.limits.terms import LimitAmount
from rules.model.copies import ZERO, Copy, Leg, Purpose, Waits
from rules.model.frozen import frozen
from rules.model.observed import Position
from rules.model.reasons import Reason
from rules.model.state import AccountView
from rules.model.trace import Denied, Numbers
from rules.model.values import ClOrdId, OmsType, Price, Side, Symbol, Volume
from rules.policy.expressions import Exact
from rules.policy.limits import NoStop
from rules.sizes.volumes import difference, product, shown, total


@frozen
class AtRisk:
    """Of one symbol: lots times how far the price must come to their stop-losses; `unstopped` lots have none."""

    moves: Exact = Decimal(0)
    unstopped: Volume = ZERO


def at_risk(target: AccountView, copies: Iterable[Copy], *, foreign: bool) -> dict[Symbol, AtRisk]:
    """Return what is at risk at a target, by symbol. Doubt counts as the larger risk; a stop in profit makes up none.

    Args:
        target: its positions as last seen may have other stops than were asked for.
        copies: all that hold, or may yet hold, something there.
        foreign: counts positions that are not ours, as last seen.
    """
    copies = tuple(copies)
    found: dict[Symbol, AtRisk] = {}
    for symbol, lots, move in (*_ours(target, copies), *(_foreign(target, copies) if foreign else ())):
        before = found.get(symbol, AtRisk())
        if move is None:
            found[symbol] = evolve(before, unstopped=before.unstopped + lots)
        else:
            found[symbol] = evolve(before, moves=total(before.moves, product(lots, move)))
    return found


def open_risk_rooms(market: Market, wanted: Volume, stop_loss: Price | None) -> Iterator[Room | Denied | None]:
    """Yield the room under the caps on open risk: of the copy's symbol, and of everything."""
    limits = market.policy.limits
    price = entry_now(market)
    if isinstance(price, Denied):
        yield price
        return
    if stop_loss is None or stop_loss == price:
        if limits.no_stop is NoStop.DENY:
            yield Denied("limits", Reason.STOP_MISSING, (("symbol", market.symbol),))
        return
    worth = worth_of(market, market.symbol)
    if isinstance(worth, Denied):
        yield worth
        return
    per_lot = product(difference(max(price, stop_loss), min(price, stop_loss)), worth)
    held = at_risk(market.question.target, market.question.at_target, foreign=limits.count_foreign)
    if limits.max_risk_per_symbol is not None:
        own = {market.symbol: held.get(market.symbol, AtRisk())}
        most, reason = limits.max_risk_per_symbol, Reason.MAX_RISK_PER_SYMBOL
        yield _room(market, wanted, own, per_lot, most, "max_risk_per_symbol", reason)
    if limits.max_total_risk is not None:
        most, reason = limits.max_total_risk, Reason.MAX_TOTAL_RISK
        yield _room(market, wanted, held, per_lot, most, "max_total_risk", reason)


def _room(
    market: Market,
    wanted: Volume,
    held: dict[Symbol, AtRisk],
    per_lot: Exact,
    most: LimitAmount,
    key: str,
    reason: Reason,
) -> Room | Denied | None:
    limits = market.policy.limits
    cash = cash_of(market, most, limits.risk_of)
    if isinstance(cash, Denied):
        return cash
    risk: Exact = ZERO
    for symbol, each in held.items():
        if each.unstopped and limits.no_stop is NoStop.DENY:
            numbers = (("symbol", symbol), ("lots_without_stop", shown(each.unstopped)), (key, shown(cash)))
            return Denied(f"limits.{key}", Reason.RISK_UNBOUNDED, numbers)
        worth = worth_of(market, symbol) if each.moves else ZERO
        if isinstance(worth, Denied):
            return worth
        risk = total(risk, product(each.moves, worth))
    space = difference(cash, risk)
    if takes(space, per_lot, wanted):
        return None
    known: Numbers = (("risk_held", shown(risk)), ("risk_per_lot", shown(per_lot)), (key, shown(cash)))
    return Room("limits", reason, space, per_lot, known)


def _ours(target: AccountView, copies: tuple[Copy, ...]) -> Iterator[tuple[Symbol, Volume, Exact | None]]:
    """Yield the lots of each leg, at most, with how far the price must come to their stop; None: nothing bounds it."""
    by_symbol = {each.symbol: each for each in target.positions.values()} if target.oms is OmsType.NETTING else {}
    for copy in copies:
        for leg in copy.legs:
            if not leg.live:
                continue
            position = by_symbol.get(leg.symbol)
            if target.oms is OmsType.HEDGING and leg.position_id is not None:
                position = target.positions.get(leg.position_id)
            if position is not None and (position.side is not leg.side or not target.stop_loss_lasts):
                position = None  # it is another's stop, or none that positions keep
            yield leg.symbol, leg.most, _move(leg, position)


def _move(leg: Leg, position: Position | None) -> Exact | None:
    """Return the longest way to any stop-loss that the leg may have now: recorded, asked for, or shown by the venue."""
    entry = leg.open_price or _waits_at(leg.waits) or leg.expected_price
    if entry is None or leg.stops_refused_at is not None:
        return None
    entries, stops = [entry], [leg.stop_loss]
    if leg.pending is not None and leg.pending.purpose in (Purpose.STOPS, Purpose.REPLACE):
        stops.append(leg.pending.stop_loss)
        entries.append(_waits_at(leg.pending.waits) or entry)
    if position is not None:
        stops.append(position.stop_loss)
    known = [stop for stop in stops if stop is not None]
    if len(known) < len(stops):
        return None
    return max(_adverse(each, stop, leg.side) for each in entries for stop in known)


def _waits_at(waits: Waits | None) -> Price | None:
    if waits is None:
        return None
    return waits.price if waits.limit_price is None else waits.limit_price


def _foreign(target: AccountView, copies: tuple[Copy, ...]) -> Iterator[tuple[Symbol, Volume, Exact | None]]:
    """Yield what is not ours: whole positions where they are kept apart, else the lots beyond ours."""
    if target.oms is OmsType.NETTING:
        by_symbol = {each.symbol: each for each in target.positions.values()}
        for (symbol, side), lots in target.foreign_lots.items():
            position = by_symbol.get(symbol)
            if lots:
                yield symbol, lots, None if position is None or position.side is not side else _shown_move(position)
        return
    legs = [leg for copy in copies for leg in copy.legs]
    ids, tags = {leg.position_id for leg in legs}, {leg.cl_ord_id for leg in legs}
    for position in target.positions.values():
        if position.position_id not in ids and (position.tag is None or ClOrdId(position.tag) not in tags):
            yield position.symbol, position.volume, _shown_move(position)


def _shown_move(position: Position) -> Exact | None:
    stop = position.stop_loss
    return None if stop is None else _adverse(position.open_price, stop, position.side)


def _adverse(entry: Price, stop: Price, side: Side) -> Exact:
    return max(difference(entry, stop) if side is Side.BUY else difference(stop, entry), ZERO)
