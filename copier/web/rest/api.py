"""The API as an ASGI app: finds the endpoint, checks the request against it, calls its handler, answers as JSON."""

from collections.abc import Iterable
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from copier.web.asgi import Receive, Scope, Send
from copier.web.dto.words import to_json
from copier.web.principal import Principal, principal_of
from copier.web.problems import MEDIA_TYPE as PROBLEM
from copier.web.rest.endpoints import PREFIX, Call, Endpoint
from copier.web.rest.pace import Paces
from copier.web.rest.reading import read_body, read_headers, read_ids, read_query, read_segments
from copier.web.rest.refusals import Refused, not_found
from copier.web.surface import Surface

BODY_BYTES_MAX: Final = 64 * 1024
"""A command with its reason, or a signal with its comment, is a tenth of this."""

PER_S: Final = 200.0
BURST: Final = 400.0
"""A dashboard asks ten things when it opens; some dozens of them do so at once after a restart."""

DEAR_PER_S: Final = 0.5
DEAR_BURST: Final = 20.0
"""A person opens a history or its figures now and then; a venue's budget of requests, and our time, are for trading."""


NOBODY: Final = Principal("nobody", frozenset(), frozenset())


class Api:
    """Everything below the prefix."""

    def __init__(self, surface: Surface, endpoints: Iterable[Endpoint]) -> None:
        self._surface = surface
        self._endpoints = tuple(endpoints)
        self._paces = Paces(surface.utc_now, per_s=PER_S, burst=BURST)
        self._dear_paces = Paces(surface.utc_now, per_s=DEAR_PER_S, burst=DEAR_BURST)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Refused as refused:
            body = to_json(refused.problem)
            response = Response(body, refused.problem.status, refused.headers, PROBLEM)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        endpoint, ids = self._find(method, request.scope)
        principal = NOBODY if endpoint.open else principal_of(request.scope)
        if endpoint.operates and not principal.may_operate:
            raise Refused(403, "this key may only read; make one with the scope `operate`")
        if not endpoint.open:
            self._paces.take(principal.name)
        if endpoint.dear:
            self._dear_paces.take(principal.name)
        _check_accept(endpoint, request.headers.get("accept", ""))
        read_ids(endpoint, ids)
        query = read_query(endpoint, request.scope["query_string"])
        raw_body = await _read_body(request) if method == "POST" else b""
        if endpoint.body is not None:
            _check_media(request)
        body = None if endpoint.body is None or endpoint.open else read_body(endpoint.body, raw_body)
        headers = read_headers(endpoint, request.headers)
        call = Call(endpoint, self._surface, principal, ids, query, body, headers, raw_body, request.scope["client"][0])
        answer: Any = await endpoint.handler(call)
        return answer if isinstance(answer, Response) else Response(to_json(answer), media_type="application/json")

    def _find(self, method: str, scope: Scope) -> tuple[Endpoint, dict[str, str]]:
        segments = read_segments(scope["raw_path"].removeprefix(PREFIX.encode()))
        found = [(each, ids) for each in self._endpoints if (ids := each.match(segments)) is not None]
        if not found:
            raise not_found("resource")
        for endpoint, ids in found:
            if endpoint.method == method:
                return endpoint, ids
        allowed = ", ".join(sorted({endpoint.method for endpoint, _ in found}))
        raise Refused(405, f"expected {allowed}, found {method}", headers={"allow": allowed})


async def _read_body(request: Request) -> bytes:
    """Return a request's body.

    Raises:
        Refused: it is too large. ClientDisconnect: its end will not come.
    """
    body = bytearray()
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message["body"]
        if len(body) > BODY_BYTES_MAX:
            raise Refused(413, f"expected a body of at most {BODY_BYTES_MAX} bytes, found more")
        if not message["more_body"]:
            return bytes(body)


def _check_media(request: Request) -> None:
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise Refused(415, f"expected a body of application/json, found {kind[:80] or 'no Content-Type'}")


def _check_accept(endpoint: Endpoint, accept: str) -> None:
    """Refuse a client that takes nothing of what the endpoint answers; problems are JSON whatever it takes."""
    if not accept:
        return
    family = endpoint.media.partition("/")[0]
    for wanted in accept.split(","):
        kind, _, params = wanted.strip().lower().partition(";")
        if kind.strip() in ("*/*", f"{family}/*", endpoint.media) and "q=0" not in params.replace(" ", "").split(";"):
            return
    raise Refused(406, f"expected a client that takes {endpoint.media}, found {accept[:80]}")
