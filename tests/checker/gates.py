"""The gates of new risk in the order of the specification, each a function that says no or lets pass."""

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction

from tests.checker import curves, pacing, rooms, series, stops, volumes
from tests.checker.asked import FRESH, UNTOLD, Asked, Granted, entry_of, other
from tests.checker.facts import holds
from tests.checker.mirror import PREFIX, is_over_for_good, reached_later, unsupported
from tests.checker.refusals import No
from tests.checker.sizes import MOST, wanted_volume
from tests.checker.symbols import matches, rename
from tests.checker.trees import Tree

PAIR_FRESH = timedelta(days=1)
"""It still tells one instrument from another."""

GAP_WAIT = timedelta(seconds=1)


def judge(asked: Asked) -> Granted:
    """Ask every gate.

    Raises:
        No: the first that refuses.
    """
    for gate in GATES:
        gate(asked)
    found, refused = (None, None), None
    try:
        found = its_stops(asked)
    except No as no:
        refused = no
    asked.stop_loss = found[0]
    try:
        size = its_size(asked)
    except No as no:
        # No stop, no size: then the stops' own reason says more.
        raise (refused if refused is not None and no.code == "STOP_MISSING" else no) from None
    if refused is not None:
        raise refused
    rooms.stop_distance(asked)
    size = rooms.within(asked, size)
    rooms.free_margin(asked)
    pacing.delay(asked)
    gap = current_gap(asked) if asked.rules["stops"]["mode"] == "offset" else None
    return Granted(asked.symbol, asked.side, size, found, asked.expected_price(), gap, asked.waits)


def link_state(asked: Asked) -> None:
    """Refuse what the config, an operator or a lasting mismatch keeps the link from, and a halted account."""
    code = asked.facts.forbidden(asked.link)
    if code is not None:
        raise No(code)


def target_state(asked: Asked) -> None:
    if asked.claimed == UNTOLD:
        return
    if asked.claimed == "TARGET_NOT_READY" and asked.facts.may_be_away(asked.link.target):
        raise No("TARGET_NOT_READY")
    if asked.claimed != "TARGET_NOT_READY":
        asked.facts.shows_ready(asked.link.target)
    if asked.claimed == "TARGET_LAGGING":
        raise No("TARGET_LAGGING")


def filters(asked: Asked) -> None:
    rules, position = asked.rules["filter"], asked.position
    symbol = position["symbol"]
    if any(matches(pattern, symbol) for pattern in rules["not_symbols"]):
        raise No("FILTER_SYMBOL")
    if rules["symbols"] and not any(matches(pattern, symbol) for pattern in rules["symbols"]):
        raise No("FILTER_SYMBOL")
    if position["side"] not in rules["sides"]:
        raise No("FILTER_SIDE")
    for key, code in (("magic", "FILTER_MAGIC"), ("comment", "FILTER_COMMENT")):
        text = position[key]
        if rules[key] and (text is None or not any(matches(pattern, text) for pattern in rules[key])):
            raise No(code)
    if rules["volume"] is not None and not rules["volume"][0] <= position["volume"] <= rules["volume"][1]:
        raise No("FILTER_VOLUME")
    if any(position[stop] is None for stop in rules["require"]):
        raise No("FILTER_STOPS")


def beginning(asked: Asked) -> None:
    """Refuse a position by what opened it, where the policy wants to know."""
    if not asked.rules.asks_beginnings or asked.increase is not None or asked.claimed == UNTOLD or asked.late:
        return
    if asked.order is not None:
        by_type(asked, asked.order)
        return
    undecided = asked.claimed == "BEGINNING_UNKNOWN"
    source = asked.link.source
    order = asked.facts.beginnings.of(
        source, asked.position, asked.facts.held_by(source), asked.now, undecided=undecided
    )
    if order == "unknown":
        raise No("BEGINNING_UNKNOWN")
    if isinstance(order, dict):
        mirror = asked.facts.copies.get((asked.link.link_id, PREFIX + order["order_id"]))
        if mirror is not None and not holds(mirror) and is_over_for_good(mirror):
            raise No("PENDING_ENDED")
    by_type(asked, order if isinstance(order, dict) else None)
    if isinstance(order, dict):
        asked.turned_on.add("copied when it was filled")


def by_type(asked: Asked, order: Tree | None) -> None:
    """Refuse what came, or would come, of a pending order that is not wanted."""
    if order is not None and asked.rules.pending == "skip":
        raise No("PENDING_SKIPPED")
    wanted = asked.rules["filter"]["order_types"]
    if wanted and (order["order_type"] if order is not None else "market") not in wanted:
        raise No("FILTER_ORDER_TYPE")


def order_s_like(asked: Asked) -> None:
    """Refuse a pending order that cannot have its like at the target."""
    nets = any(asked.facts.config.nets(name) for name in (asked.link.source, asked.link.target))
    if asked.order is not None and unsupported(asked.rules, asked.order, nets=nets):
        raise No("PENDING_UNSUPPORTED")


def target_symbol(asked: Asked) -> None:
    renamed = rename(asked.rules.rows, asked.position["symbol"])
    if renamed is None:
        raise No("SYMBOL_DENIED")
    name = renamed.at(asked.now)
    if name is None:
        raise No("CONTRACT_UNKNOWN")
    if asked.held_in is not None:
        name = renamed.at(asked.now, asked.held_in) or name
        if renamed.contracts and name != renamed.at(asked.now):
            asked.turned_on.add("stays in its month")
    if renamed.contracts:
        asked.turned_on.add("opened in a contract")
    if renamed.by_preset and name != asked.position["symbol"]:
        asked.turned_on.add("named by a preset")
    asked.symbol, asked.price_ratio = name, renamed.price_ratio
    key = (asked.link.target, name)
    if key not in asked.facts.instruments:
        raise No("INSTRUMENT_UNKNOWN")
    instrument = asked.facts.instruments[key]
    if instrument is None:
        raise No("SYMBOL_ABSENT" if renamed.by_row else "SYMBOL_UNMAPPED")
    if not instrument["tradable"]:
        raise No("SYMBOL_NOT_TRADABLE")
    asked.instrument = instrument


def same_instrument(asked: Asked) -> None:
    guard, quote, position = asked.rules["guard"], asked.quote, asked.position
    ratio = guard["max_price_ratio"] if asked.price_ratio is None else asked.price_ratio
    if ratio is None:
        return
    if quote is None or asked.now - quote["at"] > PAIR_FRESH:
        if guard["require_quotes"]:
            raise No("QUOTE_UNKNOWN")
        return
    source = position["open_price"] if position["current_price"] is None else position["current_price"]
    there = asked.facts.quotes.get((asked.link.source, position["symbol"]))
    if asked.order is not None and there is not None and asked.now - there["at"] <= PAIR_FRESH:
        source = (there["bid"] + there["ask"]) / 2
    if abs((quote["bid"] + quote["ask"]) / 2 - source) > ratio * source:
        raise No("SYMBOL_WRONG_PRICE")


def schedule(asked: Asked) -> None:
    if asked.rules.calendar is not None and not asked.rules.calendar.is_open(asked.now):
        raise No("SCHEDULE_CLOSED")


def news(asked: Asked) -> None:
    policy = asked.rules.news
    if policy is not None:
        code = policy.says(asked.facts.calendars.get(policy.name), asked.instrument, asked.now)
        if code is not None:
            raise No(code)


def maintenance(asked: Asked) -> None:
    if any(not window.is_open(asked.now) for window in asked.facts.maintenance_of(asked.link.target)):
        raise No("MAINTENANCE")


def age(asked: Asked) -> None:
    opened_at, start = asked.position["opened_at"], asked.rules["on_start"]
    if asked.order is not None:
        return  # its price is as good as on its first day
    if asked.origin == "live":
        longest = asked.rules["guard"]["max_age"]
        since = opened_at if asked.increase is None and not asked.late else asked.seen_at
        if longest is not None and asked.now - since > longest:
            raise No("TOO_OLD")
    elif start["open"] != "copy":
        known_at = asked.facts.known_at.get(asked.link.source)
        late = start["open"] == "skip" and (known_at is None or opened_at <= known_at)
        if late or asked.increase is not None or asked.now - opened_at > start["max_age"]:
            raise No("DENIED_STALE")


def price(asked: Asked) -> None:
    """Judge how much worse than the source's the target's price is, then its spread."""
    guard, live = asked.rules["guard"], asked.origin == "live"
    if asked.order is not None:
        return  # it asks for its own price
    deviation = guard["max_deviation"] if live else asked.rules["on_start"]["max_deviation"]
    if deviation is None and guard["max_spread"] is None:
        return
    quote, paid = asked.fresh(), Fraction(asked.position["open_price"])
    if quote is None:
        raise No("QUOTE_UNKNOWN")
    if deviation is not None:
        entry = entry_of(quote, asked.side)
        allowed = deviation.of(asked.instrument, paid)
        if allowed is None or (entry - paid if asked.side == "buy" else paid - entry) > allowed:
            if live and waits_at_source_price(asked, entry):
                return
            raise No("PRICE_DEVIATION" if live else "DENIED_STALE")
    if guard["max_spread"] is not None:
        allowed = guard["max_spread"].of(asked.instrument, (quote["bid"] + quote["ask"]) / 2)
        if allowed is None or quote["ask"] - quote["bid"] > allowed:
            raise No("SPREAD")


def waits_at_source_price(asked: Asked, entry: Fraction) -> bool:
    """Let a copy wait at its source's price where its policy says so and both accounts hedge, if it would wait."""
    guard, config = asked.rules["guard"], asked.facts.config
    nets = config.nets(asked.link.source) or config.nets(asked.link.target)
    if guard["on_deviation"] != "limit" or asked.increase is not None or asked.late or nets:
        return False
    price = reached_later(asked.position["open_price"], asked.side, "limit", asked.instrument)
    if price <= 0 or (entry <= price if asked.side == "buy" else entry >= price):
        return False
    until = asked.now + guard["limit_for"]
    nothing = {"limit_price": None, "order_id": None, "canceled": False}
    asked.limit = {"order_type": "limit", "price": price, "expires_at": until, **nothing}
    asked.turned_on.add("waits at the source's price")
    return True


def account_limits(asked: Asked) -> None:
    """Refuse what the source's limits forbid, where the policy obeys them, then what the target's do."""
    code = asked.facts.source_denied(asked.link, asked.rules, asked.now)
    if code is not None:
        asked.turned_on.add("obey_source")
        raise No(code)
    code = asked.facts.denied(asked.link.target, asked.now)
    if code is not None:
        raise No(code)
    if asked.facts.conduct.spent(asked.link.target, asked.now):
        raise No("BUDGET_USED_UP")


def positions(asked: Asked) -> None:
    if asked.increase is not None:
        return
    held, most = asked.facts.copies_at(asked.link.target), asked.rules["limits"]["max_positions"]
    if most is not None and held >= most:
        raise No("MAX_POSITIONS")
    cap = asked.facts.cap(asked.link.target, "max_positions", asked.target_status)
    if cap is None:
        return
    if (held >= cap) != (held >= asked.facts.cap_without_tiers(asked.link.target, "max_positions")):
        asked.turned_on.add("tiers stricter" if held >= cap else "tiers milder")
    if held >= cap:
        raise No("MAX_POSITIONS")


GATES: tuple[Callable[[Asked], None], ...] = (
    link_state,
    target_state,
    filters,
    beginning,
    order_s_like,
    target_symbol,
    same_instrument,
    schedule,
    news,
    maintenance,
    age,
    price,
    curves.equity_curve,
    pacing.skip_first,
    pacing.throttle,
    pacing.approval,
    account_limits,
    rooms.hedging,
    positions,
)
"""SPEC 3, 1 to 8; the size, the stops and the totals follow."""


def its_stops(asked: Asked) -> stops.Pair:
    """Return the stops that the copy would have; none where one netted position stands for several copies."""
    if not asked.facts.stops_follow(asked.link):
        return None, None
    required = "stop_loss" in asked.rules["filter"]["require"]
    scene = stops.Scene(asked.side, asked.instrument, asked.expected_price(), gap_for_stops(asked))
    return stops.at_entry(asked.rules["stops"], asked.rules.reverse, asked.position, scene, required)


def gap_for_stops(asked: Asked) -> Fraction | None:
    if asked.increase is not None or asked.rules["stops"]["mode"] != "offset":
        return asked.kept_gap
    gap = current_gap(asked)
    if gap is None and asked.now < asked.seen_at + GAP_WAIT:
        raise No("QUOTE_UNKNOWN")
    return gap


def current_gap(asked: Asked) -> Fraction | None:
    """Return how much higher the target is quoted than the source, where the source would close."""
    closing = other(asked.position["side"])
    there = asked.facts.quotes.get((asked.link.source, asked.position["symbol"]))
    price = asked.position["current_price"]
    if there is not None and asked.now - there["at"] <= FRESH:
        price = entry_of(there, closing)
    quote = asked.fresh()
    return None if quote is None or price is None else entry_of(quote, closing) - price


def beside_others(asked: Asked, wanted: Fraction) -> Fraction:
    """Return what keeps the proportions of the link's open copies of the symbol and side: the multiple that rounding
    made of the first, and what rounding left of the last."""
    volume, position = asked.rules["volume"], asked.position
    others = [
        copy
        for (link_id, name), copy in asked.facts.copies.items()
        if link_id == asked.link.link_id and name != position["position_id"] and holds(copy)
        if (copy["source_symbol"], copy["side"]) == (position["symbol"], position["side"])
    ]
    if not volume["keep_proportions"] or not others:
        return wanted
    others.sort(key=lambda copy: (copy["opened_at"], copy["source_position_id"]))
    asked_for = [copy["ratio"] * copy["followed"] for copy in others]
    if not others[0]["granted"] or not asked_for[0]:
        return wanted
    kept = wanted * others[0]["granted"] / asked_for[0]
    left = asked_for[-1] - others[-1]["granted"]
    if len(others) > 1 and abs(left) < asked.instrument["volume_step"]:
        kept = max(kept + left, Fraction(0))
    kept = min(kept, wanted * volume["max_amplification"])
    return min(kept, wanted) if kept < volumes.smallest(asked.instrument) else kept


def its_size(asked: Asked) -> volumes.Size:
    volume, instrument, source = asked.rules["volume"], asked.instrument, Fraction(asked.position["volume"])
    if asked.increase is None:
        if source <= 0 or instrument["volume_step"] <= 0 or instrument["volume_min"] < 0:
            raise No("SYMBOL_NOT_TRADABLE")
        wanted = wanted_volume(asked) * series.factor(asked)
        if not 0 < wanted <= MOST:
            raise No("SIZE_UNUSABLE")
        return volumes.fitted(beside_others(asked, wanted), volume, source, instrument)
    ratio, held = asked.increase
    more = max(volumes.followed(ratio, source, volume["max"], instrument, volume) - held, Fraction(0))
    wanted = volumes.on_grid(more, instrument["volume_step"], "down")
    if wanted < instrument["volume_min"]:
        raise No("VOLUME_BELOW_MIN")
    most = volumes.on_grid(instrument["volume_max"], instrument["volume_step"], "down")
    return volumes.Size(ratio, (min(wanted, most),))
