"""What the Streams API says and hears, in its own words and types.

Numbers are decimal strings, ids are strings (64-bit), times are ISO 8601. Unknown fields are passed over and unknown
message types give None, so that the venue may grow. Source: Streams API 1.0.1 (tests/data/tradelocker); fields that
its samples lack are marked.
"""

import reprlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from adapters.base import RemoteProtocolError
from adapters.transport.socketio_packets import read_json
from rules.model.values import PositionId

NAMESPACE: Final = "/streams-api"
PATH: Final = "/streams-api/socket.io"

EVENT_STREAM: Final = "stream"
EVENT_SUBSCRIPTIONS: Final = "subscriptions"
EVENT_CONNECTION: Final = "connection"


Unread: TypeAlias = Any
"""The type of what we read only where it is as we think: whatever else is in it must not end a session."""


class _Message(Struct, frozen=True, kw_only=True, rename="camel", tag_field="type", tag=True):
    """What every message has. Fields that nobody here reads are left out everywhere: they are passed over unseen."""

    account_id: str | None = None
    brand_id: str | None = None


class AccountStatus(_Message, frozen=True, kw_only=True):
    """The account's figures; sent at every change, with open positions at every tick.

    Not in the published sample, but seen in the field: blockedBalance, credit, positionPnLs (a list of positionId and
    pnl).
    """

    balance: str
    currency: str | None = None
    margin_available: str | None = None
    margin_used: str | None = None
    equity: str | None = None


class Position(_Message, frozen=True, kw_only=True):
    """A position that was opened or changed; `lots` is what is still open, units = lots x lotSize.

    Its openOrderId is the position's own id in the published sample, so it is no REST order id to rely on. Beside it
    there are maintMargin, fee and swaps, and in the sibling feed for brands, unexplained, stopLossLimit and
    takeProfitLimit.
    """

    position_id: PositionId
    instrument: str
    side: str
    lots: str
    open_price: str
    open_date_time: str
    lot_size: str | None = None
    stop_loss_order_id: str | UnsetType | None = UNSET
    """Id of the protective order, None without one. Missing in the published sample: then nothing is known."""
    take_profit_order_id: str | UnsetType | None = UNSET


class ClosePosition(_Message, frozen=True, kw_only=True):
    """A position is gone. It carries no side, size or result."""

    position_id: PositionId
    close_price: str | None = None
    close_date_time: str | None = None


class OpenOrder(_Message, frozen=True, kw_only=True):
    """A new or changed order, in whatever state; `status` tells which, `isOpen` does not.

    `isOpen` is true on a filled order in the published sample, so it can only mean that the order opens. `amount` is in
    lots, by the arithmetic of the published samples (10 x 100000 x 0.6296 at 1:100 is the margin shown).
    """

    order_id: str
    order_type: Unread = None
    status: str | None = None
    position_id: Unread = None
    price: Unread = None


class Property(_Message, frozen=True, kw_only=True):
    """A signal: `SyncEnd` ends the initial state, `Disconnected` says that the server drops us."""

    name: str


class Status(Struct, frozen=True, kw_only=True, rename="camel"):
    """The state of the link or the answer to a subscription."""

    status: str
    message: str = ""
    code: str | None = None
    remaining_requests: Unread = None
    """Subscription requests left (29 after the first in the published sample)."""

    @property
    def ok(self) -> bool:
        return self.status == "ok"


class Subscribe(Struct, frozen=True, kw_only=True, rename="camel"):
    """Asks for an account's stream. The token decides; the other two are sent as the vendor's own example does."""

    token: str
    account_id: str
    brand_id: str
    action: str = "SUBSCRIBE"

    def as_json(self) -> dict[str, str]:
        """Return the JSON object that is sent."""
        return {
            "action": self.action,
            "token": self.token,
            "accountId": self.account_id,
            "brandId": self.brand_id,
        }


StreamMessage: TypeAlias = AccountStatus | Position | ClosePosition | OpenOrder | Property

_TYPES: Mapping[str, type[StreamMessage]] = {
    "AccountStatus": AccountStatus,
    "Position": Position,
    "ClosePosition": ClosePosition,
    "OpenOrder": OpenOrder,
    "Property": Property,
}

_MESSAGES = (Position, AccountStatus, ClosePosition, OpenOrder, Property)

_T = TypeVar("_T")

_STREAM: Final = msgspec.json.Decoder(tuple[Literal["stream"], StreamMessage], float_hook=Decimal)


def read_event(text: str, shown: str) -> Any:
    """Return what the list of an event holds; that of a `stream` a StreamMessage, of which a beginning has thousands.

    Raises:
        RemoteProtocolError: no JSON.
    """
    try:
        return _STREAM.decode(text)
    except (ValueError, RecursionError, ArithmeticError):
        return read_json(text, shown)  # another event, other words for this one, or something to be named


def stream_message(data: object) -> StreamMessage | None:
    """Return the message that a `stream` event carries, or None when its type is not one of ours.

    Raises:
        RemoteProtocolError: no object, no type, or a field of the wrong type.
    """
    if isinstance(data, _MESSAGES):
        return data
    if not isinstance(data, dict) or not isinstance(data.get("type"), str):
        raise RemoteProtocolError(f"expected a stream message with a type, found {_shown(data)}")
    kind = _TYPES.get(data["type"])
    return None if kind is None else _converted(data, kind, f"stream message {data['type']}")


def status_message(data: object, where: str) -> Status:
    """Return the status object of an acknowledgement or event.

    Raises:
        RemoteProtocolError: it is none.
    """
    return _converted(data, Status, where)


def _converted(data: Any, kind: type[_T], where: str) -> _T:
    try:
        return msgspec.convert(data, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise RemoteProtocolError(f"{where}: {error}") from None


def _shown(data: object) -> str:
    return f"{type(data).__name__} {reprlib.repr(data)[:120]}"
