"""Clear Street's messages as it words them: typed, bounded, JSON in and out and nothing else.

Unknown fields are passed over and unknown message types kept as such, so that the venue may grow. Numbers stay here
as they come, as strings or as JSON numbers (both are documented), of which those with a point are Decimal, exactly as
written; `values` passes each through `exact`, so that no digit is lost on the way. Source: Activity Channel page and
Studio OpenAPI 2.0.0, read 2026-11-21.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias, TypeVar, get_args

import msgspec
from msgspec import Raw, Struct

from adapters.base import RemoteProtocolError
from rules.model.values import Symbol

BASE: Final = "/studio/v2"

ROWS_MAX: Final = 2000
"""In one answer: the most that `page_size` takes."""

Unread: TypeAlias = Any
"""The type of what the venue shows and we do not use: whatever is in it must not end a session."""

Written: TypeAlias = Any
"""The type of a number or time as it comes: `values` refuses everything that is none."""

T = TypeVar("T")


class Order(Struct, frozen=True, kw_only=True):
    """An order. `state` tells whether it is over; `status` (FIX tag 39) does not, since `replaced` is none of both."""

    order_id: str
    state: str
    quantity: Written
    filled_quantity: Written = "0"
    symbol: str = ""
    side: str = ""
    reference_id: str | None = None
    status: str | None = None
    text: str | None = None
    average_price: Written = None
    account_id: str | None = None
    account_number: str | None = None
    created_at: Written = None
    updated_at: Unread = None
    version: Unread = None
    order_type: Unread = None
    running_position: Unread = None
    price: Written = None
    stop_price: Written = None
    time_in_force: Unread = None
    order_update_reason: Unread = None
    strategy: Unread = None
    open_close_indicator: Unread = None


class Trade(Struct, frozen=True, kw_only=True):
    """An execution. It names its order and not the order's `reference_id`; `symbol` is optional in the schema."""

    trade_id: str
    order_id: str
    side: str
    quantity: Written
    price: Written
    running_position: Written
    created_at: Written
    symbol: str | None = None
    account_id: str | None = None
    account_number: str | None = None


class Position(Struct, frozen=True, kw_only=True):
    """The net position of a symbol. The sign of a short quantity is not documented."""

    symbol: Symbol
    quantity: Written
    average_cost: Written = None
    account_id: str | None = None
    account_number: str | None = None


class BuyingPower(Struct, frozen=True, kw_only=True):
    """What may still be bought. The schema names the figure `amount` and requires it as `buying_power`."""

    amount: Written = None
    buying_power: Written = None
    account_id: str | None = None
    account_number: str | None = None

    @property
    def figure(self) -> Written:
        """Whichever of the two names was used."""
        return self.buying_power if self.amount is None else self.amount


class LocateInventory(Struct, frozen=True, kw_only=True):
    """Shares located for short sales of a symbol."""

    symbol: str | None = None
    available: Written = None
    reserved: Written = None
    used: Written = None
    account_id: str | None = None
    account_number: str | None = None


class SubscribeAck(Struct, frozen=True, kw_only=True, tag_field="type", tag="subscribe-activity-ack"):
    """The answer to our subscription. `account_id` is missing in the vendor's own guide."""

    success: bool
    account_id: str | None = None
    details: str = ""


class ReplayComplete(Struct, frozen=True, tag_field="type", tag="replay-complete"):
    """All sequenced messages since the beginning of the day have been sent."""


class Heartbeat(Struct, frozen=True, tag_field="type", tag="heartbeat"):
    """The venue lives."""


class ErrorNotice(Struct, frozen=True, kw_only=True, tag_field="type", tag="error-notice"):
    """The venue could not read what we sent; it may hang up next."""

    details: str = ""


class UnknownMessage(Struct, frozen=True):
    """A message of a type that we do not know."""

    type: str


Data: TypeAlias = Position | Trade | Order | BuyingPower | LocateInventory
Message: TypeAlias = Data | SubscribeAck | ReplayComplete | Heartbeat | ErrorNotice | UnknownMessage


class Frame(Struct, frozen=True, kw_only=True):
    """One frame of the channel: when it was sent, its place in the day where it has one, and what it says."""

    payload: Raw
    timestamp: Written = None
    sequence: int | None = None

    @property
    def message(self) -> Message:
        """What it says, read anew each time.

        Raises:
            RemoteProtocolError: not what its type promises.
        """
        try:
            payload = _PAYLOAD.decode(self.payload)
        except _NO_JSON:
            return _named(self.payload)
        return payload.data if isinstance(payload, _SEQUENCED) else payload

    @property
    def digest(self) -> int:
        """Of number and payload, to tell whether a message of the same number is the same message."""
        return hash((self.sequence, bytes(self.payload)))


class _Type(Struct, frozen=True):
    type: str


class _OrderUpdate(Struct, frozen=True, tag_field="type", tag="order-update"):
    data: Order


class _TradeNotice(Struct, frozen=True, tag_field="type", tag="trade-notice"):
    data: Trade


class _PositionUpdate(Struct, frozen=True, tag_field="type", tag="position-update"):
    data: Position


class _BuyingPowerUpdate(Struct, frozen=True, tag_field="type", tag="buying-power-update"):
    data: BuyingPower


class _LocateInventoryUpdate(Struct, frozen=True, tag_field="type", tag="locate-inventory-update"):
    data: LocateInventory


_SEQUENCED = (_PositionUpdate, _TradeNotice, _OrderUpdate, _BuyingPowerUpdate, _LocateInventoryUpdate)
_Payload: TypeAlias = (
    _PositionUpdate
    | _TradeNotice
    | _OrderUpdate
    | _BuyingPowerUpdate
    | _LocateInventoryUpdate
    | SubscribeAck
    | ReplayComplete
    | Heartbeat
    | ErrorNotice
)
_TYPES: Final[Mapping[str, type[_Payload]]] = {str(kind.__struct_config__.tag): kind for kind in get_args(_Payload)}
_FRAME: Final = msgspec.json.Decoder(Frame, float_hook=Decimal)
_PAYLOAD: Final = msgspec.json.Decoder(_Payload, float_hook=Decimal)


_NO_JSON: Final = (ValueError, RecursionError, ArithmeticError)
"""What reading raises: msgspec's DecodeError and UnicodeError are ValueErrors; a Decimal may be beyond all bounds."""


def frame(text: str | bytes) -> Frame:
    """Return one WebSocket message.

    Raises:
        RemoteProtocolError: no JSON, or no envelope.
    """
    try:
        return _FRAME.decode(text)
    except _NO_JSON as error:
        raise _unread("a message of the activity channel", error) from None


def _named(payload: Raw) -> UnknownMessage:
    """Return the message of a payload that is none of ours, or say what is wrong with it."""
    kind = decoded(payload, _Type, "a payload with a type").type
    if kind in _TYPES:
        decoded(payload, _TYPES[kind], f"a payload of {kind}")
    return UnknownMessage(kind[:80])


def subscribe(token: str, account_id: str) -> str:
    """Return the message that subscribes to an account's activity."""
    payload = {"type": "subscribe-activity", "account_id": account_id}
    return msgspec.json.encode({"authorization": token, "payload": payload}).decode()


def decoded(body: str | bytes | Raw, kind: type[T], what: str) -> T:
    """Return `body` read as `kind`.

    Raises:
        RemoteProtocolError: it is not JSON, or of another shape; says `what` was expected.
    """
    try:
        return msgspec.json.Decoder(kind, float_hook=Decimal).decode(body)
    except _NO_JSON as error:
        raise _unread(what, error) from None


def _unread(what: str, error: Exception) -> RemoteProtocolError:
    return RemoteProtocolError(f"expected {what} as JSON, found: {str(error)[:200]}")


def encoded(body: Mapping[str, object]) -> bytes:
    """Return the body of a request."""
    return msgspec.json.encode(body)
