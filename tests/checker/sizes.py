"""How large a copy is, mode by mode, as docs/config.md writes the formulas."""

import ast
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tests.checker.rates import rate
from tests.checker.refusals import No
from tests.checker.text import Unchecked
from tests.checker.trees import Tree

if TYPE_CHECKING:
    from tests.checker.asked import Asked

MOST = 10**20

FIGURES = {"balance_ratio": "balance", "equity_ratio": "equity", "margin_ratio": "margin_free"}


def wanted_volume(asked: "Asked") -> Fraction:
    """Return the volume that the mode asks for, before any cap."""
    mode = asked.rules["size"]["mode"]
    if mode not in MODES:
        raise Unchecked(f"size.mode = {mode}")
    try:
        wanted = MODES[mode](asked)
    except ZeroDivisionError:
        raise No("SIZE_UNUSABLE") from None
    if not 0 < wanted <= MOST:
        raise No("SIZE_UNUSABLE")
    return wanted


def by_multiplier(asked: "Asked") -> Fraction:
    return volume(asked) * asked.rules["size"]["multiplier"] * contract_ratio(asked)


def by_fixed(asked: "Asked") -> Fraction:
    return Fraction(asked.rules["size"]["volume"])


def by_ratio(asked: "Asked") -> Fraction:
    size = asked.rules["size"]
    figure, whole = FIGURES[size["mode"]], by_multiplier(asked)
    whole *= size["target_reference"] or of(asked.target_status, figure)
    by = size["source_reference"] or of(asked.source_status, figure)
    return whole / (by * account_rate(asked))


def by_notional(asked: "Asked") -> Fraction:
    source = source_contract(asked) * asked.position["open_price"] * price_rate(asked)
    return volume(asked) * asked.rules["size"]["multiplier"] * source / (target_contract(asked) * target_price(asked))


def by_leverage(asked: "Asked") -> Fraction:
    source = source_lot_worth(asked) * asked.position["open_price"] / of(asked.source_status, "equity")
    whole = volume(asked) * asked.rules["size"]["multiplier"] * source * of(asked.target_status, "equity")
    return whole / (lot_worth(asked) * target_price(asked))


def by_risk_percent(asked: "Asked") -> Fraction:
    size = asked.rules["size"]
    base = size["initial"] if size["of"] == "initial" else of(asked.target_status, size["of"])
    return base * size["percent"] / lost_by_a_lot(asked)


def by_risk_amount(asked: "Asked") -> Fraction:
    amount, currency = asked.rules["size"]["amount"]
    return amount * rate(asked, currency, currency_of(asked.target_status)) / lost_by_a_lot(asked)


def by_expression(asked: "Asked") -> Fraction:
    tree = ast.parse(asked.rules["size"]["expression"].strip(), mode="eval")
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id not in ("min", "max")]
    known = {}
    for node in sorted(names, key=lambda each: (each.lineno, each.col_offset)):
        if node.id not in known:  # in the order in which they stand: the first that is unknown denies
            known[node.id] = NAMES[node.id](asked)
    return evaluated(tree.body, known)


def evaluated(node: Any, known: dict[str, Fraction]) -> Fraction:
    match node:
        case ast.Constant(value=value):
            return Fraction(str(value))
        case ast.Name(id=name):
            return known[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -evaluated(operand, known)
        case ast.BinOp(left=left, op=op, right=right):
            one, other = evaluated(left, known), evaluated(right, known)
            if isinstance(op, ast.Add):
                return one + other
            if isinstance(op, ast.Sub):
                return one - other
            return one * other if isinstance(op, ast.Mult) else one / other
        case ast.Call(func=ast.Name(id=name), args=args):
            return (min if name == "min" else max)(evaluated(each, known) for each in args)
    raise Unchecked(f"an expression with {ast.dump(node)}")


MODES: dict[str, Callable[["Asked"], Fraction]] = {
    "multiplier": by_multiplier,
    "fixed": by_fixed,
    "balance_ratio": by_ratio,
    "equity_ratio": by_ratio,
    "margin_ratio": by_ratio,
    "notional": by_notional,
    "leverage": by_leverage,
    "risk_percent": by_risk_percent,
    "risk_amount": by_risk_amount,
    "expression": by_expression,
}


def volume(asked: "Asked") -> Fraction:
    return Fraction(asked.position["volume"])


def of(status: Tree | None, figure: str) -> Fraction:
    """Return one of an account's figures."""
    value = None if status is None else status[figure]
    if value is None:
        raise No("REFERENCE_UNKNOWN")
    if value <= 0:
        raise No("REFERENCE_NOT_POSITIVE")
    return Fraction(value)


def currency_of(status: Tree | None) -> str | None:
    return None if status is None else status["currency"]


def account_rate(asked: "Asked") -> Fraction:
    """Return one unit of the source's currency in the target's."""
    one, other = currency_of(asked.source_status), currency_of(asked.target_status)
    if asked.rules["size"]["ignore_currency"] or (one is None and other is None):
        return Fraction(1)
    return rate(asked, one, other)


def price_rate(asked: "Asked") -> Fraction:
    if asked.rules["size"]["ignore_currency"]:
        return Fraction(1)
    instrument = source_instrument(asked)
    priced_in = None if instrument is None else instrument["profit_currency"]
    return rate(asked, priced_in, asked.instrument["profit_currency"])


def source_instrument(asked: "Asked") -> Tree | None:
    """Return what the source says of the symbol; None: it says that it has none of that name."""
    known = asked.facts.instruments.get((asked.link.source, asked.position["symbol"]), "unseen")
    if known == "unseen":
        raise No("INSTRUMENT_UNKNOWN")
    return None if known is None else dict(known)


def contract_at_source(asked: "Asked") -> Fraction | None:
    if asked.position["contract_size"] is not None:
        return Fraction(asked.position["contract_size"])
    instrument = source_instrument(asked)
    return None if instrument is None else instrument["contract_size"]


def source_contract(asked: "Asked") -> Fraction:
    return positive(contract_at_source(asked))


def target_contract(asked: "Asked") -> Fraction:
    return positive(asked.instrument["contract_size"])


def positive(size: Fraction | None) -> Fraction:
    if size is None or size <= 0:
        raise No("CONTRACT_SIZE_UNKNOWN")
    return size


def contract_ratio(asked: "Asked") -> Fraction:
    """Return source over target contract size; lots count as equal where neither is told."""
    if asked.rules["size"]["ignore_contract_size"]:
        return Fraction(1)
    target = asked.instrument["contract_size"]
    source = asked.position["contract_size"] if target is None else contract_at_source(asked)
    if source is None and target is None:
        return Fraction(1)
    return positive(source) / positive(target)


def target_price(asked: "Asked") -> Fraction:
    price = asked.quoted_entry()
    if price is None:
        raise No("QUOTE_UNKNOWN")
    return price


def stop_distance(asked: "Asked") -> Fraction:
    price, stop, default = target_price(asked), asked.stop_loss, asked.rules["size"]["default_stop"]
    if stop is not None and stop != price:
        return abs(price - stop)
    if stop is None and default is not None:
        away = default.of(asked.instrument, price)
        if away:
            return Fraction(away)
    raise No("STOP_MISSING")


def lot_worth(asked: "Asked") -> Fraction:
    """Return what a lot of the target gains when its price rises by 1, in the account's currency."""
    size = target_contract(asked)
    if asked.rules["size"]["ignore_currency"]:
        return size
    return size * rate(asked, asked.instrument["profit_currency"], currency_of(asked.target_status))


def source_lot_worth(asked: "Asked") -> Fraction:
    size = source_contract(asked)
    if asked.rules["size"]["ignore_currency"]:
        return size
    instrument = source_instrument(asked)
    priced_in = None if instrument is None else instrument["profit_currency"]
    return size * rate(asked, priced_in, currency_of(asked.source_status))


def lost_by_a_lot(asked: "Asked") -> Fraction:
    return stop_distance(asked) * lot_worth(asked) + asked.rules["size"]["cost_per_lot"]


NAMES: dict[str, Callable[["Asked"], Fraction]] = {
    "source_volume": volume,
    "source_price": lambda asked: Fraction(asked.position["open_price"]),
    "source_contract_size": source_contract,
    "source_lot_worth": source_lot_worth,
    "source_balance": lambda asked: of(asked.source_status, "balance"),
    "source_equity": lambda asked: of(asked.source_status, "equity"),
    "source_margin_free": lambda asked: of(asked.source_status, "margin_free"),
    "target_price": target_price,
    "target_contract_size": target_contract,
    "lot_worth": lot_worth,
    "target_balance": lambda asked: of(asked.target_status, "balance"),
    "target_equity": lambda asked: of(asked.target_status, "equity"),
    "target_margin_free": lambda asked: of(asked.target_status, "margin_free"),
    "contract_ratio": contract_ratio,
    "stop_distance": stop_distance,
    "rate": account_rate,
    "price_rate": price_rate,
    "multiplier": lambda asked: Fraction(asked.rules["size"]["multiplier"]),
    "cost_per_lot": lambda asked: Fraction(asked.rules["size"]["cost_per_lot"]),
}
