"""The fields of a `trade` as a simulated MetaApi checks them, and the answer to one that was done."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from adapters.metaapi.simulator_desk import Desk
from adapters.metaapi.simulator_errors import DONE, DONE_MT4, invalid
from adapters.metaapi.simulator_reads import instant
from adapters.metaapi.simulator_words import Json
from rules.model.frozen import frozen
from rules.model.values import OrderType, exact

COMMENT_CHARS_MAX: Final = 26
"""Comment and client id share one field of the terminal; the least of the documented lengths (26, 30, 31)."""

_UNITS = ("openPriceUnits", "stopLimitPriceUnits", "stopLossUnits", "takeProfitUnits")

Trade = Mapping[str, Any]

Execute = Callable[[str | None], Json]
"""Executes a checked trade, or has it refused in the given words; returns the terminal's answer.

Raises OrderRefused or TradeRefused.
"""


@frozen
class Mark:
    """What an order carries for its sender to know it by."""

    client_id: str | None
    comment: str | None
    magic: str | None

    def tag(self, desk: Desk) -> str | None:
        """Return the tag that the books are to keep the order under."""
        return None if self.client_id is None else desk.remember(self.client_id)


def done(desk: Desk, ids: Json) -> Json:
    """Return the answer to a trade that was executed."""
    return answer(DONE_MT4 if desk.mt4 else DONE, ids)


def answer(code: tuple[int, str, str], ids: Json) -> Json:
    """Return an answer with a code, a text and the ids that it is about."""
    return {"numericCode": code[0], "stringCode": code[1], "message": code[2], **ids}


def mark_of(trade: Trade) -> Mark:
    """Return what an order shall be known by."""
    client_id, comment = _optional_text(trade, "clientId"), _optional_text(trade, "comment")
    if len(client_id or "") + len(comment or "") > COMMENT_CHARS_MAX:
        raise invalid("clientId", client_id, f"comment and clientId must have at most {COMMENT_CHARS_MAX} characters")
    magic = trade.get("magic")
    if magic is not None and (type(magic) is not int or not 0 <= magic < 2**31):
        raise invalid("magic", str(magic), "must be a whole number")
    return Mark(client_id, comment, None if magic is None else str(magic))


def refuse_absent(trade: Trade) -> None:
    """Refuse what a real terminal takes and this one has not, so that it is not silently left out."""
    if trade.get("trailingStopLoss") is not None:
        raise invalid("trailingStopLoss", None, "is not simulated")
    for name in _UNITS:
        if trade.get(name) not in (None, "ABSOLUTE_PRICE"):
            raise invalid(name, str(trade[name])[:40], "only ABSOLUTE_PRICE is simulated")


def stops_of(trade: Trade) -> tuple[Decimal | None, Decimal | None]:
    """Return both stops; one that is left out, null or 0 is none, as in MetaTrader."""
    stop_loss, take_profit = (
        None if trade.get(name) is None else number_of(trade, name) or None for name in ("stopLoss", "takeProfit")
    )
    return stop_loss, take_profit


def limit_price_of(trade: Trade, kind: OrderType) -> Decimal | None:
    """Return the limit of a stop-limit order; None for other kinds."""
    return number_of(trade, "stopLimitPrice") if kind is OrderType.STOP_LIMIT else None


def expiry_of(trade: Trade) -> datetime | None:
    """Return when a pending order shall end; None is never."""
    expiration = trade.get("expiration", {"type": "ORDER_TIME_GTC"})
    kind = expiration.get("type") if isinstance(expiration, Mapping) else None
    if kind == "ORDER_TIME_GTC":
        return None
    if kind != "ORDER_TIME_SPECIFIED":
        raise invalid("expiration", str(kind)[:40], "only ORDER_TIME_GTC and ORDER_TIME_SPECIFIED are simulated")
    at = instant(expiration, "time")
    if at is None:
        raise invalid("expiration", None, "ORDER_TIME_SPECIFIED needs a time")
    return at


def volume_of(trade: Trade) -> Decimal:
    """Return the lots, > 0."""
    volume = number_of(trade, "volume")
    if volume <= 0:
        raise invalid("volume", str(volume), "must be more than 0")
    return volume


def number_of(trade: Trade, name: str) -> Decimal:
    """Return a number that a trade must have."""
    value = trade.get(name)
    try:
        if isinstance(value, str):
            raise ValueError("text")
        return exact(value, name)
    except ValueError:
        raise invalid(name, str(value)[:40], "must be a number") from None


def text_of(trade: Trade, name: str) -> str:
    """Return a text that a trade must have."""
    value = trade.get(name)
    if not isinstance(value, str) or not value or len(value) > 200:
        raise invalid(name, str(value)[:40], "a text is required")
    return value


def _optional_text(trade: Trade, name: str) -> str | None:
    return text_of(trade, name) if trade.get(name) is not None else None
