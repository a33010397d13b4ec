"""MetaCopier's words into ours, row by row: positions, pending orders, figures, instruments, quotes. Pure, no clock.

One position that cannot be read makes its whole list unreadable: leaving it out would say that it was closed.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from adapters.base import RemoteProtocolError, SessionLost, SignInRefused
from adapters.metacopier.values import name, number, number_or_none, positive, price_or_none, utc
from adapters.metacopier.wire import (
    AccountInformationDTO,
    MarketQuoteDTO,
    PositionDTO,
    SymbolDTO,
)
from rules.model.identity import is_ours
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Position, Quote, WorkingOrder
from rules.model.values import (
    ClOrdId,
    OmsType,
    OrderType,
    PositionId,
    Price,
    Side,
    Symbol,
    VenueOrderId,
    Volume,
    shared,
)

_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL, "DealBuy": Side.BUY, "DealSell": Side.SELL}

# The kinds that the venue has; it has no stop-limits.
PENDING = {
    "BuyLimit": (Side.BUY, OrderType.LIMIT),
    "SellLimit": (Side.SELL, OrderType.LIMIT),
    "BuyStop": (Side.BUY, OrderType.STOP),
    "SellStop": (Side.SELL, OrderType.STOP),
}

_TAG = re.compile(r"(?<![a-z0-9])cp[a-z2-7]{20}(?![a-z0-9])")
_API_PREFIX = re.compile(r"API\|([0-9]{1,3})\|")

# EXCHANGE is MetaTrader's word for a netting account on an exchange.
_OMS = {"HEDGING": OmsType.HEDGING, "NETTING": OmsType.NETTING, "EXCHANGE": OmsType.NETTING}


def check_account(info: AccountInformationDTO, oms: OmsType) -> None:
    """Refuse to go on where the venue itself cannot see the account, or the config is wrong about it.

    Raises:
        SessionLost: the venue is not connected to the broker: what it shows may be old.
        SignInRefused: the broker refuses the login kept at the venue, or the account keeps positions otherwise than
            configured.
    """
    if info.wrong_credentials:
        raise SignInRefused("MetaCopier reports wrongCredentials: the broker refuses the login that is kept there")
    if info.connected is False:
        raise SessionLost("MetaCopier reports connected=false: it has lost the broker, and what it shows may be old")
    mode = _OMS.get(info.account_mode or "")
    if mode is not None and mode is not oms:
        raise SignInRefused(
            f"expected an account with oms = {oms.value!r}, found accountMode {info.account_mode}:"
            f" set oms = {mode.value!r}"
        )


def account_status(info: AccountInformationDTO) -> AccountStatus | None:
    """Return the account's figures, or None where the API key's policy hides the balance.

    Raises:
        RemoteProtocolError: a figure is not a number of sane size.
    """
    if info.balance is None:
        return None
    return AccountStatus(
        balance=number(info.balance, "balance"),
        equity=number_or_none(info.equity, "equity"),
        currency=info.currency,
        margin_used=number_or_none(info.used_margin, "usedMargin"),
        margin_free=number_or_none(info.free_margin, "freeMargin"),
    )


def listed(rows: Iterable[PositionDTO]) -> tuple[tuple[Position, ...], tuple[WorkingOrder, ...]]:
    """Return the positions and the pending orders among `rows`, which are looked at once.

    Raises:
        RemoteProtocolError: as `positions` and `orders`.
    """
    held: list[Position] = []
    pending: list[PositionDTO] = []
    for row in rows:
        if is_pending(row):
            pending.append(row)
        else:
            held.append(position(row))
    return _each_once(held), orders(pending) if pending else ()


def positions(rows: Iterable[PositionDTO]) -> tuple[Position, ...]:
    """Return the positions among `rows`; pending orders are left out.

    Raises:
        RemoteProtocolError: a row cannot be read, or an id comes twice.
    """
    return _each_once([position(row) for row in rows if not is_pending(row)])


def _each_once(held: list[Position]) -> tuple[Position, ...]:
    if len(held) > 1 and len({position.position_id for position in held}) != len(held):
        raise RemoteProtocolError("expected each position once, found an id twice in one list")
    return tuple(held)


def orders(rows: Iterable[PositionDTO]) -> tuple[WorkingOrder, ...]:
    """Return the pending orders among `rows`; those of kinds that we do not know are left out.

    Raises:
        RemoteProtocolError: a row cannot be read, or an id comes twice.
    """
    waiting = tuple(order(row, *PENDING[row.order_type]) for row in rows if row.order_type in PENDING)
    if len({order.order_id for order in waiting}) != len(waiting):
        raise RemoteProtocolError("expected each pending order once, found an id twice in one list")
    return waiting


def is_pending(row: PositionDTO) -> bool:
    """Tell whether a row is a pending order: BuyLimit, SellStop and whatever kinds the venue may add to these."""
    kind = row.order_type or ""
    return kind not in _SIDES and kind.startswith(("Buy", "Sell"))


def position(row: PositionDTO) -> Position:
    """Return an open position; its side comes from orderType, else from dealType, and is never guessed.

    Raises:
        RemoteProtocolError: something that a position must have is missing or cannot be.
    """
    side = side_of(row)
    if side is None:
        raise RemoteProtocolError(
            f"expected orderType Buy or Sell of position {str(row.id)[:40]!r}, found {row.order_type!r:.60}"
            f" (dealType {row.deal_type!r:.60})"
        )
    if row.open_time is None:
        raise RemoteProtocolError(f"expected openTime of position {str(row.id)[:40]!r}, found none")
    return Position(
        position_id=PositionId(name(row.id, "id")),
        symbol=Symbol(shared(name(row.symbol, "symbol"))),
        side=side,
        volume=volume_of(row),
        open_price=positive(row.open_price, "openPrice"),
        opened_at=utc(row.open_time, "openTime"),
        stop_loss=price_or_none(row.stop_loss, "stopLoss"),
        take_profit=price_or_none(row.take_profit, "takeProfit"),
        current_price=price_or_none(row.current_price, "currentPrice"),
        magic=None if row.magic_number is None else shared(str(row.magic_number)),
        comment=row.comment and shared(row.comment),
        tag=tag_of(row),
    )


def order(row: PositionDTO, side: Side, order_type: OrderType) -> WorkingOrder:
    """Return a pending order. The venue does not say when one expires.

    Raises:
        RemoteProtocolError: something that it must have is missing or cannot be.
    """
    return WorkingOrder(
        order_id=VenueOrderId(name(row.id, "id")),
        symbol=Symbol(shared(name(row.symbol, "symbol"))),
        side=side,
        order_type=order_type,
        volume=volume_of(row),
        price=positive(row.open_price, "openPrice"),
        stop_loss=price_or_none(row.stop_loss, "stopLoss"),
        take_profit=price_or_none(row.take_profit, "takeProfit"),
        placed_at=None if row.open_time is None else utc(row.open_time, "openTime"),
        magic=None if row.magic_number is None else shared(str(row.magic_number)),
        comment=row.comment and shared(row.comment),
        tag=tag_of(row),
    )


def side_of(row: PositionDTO) -> Side | None:
    """Return a row's side, or None where it has none that we know."""
    return _SIDES.get(row.order_type or "") or _SIDES.get(row.deal_type or "")


def volume_of(row: PositionDTO) -> Volume:
    """Return a row's volume in lots, > 0, or raise RemoteProtocolError."""
    return positive(row.volume, "volume")


def open_price_of(row: PositionDTO) -> Price | None:
    """Return a row's opening price, None where it has none, or raise RemoteProtocolError."""
    return price_or_none(row.open_price, "openPrice")


def tag_of(row: PositionDTO) -> ClOrdId | None:
    """Return our order id out of a comment such as `API|7|cp...`, wherever in it a broker has left it."""
    found = _TAG.search(row.comment) if row.comment else None
    return ClOrdId(found[0]) if found is not None and is_ours(found[0]) else None


def request_id_of(row: PositionDTO) -> str | None:
    """Return the number of the request that opened a row, from its own field or from the comment's prefix."""
    if row.request_id is not None:
        return str(row.request_id)
    found = _API_PREFIX.match(row.comment or "")
    return found[1] if found is not None else None


def instrument(symbol: SymbolDTO) -> Instrument:
    """Return an instrument's specification.

    Raises:
        RemoteProtocolError: the volume grid is missing or impossible.
    """
    points = price_or_none(symbol.points, "points")
    if points is None and symbol.digits is not None and 0 <= symbol.digits <= 12:
        points = Decimal(1).scaleb(-symbol.digits)
    specification = Instrument(
        symbol=Symbol(symbol.name),
        volume_min=positive(symbol.minimal_volume, "minimalVolume"),
        volume_max=positive(symbol.maximal_volume, "maximalVolume"),
        volume_step=positive(symbol.step_volume, "stepVolume"),
        tick_size=points,
        contract_size=price_or_none(symbol.lot_size, "lotSize"),
        profit_currency=symbol.quote_currency,
        tradable=not symbol.disabled,
    )
    if specification.volume_min > specification.volume_max:
        found = f"{specification.volume_min} and {specification.volume_max}"
        raise RemoteProtocolError(f"expected minimalVolume <= maximalVolume of {symbol.name[:40]!r}, found {found}")
    return specification


def quote(dto: MarketQuoteDTO, symbol: Symbol, now: datetime) -> Quote | None:
    """Return a quote, or None when there is no price on either side; without a time of its own it is of `now`.

    Raises:
        RemoteProtocolError: a price that cannot be.
    """
    bid, ask = price_or_none(dto.bid, "bid"), price_or_none(dto.ask, "ask")
    if bid is None or ask is None:
        return None
    return Quote(symbol, bid, ask, now if dto.timestamp is None else utc(dto.timestamp, "timestamp"))
