"""MetaCopier's messages as it words them: typed, bounded, exact numbers; JSON in and out and nothing else.

Lenient where the venue is known to vary (unknown fields and types, missing or null fields, enums that grow), strict
about the kind of a value. Numbers stay unjudged `Decimal`s here; `translate` passes each through `exact`.

Source: Socket API page and OpenAPI 1.2.6, read 2026-11-20.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias, TypeVar

import msgspec

from adapters.base import RemoteProtocolError
from rules.model.frozen import frozen
from rules.model.values import plain

T = TypeVar("T")

POSITIONS_MAX = 10_000
"""In one list; an account with more is beyond what any broker allows."""


class PositionDTO(msgspec.Struct, frozen=True, rename="camel"):
    """A position, a pending order, a closed position or a cash operation: the venue uses one shape for all four."""

    id: str | int
    symbol: str | None = None
    order_type: str | None = None
    deal_type: str | None = None
    placed_type: str | None = None
    state: str | None = None
    volume: Decimal | None = None
    open_price: Decimal | None = None
    close_price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    current_price: Decimal | None = None
    open_time: datetime | None = None
    close_time: datetime | None = None
    profit: Decimal | None = None
    swap: Decimal | None = None
    commission: Decimal | None = None
    net_profit: Decimal | None = None
    comment: str | None = None
    magic_number: str | int | None = None
    request_id: str | int | None = None


class AccountInformationDTO(msgspec.Struct, frozen=True, rename="camel"):
    """An account's figures and state. Any field may be missing: an API key's policy can hide each of them."""

    id: str | None = None
    account_mode: str | None = None
    environment: str | None = None
    balance: Decimal | None = None
    equity: Decimal | None = None
    credit: Decimal | None = None
    free_margin: Decimal | None = None
    used_margin: Decimal | None = None
    unrealized_profit: Decimal | None = None
    profit_this_month: Decimal | None = None
    currency: str | None = None
    leverage: int | None = None
    drawdown: Decimal | None = None
    connected: bool | None = None
    status: str | None = None
    wrong_credentials: bool | None = None
    is_investor_password: bool | None = None
    fallback_mode: bool | None = None
    compatibility_mode: bool | None = None
    hft_mode: bool | None = None
    latency_in_ms: int | None = None
    broke_time_offset_to_utc: int | None = None  # sic
    open_positions: bool | None = None
    pending_orders: bool | None = None
    position_mismatch: bool | None = None
    all_symbols_info_loaded: bool | None = None
    timestamp: datetime | None = None
    last_connected_timestamp: datetime | None = None
    last_c_trader_token_refreshed: datetime | None = msgspec.field(default=None, name="lastCTraderTokenRefreshed")


class UpdateAccountInformationDTO(msgspec.Struct, frozen=True, rename="camel"):
    """The whole account information, about once a minute and on changes."""

    account_id: str
    info: AccountInformationDTO


class UpdateOpenPositionsDTO(msgspec.Struct, frozen=True):
    """All open positions and pending orders, each time."""

    account_id: str
    open_positions: Iterable[PositionDTO]
    """Each read when it is looked at, and perhaps refused then."""


class UpdateHistoryDTO(msgspec.Struct, frozen=True, rename="camel"):
    """Everything that was closed within the last 24 hours, cash operations included, each time."""

    account_id: str
    history: tuple[PositionDTO, ...]


class OtherAccount(msgspec.Struct, frozen=True):
    """A message about an account that is not ours; not looked into."""

    type: str


class UnknownMessage(msgspec.Struct, frozen=True):
    """A message of a type that we do not know."""

    type: str


Message: TypeAlias = (
    UpdateAccountInformationDTO | UpdateOpenPositionsDTO | UpdateHistoryDTO | OtherAccount | UnknownMessage
)


class SymbolDTO(msgspec.Struct, frozen=True, rename="camel"):
    """An instrument's specification; `points` is the price size of one point, `lot_size` the contract size."""

    name: str
    minimal_volume: Decimal | None = None
    maximal_volume: Decimal | None = None
    step_volume: Decimal | None = None
    digits: int | None = None
    points: Decimal | None = None
    lot_size: Decimal | None = None
    base_currency: str | None = None
    quote_currency: str | None = None
    disabled: bool | None = None
    trade_type: str | None = None


class MarketQuoteDTO(msgspec.Struct, frozen=True, rename="camel"):
    """Bid and ask; some platforms behind MetaCopier have none."""

    symbol: str | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    timestamp: datetime | None = None


class PositionRequestDTO(msgspec.Struct, frozen=True):
    """What opens or modifies a position. Zero prices mean none; `request_id` is 0 to 999."""

    symbol: str
    order_type: str
    volume: Decimal
    open_price: Decimal
    stop_loss: Decimal
    take_profit: Decimal
    request_id: int
    comment: str | None = None


class _Wrapper(msgspec.Struct, frozen=True):
    type: str
    data: msgspec.Raw


class _Header(msgspec.Struct, frozen=True, rename="camel"):
    account_id: str


class _OpenPositions(msgspec.Struct, frozen=True, rename="camel"):
    account_id: str
    open_positions: tuple[msgspec.Raw, ...]


class _OpenPositionsWrapper(msgspec.Struct, frozen=True):
    """The wrapper of nearly all messages, read in one pass: they may be long."""

    type: Literal["UpdateOpenPositionsDTO"]
    data: _OpenPositions


@frozen
class _Rows:
    """The rows of a list, each read when it is looked at.

    Read all at once, ten thousand of them would be there beside all that is made of them, and leave as many holes.
    """

    rows: tuple[msgspec.Raw, ...]

    def __iter__(self) -> Iterator[PositionDTO]:
        for number, row in enumerate(self.rows):
            try:
                read = _POSITION.decode(row)
            except _UNREADABLE as error:
                raise _unexpected(_OPEN, _within(str(error), f"openPositions[{number}]")) from None
            yield read


class _Errors(msgspec.Struct, frozen=True):
    errors: tuple[str, ...] = ()


_OPEN = UpdateOpenPositionsDTO.__name__
_TYPES: Mapping[str, type[UpdateAccountInformationDTO] | type[UpdateHistoryDTO] | type[_OpenPositions]] = {
    UpdateAccountInformationDTO.__name__: UpdateAccountInformationDTO,
    UpdateHistoryDTO.__name__: UpdateHistoryDTO,
    _OPEN: _OpenPositions,
}
_LISTED = msgspec.json.Decoder(_OpenPositionsWrapper)
_POSITION = msgspec.json.Decoder(PositionDTO)

_UNREADABLE = (ValueError, RecursionError, OverflowError)
"""ValueError: msgspec's DecodeError and UnicodeDecodeError are some. OverflowError: a date beyond the calendar."""


def decode_message(body: bytes, account_id: str) -> Message:
    """Return the message in the body of a MESSAGE frame; of other accounts only the type is read.

    Raises:
        RemoteProtocolError: it is not a MessageWrapper, or not what its type promises.
    """
    try:
        listed = _LISTED.decode(body).data
    except _UNREADABLE:
        return _decode_other(body, account_id)
    return _open_positions(listed) if listed.account_id.lower() == account_id.lower() else OtherAccount(_OPEN)


def _decode_other(body: bytes, account_id: str) -> Message:
    """Return a message that is no list of open positions, or say what is wrong with it."""
    wrapper = decode(body, _Wrapper, "a MessageWrapper")
    dto = _TYPES.get(wrapper.type)
    if dto is None:
        return UnknownMessage(wrapper.type[:80])
    named = decode(wrapper.data, _Header, wrapper.type).account_id
    if named.lower() != account_id.lower():
        return OtherAccount(wrapper.type)
    message = decode(wrapper.data, dto, wrapper.type)
    return _open_positions(message) if isinstance(message, _OpenPositions) else message


def _open_positions(listed: _OpenPositions) -> UpdateOpenPositionsDTO:
    rows = listed.open_positions
    if len(rows) > POSITIONS_MAX:
        raise RemoteProtocolError(f"expected at most {POSITIONS_MAX} open positions, found {len(rows)}")
    return UpdateOpenPositionsDTO(listed.account_id, _Rows(rows) if rows else ())


def decode(body: bytes | msgspec.Raw, kind: type[T], what: str) -> T:
    """Return `body` read as `kind`.

    Raises:
        RemoteProtocolError: it is not JSON, or of another shape; names `what` was expected.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except _UNREADABLE as error:
        raise _unexpected(what, str(error)) from None


def _unexpected(what: str, found: str) -> RemoteProtocolError:
    return RemoteProtocolError(f"expected {what}, found: {found[:200]}")


def _within(text: str, place: str) -> str:
    """Return what is wrong with a part as what is wrong with the whole; msgspec ends it with the place: `$.volume`."""
    before, mark, path = text.rpartition(" - at `$")
    return f"{before}{mark}.{place}{path}" if mark else f"{text} - at `$.{place}`"


def decode_errors(body: bytes) -> str:
    """Return the venue's own words in the body of a refusal, for a person; never fails."""
    try:
        return "; ".join(msgspec.json.decode(body, type=_Errors).errors)[:500] or _as_text(body)
    except (ValueError, RecursionError):
        return _as_text(body)


def encode_filter(account_ids: Sequence[str]) -> bytes:
    """Return the body of SEND /app/subscribe; no ids means all accounts of the key."""
    return msgspec.json.encode({"accountIds": list(account_ids)})


def encode_position_request(request: PositionRequestDTO) -> bytes:
    """Return the body of a request that opens or modifies a position; numbers as plain JSON numbers, digit by digit."""
    fields: dict[str, object] = {
        "symbol": request.symbol,
        "orderType": request.order_type,
        "volume": _number(request.volume),
        "openPrice": _number(request.open_price),
        "stopLoss": _number(request.stop_loss),
        "takeProfit": _number(request.take_profit),
        "requestId": request.request_id,
    }
    if request.comment is not None:
        fields["comment"] = request.comment
    return msgspec.json.encode(fields)


def _number(number: Decimal) -> msgspec.Raw:
    return msgspec.Raw(plain(number).encode())


def _as_text(body: bytes) -> str:
    return body[:500].decode(errors="replace").strip() or "no text"
