"""What MetaApi says and hears, in its own words and types.

Unknown fields are passed over. Ids are numbers or text (the documents say both) and become text. Numbers stay as the
JSON has them; `values` judges each before it is used. Source: Socket.IO API pages, read 2026-11-20.
"""

import reprlib
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from adapters.base import RemoteProtocolError
from adapters.transport.socketio_packets import read_json

PATH: Final = "/ws"

EVENT_REQUEST: Final = "request"
EVENT_RESPONSE: Final = "response"
EVENT_ERROR: Final = "processingError"
EVENT_SYNCHRONIZATION: Final = "synchronization"

POSITIONS_MAX: Final = 10_000
"""In one list; an account with more is beyond what any broker allows."""

Number: TypeAlias = Any
"""A number that nobody has looked at yet: whole, Decimal, text, or something hostile."""

Id: TypeAlias = str | int

_T = TypeVar("_T")


class Position(Struct, frozen=True, kw_only=True, rename="camel"):
    """An open position."""

    id: Id
    type: str
    symbol: str
    volume: Number
    open_price: Number
    time: str
    current_price: Number = None
    stop_loss: Number = None
    take_profit: Number = None
    magic: Id | None = None
    comment: str | None = None
    client_id: str | None = None
    broker_comment: str | None = None
    original_comment: str | None = None
    platform: str | None = None
    """Undocumented, seen in the field."""


class Order(Struct, frozen=True, kw_only=True, rename="camel"):
    """An order, pending or done."""

    id: Id
    type: str
    state: str
    symbol: str | None = None
    time: str | None = None
    volume: Number = None
    """Lots that were asked for."""
    current_volume: Number = None
    """Lots that are not filled."""
    open_price: Number = None
    stop_limit_price: Number = None
    stop_loss: Number = None
    take_profit: Number = None
    magic: Id | None = None
    expiration_time: str | None = None
    position_id: Id | None = None
    client_id: str | None = None
    comment: str | None = None
    broker_comment: str | None = None


class Deal(Struct, frozen=True, kw_only=True, rename="camel"):
    """An execution, or a cash operation."""

    id: Id
    type: str
    entry_type: str | None = None
    symbol: str | None = None
    magic: Id | None = None
    time: str | None = None
    volume: Number = None
    price: Number = None
    profit: Number = None
    commission: Number = None
    swap: Number = None
    position_id: Id | None = None
    order_id: Id | None = None
    client_id: str | None = None
    comment: str | None = None
    broker_comment: str | None = None
    reason: str | None = None
    platform: str | None = None


class AccountInformation(Struct, frozen=True, kw_only=True, rename="camel"):
    """An account's figures and kind."""

    balance: Number
    equity: Number = None
    margin: Number = None
    free_margin: Number = None
    currency: str | None = None
    platform: str | None = None
    margin_mode: str | None = None


class SymbolSpecification(Struct, frozen=True, kw_only=True, rename="camel"):
    """What may be traded of a symbol, and how."""

    symbol: str
    min_volume: Number
    max_volume: Number
    volume_step: Number
    tick_size: Number = None
    contract_size: Number = None
    digits: Number = None
    point: Number = None
    stops_level: Number = None
    trade_mode: str | None = None
    profit_currency: str | None = None


class SymbolPrice(Struct, frozen=True, kw_only=True, rename="camel"):
    """A quote."""

    symbol: str
    bid: Number = None
    ask: Number = None
    time: str | None = None


class TradeResult(Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of a trade request. Older servers write `error` and `description` in place of the codes."""

    numeric_code: Number = None
    string_code: str | None = None
    message: str | None = None
    error: Number = None
    description: str | None = None
    order_id: Id | None = None
    position_id: Id | None = None


class Metadata(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a rate limit says of itself; of all its fields only these may be relied on, and both may be missing."""

    type: str | None = None
    recommended_retry_time: str | None = None


class ProcessingError(Struct, frozen=True, kw_only=True, rename="camel"):
    """A request was not served."""

    error: str
    message: str = ""
    request_id: str | None = None
    account_id: str | None = None
    details: Any = None
    numeric_code: Number = None
    string_code: str | None = None
    metadata: Any = None


class Packet(Struct, frozen=True, kw_only=True, rename="camel"):
    """Anything that the `synchronization` event carries; `type` says which of the fields count."""

    type: str
    account_id: str
    instance_index: int | None = None
    host: str | None = None
    session_id: str | None = None
    sequence_number: int | None = None
    sequence_timestamp: Number = None
    synchronization_id: str | None = None
    connected: bool | None = None
    authenticated: bool | None = None
    account_information: AccountInformation | None = None
    positions: tuple[Position, ...] | None = None
    positions_hash_index: int | None = None
    updated_positions: tuple[Position, ...] | None = None
    removed_position_ids: tuple[Id, ...] | None = None
    orders: tuple[Order, ...] | None = None
    updated_orders: tuple[Order, ...] | None = None
    completed_order_ids: tuple[Id, ...] | None = None
    history_orders: tuple[Order, ...] | None = None
    deals: tuple[Deal, ...] | None = None
    prices: tuple[SymbolPrice, ...] | None = None
    equity: Number = None
    margin: Number = None
    free_margin: Number = None

    @property
    def is_update(self) -> bool:
        """Tell whether it is an update, which the documents call `update` in one place and `status` in another."""
        if self.type != "status" or self.connected is not None:
            return self.type == "update"
        parts = (
            self.updated_positions,
            self.removed_position_ids,
            self.updated_orders,
            self.completed_order_ids,
            self.history_orders,
            self.deals,
        )
        return any(part is not None for part in parts)


_SHORT_MAX: Final = 20
"""Characters of a number that is kept for the next one that is written so."""


def _decimal(text: str) -> Decimal:
    return _short(text) if len(text) <= _SHORT_MAX else Decimal(text)


_short = lru_cache(maxsize=4096)(Decimal)  # rows repeat volumes and stops, and the state holds thousands of rows

_SYNCHRONIZATION: Final = msgspec.json.Decoder(tuple[Literal["synchronization"], Packet], float_hook=_decimal)


def read_event(text: str, shown: str) -> Any:
    """Return what the list of an event holds; that of a `synchronization` a Packet, which may have thousands of rows.

    Raises:
        RemoteProtocolError: no JSON.
    """
    try:
        return _SYNCHRONIZATION.decode(text)
    except (ValueError, RecursionError, ArithmeticError):
        return read_json(text, shown)  # another event, other words for this one, or something to be named


def packet(args: tuple[object, ...]) -> Packet:
    """Return what a `synchronization` event carries.

    Raises:
        RemoteProtocolError: there is no packet in it.
    """
    if args and isinstance(args[0], Packet):
        return args[0]
    return converted(payload(args, EVENT_SYNCHRONIZATION), Packet, EVENT_SYNCHRONIZATION)


def payload(args: tuple[object, ...], what: str) -> dict[str, Any]:
    """Return the object that an event carries; the venue's clients take it as JSON text too, and so do we.

    Raises:
        RemoteProtocolError: there is none.
    """
    data = args[0] if args else None
    if isinstance(data, str):
        data = read_json(data, what)
    if not isinstance(data, dict):
        raise RemoteProtocolError(f"expected an object in a {what} event, found {shown(data)}")
    return data


def converted(data: object, kind: type[_T], what: str) -> _T:
    """Return decoded JSON as `kind`.

    Raises:
        RemoteProtocolError: it is none.
    """
    try:
        return msgspec.convert(data, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise RemoteProtocolError(f"{what}: {str(error)[:300]}") from None


def listed(data: object, kind: type[_T], what: str) -> tuple[_T, ...]:
    """Return a list that is an answer; None is no empty list.

    Raises:
        RemoteProtocolError: it is none, or too long.
    """
    if not isinstance(data, list) or len(data) > POSITIONS_MAX:
        raise RemoteProtocolError(f"expected a list of at most {POSITIONS_MAX} in {what}, found {shown(data)}")
    return converted(data, tuple[kind, ...], what)  # type: ignore[valid-type] # a type made at run time


def retry_time(error: ProcessingError) -> str | None:
    """Return when a rate limit says that we may come again, as it words it."""
    try:
        return msgspec.convert(error.metadata or {}, Metadata).recommended_retry_time
    except (msgspec.ValidationError, RecursionError):
        return None


def shown(data: object) -> str:
    """Return a value's kind and a little of it, for an error."""
    return f"{type(data).__name__} {reprlib.repr(data)[:120]}"
