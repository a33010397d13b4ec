"""Requests to the REST API for one account: reads that may be repeated, and changes that never are."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import trio

from adapters.base import RemoteProtocolError, RequestNotSent, SessionLost, SignInRefused, Throttled, UtcNow
from adapters.tradelocker import translate
from adapters.tradelocker.config import Config
from adapters.tradelocker.rate_limits import RateLimits, kind_of
from adapters.tradelocker.sign_in import JSON_HEADERS, shared_sign_in, throttled
from adapters.tradelocker.stream_book import BookStops
from adapters.tradelocker.wire_rest import (
    BASE,
    Answer,
    Columns,
    LoginAccounts,
    Row,
    StreamToken,
    TradeConfig,
    converted,
    decoded,
    encoded,
)
from adapters.transport.http import HttpClient, HttpResponse
from adapters.transport.network import Connect
from rules.model.frozen import frozen
from rules.model.values import PositionId

_READS_MAX: Final = 3
"""Attempts of one read that meets the rate limit."""

_ROWS_MAX: Final = 20_000
"""Rows of one answer; the orders history has been seen to give 10,000."""


_STOP_COLUMNS: Final = ("id", "stopLossId", "takeProfitId")
_NO_STOPS: Final = (None, None)


class VenueRefusal(RemoteProtocolError):
    """A read was answered with `s` = "error"; the text is the venue's."""


class NotExecuted(Exception):
    """A change was refused before the venue looked at it (the token was no longer good): it may be tried again."""


@frozen
class Refused:
    """The venue said no to a change, in its own words."""

    text: str


@frozen
class Books:
    """All open positions, the stop-loss and take-profit price of each, and the rows of pending orders."""

    columns: Columns
    cells: list[object]
    """Of the positions, row by row."""
    stops: BookStops
    orders: list[Row]

    def positions(self) -> Iterator[Row]:
        """Give the rows of the positions, one after the other."""
        return self.columns.rows(self.cells, "positions")


class Rest:
    """One account's REST API. The sign-in is shared with the other accounts of the same login."""

    def __init__(self, config: Config, connect: Connect, now: UtcNow) -> None:
        self._config = config
        self._http = HttpClient(config.rest_origin, connect=connect)
        self._sign_in = shared_sign_in(config, connect, now)
        self._acc_num: str | None = None
        self.currency: str | None = None
        """Of the account; None until the first request."""
        self._trade_config: TradeConfig | None = None
        self._limits = RateLimits()

    async def aclose(self) -> None:
        """Give up the kept connections."""
        await self._http.aclose()

    # Tokens

    async def stream_token(self) -> StreamToken:
        """Return the account's token for the Streams API."""
        return await self._sign_in.stream_token(self._http, self._config.account_id)

    def reject_stream_token(self, token: StreamToken) -> None:
        """Forget a token that the Streams API refused, for all accounts of the sign-in."""
        self._sign_in.reject_stream_token(token)

    # Reads

    async def rows(
        self, table: str, query: Mapping[str, str] | None = None, *, where: tuple[str, str] | None = None
    ) -> list[Row]:
        """Return the rows of `positions`, `orders` or `ordersHistory` by column id.

        Args:
            where: only those that have this value in this column: `("id", "42")`.
        Raises:
            RemoteProtocolError: anything but an array of rows. SessionLost: no answer.
        """
        columns, found = await self._table(table, query)
        if where is not None:
            return columns.rows_where(found, *where, table)
        return list(columns.rows(found, table))

    async def _table(self, table: str, query: Mapping[str, str] | None = None) -> tuple[Columns, list[object]]:
        """Return the rows of a table as the venue writes them, and its columns."""
        config = await self.trade_config()
        columns: Columns = {
            "positions": config.positions_config,
            "orders": config.orders_config,
            "ordersHistory": config.orders_history_config,
        }[table]
        data = await self.read(f"{self.account_path}/{table}", query)
        found = data.get(table) if isinstance(data, dict) else None
        # An answer without the array ("no_data" too) is no empty table: it would look as if everything was closed.
        if not isinstance(found, list) or len(found) > _ROWS_MAX:
            raise RemoteProtocolError(f"{table}: expected an array {table!r} of at most {_ROWS_MAX} rows, found none")
        return columns, found

    async def state(self) -> Row:
        """Return the account's figures by column id."""
        config = await self.trade_config()
        data = await self.read(f"{self.account_path}/state")
        cells = data.get("accountDetailsData") if isinstance(data, dict) else None
        return config.account_details_config.row(cells, "account state")

    async def books(self) -> Books:
        """Return what is open and what waits."""
        columns, positions = await self._table("positions")
        orders = await self.rows("orders")
        prices = translate.protective_prices(orders)
        stops: BookStops = {
            PositionId(translate.present(position_id, "id", "position")): (
                (prices.get(stop or ""), prices.get(take or "")) if prices else _NO_STOPS
            )
            for position_id, stop, take in columns.cells(positions, _STOP_COLUMNS, "positions")
        }
        pending = translate.pending_rows(orders, columns.rows(positions, "positions")) if orders else []
        return Books(columns, positions, stops, pending)

    async def trade_config(self) -> TradeConfig:
        """Return the column maps and limits, read once."""
        if self._trade_config is None:
            self._trade_config = converted(await self.read("/trade/config"), TradeConfig, "trade config")
            self._limits.learn(self._trade_config.rate_limits)
        return self._trade_config

    @property
    def account_path(self) -> str:
        """Where the account's own tables are."""
        return f"/trade/accounts/{self._config.rest_account_id}"

    async def read(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """GET `path` and return `d`.

        Asks again after the pause that a rate limit wants, and once after a token that was no longer good.
        """
        renewed = False
        for _ in range(_READS_MAX):
            try:
                token, headers = await self._headers()
                self._keep_pace("GET", path)
                answer = await self._http.request("GET", _target(path, query), headers=headers)
                if answer.status == 429:
                    raise throttled(answer, path)
            except Throttled as pause:
                await trio.sleep(pause.retry_after_s)
                continue
            if answer.status == 401 and not renewed:
                renewed = True
                self._sign_in.reject_access_token(token)
                continue
            return _result(answer, path)
        raise SessionLost(f"{path}: rate limit, also at attempt {_READS_MAX}")

    # Changes

    async def _prepared(self) -> tuple[str, dict[str, str]]:
        """Return token and headers; what goes wrong on the way to them leaves no doubt that nothing was changed."""
        try:
            return await self._headers()
        except RequestNotSent:
            raise
        except SessionLost as error:
            raise RequestNotSent(f"before the request: {error}") from error

    async def change(self, method: str, path: str, body: Mapping[str, object]) -> Any | Refused:
        """Send one change, once; returns the answer's `d`, or the refusal.

        Raises:
            RequestNotSent: nothing left. SessionLost: the outcome is unknown. Throttled, NotExecuted: not executed.
        """
        token, headers = await self._prepared()
        self._keep_pace(method, path)
        answer = await self._http.request(
            method, _target(path, None), headers={**headers, **JSON_HEADERS}, body=encoded(body)
        )
        if answer.status == 429:
            raise throttled(answer, f"{method} {path}")
        if answer.status == 401:
            self._sign_in.reject_access_token(token)
            raise NotExecuted(f"{method} {path}: the token was no longer good (HTTP 401)")
        if answer.status in (400, 403, 404, 405, 409, 422):
            return Refused(_refusal_text(answer))
        try:
            return _result(answer, f"{method} {path}")
        except VenueRefusal as refusal:
            return Refused(str(refusal))

    def _keep_pace(self, method: str, path: str) -> None:
        """Hold a request back that the broker's own limits would refuse.

        Raises:
            Throttled: nothing was sent.
        """
        wait_s = self._limits.take(kind_of(method, path), trio.current_time())
        if wait_s > 0:
            raise Throttled(f"{method} {path}: the broker's own limit is reached", wait_s)

    async def place(self, body: Mapping[str, object]) -> Any | Refused:
        """POST an order."""
        return await self.change("POST", f"{self.account_path}/orders", body)

    async def _headers(self) -> tuple[str, dict[str, str]]:
        token = await self._sign_in.access_token(self._http)
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        key = self._config.developer_api_key
        if key is not None:
            headers["developer-api-key"] = key.reveal()
        if self._acc_num is None:
            await self._choose_account(token, headers)
        return token, {**headers, "accNum": self._acc_num or ""}

    async def _choose_account(self, token: str, headers: Mapping[str, str]) -> None:
        """Learn the account's number for the `accNum` header; it belongs to the id that goes into paths."""
        where = "all-accounts"
        answer = await self._http.request("GET", BASE + "/auth/jwt/all-accounts", headers=headers)
        if answer.status == 429:
            raise throttled(answer, where)
        if answer.status == 401:
            self._sign_in.reject_access_token(token)
        if answer.status != 200:
            raise SessionLost(f"{where}: expected HTTP 200, found {answer.status}")
        accounts = converted(decoded(answer.body, where), LoginAccounts, where).accounts
        for account in accounts:
            if str(account.id) == self._config.rest_account_id:
                self._acc_num, self.currency = str(account.acc_num), account.currency
                return
        known = ", ".join(str(account.id)[:40] for account in accounts[:20]) or "none"
        wanted = self._config.rest_account_id
        raise SignInRefused(f"expected an account {wanted} at {self._config.environment}, found: {known}")


def _target(path: str, query: Mapping[str, str] | None) -> str:
    return BASE + path + (f"?{urlencode(query)}" if query else "")


def _result(answer: HttpResponse, where: str) -> Any:
    """Return `d` of an answer.

    Raises:
        VenueRefusal: `s` says no. SessionLost: 5xx. RemoteProtocolError: anything that is no answer of this API.
    """
    if answer.status >= 500:
        raise SessionLost(f"{where}: HTTP {answer.status}")
    if answer.status == 204:
        return {}
    if answer.status != 200 and answer.status != 201:
        raise RemoteProtocolError(f"{where}: expected HTTP 200, found {answer.status}")
    envelope = converted(decoded(answer.body, where), Answer, where)
    if envelope.s == "error":
        raise VenueRefusal(envelope.errmsg or "refused without a reason")
    if envelope.s not in {"ok", "no_data"}:
        raise RemoteProtocolError(f"{where}: expected s = ok, no_data or error, found {envelope.s[:40]!r}")
    return {} if envelope.d is None else envelope.d


def _refusal_text(answer: HttpResponse) -> str:
    """Return the venue's own words in a refusal with an HTTP status of its own, or the status where it has none."""
    try:
        body = decoded(answer.body, "refusal")
    except RemoteProtocolError:
        return f"HTTP {answer.status}"
    texts = [body.get(key) for key in ("errmsg", "message", "error")] if isinstance(body, dict) else []
    text = next((text for text in texts if isinstance(text, str) and text), None)
    return f"HTTP {answer.status}" if text is None else text[:500]
