"""What the venues say in the bench of sessions: positions and prices in each venue's own words, as JSON values."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeAlias

from adapters.metacopier.simulator_words import account_id as metacopier_id

Json: TypeAlias = dict[str, object]

ACCOUNT = "L#700001"
METACOPIER_ID = metacopier_id(ACCOUNT)
METAAPI_ID = "0e5a6f1c-5a0b-4b8e-9c55-6d65746163f1"
CLEARSTREET_ID = "100001"
HOST = "ps-mpa-0"
OPENED_AT = datetime(2026, 11, 20, 12, 34, 56, 789000, tzinfo=UTC)
OPENED_MS = int(OPENED_AT.timestamp() * 1000)
OPENED = "2026-11-20T12:34:56.789Z"
SYMBOL = "EURUSD"

_USER = "00000000-0000-4000-8000-000000000001"


def price(number: int) -> Decimal:
    """Return one of 999 prices."""
    return Decimal("1.16001") + Decimal(number % 999) / 100_000


def tradelocker_position(position_id: int, number: int, brand: str) -> Json:
    """Return a Position of the Streams API, with every field of the published sample."""
    return {
        "type": "Position",
        "accountId": ACCOUNT,
        "brandId": brand,
        "userId": _USER,
        "lots": "0.1",
        "lotSize": "100000",
        "units": "10000",
        "instrument": SYMBOL,
        "openPrice": str(price(number)),
        "openDateTime": OPENED,
        "positionId": str(position_id),
        "openOrderId": str(position_id),
        "maintMargin": "11.60",
        "side": "BUY",
        "fee": "0",
        "swaps": "0",
        "stopLossOrderId": None,
        "takeProfitOrderId": None,
    }


def tradelocker_status(number: int, brand: str) -> Json:
    """Return an AccountStatus, which comes with every tick while positions are open."""
    return {
        "type": "AccountStatus",
        "accountId": ACCOUNT,
        "brandId": brand,
        "userId": _USER,
        "currency": "USD",
        "balance": "100000.00",
        "equity": f"{100_000 + number % 999}.25",
        "marginAvailable": "98840.00",
        "marginUsed": "1160.00",
        "blockedBalance": "0",
        "credit": "0",
        "positionPnLs": [{"positionId": "1", "pnl": f"{number % 999}.25"}],
    }


def tradelocker_property(name: str) -> Json:
    """Return a signal such as SyncEnd."""
    return {"type": "Property", "name": name, "accountId": ACCOUNT}


def tradelocker_row(position_id: int) -> list[str | None]:
    """Return a position as a row of the REST API, in the order of the simulator's columns."""
    return [str(position_id), "278", "1152278", "buy", "0.1", "1.16", None, None, str(OPENED_MS), "0.25", None]


def metaapi_position(position_id: int, number: int) -> Json:
    """Return a position of the terminal state, with every field of the published sample."""
    return {
        "id": str(position_id),
        "platform": "mt5",
        "type": "POSITION_TYPE_BUY",
        "symbol": SYMBOL,
        "magic": 123456,
        "time": OPENED,
        "brokerTime": "2026-11-20 14:34:56.789",
        "updateTime": OPENED,
        "openPrice": Decimal("1.16008"),
        "currentPrice": price(number),
        "currentTickValue": 1,
        "volume": Decimal("0.1"),
        "swap": 0,
        "profit": Decimal("-85.26"),
        "commission": Decimal("-0.25"),
        "realizedProfit": 0,
        "unrealizedProfit": Decimal("-85.26"),
        "reason": "POSITION_REASON_CLIENT",
        "stopLoss": Decimal("1.15"),
        "takeProfit": Decimal("1.3"),
        "accountCurrencyExchangeRate": 1,
        "updateSequenceNumber": 1_797_000_000_000_000_000 + number,
    }


def metaapi_packet(kind: str, **fields: object) -> Json:
    """Return a packet of the `synchronization` event."""
    return {"type": kind, "accountId": METAAPI_ID, "instanceIndex": 0, "host": HOST, **fields}


def metaapi_price(number: int) -> Json:
    """Return a symbol's price, with every field of the published sample."""
    return {
        "symbol": SYMBOL,
        "bid": price(number),
        "ask": price(number + 1),
        "time": OPENED,
        "brokerTime": "2026-11-20 14:34:56.789",
        "profitTickValue": 1,
        "lossTickValue": 1,
        "accountCurrencyExchangeRate": 1,
    }


def metaapi_information() -> Json:
    """Return the account's figures and kind."""
    return {
        "platform": "mt5",
        "broker": "Broker",
        "currency": "USD",
        "server": "Broker-Demo",
        "balance": 100_000,
        "equity": 100_000,
        "margin": 0,
        "freeMargin": 100_000,
        "leverage": 100,
        "marginMode": "ACCOUNT_MARGIN_MODE_RETAIL_HEDGING",
    }


def metacopier_position(position_id: int, number: int) -> Json:
    """Return a PositionDTO."""
    return {
        "id": str(position_id),
        "symbol": SYMBOL,
        "orderType": "Buy",
        "dealType": "DealBuy",
        "placedType": "Manually",
        "volume": Decimal("0.1"),
        "openPrice": Decimal("1.16008"),
        "currentPrice": price(number),
        "closePrice": None,
        "stopLoss": Decimal("1.15"),
        "takeProfit": Decimal("1.3"),
        "openTime": OPENED,
        "closeTime": None,
        "swap": 0,
        "commission": Decimal("-0.25"),
        "profit": Decimal("-85.26"),
        "netProfit": Decimal("-85.51"),
        "comment": "by hand",
        "magicNumber": 123456,
        "requestId": None,
    }


def metacopier_positions(positions: list[Json]) -> Json:
    """Return the message that carries all open positions."""
    return {"type": "UpdateOpenPositionsDTO", "data": {"accountId": METACOPIER_ID, "openPositions": positions}}


def clearstreet_position(symbol: str, quantity: int) -> Json:
    """Return the net position of a symbol."""
    return {
        "account_id": CLEARSTREET_ID,
        "account_number": "SIM000001",
        "symbol": symbol,
        "quantity": str(quantity),
        "average_cost": Decimal("187.25"),
    }


def clearstreet_trade(symbol: str, number: int, running: int, at_ms: int) -> Json:
    """Return the execution of one share bought."""
    return {
        "created_at": at_ms,
        "trade_id": f"trade-{number}",
        "order_id": f"order-{number}",
        "account_id": CLEARSTREET_ID,
        "account_number": "SIM000001",
        "symbol": symbol,
        "side": "buy",
        "quantity": "1",
        "price": "187.25",
        "running_position": str(running),
    }
