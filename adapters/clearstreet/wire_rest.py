"""What the token service and the REST API say beside the shapes of the stream, in their own words and types.

Source: Studio OpenAPI 2.0.0 and the vendor's guides, read 2026-11-21.
"""

from typing import Final

from msgspec import Struct

from adapters.base import RemoteProtocolError
from adapters.clearstreet.wire import Order, Position, Trade, Unread, decoded

AUDIENCE: Final = "https://api.clearstreet.io"


class Token(Struct, frozen=True):
    """Answer of `/oauth/token`. `expires_in` is in seconds."""

    access_token: str
    expires_in: float | None = None
    token_type: Unread = None
    scope: Unread = None


class Page(Struct, frozen=True, kw_only=True):
    """What every page of a list has."""

    next_page_token: str | None = None


class Orders(Page, frozen=True, kw_only=True):
    """A page of the orders of the current trading day."""

    data: tuple[Order, ...]


class Trades(Page, frozen=True, kw_only=True):
    """A page of the executions of the current trading day."""

    data: tuple[Trade, ...]


class Positions(Page, frozen=True, kw_only=True):
    """A page of the open positions."""

    data: tuple[Position, ...]


class OneOrder(Struct, frozen=True):
    """Answer of GET /orders/{id}, which wraps the order."""

    order: Order


class OrderPlaced(Struct, frozen=True):
    """Answer of POST /orders: received, which is not accepted."""

    order_id: str


class EasyBorrows(Struct, frozen=True):
    """Symbols that can be sold short without a locate, today."""

    data: tuple[str, ...]


class InstrumentSymbol(Struct, frozen=True):
    """A name of an instrument; `symbol_format` is cms (the venue's own) or osi (options)."""

    symbol: str | None = None
    symbol_format: str | None = None


class Instrument(Struct, frozen=True):
    """An instrument; the venue tells no steps, limits or tick sizes."""

    asset_class: str
    symbols: tuple[InstrumentSymbol, ...]
    description: Unread = None
    primary_exchange: Unread = None


class Instruments(Page, frozen=True, kw_only=True):
    """All instruments."""

    data: tuple[Instrument, ...]


class _Problem(Struct, frozen=True):
    """RFC 9457, which comes as plain application/json; some gateways say `message` or `error` instead."""

    title: str | None = None
    detail: str | None = None
    message: str | None = None
    error: str | None = None
    error_description: str | None = None


def problem_text(body: bytes, status: int) -> str:
    """Return the venue's own words in a refusal, for a person; never fails."""
    try:
        problem = decoded(body, _Problem, "a problem")
    except RemoteProtocolError:
        return f"HTTP {status}"
    texts = (problem.detail, problem.title, problem.message, problem.error_description, problem.error)
    return next((text for text in texts if text), f"HTTP {status}")[:500]
