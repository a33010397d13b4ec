"""A MetaApi account's past: its deals as executions and cash flows. Pure.

A deal that cannot be read makes the whole answer unreadable: a sum without it would be wrong and look right.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from adapters.base import RemoteProtocolError
from adapters.history import bounded_comment, bounded_kind, kind_of_balance
from adapters.metaapi.tickets import Tickets
from adapters.metaapi.translate import tag_of
from adapters.metaapi.values import instant, name, number_or_none, positive
from adapters.metaapi.wire import Deal
from rules.model.observed import Booked, CashFlow, Fill
from rules.model.values import PositionId, Side, Symbol, VenueOrderId

DEALT: Final = {"DEAL_TYPE_BUY": Side.BUY, "DEAL_TYPE_SELL": Side.SELL}
"""The types of deals that change positions."""

OF_THE_VENUE: Final = frozenset({"DEAL_REASON_SL", "DEAL_REASON_TP", "DEAL_REASON_SO"})
"""Stops and stop-outs are the venue's own orders; some carry the client id of the position that they end."""

# INOUT turns a netted position around: it is both.
_OPENS: Final = {"DEAL_ENTRY_IN": True, "DEAL_ENTRY_OUT": False, "DEAL_ENTRY_OUT_BY": False}

_BALANCE: Final = "DEAL_TYPE_BALANCE"
_KINDS: Final = {
    "DEAL_TYPE_CREDIT": "credit",
    "DEAL_TYPE_CHARGE": "charge",
    "DEAL_TYPE_CORRECTION": "correction",
    "DEAL_TYPE_BONUS": "bonus",
    "DEAL_TYPE_COMMISSION": "commission",
    "DEAL_TYPE_COMMISSION_DAILY": "commission",
    "DEAL_TYPE_COMMISSION_MONTHLY": "commission",
    "DEAL_TYPE_COMMISSION_AGENT_DAILY": "agent commission",
    "DEAL_TYPE_COMMISSION_AGENT_MONTHLY": "agent commission",
    "DEAL_TYPE_INTEREST": "interest",
    "DEAL_TYPE_BUY_CANCELED": "canceled trade",
    "DEAL_TYPE_SELL_CANCELED": "canceled trade",
    "DEAL_DIVIDEND": "dividend",
    "DEAL_DIVIDEND_FRANKED": "dividend",
    "DEAL_TAX": "tax",
}


def booked(deals: Iterable[Deal], tickets: Tickets) -> Iterator[Booked]:
    """Yield what the deals come to, given oldest first.

    Raises:
        RemoteProtocolError: one cannot be read.
    """
    firsts: dict[str, str | int | None] = {}
    for deal in deals:
        try:
            if deal.type not in DEALT:
                yield _cash_flow(deal)
                continue
            tag = None if deal.reason in OF_THE_VENUE else tag_of(deal)
            # What somebody else does to a position may carry the client id that it was opened with.
            if tag is not None and firsts.setdefault(tag, deal.order_id) != deal.order_id:
                tag = None
            yield _fill(deal, tag, tickets)
        except RemoteProtocolError as error:
            raise RemoteProtocolError(f"deal {str(deal.id)[:40]}: {error}") from None


def _fill(deal: Deal, tag: str | None, tickets: Tickets) -> Fill:
    position_id: PositionId | None = None
    if deal.position_id is not None:
        position_id = tickets.first(name(deal.position_id, "positionId"))
    return Fill(
        exec_id=name(deal.id, "id"),
        at=instant(deal.time or "", "time"),
        symbol=Symbol(name(deal.symbol, "symbol")),
        side=DEALT[deal.type],
        volume=positive(deal.volume, "volume"),
        price=positive(deal.price, "price"),
        position_id=position_id,
        venue_order_id=None if deal.order_id is None else VenueOrderId(name(deal.order_id, "orderId")),
        opens=_OPENS.get(deal.entry_type or ""),
        realized_pnl=number_or_none(deal.profit, "profit"),
        commission=number_or_none(deal.commission, "commission"),
        swap=number_or_none(deal.swap, "swap"),
        tag=tag,
    )


def _cash_flow(deal: Deal) -> CashFlow:
    """Return what a deal of no position did; one of a type that we do not know is none where it has lots."""
    if deal.type != _BALANCE and deal.type not in _KINDS and number_or_none(deal.volume, "volume"):
        raise RemoteProtocolError(f"expected a type of deal that is documented, found {deal.type!r:.60}")
    amounts = (deal.profit, deal.commission, deal.swap)
    found = [each for each in map(number_or_none, amounts, ("profit", "commission", "swap")) if each is not None]
    if not found:
        raise RemoteProtocolError("expected an amount as profit, commission or swap, found none")
    amount = sum(found, Decimal(0))
    return CashFlow(
        exec_id=name(deal.id, "id"),
        at=instant(deal.time or "", "time"),
        amount=amount,
        kind=kind_of_balance(amount) if deal.type == _BALANCE else _KINDS.get(deal.type) or bounded_kind(deal.type),
        comment=bounded_comment(deal.comment),
    )
