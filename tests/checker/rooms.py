"""What a policy's limits leave: sides, distances, margin, and room in lots for volumes, risk and leverage."""

from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction

from attrs import evolve

from tests.checker import open_risk, volumes
from tests.checker.asked import Asked, other
from tests.checker.refusals import No
from tests.checker.sizes import of, target_price
from tests.checker.symbols import matches
from tests.checker.worths import in_cash, worth

PRICE_FRESH = timedelta(days=4)
"""What is held is valued by a quote of this age at most."""


def hedging(asked: Asked) -> None:
    """Refuse where the target holds the other side of the symbol."""
    against = asked.facts.lots_on(asked.link.target, asked.symbol, other(asked.side))
    if asked.rules["limits"]["block_hedging"] and against:
        raise No("HEDGING_BLOCKED")


def stop_distance(asked: Asked) -> None:
    most = asked.rules["limits"]["max_stop_distance"]
    if most is None:
        return
    if asked.stop_loss is None:
        raise No("STOP_MISSING")
    price = asked.expected_price()
    allowed = most.of(asked.instrument, price)
    if allowed is None or abs(price - asked.stop_loss) > allowed:
        raise No("STOP_TOO_FAR")


def free_margin(asked: Asked) -> None:
    least, status = asked.rules["limits"]["min_free_margin"], asked.target_status
    if least is None:
        return
    if status is None or status["margin_free"] is None:
        raise No("REFERENCE_UNKNOWN")
    if status["margin_free"] < in_cash(asked, least):
        raise No("MARGIN_FREE_LOW")


def within(asked: Asked, size: volumes.Size) -> volumes.Size:
    """Return what the limits leave of a size: all of it, or what is left where they shrink."""
    limits = asked.rules["limits"]
    for code, room in rooms(asked):
        if size.volume <= room:
            continue
        if code == "MAX_VOLUME_TOGETHER":
            asked.turned_on.add("together")
        smaller = shrunk(asked, size, room) if limits["on_limit"] == "shrink" else None
        if smaller is None:
            raise No(code)
        size = smaller if asked.increase is None else evolve(smaller, ratio=size.ratio)
    return size


def shrunk(asked: Asked, size: volumes.Size, room: Fraction) -> volumes.Size | None:
    lots = volumes.on_grid(max(room, Fraction(0)), asked.instrument["volume_step"], "down")
    if lots < volumes.smallest(asked.instrument):
        return None
    try:
        pieces = volumes.in_pieces(lots, asked.instrument) if len(size.pieces) > 1 else (lots,)
    except No:
        return None
    return volumes.Size(min(size.ratio, room / asked.position["volume"]), pieces)


def rooms(asked: Asked) -> Iterator[tuple[str, Fraction]]:
    """Yield the lots that may still be added under each limit, with the code of a denial, in their order."""
    limits, target, facts = asked.rules["limits"], asked.link.target, asked.facts
    for most in (limits["max_total_volume"], facts.cap(target, "max_total_volume", asked.target_status)):
        if most is not None:
            yield "MAX_TOTAL_VOLUME", most - facts.lots_at(target)
    if limits["max_volume_per_symbol"] is not None:
        held = sum((facts.lots_on(target, asked.symbol, side) for side in ("buy", "sell")), Fraction(0))
        yield "MAX_VOLUME_PER_SYMBOL", limits["max_volume_per_symbol"] - held
    for patterns, most in limits["together"]:
        if any(matches(pattern, asked.symbol) for pattern in patterns):
            yield "MAX_VOLUME_TOGETHER", most - lots_together(asked, patterns)
    if limits["max_risk"] is not None:
        yield "MAX_RISK", risk_room(asked)
    yield from open_risk.rooms(asked)
    if limits["max_leverage"] is not None:
        yield "MAX_LEVERAGE", leverage_room(asked)


def lots_together(asked: Asked, patterns: tuple[str, ...]) -> Fraction:
    """Return the target's lots of all symbols that a group names, both sides together."""
    facts, target = asked.facts, asked.link.target
    named = (symbol for symbol in facts.symbols_at(target) if any(matches(pattern, symbol) for pattern in patterns))
    return sum((facts.lots_on(target, symbol, side) for symbol in named for side in ("buy", "sell")), Fraction(0))


def risk_room(asked: Asked) -> Fraction:
    price = target_price(asked)
    if asked.stop_loss is None or asked.stop_loss == price:
        raise No("STOP_MISSING")
    loss = abs(price - asked.stop_loss) * worth(asked, asked.instrument) + asked.rules["size"]["cost_per_lot"]
    held = Fraction(0) if asked.increase is None else asked.increase[1]
    return in_cash(asked, asked.rules["limits"]["max_risk"]) / loss - held


def leverage_room(asked: Asked) -> Fraction:
    equity, target = of(asked.target_status, "equity"), asked.link.target
    value, held = lot_value(asked, asked.symbol), Fraction(0)
    for symbol in asked.facts.symbols_at(target):
        lots = sum((asked.facts.lots_on(target, symbol, side) for side in ("buy", "sell")), Fraction(0))
        if lots:
            held += lots * lot_value(asked, symbol)
    return (asked.rules["limits"]["max_leverage"] * equity - held) / value


def lot_value(asked: Asked, symbol: str) -> Fraction:
    """Return what a lot is worth, in the target's currency."""
    instrument = asked.facts.instruments.get((asked.link.target, symbol))
    if instrument is None:
        raise No("INSTRUMENT_UNKNOWN")
    by_point = worth(asked, instrument)
    quote = asked.quote_of(asked.link.target, symbol)
    if quote is None or asked.now - quote["at"] > PRICE_FRESH:
        raise No("QUOTE_UNKNOWN")
    return by_point * (quote["bid"] + quote["ask"]) / 2
