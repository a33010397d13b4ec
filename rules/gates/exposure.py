"""What a copy risks and what all that is held is worth, in the target's money, against the policy's limits."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from rules.gates.market import Market
from rules.limits.terms import LimitAmount, Percent
from rules.model.copies import ZERO
from rules.model.frozen import frozen
from rules.model.look_ups import LookUp
from rules.model.reasons import Reason
from rules.model.trace import Denied, Numbers
from rules.model.values import Price, Symbol, Volume, plain
from rules.policy.distances import in_price, shown_distance
from rules.policy.expressions import Exact
from rules.policy.limits import ShareOf
from rules.sizes.conversion import lot_worth
from rules.sizes.volumes import difference, product, shown, total

PRICE_AGE_MAX = timedelta(days=4)
"""What is held is valued by a quote of this age at most: over a weekend with a holiday there is no newer one."""


@frozen
class Room:
    """What a limit leaves where that may be too little: `space`, of which each lot takes `per_lot` (> 0).

    `reason` denies more, and `numbers` tell what it came from.
    """

    rule: str
    reason: Reason
    space: Exact
    per_lot: Exact
    numbers: Numbers

    def takes(self, volume: Volume) -> bool:
        """Tell whether so many more lots are within the limit."""
        return takes(self.space, self.per_lot, volume)

    @property
    def lots(self) -> Fraction:
        """Lots that may still be added, less than 0 where the limit is passed already."""
        return Fraction(self.space) / Fraction(self.per_lot)


def takes(space: Exact, per_lot: Exact, volume: Volume) -> bool:
    """Tell whether so many lots find room in a space."""
    return product(volume, per_lot) <= space


def risk_room(market: Market, wanted: Volume, most: LimitAmount, stop_loss: Price | None) -> Room | Denied | None:
    """Return the room under the loss that the whole copy may make from the expected price to its stop-loss."""
    price = entry_now(market)
    if isinstance(price, Denied):
        return price
    if stop_loss is None or stop_loss == price:
        return Denied("limits.max_risk", Reason.STOP_MISSING, (("symbol", market.symbol),))
    worth, cash = worth_of(market, market.symbol), cash_of(market, most)
    if isinstance(worth, Denied):
        return worth
    if isinstance(cash, Denied):
        return cash
    loss = total(
        product(difference(max(price, stop_loss), min(price, stop_loss)), worth), market.policy.size.cost_per_lot
    )
    increase = market.question.increase_of
    held = ZERO if increase is None else increase[1]
    space = cash if increase is None else difference(cash, product(held, loss))
    if takes(space, loss, wanted):
        return None
    numbers = (("max_risk", shown(cash)), ("risk_per_lot", shown(loss)), ("held", shown(held)))
    return Room("limits", Reason.MAX_RISK, space, loss, numbers)


def leverage_room(market: Market, wanted: Volume, most: Decimal) -> Room | Denied | None:
    """Return the room under what all positions together, both sides added up, may be worth over equity."""
    equity = _figure(market, ShareOf.EQUITY)
    if isinstance(equity, Denied):
        return equity
    value = _lot_value(market, market.symbol)
    if isinstance(value, Denied):
        return value
    held = _held_value(market, value)
    if isinstance(held, Denied):
        return held
    space = difference(product(most, equity), held)
    if takes(space, value, wanted):
        return None
    values = (("equity", shown(equity)), ("held_value", shown(held)), ("lot_value", shown(value)))
    return Room("limits", Reason.MAX_LEVERAGE, space, value, (*values, ("max_leverage", shown(most))))


def _held_value(market: Market, value: Exact) -> Exact | Denied:
    """Return what all positions of the target are worth, where a lot of the copy's symbol is worth `value`."""
    target = market.question.target
    both: dict[Symbol, Volume] = {}
    for (symbol, _), lots in target.lots.items():
        both[symbol] = both.get(symbol, ZERO) + lots
    if target.foreign_lots and market.policy.limits.count_foreign:
        for (symbol, _), lots in target.foreign_lots.items():
            both[symbol] = both.get(symbol, ZERO) + lots
    held: Exact = ZERO
    for symbol, lots in both.items():
        if not lots:
            continue
        theirs = value if symbol == market.symbol else _lot_value(market, symbol)
        if isinstance(theirs, Denied):
            return theirs
        held = total(held, product(theirs, lots))
    return held


def _lot_value(market: Market, symbol: Symbol) -> Exact | Denied:
    """Return what a lot is worth at its price, in the target's currency, > 0."""
    target = market.question.target
    worth = worth_of(market, symbol)
    if isinstance(worth, Denied):
        return worth
    quote = target.fresh_quote(symbol, market.question.now, PRICE_AGE_MAX)
    if quote is None:
        market.finding.look_ups.append(LookUp(target.account, symbol, quote=True))
        return Denied("limits", Reason.QUOTE_UNKNOWN, (("symbol", symbol),))
    return product(worth, quote.mid())


def worth_of(market: Market, symbol: Symbol) -> Exact | Denied:
    """Return what a lot gains when its price rises by 1, in the target's currency, > 0."""
    target = market.question.target
    instrument = target.instruments.get(symbol)
    if instrument is None:
        market.finding.look_ups.append(LookUp(target.account, symbol, quote=True))
        return Denied("limits", Reason.INSTRUMENT_UNKNOWN, (("symbol", symbol),))
    currency = None if target.status is None else target.status.currency
    return lot_worth(instrument, currency, market.rates, ignore_currency=False)


def entry_now(market: Market) -> Price | Denied:
    """Return what the target would pay or get by a quote of now; the source's own price is no proof of it."""
    if market.quote is not None or market.waits is not None:
        return market.expected_price()
    market.finding.look_ups.append(LookUp(market.question.target.account, market.symbol, quote=True))
    return Denied("limits", Reason.QUOTE_UNKNOWN, (("symbol", market.symbol),))


def stop_distance(market: Market, stop_loss: Price | None) -> Denied | None:
    """Refuse a copy whose stop-loss lies further from its expected price than it may, or that has none."""
    most = market.policy.limits.max_stop_distance
    if most is None:
        return None
    if stop_loss is None:
        return Denied("limits.max_stop_distance", Reason.STOP_MISSING, (("symbol", market.symbol),))
    price = market.expected_price()
    allowed, distance = in_price(most, market.instrument, price), abs(price - stop_loss)
    if allowed is not None and distance <= allowed:
        return None
    numbers = (("entry", plain(price)), ("stop_loss", plain(stop_loss)), ("distance", plain(distance)))
    return Denied("limits", Reason.STOP_TOO_FAR, (*numbers, ("max_stop_distance", shown_distance(most, allowed))))


def free_margin(market: Market) -> Denied | None:
    """Refuse while the target has less free margin than it must keep."""
    least = market.policy.limits.min_free_margin
    if least is None:
        return None
    status = market.question.target.status
    free = None if status is None else status.margin_free
    if free is None:
        return Denied("limits", Reason.REFERENCE_UNKNOWN, (("margin_free", "unknown"),))
    cash = cash_of(market, least)
    if isinstance(cash, Denied):
        return cash
    if free >= cash:
        return None
    return Denied("limits", Reason.MARGIN_FREE_LOW, (("margin_free", plain(free)), ("min_free_margin", shown(cash))))


def cash_of(market: Market, amount: LimitAmount, of: ShareOf = ShareOf.EQUITY) -> Exact | Denied:
    """Return an amount in the target's currency; a percent is of its equity, or its balance."""
    status = market.question.target.status
    if isinstance(amount, Percent):
        whole = _figure(market, of)
        return whole if isinstance(whole, Denied) else product(whole, amount.fraction)
    if amount.currency is None:
        return amount.amount
    rate = market.rates().rate(amount.currency, None if status is None else status.currency)
    return rate if isinstance(rate, Denied) else product(rate, amount.amount)


def _figure(market: Market, of: ShareOf) -> Exact | Denied:
    status = market.question.target.status
    figure = None if status is None else status.equity if of is ShareOf.EQUITY else status.balance
    if figure is None:
        return Denied("limits", Reason.REFERENCE_UNKNOWN, ((of.value, "unknown"),))
    if figure <= 0:
        return Denied("limits", Reason.REFERENCE_NOT_POSITIVE, ((of.value, plain(figure)),))
    return figure
