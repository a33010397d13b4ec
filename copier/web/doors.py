"""What every request passes before any route: its Host, its Origin, who asks; and the headers that every answer gets.

A page of another site can make a browser on this machine send anything here, also to 127.0.0.1 (DNS rebinding), so that
names are checked wherever we listen. A request that comes from a page must come from one of ours.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from copier.web.asgi import App, Message, Receive, Scope, Send
from copier.web.dto.problems import Problem
from copier.web.host import is_loopback
from copier.web.principal import LOCAL_READER
from copier.web.problems import MEDIA_TYPE, problem, problem_body

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})

OPEN_PATHS: Final = frozenset({"/healthz", "/readyz", "/"})
OPEN_FOLDER: Final = "/assets/"
"""What is answered to everybody, the dashboard's own files too: it says nothing that is anybody's."""

_HEADERS: Final = {
    # Nothing but our own files runs, is shown or is asked; no page may frame us; forms go nowhere.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}


class Doors:
    """The app behind its doors.

    Args:
        hosts: names that this service is reached by, in small letters, without port.
        origins: pages of other origins than ours that may ask.
    """

    def __init__(self, app: App, *, hosts: Iterable[str] = LOOPBACK_NAMES, origins: Iterable[str] = ()) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start", "websocket.accept"):
                headers = MutableHeaders(raw=list(message.get("headers", ())))
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                message["headers"] = headers.raw
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await _refuse(refusal, scope, send_safely)
            return
        await self._app(scope, receive, send_safely)

    def _refusal(self, scope: Scope) -> Problem | None:
        """Let a request in, with its principal, or return why not."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or _name_of(hosts[0]) not in self._hosts:
            return problem(421, "this service is not reached by that name; see allowed_hosts")
        for origin in headers.getlist("origin"):
            if origin.lower() not in self._origins and urlsplit(origin).netloc.lower() != hosts[0].lower():
                return problem(403, "pages of that origin may not ask here; see allowed_origins")
        if scope["path"] in OPEN_PATHS or scope["path"].startswith(OPEN_FOLDER):
            return None
        if not is_loopback(scope["client"][0]):
            return problem(401)
        scope["state"]["principal"] = LOCAL_READER
        return None


def _name_of(host: str) -> str:
    """Return the name of a Host header, without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


async def _refuse(refusal: Problem, scope: Scope, send: Send) -> None:
    """Answer a request or a WebSocket's handshake with a problem."""
    kind = "http.response" if scope["type"] == "http" else "websocket.http.response"
    body = problem_body(refusal)
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": f"{kind}.start", "status": refusal.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
