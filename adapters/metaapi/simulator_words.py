"""A simulated book in MetaApi's words: positions, account information, specifications and prices, as JSON values."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Final

from adapters.metaapi.simulator_desk import Desk
from adapters.simulation.money import LEVERAGE, rate
from rules.model.instruments import Instrument
from rules.model.observed import Position, Quote, WorkingOrder
from rules.model.values import OmsType, OrderType, Side, plain

Json = dict[str, object]

BROKER_OFFSET: Final = timedelta(hours=2)
"""The broker's clock is ahead of UTC, as most are; a reader that mixes the two up shows itself."""

_CENT = Decimal("0.01")
_MAGIC_DIGITS_MAX = 18
_ALL_DAY = [{"from": "00:00:00.000", "to": "24:00:00.000"}]
_DAYS = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")


def iso(at: datetime) -> str:
    """Return an instant as the venue writes it: UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def times(at: datetime) -> Json:
    """Return an instant in UTC and on the broker's clock."""
    there = (at.astimezone(UTC) + BROKER_OFFSET).replace(tzinfo=None)
    return {"time": iso(at), "brokerTime": there.isoformat(" ", timespec="milliseconds")}


def number(value: Decimal) -> Decimal:
    """Return a number as it is to be written: without trailing zeros and without an exponent that it does not need."""
    return Decimal(plain(value))


def optional(**fields: object) -> Json:
    """Return the fields that there are: the venue leaves out what it does not know."""
    return {name: number(value) if isinstance(value, Decimal) else value for name, value in fields.items() if value}


def money(amount: Decimal) -> Decimal:
    """Return an amount to the cent."""
    return number(amount.quantize(_CENT))


def platform(desk: Desk) -> str:
    """Return which terminal the account has."""
    return "mt4" if desk.mt4 else "mt5"


def magic(text: str | None) -> int:
    """Return the number of the program that opened; 0 is a person's hand, or what is no number of 64 bits."""
    return int(text) if text and text.isdecimal() and len(text) <= _MAGIC_DIGITS_MAX else 0


def order_type(side: Side, kind: OrderType | None) -> str:
    """Return how an order is called; None is a market order."""
    return f"ORDER_TYPE_{side.name}" + ("" if kind is None else f"_{kind.name}")


def account_information(desk: Desk) -> Json:
    """Return the account's figures."""
    book = desk.book
    status = book.status()
    equity = book.balance if status.equity is None else status.equity
    mode = "RETAIL_HEDGING" if book.oms is OmsType.HEDGING else "RETAIL_NETTING"
    return {
        "platform": platform(desk),
        "broker": "Simulated Broker",
        "currency": book.currency,
        "server": "Simulated-Demo",
        "balance": money(book.balance),
        **_margins(equity, status.margin_used or Decimal(0)),
        "leverage": LEVERAGE,
        "tradeAllowed": True,
        "investorMode": False,
        "marginMode": f"ACCOUNT_MARGIN_MODE_{mode}",
        "name": book.name,
        "login": 50194988,
        "credit": 0,
        "type": "ACCOUNT_TRADE_MODE_DEMO",
        "currencyDigits": 2,
    }


def figures(desk: Desk) -> Json:
    """Return the figures that come with prices."""
    status = desk.book.status()
    equity = desk.book.balance if status.equity is None else status.equity
    return {**_margins(equity, status.margin_used or Decimal(0)), "accountCurrencyExchangeRate": 1}


def position(desk: Desk, held: Position) -> Json:
    """Return an open position."""
    unrealized = desk.book.floating_pnl(held.position_id)
    realized = desk.realized.get(held.position_id, Decimal(0))
    updated_at = desk.updated_at.get(held.position_id, held.opened_at)
    instrument = desk.book.market.instruments[held.symbol]
    old_ticket = desk.came_from.get(held.position_id)
    client_id = None if old_ticket else desk.client_id(held.tag)
    return {
        "id": desk.ticket(held.position_id),
        "platform": platform(desk),
        "type": "POSITION_TYPE_BUY" if held.side is Side.BUY else "POSITION_TYPE_SELL",
        "symbol": held.symbol,
        "magic": magic(held.magic),
        **times(held.opened_at),
        "updateTime": iso(updated_at),
        "updateSequenceNumber": int(updated_at.timestamp() * 1000) * 1_000_000,
        "openPrice": number(held.open_price),
        "currentPrice": number(held.current_price or held.open_price),
        "currentTickValue": _tick_value(desk, instrument),
        "volume": number(held.volume),
        "profit": money(unrealized + realized),
        "realizedProfit": money(realized),
        "unrealizedProfit": money(unrealized),
        **dict.fromkeys(("swap", "realizedSwap", "unrealizedSwap"), 0),
        **dict.fromkeys(("commission", "realizedCommission", "unrealizedCommission"), 0),
        "reason": "POSITION_REASON_EXPERT" if held.tag or held.magic else "POSITION_REASON_CLIENT",
        "accountCurrencyExchangeRate": 1,
        **optional(stopLoss=held.stop_loss, takeProfit=held.take_profit, clientId=client_id),
        **optional(
            comment=f"from #{old_ticket}" if old_ticket else held.comment,
            originalComment=held.comment if old_ticket else None,
        ),
    }


def positions(desk: Desk) -> list[Json]:
    """Return all open positions."""
    return [position(desk, held) for held in desk.book.positions.values()]


def order(desk: Desk, waiting: WorkingOrder) -> Json:
    """Return a pending order."""
    quote = desk.book.market.quotes.get(waiting.symbol)
    expires = {} if waiting.expires_at is None else {"expirationTime": iso(waiting.expires_at)}
    return {
        "id": waiting.order_id,
        "platform": platform(desk),
        "type": order_type(waiting.side, waiting.order_type),
        "state": "ORDER_STATE_PLACED",
        "symbol": waiting.symbol,
        "magic": magic(waiting.magic),
        **({} if waiting.placed_at is None else times(waiting.placed_at)),
        "openPrice": number(waiting.price),
        "volume": number(waiting.volume),
        "currentVolume": number(waiting.volume),
        "reason": "ORDER_REASON_EXPERT" if waiting.tag or waiting.magic else "ORDER_REASON_CLIENT",
        "fillingMode": "ORDER_FILLING_RETURN",
        "expirationType": "ORDER_TIME_SPECIFIED" if expires else "ORDER_TIME_GTC",
        **expires,
        "accountCurrencyExchangeRate": 1,
        **optional(stopLimitPrice=waiting.limit_price, stopLoss=waiting.stop_loss, takeProfit=waiting.take_profit),
        **optional(currentPrice=None if quote is None else quote.entry(waiting.side)),
        **optional(clientId=desk.client_id(waiting.tag), comment=waiting.comment),
    }


def orders(desk: Desk) -> list[Json]:
    """Return all pending orders."""
    return [order(desk, waiting) for waiting in desk.book.working.values()]


def specification(desk: Desk, instrument: Instrument) -> Json:
    """Return what an instrument permits."""
    tick_size = instrument.tick_size or Decimal(0)
    exponent = tick_size.normalize().as_tuple().exponent
    digits = max(0, -exponent) if isinstance(exponent, int) else 0
    point = Decimal(1).scaleb(-digits)
    distance = (instrument.stop_distance_min or Decimal(0)) / point
    currency = instrument.profit_currency or desk.book.currency
    is_pair = len(instrument.symbol) == 6 and instrument.symbol.endswith(currency)
    base = instrument.symbol[:3] if is_pair else currency
    return {
        "symbol": instrument.symbol,
        "tickSize": number(tick_size),
        "minVolume": number(instrument.volume_min),
        "maxVolume": number(instrument.volume_max),
        "volumeStep": number(instrument.volume_step),
        "fillingModes": ["SYMBOL_FILLING_FOK", "SYMBOL_FILLING_IOC"],
        "executionMode": "SYMBOL_TRADE_EXECUTION_MARKET",
        "contractSize": number(instrument.contract_size or Decimal(1)),
        "quoteSessions": dict.fromkeys(_DAYS, _ALL_DAY),
        "tradeSessions": dict.fromkeys(_DAYS, _ALL_DAY),
        "tradeMode": "SYMBOL_TRADE_MODE_FULL" if instrument.tradable else "SYMBOL_TRADE_MODE_DISABLED",
        "initialMargin": 0,
        "maintenanceMargin": 0,
        "marginCurrency": base,
        "priceCalculationMode": "SYMBOL_CALC_MODE_FOREX" if is_pair else "SYMBOL_CALC_MODE_CFD",
        "baseCurrency": base,
        "profitCurrency": currency,
        "swapMode": "SYMBOL_SWAP_MODE_DISABLED",
        "swapRollover3Days": "WEDNESDAY",
        "allowedExpirationModes": ["SYMBOL_EXPIRATION_GTC", "SYMBOL_EXPIRATION_SPECIFIED"],
        "allowedOrderTypes": [f"SYMBOL_ORDER_{kind}" for kind in _order_kinds(desk)],
        "orderGTCMode": "SYMBOL_ORDERS_GTC",
        "digits": digits,
        "point": number(point),
        "path": f"Simulated\\{instrument.symbol}",
        "description": f"Simulated {instrument.symbol}",
        "stopsLevel": int(distance.to_integral_value(ROUND_CEILING)),
        "freezeLevel": 0,
    }


def specifications(desk: Desk) -> list[Json]:
    """Return what all instruments permit."""
    return [specification(desk, instrument) for instrument in desk.book.market.instruments.values()]


def price(desk: Desk, quote: Quote) -> Json:
    """Return a symbol's current price."""
    tick_value = _tick_value(desk, desk.book.market.instruments[quote.symbol])
    return {
        "symbol": quote.symbol,
        "bid": number(quote.bid),
        "ask": number(quote.ask),
        "profitTickValue": tick_value,
        "lossTickValue": tick_value,
        "accountCurrencyExchangeRate": 1,
        **times(quote.at),
    }


def _order_kinds(desk: Desk) -> tuple[str, ...]:
    kinds = ("MARKET", "LIMIT", "STOP", "SL", "TP")
    return kinds if desk.mt4 else (*kinds, "STOP_LIMIT")


def _margins(equity: Decimal, margin: Decimal) -> Json:
    level = {"marginLevel": money(equity / margin * 100)} if margin else {}
    return {"equity": money(equity), "margin": money(margin), "freeMargin": money(equity - margin), **level}


def _tick_value(desk: Desk, instrument: Instrument) -> Decimal:
    """Return what one tick of one lot is worth in the account's currency."""
    value = (instrument.tick_size or Decimal(0)) * (instrument.contract_size or Decimal(1))
    exchanged = value * rate(desk.book.market, instrument.profit_currency, desk.book.currency)
    return number(exchanged.quantize(Decimal("1e-8")))
