"""What all that is open at a target would lose together if every stop-loss were hit, and the room that this leaves."""

from collections.abc import Iterator
from fractions import Fraction

from tests.checker.asked import Asked
from tests.checker.facts import Facts, is_live, most
from tests.checker.refusals import No
from tests.checker.sizes import target_price
from tests.checker.trees import Tree
from tests.checker.worths import in_cash, worth

NONE = Fraction(0)


def rooms(asked: Asked) -> Iterator[tuple[str, Fraction]]:
    """Yield the lots that the caps on open risk leave, of the symbol and of everything, with the code of a denial."""
    limits = asked.rules["limits"]
    caps = [limits["max_risk_per_symbol"], limits["max_total_risk"]]
    if caps == [None, None]:
        return
    price = target_price(asked)
    if asked.stop_loss is None or asked.stop_loss == price:
        if limits["no_stop"] == "deny":
            raise No("STOP_MISSING")
        return
    a_lot = abs(price - asked.stop_loss) * worth(asked, asked.instrument)
    held = at_risk(asked.facts, asked.link.target, foreign=limits["count_foreign"])
    codes = ("MAX_RISK_PER_SYMBOL", "MAX_TOTAL_RISK")
    for cap, code, symbols in zip(caps, codes, ([asked.symbol], list(held)), strict=True):
        if cap is None:
            continue
        cash, risk = in_cash(asked, cap, limits["risk_of"]), NONE
        for symbol in symbols:
            moves, bounded = held.get(symbol, (NONE, True))
            if not bounded and limits["no_stop"] == "deny":
                raise No("RISK_UNBOUNDED")
            if moves:
                risk += moves * worth_of(asked, symbol)
        if risk:
            asked.turned_on.add(f"{code} beside others")
        yield code, (cash - risk) / a_lot


def worth_of(asked: Asked, symbol: str) -> Fraction:
    if symbol == asked.symbol:
        return worth(asked, asked.instrument)
    instrument = asked.facts.instruments.get((asked.link.target, symbol))
    if instrument is None:
        raise No("INSTRUMENT_UNKNOWN")
    return worth(asked, instrument)


def at_risk(facts: Facts, target: str, *, foreign: bool) -> dict[str, tuple[Fraction, bool]]:
    """Return by symbol the lots times how far the price must come to their stops, and whether all have one."""
    found: dict[str, tuple[Fraction, bool]] = {}
    legs = [leg for copy in facts.copies.values() if copy["target"] == target for leg in copy["legs"]]
    books = facts.single.shown.get(target)
    positions = {} if books is None else books.positions
    nets = facts.config.nets(target)
    for leg in legs:
        if is_live(leg):
            shown = positions.get(f"n-{leg['symbol']}" if nets else leg["position_id"])
            shown = None if shown is not None and shown["side"] != leg["side"] else shown
            add(found, leg["symbol"], most(leg), way(leg, shown))
    ours = {leg["position_id"] for leg in legs}, {leg["cl_ord_id"] for leg in legs}
    for position in positions.values() if foreign and not nets else ():
        if position["position_id"] not in ours[0] and position["tag"] not in ours[1]:
            stop = position["stop_loss"]
            lost = None if stop is None else adverse(position["open_price"], stop, position["side"])
            add(found, position["symbol"], position["volume"], lost)
    return found


def add(found: dict[str, tuple[Fraction, bool]], symbol: str, lots: Fraction, move: Fraction | None) -> None:
    moves, bounded = found.get(symbol, (NONE, True))
    found[symbol] = (moves + lots * (move or NONE), bounded and move is not None)


def way(leg: Tree, shown: Tree | None) -> Fraction | None:
    """Return the longest way to any stop-loss that a leg may have: recorded, asked for, or shown; None: no bound."""
    entry = leg["open_price"] or waits_at(leg["waits"]) or leg["expected_price"]
    if entry is None or leg["stops_refused_at"] is not None:
        return None
    entries, stops, pending = [entry], [leg["stop_loss"]], leg["pending"]
    if pending is not None and pending["purpose"] in ("stops", "replace"):
        stops.append(pending["stop_loss"])
        entries.append(waits_at(pending.get("waits")) or entry)
    if shown is not None:
        stops.append(shown["stop_loss"])
    if None in stops:
        return None
    return max(adverse(one, stop, leg["side"]) for one in entries for stop in stops)


def waits_at(waits: Tree | None) -> Fraction | None:
    if waits is None:
        return None
    price = waits["price"] if waits["limit_price"] is None else waits["limit_price"]
    return Fraction(price)


def adverse(entry: Fraction, stop: Fraction, side: str) -> Fraction:
    return max(entry - stop if side == "buy" else stop - entry, NONE)
