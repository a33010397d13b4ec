"""What sizes are reckoned from: each number by its name, or the denial where nobody tells it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Final, TypeAlias

from attrs import field

from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.look_ups import LookUp
from rules.model.observed import AccountStatus, Position
from rules.model.reasons import Reason
from rules.model.state import AccountView
from rules.model.trace import Denied
from rules.model.values import Price, plain
from rules.policy.distances import in_price, shown_distance
from rules.policy.size import RiskOf, Size, SizeMode
from rules.policy.symbols import SymbolMap
from rules.sizes.common import Commons
from rules.sizes.conversion import Rates, lot_worth
from rules.sizes.volumes import Known, fraction, known, ratio_of


@frozen
class Basis:
    """What a size is reckoned from, besides the policy's numbers.

    `instrument` is the target's. `entry` is what a quote of now says that the target would pay or get (None: there is
    no such quote), `stop_loss` the final one that its position would have. `symbols` names currency pairs as the
    target does. What must be asked of a venue is added to `look_ups`. `commons` is what sizes by the same policy were
    found to have in common, of the same position at the same moment.
    """

    position: Position
    source: AccountView
    target: AccountView
    instrument: Instrument
    now: datetime
    entry: Price | None = None
    stop_loss: Price | None = None
    symbols: SymbolMap | None = None
    look_ups: list[LookUp] = field(factory=list)
    commons: Commons = field(factory=dict)

    def rates(self) -> Rates:
        """Return what converts money here."""
        return Rates(self.now, (self.target, self.source), self.symbols, self.look_ups)


Answer: TypeAlias = Known | Denied


@lru_cache(maxsize=1024)
def _usual(number: Decimal) -> Known:
    """Return a number of a policy or an instrument, or a volume: they come again and again."""
    return known(number)


_ONE: Final = known(Decimal(1))


def _one(why: str) -> Known:
    return Known(_ONE.ratio, f"1: {why}")


_IGNORED: Final = _one("currencies are ignored")
_NO_CURRENCY: Final = _one("neither currency is known, they count as equal")
_NO_CONTRACT_SIZE: Final = _one("neither contract size is known, lots count as equal")


def _policy_number(name: str, number: Decimal | None) -> Answer:
    if number is None:
        raise ValueError(f"size.{name} must be set in this mode, was not")
    return _usual(number)


def _figure(account: AccountView, name: str) -> Answer:
    number: Decimal | None = None if account.status is None else getattr(account.status, name)
    if number is not None and number > 0:
        return known(number)
    numbers = (("account", account.account), (name, "unknown" if number is None else plain(number)))
    return Denied("size", Reason.REFERENCE_UNKNOWN if number is None else Reason.REFERENCE_NOT_POSITIVE, numbers)


_REFERENCES: Final[Mapping[SizeMode, str]] = {
    SizeMode.BALANCE_RATIO: "balance",
    SizeMode.EQUITY_RATIO: "equity",
    SizeMode.MARGIN_RATIO: "margin_free",
}


def _source_reference(size: Size, basis: Basis) -> Answer:
    if size.source_reference is not None:
        return _usual(size.source_reference)
    return _figure(basis.source, _REFERENCES[size.mode])


def _target_reference(size: Size, basis: Basis) -> Answer:
    if size.target_reference is not None:
        return _usual(size.target_reference)
    return _figure(basis.target, _REFERENCES[size.mode])


def _at_risk(size: Size, basis: Basis) -> Answer:
    """Return what `percent` is a percent of."""
    if size.of is RiskOf.INITIAL:
        return _policy_number("initial", size.initial)
    return _figure(basis.target, size.of.value)


def _amount(size: Size, basis: Basis) -> Answer:
    if size.amount is None:
        raise ValueError("size.amount must be set in this mode, was not")
    rate = basis.rates().rate(size.amount.currency, _currency(basis.target.status))
    return rate if isinstance(rate, Denied) else known(fraction(size.amount.amount) * rate)


def _currency(status: AccountStatus | None) -> str | None:
    return None if status is None else status.currency


def _rate(size: Size, basis: Basis) -> Answer:
    """Return how much of the target's currency one unit of the source's is."""
    if size.ignore_currency:
        return _IGNORED
    source, target = _currency(basis.source.status), _currency(basis.target.status)
    if source == target:
        return _NO_CURRENCY if source is None else _ONE
    rate = basis.rates().rate(source, target)
    return rate if isinstance(rate, Denied) else known(rate)


def _price_rate(size: Size, basis: Basis) -> Answer:
    """Return how much of what the target's instrument is priced in one unit of what the source's is priced in is."""
    if size.ignore_currency:
        return _IGNORED
    source = _source_instrument(basis)
    if isinstance(source, Denied):
        return source
    rate = basis.rates().rate(None if source is None else source.profit_currency, basis.instrument.profit_currency)
    return rate if isinstance(rate, Denied) else known(rate)


def _source_instrument(basis: Basis) -> Instrument | Denied | None:
    source, symbol = basis.source, basis.position.symbol
    if symbol in source.instruments:
        return source.instruments[symbol]
    basis.look_ups.append(LookUp(source.account, symbol))
    return Denied("size", Reason.INSTRUMENT_UNKNOWN, (("symbol", symbol), ("account", source.account)))


def _source_contract_size(size: Size, basis: Basis) -> Answer:
    known = _contract_size_at_source(basis)
    if isinstance(known, Denied):
        return known
    return _contract_size(known, basis.position.symbol)


def _target_contract_size(size: Size, basis: Basis) -> Answer:
    return _contract_size(basis.instrument.contract_size, basis.instrument.symbol)


def _contract_size_at_source(basis: Basis) -> Decimal | Denied | None:
    """Return units per lot at the source, by the position or by the source's own instrument."""
    if basis.position.contract_size is not None:
        return basis.position.contract_size
    instrument = _source_instrument(basis)
    return instrument if isinstance(instrument, Denied) or instrument is None else instrument.contract_size


def _contract_size(number: Decimal | None, symbol: str) -> Answer:
    if number is None or number <= 0:
        return Denied("size", Reason.CONTRACT_SIZE_UNKNOWN, (("symbol", symbol),))
    return _usual(number)


def _contract_ratio(size: Size, basis: Basis) -> Answer:
    """Return source over target contract size; where neither side tells its own, lots count as equal."""
    if size.ignore_contract_size:
        return _ONE
    target = basis.instrument.contract_size
    source = basis.position.contract_size if target is None else _contract_size_at_source(basis)
    if isinstance(source, Denied):
        return source
    if source is None and target is None:
        return _NO_CONTRACT_SIZE
    if source is None or target is None or source <= 0 or target <= 0:
        sizes = (("source_contract_size", _or_unknown(source)), ("target_contract_size", _or_unknown(target)))
        return Denied("size", Reason.CONTRACT_SIZE_UNKNOWN, sizes)
    if source == target:
        return _ONE
    (units, parts), (of, each) = ratio_of(source), ratio_of(target)
    return Known((units * each, parts * of), f"{plain(source)} / {plain(target)}")


def _source_price(size: Size, basis: Basis) -> Answer:
    return known(basis.position.open_price)


def _target_price(size: Size, basis: Basis) -> Answer:
    """Return what the target would pay or get now; the source's own price is no proof of it."""
    if basis.entry is not None:
        return known(basis.entry)
    basis.look_ups.append(LookUp(basis.target.account, basis.instrument.symbol, quote=True))
    return Denied("size", Reason.QUOTE_UNKNOWN, (("symbol", basis.instrument.symbol),))


def _stop_distance(size: Size, basis: Basis) -> Answer:
    """Return the way from the expected price to the target's stop-loss, else `default_stop`."""
    price = _target_price(size, basis)
    if isinstance(price, Denied) or basis.entry is None:
        return price
    if basis.stop_loss is not None:
        distance = abs(fraction(basis.entry) - fraction(basis.stop_loss))
        if distance > 0:
            return known(distance)
    elif size.default_stop is not None:
        default = in_price(size.default_stop, basis.instrument, basis.entry)
        if default:
            return Known(ratio_of(default), f"{shown_distance(size.default_stop, default)}: the default")
    return Denied("size", Reason.STOP_MISSING, (("symbol", basis.position.symbol),))


def _lot_worth(size: Size, basis: Basis) -> Answer:
    worth = lot_worth(basis.instrument, _currency(basis.target.status), basis.rates, size.ignore_currency)
    return worth if isinstance(worth, Denied) else known(worth)


def _source_lot_worth(size: Size, basis: Basis) -> Answer:
    """Return what one lot at the source gains there when its price rises by 1, in the source's money."""
    lots = _source_contract_size(size, basis)
    if isinstance(lots, Denied) or size.ignore_currency:
        return lots
    instrument = _source_instrument(basis)
    if isinstance(instrument, Denied):
        return instrument
    currency = None if instrument is None else instrument.profit_currency
    rate = basis.rates().rate(currency, _currency(basis.source.status))
    return rate if isinstance(rate, Denied) else known(Fraction(*lots.ratio) * rate)


def _or_unknown(number: Decimal | None) -> str:
    return "unknown" if number is None else plain(number)


VARIABLES: Final[Mapping[str, Callable[[Size, Basis], Answer]]] = {
    "source_volume": lambda size, basis: _usual(basis.position.volume),
    "source_balance": lambda size, basis: _figure(basis.source, "balance"),
    "source_equity": lambda size, basis: _figure(basis.source, "equity"),
    "source_margin_free": lambda size, basis: _figure(basis.source, "margin_free"),
    "target_balance": lambda size, basis: _figure(basis.target, "balance"),
    "target_equity": lambda size, basis: _figure(basis.target, "equity"),
    "target_margin_free": lambda size, basis: _figure(basis.target, "margin_free"),
    "source_price": _source_price,
    "target_price": _target_price,
    "source_contract_size": _source_contract_size,
    "target_contract_size": _target_contract_size,
    "contract_ratio": _contract_ratio,
    "stop_distance": _stop_distance,
    "lot_worth": _lot_worth,
    "source_lot_worth": _source_lot_worth,
    "rate": _rate,
    "price_rate": _price_rate,
    "multiplier": lambda size, basis: _policy_number("multiplier", size.multiplier),
    "cost_per_lot": lambda size, basis: _policy_number("cost_per_lot", size.cost_per_lot),
    "volume": lambda size, basis: _policy_number("volume", size.volume),
    "percent": lambda size, basis: _policy_number("percent", size.percent),
    "source_reference": _source_reference,
    "target_reference": _target_reference,
    "at_risk": _at_risk,
    "amount": _amount,
}
