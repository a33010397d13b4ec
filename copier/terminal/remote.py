"""A running service, asked over its REST API: readings as often as wanted, a command at most once."""

import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec
import trio
from attrs import field

from adapters.base import LocalProtocolError, RequestNotSent, SessionLost
from adapters.secret import Secret
from adapters.transport.http import HttpClient, HttpExchange
from adapters.transport.http_link import HttpResponse
from adapters.transport.network import Connect
from copier.telling.wording import printable
from copier.terminal.asking import NotKnown, Refusal, Unreachable, refusal
from copier.terminal.event_stream import EventParser, SentEvent
from copier.web.dto.levers import Done
from copier.web.dto.words import to_json
from rules.model.frozen import frozen

T = TypeVar("T")

PATIENCE_S: Final = 15.0
"""For an answer: the service itself waits 10 s for a lever to be durable."""

SILENCE_S_MAX: Final = 45.0
"""The service says something on an event stream every 15 s; three times that, and nobody is there."""

_PAGE: Final = 500
_PAGES_MAX: Final = 100
"""Fifty thousand things: more than a terminal is for."""


@frozen
class _Page:
    items: list[msgspec.Raw]
    next: str | None


@frozen
class _Problem:
    title: str = ""
    detail: str = ""
    errors: list[dict[str, str]] = field(factory=list)


class Remote:
    """A service and the key that is shown to it.

    Args:
        url: `https://host[:port]`; plain http on this machine.
    Raises:
        ValueError: the address is none.
    """

    def __init__(self, url: str, key: Secret | None, *, connect: Connect) -> None:
        self.url = url.rstrip("/")
        self._http = HttpClient(self.url, connect=connect, connections=2, timeout_s=PATIENCE_S)
        self._headers = {"Accept": "application/json, text/event-stream, application/problem+json"}
        if key is not None:
            self._headers["X-API-Key"] = key.reveal()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def one(self, path: str, kind: type[T]) -> T:
        """Return one thing.

        Raises:
            Unreachable, Refusal: it cannot be had.
        """
        return self._decoded(await self._get(path), kind)

    async def listing(self, path: str, kind: type[T], most: int | None = None, **query: str) -> list[T]:
        """Return a whole list, page after page, or its first `most` things.

        Raises:
            Unreachable, Refusal: it cannot be had.
        """
        things: list[T] = []
        asked = {**query, "limit": str(min(_PAGE, most or _PAGE))}
        for _ in range(_PAGES_MAX):
            page = self._decoded(await self._get(f"{path}?{urlencode(asked)}"), _Page)
            things += [self._decoded(item, kind) for item in page.items]
            if page.next is None or (most is not None and len(things) >= most):
                break
            asked["cursor"] = page.next
        return things if most is None else things[:most]

    async def command(self, path: str, body: object, what: str, see: str) -> str:
        """Ask for `what` once, and return the service's sentence on it.

        Args:
            see: how a person finds out what became of it where no answer comes.
        Raises:
            Unreachable: nothing was sent. Refusal: nothing was done. NotKnown: it may have been done.
        """
        headers = {
            **self._headers,
            "Content-Type": "application/json",
            "Idempotency-Key": secrets.token_urlsafe(24),
        }
        unknown = f"{what}: it is not known whether this was done ({{}}); it was not sent again. To see: {see}"
        try:
            answer = await self._http.request("POST", _target(path), headers=headers, body=to_json(body))
        except RequestNotSent as error:
            raise Unreachable(f"nothing was sent: {printable(str(error))}") from error
        except SessionLost as error:
            raise NotKnown(unknown.format(printable(str(error)))) from error
        try:
            return printable(self._decoded(self._good(answer).body, Done).says)
        except Refusal as error:
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR or not error.status:
                raise NotKnown(unknown.format(error)) from error
            raise

    @asynccontextmanager
    async def events(self, events: Iterable[str], last_id: str = "") -> AsyncIterator["Stream"]:
        """Listen to the service for the length of the block.

        Raises:
            Unreachable, Refusal: it cannot be listened to.
        """
        query = urlencode([("event", event) for event in events])
        headers = {**self._headers, **({"Last-Event-ID": last_id} if last_id else {})}
        try:
            exchange = await self._http.begin("GET", _target(f"/events?{query}"), headers=headers)
        except (SessionLost, LocalProtocolError) as error:
            raise Unreachable(printable(str(error))) from error
        try:
            yield await self._opened(exchange)
        finally:
            await exchange.aclose()

    async def _opened(self, exchange: HttpExchange) -> "Stream":
        try:
            with trio.fail_after(PATIENCE_S):
                head = await exchange.head()
                if head.status != 200:
                    self._good(await exchange.answer())
        except (SessionLost, trio.TooSlowError) as error:
            raise Unreachable(printable(str(error)) or "no answer in time") from error
        return Stream(exchange)

    async def _get(self, path: str) -> bytes:
        try:
            return self._good(await self._http.request("GET", _target(path), headers=self._headers)).body
        except SessionLost as error:
            raise Unreachable(printable(str(error))) from error

    def _good(self, answer: HttpResponse) -> HttpResponse:
        if answer.status == 200:
            return answer
        try:
            problem = msgspec.json.decode(answer.body, type=_Problem)
        except msgspec.DecodeError:
            problem = _Problem()
        faults = [f"{each.get('field')}: expected {each.get('expected')}" for each in problem.errors[:3]]
        raise refusal(self.url, answer.status, "; ".join(part for part in (problem.detail, *faults) if part))

    def _decoded(self, body: bytes | msgspec.Raw, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as error:
            found = f"expected {kind.__name__.strip('_')} of this version's API, found something else: {error}"
            raise Refusal(0, f"{self.url}: {printable(found)}") from error


class Stream:
    """Events as they come."""

    def __init__(self, exchange: HttpExchange) -> None:
        self._exchange = exchange
        self._parser = EventParser()
        self._heard_at = trio.current_time()

    async def some(self, patience_s: float) -> list[SentEvent]:
        """Return what came, waiting so long at most for it; nothing where nothing did.

        Raises:
            Unreachable: the stream ended, or has been silent for too long.
        """
        try:
            with trio.move_on_after(patience_s):
                part = await self._exchange.part()
                self._heard_at = trio.current_time()
                if not part:
                    raise Unreachable("the service ended the stream")
                return self._parser.feed(part)
        except SessionLost as error:
            raise Unreachable(printable(str(error))) from error
        if trio.current_time() > self._heard_at + SILENCE_S_MAX:
            raise Unreachable(f"nothing was heard for {SILENCE_S_MAX:.0f} s")
        return []


def segment(text: str) -> str:
    """Return an id as a part of a path."""
    return quote(text, safe="")


def _target(path: str) -> str:
    return f"/api/v1{path}"
