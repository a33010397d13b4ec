"""The one pair of stops of a netted position that stands for many copies, reckoned again from what each would have."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import partial

from tests.checker import stops
from tests.checker.asked import other
from tests.checker.facts import Facts, is_live
from tests.checker.stops import Pair
from tests.checker.trees import Tree, kind_of

Share = tuple[str, Fraction, Pair]
"""What a policy asks for, the lots of a leg, and the stops that these would have alone."""


def contradicts(facts: Facts, action: Tree) -> Iterable[str]:
    """Yield what is wrong with an order of no copy that sets stops."""
    account, symbol, side = action["account"], action["symbol"], action["side"]
    legs = [leg for _, leg in held(facts, account, symbol)]
    if kind_of(action) != "ReplaceStops" or not facts.config.nets(account) or not legs:
        yield f"nothing asks for {action}"
        return
    if any(leg["stage"] != "open" or leg["pending"] is not None for leg in legs):
        yield f"an order of {symbol} is under way while its stops are set: {action}"
    net = sum((leg["held"] * (1 if leg["side"] == "buy" else -1) for leg in legs), Fraction(0))
    if not net or side != ("buy" if net > 0 else "sell"):
        yield f"what is held of {symbol} is {net}, and stops are set of a {side}"
    wanted = asked_for(facts, account, symbol, side)
    if wanted != (action["stop_loss"], action["take_profit"]):
        yield f"the stops of {account} {symbol} must be {wanted}, were {action}"


def missing(facts: Facts, account: str, symbol: str) -> str | None:
    """Return what is wrong at the end, after the books were looked at for long: stops that nobody asked for."""
    legs = [leg for _, leg in held(facts, account, symbol)]
    if not legs or any(leg["stage"] != "open" or leg["pending"] is not None for leg in legs):
        return None
    net = sum((leg["held"] * (1 if leg["side"] == "buy" else -1) for leg in legs), Fraction(0))
    if not net:
        return None
    side = "buy" if net > 0 else "sell"
    wanted = asked_for(facts, account, symbol, side)
    if wanted in (None, (None, None)):
        return None
    last = facts.net_stops.get((account, symbol))
    tick = facts.instruments[account, symbol]["tick_size"] or Fraction(0)
    if last is not None and last[0] == side and all(map(partial(is_near, tick), wanted, last[1:])):
        return None
    return f"{account} {symbol} must have the stops {wanted}, last were {last}"


def is_near(tick: Fraction, wanted: Fraction | None, last: Fraction | None) -> bool:
    """Tell whether a price is as wanted: what stands a tick away stays, since a venue may have rounded it."""
    if wanted is None or last is None:
        return wanted is last
    return abs(wanted - last) <= tick


def asked_for(facts: Facts, account: str, symbol: str, side: str) -> Pair | None:
    """Return the pair that the policies make of the copies on the position's side; None: that cannot be told."""
    instrument = facts.instruments.get((account, symbol))
    if instrument is None:
        return None
    shares: list[Share] = []
    for copy, leg in held(facts, account, symbol):
        link = facts.config.link(copy["link_id"])
        rules = link.rules(copy["source_symbol"])
        if rules.aggregate == "none":
            continue
        position = facts.positions.get((link.source, copy["source_position_id"]))
        if position is None or (position["side"], position["symbol"]) != (copy["side"], copy["source_symbol"]):
            return None
        if not facts.stops_follow(link) and leg["side"] == side and leg["open_price"] is not None:
            scene = stops.Scene(leg["side"], instrument, leg["open_price"], copy["stop_gap"])
            alone = stops.moved(rules["stops"], rules.reverse, position, scene, None, (None, None))
            shares.append((rules.aggregate, leg["held"], alone))
    tightest = any(how == "tightest" for how, _, _ in shares)
    losses = [(pair[0], lots) for _, lots, pair in shares if pair[0] is not None]
    profits = [(pair[1], lots) for _, lots, pair in shares if pair[1] is not None]
    tick = instrument["tick_size"]
    return one(losses, tightest, side, tick), one(profits, tightest, other(side), tick)


def one(
    prices: Sequence[tuple[Fraction, Fraction]], tightest: bool, below: str, tick: Fraction | None
) -> Fraction | None:
    """Return the price that is reached first, or the mean by lots; "buy": they lie below the market."""
    if not prices:
        return None
    if tightest or not tick:  # a mean is no price where nobody knows which prices there are
        return (max if below == "buy" else min)(price for price, _ in prices)
    mean = sum((price * lots for price, lots in prices), Fraction(0)) / sum(lots for _, lots in prices)
    return stops.on_tick(mean, tick, up=below == "buy")


def held(facts: Facts, account: str, symbol: str) -> Iterable[tuple[Tree, Tree]]:
    """Yield the legs that hold, or may yet hold, something of a target's symbol, each with its copy."""
    for copy in facts.copies.values():
        for leg in copy["legs"]:
            if copy["target"] == account and leg["symbol"] == symbol and is_live(leg):
                yield copy, leg
