"""An account in the words of MetaCopier's Socket API: its three messages as plain JSON values. Pure.

A field that we cannot know is absent, and none is invented. Null says that something is known to be empty.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from copier.web.socket_api.past import Past, rows
from copier.web.socket_api.values import Json, iso, known, number, rounded
from rules.limits.exposure import result_at
from rules.limits.limits import Judgement, Limit, LimitStage
from rules.model.copies import Copy
from rules.model.frozen import frozen
from rules.model.observed import Position, WorkingOrder
from rules.model.state import AccountView
from rules.model.values import AccountId, LinkId, OmsType, OrderType, PositionId, Side, Symbol

INFORMATION: Final = "UpdateAccountInformationDTO"
POSITIONS: Final = "UpdateOpenPositionsDTO"
HISTORY: Final = "UpdateHistoryDTO"

_NAMESPACE: Final = uuid.UUID("6f0d0b5e-8f5b-5d0c-9a39-736f636b6574")
"""Of the ids that accounts get from their names; any fixed UUID would do, and this one must stay."""

_ORDER_TYPES: Final = {
    (Side.BUY, OrderType.LIMIT): "BuyLimit",
    (Side.SELL, OrderType.LIMIT): "SellLimit",
    (Side.BUY, OrderType.STOP): "BuyStop",
    (Side.SELL, OrderType.STOP): "SellStop",
}
"""The interface has no word for a stop-limit order, which is therefore left out."""

_CENTS: Final = 2
"""Digits after the point of what is derived here."""


def account_id(name: AccountId) -> str:
    """Return the UUID that an account is known by: its name where that is one, else always the same one of its name."""
    try:
        return str(uuid.UUID(name))
    except ValueError:
        return str(uuid.uuid5(_NAMESPACE, name))


@frozen
class MissingMapping:
    """A symbol of a source that no row of a link's map leads anywhere."""

    link_id: LinkId
    source: AccountId
    symbol: Symbol
    at: datetime


@frozen
class AccountNow:
    """Everything that is known of an account at a moment, as far as the interface has a field for it."""

    view: AccountView
    at: datetime
    connected: bool
    refused: bool = False
    connected_at: datetime | None = None
    shows_orders: bool = False
    """Its venue tells of pending orders."""
    tells_history: bool = True
    past: Past | None = None
    """None: not known (yet)."""
    limits: tuple[tuple[Limit, Judgement], ...] = ()
    mismatched: bool = False
    waiting: tuple[Copy, ...] = ()
    """Copies that wait for an approval."""
    missing_mappings: tuple[MissingMapping, ...] = ()
    high_water_mark: Decimal | None = None


def information(now: AccountNow) -> Json:
    """Return the content of an UpdateAccountInformationDTO but its `timestamp`, which changes all the time."""
    view = now.view
    orders = _orders(view)
    told: dict[str, object | None] = {
        "accountMode": "HEDGING" if view.oms is OmsType.HEDGING else "NETTING",
        **_figures(now),
        "connected": now.connected,
        "status": "stopped" if now.refused else "active",
        "wrongCredentials": now.refused,
        "historyDeactivated": not now.tells_history,
        "openPositions": bool(view.positions) if view.known else None,
        "openPositionsCount": len(view.positions) if view.known else None,
        "pendingOrders": bool(orders) if view.known and now.shows_orders else None,
        "pendingOrdersCount": len(orders) if view.known and now.shows_orders else None,
        "positionMismatch": now.mismatched,
        "lastConnectedTimestamp": iso(now.connected_at),
    }
    return {
        "id": account_id(view.account),
        **known(told),
        "missingSymbolMappings": [_missing(each) for each in now.missing_mappings],
        "pendingApprovals": [_approval(copy) for copy in now.waiting],
        "riskLimitsStatus": [_risk_limit(*each) for each in now.limits if not each[0].is_target],
        "profitTargetsStatus": [_profit_target(*each) for each in now.limits if each[0].is_target],
    }


def open_positions(view: AccountView) -> list[Json]:
    """Return the content of an UpdateOpenPositionsDTO: open positions, then pending orders."""
    currency = None if view.status is None else view.status.currency
    opened = [_position(position, view, currency) for position in view.positions.values()]
    return [*opened, *(_pending(order) for order in _orders(view))]


def history(now: AccountNow) -> list[Json] | None:
    """Return the content of an UpdateHistoryDTO: what was closed or booked in the last 24 hours; None: not known."""
    if now.past is None:
        return None
    stones = now.view.tombstones

    def opened_at(position_id: PositionId) -> datetime | None:
        return stones[position_id].opened_at if position_id in stones else None

    return [known(row) for row in rows(now.past, now.at, opened_at)]


def message(kind: str, name: AccountId, content: Mapping[str, object]) -> bytes:
    """Return a message of the queue of changes."""
    return msgspec.json.encode({"type": kind, "data": {"accountId": account_id(name), **content}})


def _figures(now: AccountNow) -> dict[str, object | None]:
    status = now.view.status
    told: dict[str, object | None] = {}
    if status is not None:
        floating = None
        if status.balance is not None and status.equity is not None:
            floating = status.equity - status.balance
        told = {
            "balance": number(status.balance),
            "equity": number(status.equity),
            "usedMargin": number(status.margin_used),
            "freeMargin": number(status.margin_free),
            "unrealizedProfit": number(floating),
            "currency": status.currency,
        }
    if now.past is not None:
        profits = now.past.profits(now.at)
        told |= {
            "profitToday": number(profits.today),
            "profitThisWeek": number(profits.week),
            "profitThisMonth": number(profits.month),
        }
    return told | {"drawdown": number(_drawdown(now))}


def _drawdown(now: AccountNow) -> Decimal | None:
    """Return the drawdown from the highest equity seen, in percent."""
    status, mark = now.view.status, now.high_water_mark
    if status is None or status.equity is None or mark is None or mark <= 0:
        return None
    return rounded(max(Decimal(0), (mark - status.equity) * 100 / mark), _CENTS)


def _position(position: Position, view: AccountView, currency: str | None) -> Json:
    price = position.current_price
    profit = None
    if price is not None:
        profit = result_at(position, price, view.instruments.get(position.symbol), currency)
    buys = position.side is Side.BUY
    return {
        "id": position.position_id,
        "symbol": position.symbol,
        "orderType": "Buy" if buys else "Sell",
        "dealType": "DealBuy" if buys else "DealSell",
        "volume": number(position.volume),
        "openPrice": number(position.open_price),
        "closePrice": None,
        "stopLoss": number(position.stop_loss),
        "takeProfit": number(position.take_profit),
        "openTime": iso(position.opened_at),
        "closeTime": None,
        **known(
            {
                "currentPrice": number(price),
                "profit": None if profit is None else number(rounded(profit, _CENTS)),
                "comment": position.comment,
                "magicNumber": _magic(position.magic),
            }
        ),
    }


def _orders(view: AccountView) -> list[WorkingOrder]:
    return [order for order in view.orders.values() if (order.side, order.order_type) in _ORDER_TYPES]


def _pending(order: WorkingOrder) -> Json:
    return {
        "id": order.order_id,
        "symbol": order.symbol,
        "orderType": _ORDER_TYPES[order.side, order.order_type],
        "volume": number(order.volume),
        "openPrice": number(order.price),
        "closePrice": None,
        "stopLoss": number(order.stop_loss),
        "takeProfit": number(order.take_profit),
        "closeTime": None,
        **known(
            {
                "openTime": iso(order.placed_at),
                "comment": order.comment,
                "magicNumber": _magic(order.magic),
            }
        ),
    }


def _magic(magic: str | None) -> str | None:
    return None if magic == "0" else magic


def _risk_limit(limit: Limit, judgement: Judgement) -> Json:
    return {"riskLimitId": limit.limit_id, "limitIsHit": _is_hit(judgement), **_reference(limit, judgement)}


def _profit_target(limit: Limit, judgement: Judgement) -> Json:
    told = {"profitTargetFeatureId": limit.limit_id, "profitTargetIsHit": _is_hit(judgement)}
    return {**told, **_reference(limit, judgement)}


def _is_hit(judgement: Judgement) -> bool:
    """Tell whether a limit is in force; one that cannot be judged denies new risk too, and is not hit."""
    return judgement.forbids and judgement.stage is not LimitStage.UNKNOWN


def _reference(limit: Limit, judgement: Judgement) -> Json:
    """Return what the limit counts from, and since when."""
    reference = None
    if judgement.floor is not None and judgement.amount is not None:
        reference = judgement.floor - judgement.amount if limit.is_target else judgement.floor + judgement.amount
    since = judgement.state.day_started
    told = {"referenceBalance": number(reference), "balanceLastUpdate": iso(since)}
    return known(told)


def _approval(copy: Copy) -> Json:
    ticket = copy.source_position_id
    told: Json = {"accountFromId": account_id(copy.source), "volume": number(copy.granted)}
    # The field is an integer: an id of letters has no place in it.
    return told | ({"ticket": int(ticket)} if ticket.isascii() and ticket.isdigit() and len(ticket) < 20 else {})


def _missing(mapping: MissingMapping) -> Json:
    return {
        "copierId": mapping.link_id,
        "fromAccount": mapping.source,
        "fromAccountId": account_id(mapping.source),
        "symbol": mapping.symbol,
        "lastTimestampDetected": int(mapping.at.timestamp() * 1000),
    }


def by_id(names: Iterable[AccountId]) -> dict[str, AccountId]:
    """Return accounts by the UUIDs that they are known by."""
    return {account_id(name): name for name in names}
