"""How many more lots the limits leave room for, after the size and the stops; a copy may be shrunk to that."""

from collections.abc import Iterator

from attrs import evolve

from rules.gates.exposure import Room, leverage_room, risk_room
from rules.gates.market import Market
from rules.gates.open_risk import open_risk_rooms
from rules.limits.policy import CapKind
from rules.model.reasons import Reason
from rules.model.trace import Denied, Note, Numbers
from rules.model.values import Volume, plain
from rules.policy.limits import OnLimit
from rules.sizes.sizing import Sized, shrink
from rules.sizes.volumes import difference, total
from rules.stops.stops import TargetStops

_LOT = Volume(1)
_NONE = Volume(0)


def within_limits(market: Market, sized: Sized, stops: TargetStops) -> Sized | Denied:
    """Return what of the size the limits leave: all of it, what is left where limits shrink, else the denial."""
    policy, question = market.policy, market.question
    for room in _rooms(market, sized.volume, stops):
        if isinstance(room, Denied):
            return room
        if room is None or room.takes(sized.volume):
            continue
        smaller = None
        if policy.limits.on_limit is OnLimit.SHRINK:
            smaller = shrink(sized, room.lots, question.position.volume, market.instrument)
        if smaller is None:
            return Denied(room.rule, room.reason, (*room.numbers, ("wanted", plain(sized.volume))))
        numbers = (("wanted", plain(sized.volume)), *room.numbers, ("volume", plain(smaller.volume)))
        market.finding.trace.append(Note(room.rule, f"shrunk: {room.reason.value}", numbers))
        # An increase stays at the ratio of the entry; what it may not have lowers what is followed.
        sized = smaller if question.increase_of is None else evolve(smaller, ratio=sized.ratio)
    return sized


def _rooms(market: Market, wanted: Volume, stops: TargetStops) -> Iterator[Room | Denied | None]:
    """Yield the room under each limit that leaves too little, in the order in which a denial is reported."""
    limits = market.policy.limits
    yield from _of_volumes(market, wanted)
    if limits.max_risk is not None:
        yield risk_room(market, wanted, limits.max_risk, stops.stop_loss)
    if limits.counts_risk:
        yield from open_risk_rooms(market, wanted, stops.stop_loss)
    if limits.max_leverage is not None:
        yield leverage_room(market, wanted, limits.max_leverage)


def _of_volumes(market: Market, wanted: Volume) -> list[Room]:
    """The policy sees copies, and what is not ours where it counts that; the account's own cap sees everything."""
    target, limits = market.question.target, market.policy.limits
    rooms: list[Room] = []
    most = limits.max_total_volume
    if most is not None:
        held = target.volume + target.foreign_volume if limits.count_foreign else target.volume
        if total(held, wanted) > most:
            rooms.append(_room("limits", Reason.MAX_TOTAL_VOLUME, most, held, "max_total_volume"))
    most = market.account_cap(CapKind.MAX_TOTAL_VOLUME)
    if most is not None:
        held = target.volume + target.foreign_volume
        if total(held, wanted) > most:
            rooms.append(_room("[[limits]]", Reason.MAX_TOTAL_VOLUME, most, held, "max_total_volume"))
    most = limits.max_volume_per_symbol
    if most is not None:
        held = market.held_both(market.symbol)
        if total(held, wanted) > most:
            named: Numbers = (("symbol", market.symbol),)
            rooms.append(_room("limits", Reason.MAX_VOLUME_PER_SYMBOL, most, held, "max_volume_per_symbol", named))
    for group in limits.together:
        if group.has(market.symbol):
            symbols = {symbol for symbol, _ in (*target.lots, *target.foreign_lots) if group.has(symbol)}
            held = sum((market.held_both(symbol) for symbol in symbols), _NONE)
            named = (("symbols", ", ".join(group.symbols)),)
            room = _room("limits.together", Reason.MAX_VOLUME_TOGETHER, group.max_volume, held, "max_volume", named)
            rooms.append(room)
    return rooms


def _room(rule: str, reason: Reason, most: Volume, held: Volume, key: str, more: Numbers = ()) -> Room:
    return Room(rule, reason, difference(most, held), _LOT, (*more, ("held", plain(held)), (key, plain(most))))
