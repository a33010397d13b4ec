"""What every request passes before any route: its Host, its Origin, who asks; and the headers that every answer gets.

A page of another site can make a browser on this machine send anything here, also to 127.0.0.1 (DNS rebinding), so that
names are checked wherever we listen. A request that comes from a page must come from one of ours.
"""

import ipaddress
import math
from typing import Final
from urllib.parse import urlsplit

import structlog
from attrs import field
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser

from copier.web.asgi import App, ClientGone, Message, Receive, Scope, Send
from copier.web.dto.problems import Problem
from copier.web.keys import KeyRing, TooManyAttempts
from copier.web.principal import Principal
from copier.web.problems import MEDIA_TYPE, problem, problem_body
from rules.model.frozen import frozen

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})

OPEN_PATHS: Final = frozenset({"/healthz", "/readyz", "/", "/ws/api/v1", "/api/v1/session"})
OPEN_FOLDERS: Final = ("/assets/", "/api/v1/signals/")
"""What is let in without a key: health and the dashboard's own files say nothing that is anybody's; the Socket API asks
for its key in CONNECT; where one signs in, nobody is known yet; and signals show a secret of their own account."""

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

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


_log = structlog.get_logger("web")


@frozen
class Access:
    """Who may come in, and how."""

    keys: KeyRing
    hosts: frozenset[str] = LOOPBACK_NAMES
    """Names that this service is reached by, in small letters, without port."""
    origins: frozenset[str] = field(factory=frozenset)
    """Pages of other origins than ours that may ask."""
    behind_proxy: bool = False
    """A proxy of the operator's own stands before us, and says in its headers who the client is."""


class Refused(Exception):
    """Somebody is not let in."""

    def __init__(self, shown: Problem, headers: dict[str, str] | None = None) -> None:
        super().__init__(shown.detail)
        self.shown = shown
        self.headers = headers or {}


class Doors:
    """The app behind its doors."""

    def __init__(self, app: App, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def send_safely(message: Message) -> None:
            nonlocal begun
            if message["type"] in ("http.response.start", "websocket.http.response.start", "websocket.accept"):
                begun = True
                headers = MutableHeaders(raw=list(message.get("headers", ())))
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] in ("https", "wss"):
                    headers.setdefault("strict-transport-security", "max-age=31536000")
                message["headers"] = headers.raw
            await send(message)

        try:
            principal = self._let_in(scope)
        except Refused as refused:
            _log.debug("refused", path=scope["path"], status=refused.shown.status, ip=scope["client"][0])
            await _refuse(refused, scope, send_safely)
            return
        who = None if principal is None else principal.name
        _log.debug("asked", method=scope.get("method", "WebSocket"), path=scope["path"], key=who)
        scope["state"]["principal"] = principal
        if principal is None or scope["type"] != "http" or _is_open(scope["path"]):
            await self._app(scope, receive, send_safely)
            return
        with self._access.keys.lease(principal) as lease:
            await self._app(scope, receive, send_safely)
        if lease.cancelled_caught:
            if begun:
                raise ClientGone("the key was revoked")
            await _refuse(_unknown(), scope, send_safely)

    def _let_in(self, scope: Scope) -> Principal | None:
        """Return who asks; None: somebody without a key, at a door that is open to all.

        Raises:
            Refused: they may not come in.
        """
        headers = Headers(scope=scope)
        if self._access.behind_proxy:
            _believe_proxy(scope, headers)
        self._check_names(headers)
        principal = self._known(scope, headers)
        if principal is None and not _is_open(scope["path"]):
            raise _unknown()
        return principal

    def _check_names(self, headers: Headers) -> None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or _name_of(hosts[0]) not in self._access.hosts:
            raise Refused(problem(421, "this service is not reached by that name; see allowed_hosts"))
        for origin in headers.getlist("origin"):
            ours = urlsplit(origin).netloc.lower() == hosts[0].lower()
            if not ours and origin.lower() not in self._access.origins:
                raise Refused(problem(403, "pages of that origin may not ask here; see allowed_origins"))

    def _known(self, scope: Scope, headers: Headers) -> Principal | None:
        """Return who shows a key or a cookie, or who needs none."""
        keys, ip = self._access.keys, scope["client"][0]
        shown = set(headers.getlist("x-api-key"))
        shown |= {value[7:].strip() for value in headers.getlist("authorization") if value[:7].lower() == "bearer "}
        if len(shown) > 1:
            raise Refused(problem(400, "expected one key, found several"))
        if shown:
            return _by_key(keys, shown.pop(), ip)
        cookie = cookie_parser(headers.get("cookie", "")).get(cookie_name(scope))
        principal = None if cookie is None else keys.by_cookie(cookie)
        if principal is None:  # also where the cookie is another service's of this host
            return keys.stranger(ip)
        if scope.get("method") not in _SAFE and "origin" not in headers:
            raise Refused(problem(403, "expected an Origin beside the cookie; programs show their key instead"))
        return principal


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)


def cookie_name(scope: Scope) -> str:
    """Return the name of the cookie of signed-in browsers; where it can be, one that only we can set."""
    return "__Host-copier" if scope["scheme"] == "https" else "copier"


def _by_key(keys: KeyRing, text: str, ip: str) -> Principal:
    try:
        principal = keys.by_key(text, ip)
    except TooManyAttempts as error:
        raise Refused(problem(429, str(error)), {"retry-after": str(math.ceil(error.wait_s))}) from None
    if principal is None:
        raise _unknown()
    return principal


def _unknown() -> Refused:
    return Refused(problem(401, "expected a key that is good"), {"www-authenticate": "Bearer"})


def _believe_proxy(scope: Scope, headers: Headers) -> None:
    """Take the client and the scheme from what the last proxy says; of what others say before it, nothing."""
    forwarded = ",".join(headers.getlist("x-forwarded-for")).rpartition(",")[2].strip()
    if forwarded:
        try:
            scope["client"] = (str(ipaddress.ip_address(forwarded.strip("[]"))), 0)
        except ValueError:
            raise Refused(problem(400, "X-Forwarded-For does not end with an address")) from None
    if headers.get("x-forwarded-proto", "").lower() == "https":
        scope["scheme"] = "https" if scope["type"] == "http" else "wss"


def _name_of(host: str) -> str:
    """Return the name of a Host header, without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


async def _refuse(refused: Refused, scope: Scope, send: Send) -> None:
    """Answer a request or a WebSocket's handshake with a problem."""
    kind = "http.response" if scope["type"] == "http" else "websocket.http.response"
    body = problem_body(refused.shown)
    given = {**refused.headers, "content-type": MEDIA_TYPE, "content-length": str(len(body))}
    headers = [(name.encode(), value.encode()) for name, value in given.items()]
    await send({"type": f"{kind}.start", "status": refused.shown.status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
