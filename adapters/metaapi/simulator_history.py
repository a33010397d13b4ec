"""A simulated account's past in MetaApi's words: completed orders and deals, chosen by time, ticket or position."""

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal

from adapters.metaapi.simulator_desk import Deposit, Desk, Record
from adapters.metaapi.simulator_words import Json, iso, magic, money, number, optional, order_type, platform, times
from adapters.simulation.broker import BookOrder, Purpose, Result
from adapters.simulation.checks import STOP_LOSS_HIT, TAKE_PROFIT_HIT
from rules.model.values import Side

_DEAL_IDS_FROM = 500_000_000
"""Added to an order's number: its deal is another thing, with another id."""

Show = Callable[[Desk, Record], Json | None]


def order(desk: Desk, record: Record) -> Json | None:
    """Return a completed order; None for what came of none."""
    if not isinstance(record, BookOrder) or not record.symbol:
        return None  # a deposit, or the close of a position that never was: it names no symbol
    filled = record.status is Result.FILLED
    waited = record.pending
    done = times(record.at)
    kind = order_type(record.side, None if waited is None else waited.order_type)
    return {
        "id": record.order_id,
        "platform": platform(desk),
        "type": kind,
        "state": f"ORDER_STATE_{record.status.name}",
        "symbol": record.symbol,
        "magic": magic(record.magic),
        **(done if waited is None or waited.placed_at is None else times(waited.placed_at)),
        "doneTime": done["time"],
        "doneBrokerTime": done["brokerTime"],
        "openPrice": number((record.price if waited is None else waited.price) or Decimal(0)),
        "volume": number(record.volume),
        "currentVolume": Decimal(0) if filled else number(record.volume),
        "reason": f"ORDER_REASON_{_reason(record)}",
        "fillingMode": "ORDER_FILLING_FOK" if waited is None else "ORDER_FILLING_RETURN",
        "expirationType": "ORDER_TIME_GTC",
        "accountCurrencyExchangeRate": 1,
        **optional(positionId=desk.ticket_of_order(record), clientId=desk.client_id_of_order(record)),
        **optional(comment=record.comment),
    }


def deal(desk: Desk, record: Record) -> Json | None:
    """Return the deal that an order or a deposit left behind; None where nothing was dealt."""
    if isinstance(record, Deposit):
        return {
            "id": record.deal_id,
            "platform": platform(desk),
            "type": "DEAL_TYPE_BALANCE",
            **times(record.at),
            "profit": money(record.amount),
            "commission": 0,
            "swap": 0,
            "reason": "DEAL_REASON_CLIENT",
        }
    if record.status is not Result.FILLED or record.price is None:
        return None
    return {
        "id": str(int(record.order_id) + _DEAL_IDS_FROM),
        "platform": platform(desk),
        "type": "DEAL_TYPE_BUY" if record.side is Side.BUY else "DEAL_TYPE_SELL",
        "entryType": f"DEAL_ENTRY_{_entry(desk, record)}",
        "symbol": record.symbol,
        "magic": magic(record.magic),
        **times(record.at),
        "volume": number(record.volume),
        "price": number(record.price),
        "commission": 0,
        "swap": 0,
        "profit": money(record.realized_pnl),
        "orderId": record.order_id,
        "reason": f"DEAL_REASON_{_reason(record)}",
        "accountCurrencyExchangeRate": 1,
        **optional(positionId=desk.ticket_of_order(record), clientId=desk.client_id_of_order(record)),
        **optional(comment=record.comment),
    }


def shown(desk: Desk, show: Show, records: list[Record]) -> list[Json]:
    """Return what `show` makes of these records, without those of which it makes nothing."""
    return [json for record in records if (json := show(desk, record)) is not None]


def within(desk: Desk, since: datetime | None, until: datetime | None) -> list[Record]:
    """Return the records from `since` to `until`, both included, oldest first; None is no bound.

    The bounds were written to the millisecond, so that is how closely they are compared.
    """
    desk.refresh()
    return list(_backwards(desk, since, until))[::-1]


def of_position(desk: Desk, ticket: str) -> list[Record]:
    """Return the records of the position that was shown under `ticket`."""
    desk.refresh()
    return [record for record in desk.history if _ticket(desk, record) == ticket]


def of_ticket(desk: Desk, ticket: str, show: Show) -> list[Json]:
    """Return the order or the deal of that id, in a list."""
    desk.refresh()
    return [json for json in shown(desk, show, desk.history) if json["id"] == ticket]


def _backwards(desk: Desk, since: datetime | None, until: datetime | None) -> Iterator[Record]:
    for record in reversed(desk.history):
        at = iso(record.at)  # of one length, so text compares as time does
        if since is not None and at < iso(since):
            return
        if until is None or at <= iso(until):
            yield record


def _ticket(desk: Desk, record: Record) -> str | None:
    return desk.ticket_of_order(record) if isinstance(record, BookOrder) else None


def _entry(desk: Desk, order: BookOrder) -> str:
    if order.purpose is not Purpose.OPEN:
        return "OUT"
    return "INOUT" if order.order_id in desk.turned else "IN"


def _reason(order: BookOrder) -> str:
    if order.purpose is Purpose.STOP_OUT:
        return {STOP_LOSS_HIT: "SL", TAKE_PROFIT_HIT: "TP"}.get(order.text, "SO")
    return "EXPERT" if order.tag or order.magic else "CLIENT"
