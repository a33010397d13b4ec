"""The tables of the simulated REST API: column maps of `/trade/config`, and rows in that order."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from adapters.simulation.broker import BookOrder, Purpose, Result
from adapters.tradelocker.simulator_desk import Desk
from adapters.tradelocker.simulator_messages import STATUSES
from rules.model.observed import WorkingOrder
from rules.model.values import OrderType, Symbol, plain

# The order of columns is that of recorded live answers; a reader that goes by index is wrong all the same.
POSITIONS: Final = (
    "id",
    "tradableInstrumentId",
    "routeId",
    "side",
    "qty",
    "avgPrice",
    "stopLossId",
    "takeProfitId",
    "openDate",
    "unrealizedPl",
    "strategyId",
)
ORDERS: Final = (
    "id",
    "tradableInstrumentId",
    "routeId",
    "qty",
    "side",
    "type",
    "status",
    "filledQty",
    "avgPrice",
    "price",
    "stopPrice",
    "validity",
    "expireDate",
    "createdDate",
    "lastModified",
    "isOpen",
    "positionId",
    "stopLoss",
    "stopLossType",
    "takeProfit",
    "takeProfitType",
    "strategyId",
)
EXECUTIONS: Final = ("id", "price", "side", "createdDate", "qty", "orderId", "positionId", "tradableInstrumentId")
ACCOUNT_DETAILS: Final = (
    "balance",
    "projectedBalance",
    "availableFunds",
    "blockedBalance",
    "cashBalance",
    "unsettledCash",
    "withdrawalAvailable",
    "stocksValue",
    "optionValue",
    "initialMarginReq",
    "maintMarginReq",
    "marginWarningLevel",
    "blockedForStocks",
    "stockOrdersReq",
    "stopOutLevel",
    "warningMarginReq",
    "marginBeforeWarning",
    "todayGross",
    "todayNet",
    "todayFees",
    "todayVolume",
    "todayTradesCount",
    "openGrossPnL",
    "openNetPnL",
    "positionsCount",
    "ordersCount",
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_INSTRUMENT = 278
_TRADE_ROUTE_BASE = 1_152_000
_INFO_ROUTE_BASE = 452_000

Cells = list[str | None]


class InstrumentIds:
    """Numbers for the market's symbols, given out in the market's own order and never changed."""

    def __init__(self) -> None:
        self._of: dict[Symbol, int] = {}
        self._symbols: dict[str, Symbol] = {}

    def of(self, symbol: Symbol) -> int:
        """Return the tradableInstrumentId of `symbol`."""
        if symbol not in self._of:
            self._of[symbol] = _FIRST_INSTRUMENT + len(self._of)
            self._symbols[str(self._of[symbol])] = symbol
        return self._of[symbol]

    def symbol(self, tradable_instrument_id: str) -> Symbol | None:
        """Return the symbol behind an id, or None."""
        return self._symbols.get(tradable_instrument_id)

    def trade_route(self, symbol: Symbol) -> int:
        """Return the id of the route for orders: another one for every instrument."""
        return _TRADE_ROUTE_BASE + self.of(symbol)

    def info_route(self, symbol: Symbol) -> int:
        """Return the id of the route for quotes that works."""
        return _INFO_ROUTE_BASE + self.of(symbol)

    def dead_route(self, symbol: Symbol) -> int:
        """Return the id of a route for quotes that never answers with quotes, as some accounts have one."""
        return _INFO_ROUTE_BASE - self.of(symbol)


def config(limits: Mapping[str, tuple[int, int]]) -> dict[str, object]:
    """Return `d` of `/trade/config`; `limits` is (requests, seconds) by kind of request."""
    tables = {
        "positionsConfig": POSITIONS,
        "ordersConfig": ORDERS,
        "ordersHistoryConfig": ORDERS,
        "filledOrdersConfig": EXECUTIONS,
        "accountDetailsConfig": ACCOUNT_DETAILS,
    }
    access = ("orders", "ordersHistory", "filledOrders", "positions", "symbolInfo", "marketDepth")
    return {
        "customerAccess": dict.fromkeys(access, True),
        **{name: _table(name.removesuffix("Config"), columns) for name, columns in tables.items()},
        "rateLimits": [
            {"rateLimitType": kind, "measure": "SECONDS", "intervalNum": seconds, "limit": requests}
            for kind, (requests, seconds) in limits.items()
        ],
        "limits": [{"limitType": "QUOTES_HISTORY_BARS", "limit": 20_000}],
    }


def _table(name: str, columns: Sequence[str]) -> dict[str, object]:
    return {"id": name, "title": name, "columns": [{"id": column} for column in columns]}


def position_rows(desk: Desk, ids: InstrumentIds) -> Iterator[Cells]:
    """Yield the open positions."""
    for position in desk.book.positions.values():
        protections = desk.protections.get(position.position_id, {})
        order_ids = {kind: protection.order_id for kind, protection in protections.items()}
        yield _cells(
            POSITIONS,
            {
                "id": position.position_id,
                "tradableInstrumentId": str(ids.of(position.symbol)),
                "routeId": str(ids.trade_route(position.symbol)),
                "side": position.side.value,
                "qty": plain(position.volume),
                "avgPrice": plain(position.open_price),
                "stopLossId": order_ids.get("stop"),
                "takeProfitId": order_ids.get("limit"),
                "openDate": milliseconds(position.opened_at),
                "unrealizedPl": plain(desk.book.floating_pnl(position.position_id)),
                "strategyId": position.tag,
            },
        )


def working_rows(desk: Desk, ids: InstrumentIds) -> Iterator[Cells]:
    """Yield the orders that are not final: pending ones and those that protect positions."""
    for order in desk.pending:
        yield working_row(order, ids)
    for position_id, protections in desk.protections.items():
        position = desk.book.positions[position_id]
        for protection in protections.values():
            yield _cells(
                ORDERS,
                {
                    **_placed(position.symbol, ids, plain(position.volume), position.side.opposite.value),
                    "id": protection.order_id,
                    "type": protection.kind,
                    "status": "New",
                    "price": plain(protection.price) if protection.kind == "limit" else None,
                    "stopPrice": plain(protection.price) if protection.kind == "stop" else None,
                    "validity": "GTC",
                    "createdDate": milliseconds(position.opened_at),
                    "lastModified": milliseconds(position.opened_at),
                    "isOpen": "false",
                    "positionId": position_id,
                },
            )


def history_rows(desk: Desk, ids: InstrumentIds) -> Iterator[Cells]:
    """Yield the final orders of the books, whatever became of them."""
    for order in desk.book.orders:
        if order.symbol:  # the close of a position that never was names no instrument
            yield _market_row(order, ids) if order.pending is None else _ended_row(order, order.pending, ids)


def execution_rows(desk: Desk, ids: InstrumentIds) -> Iterator[Cells]:
    """Yield the fills."""
    for order in desk.book.orders:
        if order.status is Result.FILLED and order.price is not None:
            yield _cells(
                EXECUTIONS,
                {
                    "id": order.order_id + "0",
                    "price": plain(order.price),
                    "side": order.side.value,
                    "createdDate": milliseconds(order.at),
                    "qty": plain(order.volume),
                    "orderId": order.order_id,
                    "positionId": order.position_id,
                    "tradableInstrumentId": str(ids.of(order.symbol)),
                },
            )


def state_cells(desk: Desk) -> Cells:
    """Return the account's figures."""
    status, balance = desk.book.status(), desk.book.balance
    equity = status.equity if status.equity is not None else balance
    floating = plain(equity - balance)
    known = {
        "balance": plain(balance),
        "projectedBalance": plain(equity),
        "availableFunds": plain(status.margin_free or Decimal(0)),
        "cashBalance": plain(balance),
        "withdrawalAvailable": plain(status.margin_free or Decimal(0)),
        "initialMarginReq": plain(status.margin_used or Decimal(0)),
        "maintMarginReq": plain(status.margin_used or Decimal(0)),
        "openGrossPnL": floating,
        "openNetPnL": floating,
        "positionsCount": str(len(desk.book.positions)),
        "ordersCount": str(len(desk.pending)),
    }
    return [known.get(column, "0") for column in ACCOUNT_DETAILS]


def working_row(order: WorkingOrder, ids: InstrumentIds) -> Cells:
    """Return the row of a limit or stop order that waits."""
    return _cells(ORDERS, _pending(order, ids))


def _ended_row(order: BookOrder, pending: WorkingOrder, ids: InstrumentIds) -> Cells:
    filled = order.status is Result.FILLED
    return _cells(
        ORDERS,
        {
            **_pending(pending, ids),
            "status": STATUSES[order.status],
            "filledQty": plain(order.volume) if filled else "0",
            "avgPrice": "0" if order.price is None else plain(order.price),
            "lastModified": milliseconds(order.at),
            "positionId": order.position_id,
        },
    )


def _pending(order: WorkingOrder, ids: InstrumentIds) -> dict[str, str | None]:
    placed_at = None if order.placed_at is None else milliseconds(order.placed_at)
    is_limit = order.order_type is OrderType.LIMIT
    return {
        **_placed(order.symbol, ids, plain(order.volume), order.side.value),
        "id": order.order_id,
        "type": order.order_type.value,
        "status": "New",
        "price": plain(order.price) if is_limit else None,
        "stopPrice": None if is_limit else plain(order.price),
        "validity": "GTC",
        "expireDate": None if order.expires_at is None else milliseconds(order.expires_at),
        "createdDate": placed_at,
        "lastModified": placed_at,
        "isOpen": "true",
        "stopLoss": None if order.stop_loss is None else plain(order.stop_loss),
        "stopLossType": None if order.stop_loss is None else "absolute",
        "takeProfit": None if order.take_profit is None else plain(order.take_profit),
        "takeProfitType": None if order.take_profit is None else "absolute",
        "strategyId": order.tag,
    }


def milliseconds(at: datetime) -> str:
    """Return epoch milliseconds as text."""
    return str((at - _EPOCH) // timedelta(milliseconds=1))


def _market_row(order: BookOrder, ids: InstrumentIds) -> Cells:
    filled = order.status is Result.FILLED
    return _cells(
        ORDERS,
        {
            **_placed(order.symbol, ids, plain(order.volume), order.side.value),
            "id": order.order_id,
            "type": "market",
            "status": STATUSES[order.status],
            "filledQty": plain(order.volume) if filled else "0",
            "avgPrice": "0" if order.price is None else plain(order.price),
            "validity": "IOC",
            "createdDate": milliseconds(order.at),
            "lastModified": milliseconds(order.at),
            "isOpen": "true" if order.purpose is Purpose.OPEN else "false",
            "positionId": order.position_id,
            "strategyId": order.tag,
        },
    )


def _placed(symbol: Symbol, ids: InstrumentIds, quantity: str, side: str) -> dict[str, str | None]:
    return {
        "tradableInstrumentId": str(ids.of(symbol)),
        "routeId": str(ids.trade_route(symbol)),
        "qty": quantity,
        "side": side,
        "filledQty": "0",
        "avgPrice": "0",
    }


def _cells(columns: Sequence[str], values: Mapping[str, str | None]) -> Cells:
    return [values.get(column) for column in columns]
