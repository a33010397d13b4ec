"""Server-sent events: what changes, as it happens, from where a reader left off."""

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Final

import trio
from starlette.responses import Response

from copier.web.asgi import Message, Receive, Scope, Send
from copier.web.dto.events import Reset
from copier.web.dto.words import to_json
from copier.web.principal import Principal
from copier.web.problems import MEDIA_TYPE as PROBLEM
from copier.web.problems import problem, problem_body
from copier.web.rest.endpoints import Call, Endpoint
from copier.web.rest.event_log import EventLog, Told
from copier.web.rest.params import OneOf, Param, Text
from copier.web.sessions import Sessions, TooManySessions

HEARTBEAT_S: Final = 15.0
"""A comment after so much silence: proxies commonly cut what is idle for 60 s, and readers notice a dead line."""

CHUNK_EVENTS: Final = 100
"""Events of one write: the host bounds how long a reader may take for a piece of an answer."""

RETRY_MS: Final = 2000
"""After a broken connection a browser waits so long before it tries again."""

EVENTS: Final = (
    *("account", "positions", "link", "copy", "decision", "limit", "mismatch", "mismatch_over"),
    *("alert", "acknowledged", "lever", "session"),
)


class EventStream(Response):
    """The answer that goes on until either side ends it."""

    media_type = "text/event-stream"

    def __init__(
        self,
        log: EventLog,
        principal: Principal,
        *,
        events: Iterable[str],
        accounts: Iterable[str],
        last_id: str | None,
        sessions: Sessions,
    ) -> None:
        super().__init__()
        self._sessions = sessions
        self._log = log
        self._principal = principal
        self._events = frozenset(events)
        self._about = frozenset(accounts)
        self._last_id = last_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with ExitStack() as stack:
            try:
                stack.enter_context(self._sessions.open(self._principal, scope["client"][0]))
            except TooManySessions as error:
                shown = problem(429, str(error))
                await Response(problem_body(shown), shown.status, media_type=PROBLEM)(scope, receive, send)
                return
            await self._stream(receive, send)

    async def _stream(self, receive: Receive, send: Send) -> None:
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),  # nginx would hold back what is less than a page
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_until_gone, receive, nursery.cancel_scope)
            with self._log.listening():
                await self._tell(send)

    async def _tell(self, send: Send) -> None:
        await self._log.ready()
        await send(_part(f"retry: {RETRY_MS}\n\n".encode()))
        at = self._log.last
        if self._last_id is not None:
            place = self._log.place_of(self._last_id)
            if place is None:
                await send(_part(self._reset("what was asked for is too long ago")))
            else:
                at = place
        while True:
            if not self._log.is_whole_after(at):
                at = self._log.last
                await send(_part(self._reset("too much happened before it was read")))
            told = self._log.after(at)[:CHUNK_EVENTS]
            if told:
                at = told[-1].number
                lines = b"".join(self._lines(each) for each in told)
                if lines:
                    await send(_part(lines))
                continue
            with trio.move_on_after(HEARTBEAT_S) as patience:
                await self._log.more()
            if patience.cancelled_caught:
                await send(_part(b":\n\n"))

    def _lines(self, told: Told) -> bytes:
        """Return an event as its reader may see it; nothing where it is not for this one."""
        if (self._events and told.event not in self._events) or (self._about and not self._about & told.accounts):
            return b""
        body = told.body_for(self._principal)
        return b"" if body is None else self._event(told.number, told.event, body)

    def _reset(self, why: str) -> bytes:
        return self._event(self._log.last, "reset", to_json(Reset(why)))

    def _event(self, number: int, event: str, body: bytes) -> bytes:
        # JSON has no line breaks of its own, so that the data is one line.
        return b"event: %s\nid: %s\ndata: %s\n\n" % (event.encode(), self._log.id_of(number).encode(), body)


def _part(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": True}


async def _until_gone(receive: Receive, scope: trio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def endpoints(log: EventLog) -> tuple[Endpoint, ...]:
    """Return what streams the events of a log."""

    async def stream(call: Call) -> EventStream:
        query = call.query
        return EventStream(
            log,
            call.principal,
            events=query["event"],
            accounts=query["account"],
            last_id=call.headers["last-event-id"],
            sessions=call.surface.sessions,
        )

    return (
        Endpoint(
            "GET",
            "/events",
            "What changes, as server-sent events",
            stream,
            query=(
                Param("event", OneOf(EVENTS), "Only those events; may be given several times.", many=True),
                Param("account", Text(), "Only of those accounts; may be given several times.", many=True),
            ),
            headers=(Param("last-event-id", Text(), "The id of the last event that was read: go on after it."),),
            media="text/event-stream",
        ),
    )
