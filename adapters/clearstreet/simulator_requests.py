"""What the simulated REST API reads: request bodies, strict as the published schema, which refuses unknown keys."""

from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from adapters.clearstreet.simulator_words import Refused
from rules.model.values import Price, Volume, exact

T = TypeVar("T")

NUMBER_LENGTH_MAX = 16
"""Characters of a quantity or price (Studio OpenAPI 2.0.0)."""

BULK_ORDERS_MAX = 1000

Id = Annotated[str, Meta(min_length=1, max_length=256)]
SymbolText = Annotated[str, Meta(min_length=1, max_length=32)]
SymbolFormat = Literal["cms", "osi"]
UrgencyText = Literal["super-passive", "passive", "moderate", "aggressive", "super-aggressive"]
# Milliseconds; a larger whole number than readers with floats can hold is a mistake.
Millis = Annotated[int, Meta(ge=0, le=2**53)]
Percent = Annotated[int, Meta(ge=0, le=100)]
HalfPercent = Annotated[int, Meta(ge=0, le=50)]
Destination = Literal[
    "arcx", "bats", "baty", "edga", "edgx", "eprl", "iexg", "memx", "xase", "xbos", "xcis", "xnms", "xnys"
]


class Malformed(Refused):
    """The request breaks the published schema; the text says where."""

    def __init__(self, text: str) -> None:
        super().__init__(400, text)


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    pass


class _Strategy(_Strict, tag_field="type"):
    start_at: Millis | UnsetType = UNSET
    end_at: Millis | UnsetType = UNSET
    urgency: UrgencyText | UnsetType = UNSET


class Sor(_Strategy, tag="sor"):
    """Smart order router: what an order without a strategy goes through."""


class Vwap(_Strategy, tag="vwap"):
    """Volume-weighted average price."""

    min_percent: Percent | UnsetType = UNSET
    max_percent: HalfPercent | UnsetType = UNSET


class Twap(_Strategy, tag="twap"):
    """Time-weighted average price."""

    min_percent: Percent | UnsetType = UNSET
    max_percent: HalfPercent | UnsetType = UNSET


class Ap(_Strategy, tag="ap"):
    """Arrival price."""

    min_percent: Percent | UnsetType = UNSET
    max_percent: Percent | UnsetType = UNSET


class Pov(_Strategy, tag="pov", kw_only=True):
    """Percentage of volume."""

    target_percent: Percent


class Dark(_Strategy, tag="dark"):
    """Dark pools."""

    max_percent: Percent | UnsetType = UNSET


class Dma(_Strict, tag_field="type", tag="dma"):
    """Direct market access."""

    destination: Destination


class NewOrder(_Strict):
    """The body of a create, and each row of a bulk create."""

    order_type: Literal["limit", "market", "stop", "stop-limit"]
    side: Literal["buy", "sell", "sell-short"]
    quantity: str
    time_in_force: Literal["day", "ioc", "day-plus", "at-open", "at-close"]
    symbol: SymbolText
    reference_id: Id | UnsetType = UNSET
    price: str | UnsetType = UNSET
    stop_price: str | UnsetType = UNSET
    symbol_format: SymbolFormat | UnsetType = UNSET
    strategy: Sor | Vwap | Twap | Ap | Pov | Dark | Dma | UnsetType = UNSET
    locate_broker: Id | UnsetType = UNSET
    open_close_indicator: Literal["open", "close"] | UnsetType = UNSET


class BulkOrders(_Strict):
    """The body of a bulk create; each row is judged by itself."""

    orders: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=BULK_ORDERS_MAX)]


class UpdateOrder(_Strict):
    """The body of a replace: the quantity is the whole one, also where only a price changes."""

    quantity: str
    price: str | UnsetType = UNSET
    stop_price: str | UnsetType = UNSET


class NewLocateOrder(_Strict):
    """The body of a locate request."""

    symbol: SymbolText
    quantity: str
    mpid: Annotated[str, Meta(min_length=1, max_length=12)]
    reference_id: Id
    comments: str | UnsetType = UNSET


class UpdateLocateOrder(_Strict):
    """Accepts or declines an offered locate."""

    accept: bool


def read(data: bytes | msgspec.Raw, kind: type[T]) -> T:
    """Return a body.

    Raises:
        Malformed: it is not JSON, or not of this kind.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(str(error)[:500]) from None


def number(text: str, what: str) -> Volume | Price:
    """Return a quantity or price, which is above zero.

    Raises:
        Malformed: it is none.
    """
    if not 1 <= len(text) <= NUMBER_LENGTH_MAX:
        raise Malformed(f"{what} must be of 1 to {NUMBER_LENGTH_MAX} characters, was of {len(text)}")
    try:
        value = exact(text, what)
    except ValueError as error:
        raise Malformed(str(error)) from None
    if value <= 0:
        raise Malformed(f"{what} must be above zero, was {text}")
    return value


def number_or_none(text: str | UnsetType, what: str) -> Volume | Price | None:
    """Return an optional quantity or price."""
    return None if text is UNSET else number(text, what)


def known(value: T | UnsetType) -> T | None:
    """Return a value that was given, else None."""
    return None if isinstance(value, UnsetType) else value
