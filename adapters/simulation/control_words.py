"""The JSON of the control API: what requests say, checked, and how the books are shown."""

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, TypeVar

import attrs
import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from adapters.simulation.book import Book
from adapters.simulation.faults import REJECTIONS_MAX, Faults
from rules.model.values import exact, plain

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Text = Annotated[str, Meta(max_length=1000)]
Number = str | int
Count = Annotated[int, Meta(ge=0, le=1_000_000)]

ORDERS_A_PAGE = 1000
MOVES_MAX = 10_000
BALANCE_MAX = Decimal(10**15)
"""More than any account holds; beyond, sums to the cent would not fit Decimal's 28 digits."""

_Words = TypeVar("_Words", bound=Struct)


class BadRequest(Exception):
    """The request makes no sense; the text says what was expected and found."""


class AddAccount(Struct, forbid_unknown_fields=True):
    """POST accounts."""

    account: Name
    oms: Name
    balance: Number
    currency: Name = "USD"


class Deposit(Struct, forbid_unknown_fields=True):
    """POST deposit; a negative amount takes out."""

    account: Name
    amount: Number


class Open(Struct, forbid_unknown_fields=True):
    """POST open: what a person does at the venue's own terminal."""

    account: Name
    symbol: Name
    side: Name
    volume: Number
    stop_loss: Number | None = None
    take_profit: Number | None = None
    price: Number | None = None
    tag: Text | None = None
    magic: Text | None = None
    comment: Text | None = None


class Close(Struct, forbid_unknown_fields=True):
    """POST close; without a volume the whole position."""

    account: Name
    position_id: Name
    volume: Number | None = None
    price: Number | None = None
    tag: Text | None = None


class Modify(Struct, forbid_unknown_fields=True):
    """POST modify: both stops, always; null removes one."""

    account: Name
    position_id: Name
    stop_loss: Number | None
    take_profit: Number | None


class Place(Struct, forbid_unknown_fields=True):
    """POST place: a pending order. `expires_at` is ISO 8601 with a zone."""

    account: Name
    symbol: Name
    side: Name
    order_type: Name
    volume: Number
    price: Number
    limit_price: Number | None = None
    stop_loss: Number | None = None
    take_profit: Number | None = None
    expires_at: datetime | None = None
    tag: Text | None = None
    magic: Text | None = None
    comment: Text | None = None


class Replace(Struct, forbid_unknown_fields=True):
    """POST replace: all prices of a pending order, always; null removes a stop. Without a volume it stays."""

    account: Name
    order_id: Name
    price: Number
    stop_loss: Number | None
    take_profit: Number | None
    limit_price: Number | None = None
    volume: Number | None = None


class Cancel(Struct, forbid_unknown_fields=True):
    """POST cancel."""

    account: Name
    order_id: Name


class SetQuote(Struct, forbid_unknown_fields=True):
    """POST quote."""

    symbol: Name
    bid: Number
    ask: Number


class Move(Struct, forbid_unknown_fields=True):
    """POST move: steps of a random walk, the same for the same seed."""

    seed: int
    steps: Annotated[int, Meta(ge=1, le=MOVES_MAX)] = 1


class Reject(Struct, forbid_unknown_fields=True):
    """Refuse the next `count` orders with `text`."""

    text: Text
    count: Annotated[int, Meta(ge=1, le=REJECTIONS_MAX)] = 1


class SetFaults(Struct, forbid_unknown_fields=True):
    """POST faults: what is named is set (`reject`: added), the rest stays."""

    lose_requests: Count | UnsetType = UNSET
    lose_answers: Count | UnsetType = UNSET
    throttle: Count | UnsetType = UNSET
    delay_s: Annotated[float, Meta(ge=0, le=3600)] | UnsetType = UNSET
    refuse_sign_in: bool | UnsetType = UNSET
    maintenance: bool | UnsetType = UNSET
    drop_messages: Count | UnsetType = UNSET
    duplicate_messages: Count | UnsetType = UNSET
    reorder_messages: Count | UnsetType = UNSET
    half_open: bool | UnsetType = UNSET
    reject: Reject | UnsetType = UNSET


def decode(body: bytes, words: type[_Words]) -> _Words:
    """Return the request's words.

    Raises:
        BadRequest: the body is not JSON, or a key is missing, unknown or of the wrong kind.
    """
    try:
        return msgspec.json.decode(body, type=words)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"body must be JSON of {words.__name__}: {error}") from error


def number(value: Number, what: str) -> Decimal:
    """Return an exact number of a request.

    Raises:
        BadRequest: it is none.
    """
    try:
        return exact(value, what)
    except ValueError as error:
        raise BadRequest(str(error)) from error


def number_or_none(value: Number | None, what: str) -> Decimal | None:
    """Return an exact number of a request, None for none.

    Raises:
        BadRequest: it is something else.
    """
    return None if value is None else number(value, what)


def show(thing: attrs.AttrsInstance) -> dict[str, object]:
    """Return any of our frozen values as JSON's: numbers as plain text, instants as ISO 8601, enums by value."""
    shown: dict[str, object] = attrs.asdict(thing, value_serializer=_show_value)
    return shown


def show_account(book: Book) -> dict[str, object]:
    """Return an account's figures and counts."""
    counts = {
        "positions_total": len(book.positions),
        "working_total": len(book.working),
        "orders_total": len(book.orders),
    }
    return {"account": book.name, "oms": book.oms.value, **show(book.status()), **counts}


def show_book(book: Book, orders_from: int) -> dict[str, object]:
    """Return an account's figures, positions, pending orders, and up to ORDERS_A_PAGE orders from `orders_from` on."""
    return {
        **show_account(book),
        "positions": [show(position) for position in book.positions.values()],
        "working": [show(order) for order in book.working.values()],
        "orders": [show(order) for order in book.orders[orders_from : orders_from + ORDERS_A_PAGE]],
    }


def show_faults(faults: Faults) -> dict[str, object]:
    """Return what is still to go wrong."""
    names = [name for name in SetFaults.__struct_fields__ if name != "reject"]
    return {**{name: getattr(faults, name) for name in names}, "rejections": list(faults.rejections)}


def _show_value(_thing: object, _field: object, value: object) -> object:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    return value
