"""What the REST API (backend-api) says and hears, in its own words and types.

Rows of orders, positions and figures are bare arrays whose column order `/trade/config` names: they are read by column
id only. Refusals come as HTTP 200 with `s` = "error".
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from adapters.base import RemoteProtocolError

BASE: Final = "/backend-api"

Row: TypeAlias = Mapping[str, str | None]
"""Cells as text by column id; None where the venue says null, "None" or nothing."""

_T = TypeVar("_T")


class Tokens(Struct, frozen=True, rename="camel"):
    """Answer of `/auth/jwt/token` and `/auth/jwt/refresh`."""

    access_token: str
    refresh_token: str


class StreamToken(Struct, frozen=True, rename="camel"):
    """The Streams API's own token of one account.

    `expireDate` is epoch milliseconds in reports from the field and may be missing; its type is not documented.
    """

    access_token: str
    account_id: str
    brand_id: str
    expire_date: Any = None


class StreamTokens(Struct, frozen=True):
    """Answer of `/auth/jwt/accounts/tokens`: one token for each account of the sign-in."""

    data: tuple[StreamToken, ...]


class LoginAccount(Struct, frozen=True, rename="camel"):
    """An account of the sign-in: `id` goes into paths, `accNum` into the header."""

    id: int | str
    acc_num: int | str
    name: str | None = None
    currency: str | None = None


class LoginAccounts(Struct, frozen=True):
    """Answer of `/auth/jwt/all-accounts`."""

    accounts: tuple[LoginAccount, ...]


class Column(Struct, frozen=True):
    """A column's name."""

    id: str


class Columns(Struct, frozen=True):
    """The columns of one table, in the order of its rows' cells."""

    columns: tuple[Column, ...]

    def row(self, cells: object, what: str) -> Row:
        """Return the cells by column id.

        Raises:
            RemoteProtocolError: no array, or more cells than columns, or a cell that is no plain value.
        """
        (row,) = self.rows([cells], what)
        return row

    def rows(self, rows: list[object], what: str) -> Iterator[Row]:
        """Give each row's cells by column id, one row after the other: thousands of them need not be there at once.

        Raises:
            RemoteProtocolError: see `row`.
        """
        ids = [column.id for column in self.columns]
        for cells in rows:
            checked = self._checked(cells, what)
            if _TEXTS.issuperset(map(type, checked)) and "None" not in checked:  # as nearly all are
                yield dict(zip(ids, checked, strict=False))  # type: ignore[arg-type] # texts, as was just seen
            else:
                yield {column: _cell(cell, what) for column, cell in zip(ids, checked, strict=False)}

    def cells(self, rows: list[object], column_ids: tuple[str, ...], what: str) -> Iterator[tuple[str | None, ...]]:
        """Give each row's cells of two or more columns; of the others, which may be many, no more is read.

        Raises:
            RemoteProtocolError: see `row`, of any row's shape and of these cells.
        """
        ids = [column.id for column in self.columns]
        places = [ids.index(column_id) if column_id in ids else len(ids) for column_id in column_ids]
        pick, width = itemgetter(*places), max(places) + 1
        for cells in rows:
            checked = self._checked(cells, what)
            picked = pick(checked if len(checked) >= width else [*checked, *[None] * width])
            if _TEXTS.issuperset(map(type, picked)) and "None" not in picked:  # as nearly all are
                yield picked
            else:
                yield tuple(_cell(cell, what) for cell in picked)

    def rows_where(self, rows: list[object], column_id: str, value: str, what: str) -> list[Row]:
        """Return the rows that have `value` in a column; of the others, which may be thousands, no more is read.

        Raises:
            RemoteProtocolError: see `row`, of any row's shape and of that column's cells.
        """
        at = next((number for number, column in enumerate(self.columns) if column.id == column_id), None)
        found: list[Row] = []
        for cells in rows:
            checked = self._checked(cells, what)
            if at is not None and at < len(checked) and _cell(checked[at], what) == value:
                found.append(self.row(cells, what))
        return found

    def _checked(self, cells: object, what: str) -> list[object]:
        if not isinstance(cells, list) or len(cells) > len(self.columns):
            found = f"{len(cells)} cells" if isinstance(cells, list) else type(cells).__name__
            raise RemoteProtocolError(f"{what}: expected a row of {len(self.columns)} cells, found {found}")
        return cells


class RateLimit(Struct, frozen=True, rename="camel"):
    """The broker's own limit of one kind of request."""

    rate_limit_type: str
    measure: str
    interval_num: int
    limit: int


class TradeConfig(Struct, frozen=True, rename="camel"):
    """Answer of `/trade/config`."""

    positions_config: Columns
    orders_config: Columns
    orders_history_config: Columns
    account_details_config: Columns
    filled_orders_config: Columns | None = None
    rate_limits: tuple[RateLimit, ...] = ()


class Route(Struct, frozen=True):
    """A way to an instrument: TRADE for orders, INFO for quotes and details. Their ids differ."""

    id: int | str
    type: str


class InstrumentRow(Struct, frozen=True, rename="camel"):
    """An instrument in the account's list."""

    tradable_instrument_id: int | str
    name: str
    routes: tuple[Route, ...] = ()
    type: str | None = None
    description: str | None = None

    def route(self, kind: str) -> str | None:
        """Return the first route of `kind`, or None."""
        return next((str(route.id) for route in self.routes if route.type == kind), None)


class Instruments(Struct, frozen=True):
    """Answer of `/trade/accounts/{id}/instruments`."""

    instruments: tuple[InstrumentRow, ...]


class TickSize(Struct, frozen=True, rename="camel"):
    """The tick from a price upward."""

    tick_size: Decimal
    left_range_limit: Decimal | None = None


class InstrumentDetails(Struct, frozen=True, rename="camel"):
    """Answer of `/trade/instruments/{tid}`."""

    lot_size: Decimal
    min_lot: Decimal
    max_lot: Decimal
    lot_step: Decimal
    tick_size: tuple[TickSize, ...] = ()
    base_currency: str | None = None
    quoting_currency: str | None = None


class Quotes(Struct, frozen=True):
    """Answer of `/trade/quotes`: ask and bid price (sizes `as` and `bs` are not read)."""

    ap: Decimal | None = None
    bp: Decimal | None = None


class OrderPlaced(Struct, frozen=True, rename="camel"):
    """Answer of an order's POST."""

    order_id: int | str


class Answer(Struct, frozen=True):
    """The envelope of every `/trade/*` answer."""

    s: str
    d: Any = None
    errmsg: str | None = None


_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")

_TEXTS: Final = frozenset({str, type(None)})
"""What a cell is where it needs no look."""


def decoded(body: bytes, where: str) -> Any:
    """Return the JSON value in `body`, numbers exact.

    Raises:
        RemoteProtocolError: it is no JSON (the edge answers HTML at times).
    """
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, ArithmeticError) as error:
        raise RemoteProtocolError(f"{where}: expected JSON, found {len(body)} bytes that are none ({error})") from None


def converted(data: Any, kind: type[_T], where: str) -> _T:
    """Return `data` as `kind`.

    Raises:
        RemoteProtocolError: a field is missing or of the wrong type.
    """
    try:
        return msgspec.convert(data, kind, strict=False)
    except (msgspec.ValidationError, RecursionError, ArithmeticError) as error:
        raise RemoteProtocolError(f"{where}: {error}") from None


def encoded(body: Mapping[str, object]) -> bytes:
    """Return `body` as JSON, Decimals as exact JSON numbers."""
    return _ENCODER.encode(body)


def token_expiry(token: str) -> datetime | None:
    """Return the `exp` of a JWT, unverified (the venue verifies it), or None when it shows none."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > 16_384:
        return None
    try:
        payload = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
        return None
    seconds = payload.get("exp") if isinstance(payload, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds < 253_402_300_800:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def _cell(cell: object, what: str) -> str | None:
    """Return a cell as text: brokers send numbers as text, as numbers, and absence as null or "None"."""
    if cell is None or cell == "None":
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, str):
        return cell
    if isinstance(cell, Decimal):
        return str(cell)
    if isinstance(cell, int) and abs(cell) < 10**20:  # before str(): that is quadratic in the digits
        return str(cell)
    raise RemoteProtocolError(f"{what}: expected a text or number in a cell, found {type(cell).__name__}")
