"""Requests to the REST API for one account: reads that may be repeated, and orders that never are."""

from collections.abc import Mapping
from typing import Final, TypeVar
from urllib.parse import quote as escaped
from urllib.parse import urlencode

import trio
from attrs import evolve

from adapters.base import RemoteProtocolError, RequestNotSent, SessionLost, SignInRefused, Throttled, UtcNow
from adapters.clearstreet import translate, values
from adapters.clearstreet.config import Config
from adapters.clearstreet.net import Books, trails
from adapters.clearstreet.orders import STOP
from adapters.clearstreet.sign_in import JSON_HEADERS, LiveToken, shared_sign_in, throttled
from adapters.clearstreet.translate import Holding, VenueOrder
from adapters.clearstreet.wire import BASE, ROWS_MAX, Order, Position, Trade, decoded, encoded
from adapters.clearstreet.wire_rest import (
    EasyBorrows,
    Instruments,
    OneOrder,
    OrderPlaced,
    Orders,
    Page,
    Positions,
    Trades,
    problem_text,
)
from adapters.transport.http import HttpClient, HttpResponse
from adapters.transport.network import Connect
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.values import Symbol, VenueOrderId

_READS_MAX: Final = 3
"""Attempts of one read that meets the rate limit."""

_PAGE_SIZE: Final = 1000
"""Rows of a page; 25 unless asked for, 2000 at most."""

_PAGES_MAX: Final = 100
"""Pages of one list: a hundred thousand executions in a day are more than any copier makes."""

_LOOKS_MAX: Final = 3
"""How often positions and executions are asked for until both are of one moment."""

_LOOK_PAUSE_S: Final = 0.2

P = TypeVar("P", bound=Page)
T = TypeVar("T")


class NotExecuted(Exception):
    """An order was refused before the venue looked at it (the token was no longer good): it may be tried again."""


class _NotThere(Exception):
    """HTTP 404."""


@frozen
class Refused:
    """The venue said no to an order, in its own words."""

    text: str


class Rest:
    """One account's REST API. The token is shared with the other accounts of the same credentials."""

    def __init__(self, config: Config, connect: Connect, now: UtcNow, *, connections: int) -> None:
        self._config = config
        self._now = now
        self._http = HttpClient(config.rest_origin, connect=connect, connections=connections)
        self._auth = HttpClient(config.auth_origin, connect=connect, connections=1)
        self._sign_in = shared_sign_in(config, connect, now)
        self._account = f"/accounts/{escaped(config.account_id, safe='')}"

    async def aclose(self) -> None:
        """Give up the kept connections."""
        await self._http.aclose()
        await self._auth.aclose()

    # Tokens

    async def token(self) -> LiveToken:
        """Return a token that is good for a while."""
        return await self._sign_in.token(self._auth)

    def reject(self, token: LiveToken) -> None:
        """Forget a token that the venue refused, for all accounts of the credentials."""
        self._sign_in.reject(token)

    async def check_account(self) -> None:
        """Ask whether these credentials show the account.

        Raises:
            SignInRefused: they do not.
        """
        await self._read_ours("", Page)

    # Reads

    async def books(self) -> Books:
        """Return open positions and the executions of the day, of one moment where that can be had, then the orders."""
        books = await self._books()
        for _ in range(_LOOKS_MAX - 1):
            if books.agree:
                break
            await trio.sleep(_LOOK_PAUSE_S)
            books = await self._books()
        return evolve(books, orders=await self.resting())

    async def position(self, symbol: Symbol) -> Holding | None:
        """Return the position of one symbol; None when it is flat."""
        try:
            row = await self._read(f"{self._account}/positions/{escaped(symbol, safe='')}", Position)
        except _NotThere:
            return None
        return translate.holding(row)

    async def orders(self) -> list[Order]:
        """Return the orders of the current trading day."""
        pages = await self._pages("/orders", Orders)
        return [row for page in pages for row in page.data]

    async def resting(self) -> tuple[VenueOrder, ...]:
        """Return the orders that work, and the stop-losses of ours that are over."""
        rows = await self.orders()
        wanted = (row for row in rows if not translate.is_over(row) or (row.reference_id or "").endswith(STOP))
        return tuple(translate.order(row) for row in wanted)

    async def day(self) -> tuple[list[Position], list[Trade]]:
        """Return the open positions, and the executions of the current trading day."""
        positions = [row for page in await self._pages("/positions", Positions) for row in page.data]
        return positions, [row for page in await self._pages("/trades", Trades) for row in page.data]

    async def order(self, order_id: VenueOrderId) -> VenueOrder | None:
        """Return one order; None when the venue does not show it."""
        try:
            found = await self._read(f"{self._account}/orders/{escaped(order_id, safe='')}", OneOrder)
        except _NotThere:
            return None
        return translate.order(found.order)

    async def easy_borrows(self) -> frozenset[str]:
        """Return the symbols that can be sold short without a locate, today."""
        return frozenset((await self._read_ours("/easy-borrows", EasyBorrows)).data)

    async def instruments(self) -> dict[Symbol, Instrument]:
        """Return all instruments by symbol."""
        try:
            return translate.instruments((await self._read("/instruments", Instruments)).data)
        except _NotThere:
            raise RemoteProtocolError("/instruments: expected HTTP 200, found 404") from None

    # Orders

    async def place(self, body: Mapping[str, object]) -> VenueOrderId | Refused:
        """Send one order, once; returns the id that the venue received it under, or its refusal.

        Raises: as `change`.
        """
        answer = await self._send("POST", "/orders", body)
        if isinstance(answer, Refused):
            return answer
        order_id = decoded(answer.body, OrderPlaced, "an answer to an order").order_id
        return VenueOrderId(values.name(order_id, "an order_id"))

    async def change(self, order_id: VenueOrderId, body: Mapping[str, object]) -> Refused | None:
        """Ask once to give an order other terms; returns the refusal. Only the order then tells what came of it.

        Raises:
            RequestNotSent: nothing left. SessionLost: the outcome is unknown. Throttled, NotExecuted: not executed.
        """
        answer = await self._send("PATCH", f"/orders/{escaped(order_id, safe='')}", body)
        return answer if isinstance(answer, Refused) else None

    async def cancel(self, order_id: VenueOrderId) -> Refused | None:
        """Ask once to cancel an order; returns and raises as `change`."""
        answer = await self._send("DELETE", f"/orders/{escaped(order_id, safe='')}", None)
        return answer if isinstance(answer, Refused) else None

    async def _send(self, method: str, path: str, body: Mapping[str, object] | None) -> HttpResponse | Refused:
        """Send a request that moves money, once."""
        try:
            token = await self.token()
        except RequestNotSent:
            raise
        except SessionLost as error:
            raise RequestNotSent(f"before the order: {error}") from error
        where = f"{method} /orders"
        answer = await self._http.request(
            method,
            f"{BASE}{self._account}{path}",
            headers={**_bearer(token), **({} if body is None else JSON_HEADERS)},
            body=None if body is None else encoded(body),
        )
        if answer.status == 429:
            raise throttled(answer, where)
        if answer.status == 401:
            self.reject(token)
            raise NotExecuted(f"{where}: the token was no longer good (HTTP 401)")
        if answer.status in (400, 403, 404, 405, 409, 422):
            return Refused(problem_text(answer.body, answer.status))
        if answer.status >= 500 or answer.status == 408:  # something broke there: the order may be live
            raise SessionLost(f"{where}: HTTP {answer.status}")
        if answer.status not in (200, 201):
            raise RemoteProtocolError(f"{where}: expected HTTP 201, found {answer.status}")
        return answer

    # How

    async def _books(self) -> Books:
        asked_at = self._now()
        positions, rows = await self.day()
        if len({row.symbol for row in positions}) < len(positions):  # as when a list moves while its pages are read
            raise RemoteProtocolError("positions: expected each symbol once, found one twice")
        holdings = {row.symbol: held for row in positions if (held := translate.holding(row)) is not None}
        trades = [translate.trade(row, row.symbol) for row in rows if row.symbol]
        ends = {trade.symbol: holdings[trade.symbol].quantity for trade in trades if trade.symbol in holdings}
        followed = trails(trades, ends)
        for symbol, trail in followed.items():
            if symbol in holdings:
                holdings[symbol] = translate.meant(holdings[symbol], trail.running)
        return Books(asked_at, holdings, followed)

    async def _pages(self, path: str, kind: type[P]) -> list[P]:
        pages: list[P] = []
        query = {"page_size": str(_PAGE_SIZE)}
        seen: set[str] = set()
        while len(pages) < _PAGES_MAX:
            page = await self._read_ours(path, kind, query)
            pages.append(page)
            rows = getattr(page, "data", ())
            if len(rows) > ROWS_MAX:
                raise RemoteProtocolError(f"{path}: expected a page of at most {ROWS_MAX} rows, found {len(rows)}")
            token = page.next_page_token
            if not token:
                return pages
            if token in seen:
                raise RemoteProtocolError(f"{path}: expected a new next_page_token, found one that was there before")
            seen.add(token)
            query["page_token"] = token
        raise RemoteProtocolError(f"{path}: expected at most {_PAGES_MAX} pages, found more")

    async def _read_ours(self, path: str, kind: type[T], query: Mapping[str, str] | None = None) -> T:
        """Read something that every account has: where it is not, there is no such account for us."""
        try:
            return await self._read(self._account + path, kind, query)
        except _NotThere:
            raise SignInRefused(f"the credentials show no account {self._config.account_id} (HTTP 404)") from None

    async def _read(self, path: str, kind: type[T], query: Mapping[str, str] | None = None) -> T:
        """GET `path`; asks again after the pause that a rate limit wants, and once with a new token.

        Raises:
            SignInRefused: the account is refused. _NotThere: 404. SessionLost: no answer, or a new token is refused.
        """
        target = BASE + path + (f"?{urlencode(query)}" if query else "")
        renewed = False
        for _ in range(_READS_MAX):
            try:
                token = await self.token()
                answer = await self._http.request("GET", target, headers=_bearer(token))
                if answer.status == 429:
                    raise throttled(answer, path)
            except Throttled as pause:
                await trio.sleep(pause.retry_after_s)
                continue
            if answer.status == 401 and not renewed:
                renewed = True
                self.reject(token)
                continue
            _check(answer, path)
            return decoded(answer.body, kind, f"an answer of {path}")
        raise SessionLost(f"{path}: rate limit, also at attempt {_READS_MAX}")


def _bearer(token: LiveToken) -> dict[str, str]:
    return {"authorization": f"Bearer {token.text.reveal()}", "accept": "application/json"}


def _check(answer: HttpResponse, path: str) -> None:
    status = answer.status
    if status == 200:
        return
    if status == 404:
        raise _NotThere
    if status == 401:  # of a token that its own service gave a moment ago: the venue's trouble, not the credentials'
        raise SessionLost(f"{path}: a new token is refused: {problem_text(answer.body, status)}")
    if status == 403:
        raise SignInRefused(f"{path}: the venue refuses the account: {problem_text(answer.body, status)}")
    if status >= 500 or status == 408:
        raise SessionLost(f"{path}: HTTP {status}")
    raise RemoteProtocolError(f"{path}: expected HTTP 200, found {status}: {problem_text(answer.body, status)}")
