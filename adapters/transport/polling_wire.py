"""What every Engine.IO client says and hears over HTTP long polling: the handshake, and one request after it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from attrs import evolve, field

from adapters.base import RemoteProtocolError, SessionLost, SignInRefused
from adapters.transport.engineio_payload import content_type, decode_payload
from adapters.transport.http import HttpClient, HttpExchange, HttpResponse
from adapters.transport.socketio_packets import EioVersion, broken_frame, check_frame, read_json
from adapters.transport.websocket import MESSAGE_BYTES_MAX
from rules.model.frozen import frozen

# Of what the server promises to say something within (ping interval and timeout): an hour of patience is none.
_SILENCE_MS_MAX = 3_600_000

# Ours and npm's have 20 to 30; some hundred hold whatever an edge puts in front.
_SID_CHARS_MAX = 500

# What browsers keep of one cookie, twice.
_COOKIE_CHARS_MAX = 8192

# A comma that a further `name=` follows; the one in a date is followed by a day and a blank.
_BETWEEN_COOKIES = re.compile(r",\s*(?=[^;,=\s]+=)")


@frozen
class PollingWire:
    """How this connection's requests are written. Errors show nothing of the query, where some venues want a token."""

    http: HttpClient
    target: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    eio_version: EioVersion
    where: str

    @classmethod
    def to(
        cls,
        origin: str,
        path: str,
        http: HttpClient,
        eio_version: EioVersion,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
    ) -> "PollingWire":
        """Return the wire on which the handshake is made."""
        place = f"/{path.strip('/')}/"
        target = f"{place}?{urlencode({**(query or {}), 'EIO': str(eio_version), 'transport': 'polling'})}"
        given = {name.lower(): value for name, value in (headers or {}).items()}
        where = f"{origin.rstrip('/')}{place}"
        return cls(http, target, {"cache-control": "no-cache", **given}, eio_version, where)

    async def shake(self) -> "Shaken":
        """Make the handshake.

        Raises:
            RequestNotSent: no connection. SessionLost: no handshake. SignInRefused: refused with 401 or 403.
        """
        answer = await self.ask("GET")
        if answer.status in (401, 403):
            raise SignInRefused(f"{self.where}: expected 200 (an open packet), found HTTP {answer.status}")
        frames = self.frames(answer, "an open packet")
        with _named(self.where):
            fields = _open_fields(frames[0])
            silence_ms_max = sum(_whole(fields, name, _SILENCE_MS_MAX) for name in ("pingInterval", "pingTimeout"))
            # Engine.IO 3 does not tell it.
            most = _whole(fields, "maxPayload", None) if "maxPayload" in fields else MESSAGE_BYTES_MAX
        return Shaken(self._of(fields["sid"], answer), frames, silence_ms_max / 1000, most)

    def frames(self, answer: HttpResponse, what: str = "packets") -> list[str | bytes]:
        """Return what the answer to a GET brings.

        Raises:
            SessionLost: another status than 200. RemoteProtocolError: no payload.
        """
        self.check(answer, what)
        with _named(self.where):
            return decode_payload(answer.body, self.eio_version)

    def check(self, answer: HttpResponse, what: str = "packets taken") -> None:
        """Raise SessionLost for another status than 200."""
        if answer.status != 200:
            raise SessionLost(f"{self.where}: expected 200 ({what}), found HTTP {answer.status}")

    def _of(self, sid: str, answer: HttpResponse) -> "PollingWire":
        """Return the wire of the session that `answer` began: it names the session, and gives back its cookies."""
        # An edge with several servers behind it finds the one that knows the session by a cookie.
        cookies = [*_cookies(answer.headers.get("set-cookie", "")), self.headers.get("cookie", "")]
        cookie = "; ".join(part for part in cookies if part)
        headers = {**self.headers, "cookie": cookie} if cookie else self.headers
        return evolve(self, target=f"{self.target}&{urlencode({'sid': sid})}", headers=headers)

    async def ask(self, method: str, body: bytes | None = None, timeout_s: float | None = None) -> HttpResponse:
        """Send one request, once, and return its answer; raises as `HttpClient.request`."""
        return await self.http.request(method, self.target, headers=self._headers(body), body=body, timeout_s=timeout_s)

    async def begin(self, method: str, body: bytes | None = None) -> HttpExchange:
        """Send one request, once; raises as `HttpClient.begin`."""
        return await self.http.begin(method, self.target, headers=self._headers(body), body=body)

    def _headers(self, body: bytes | None) -> Mapping[str, str]:
        return self.headers if body is None else {**self.headers, "content-type": content_type(body)}


@frozen
class Shaken:
    """What the handshake gave.

    Args:
        frames: the first ones, of which the first is the open packet.
        silence_s_max: within which the server promises to say something.
    """

    wire: PollingWire
    frames: list[str | bytes]
    silence_s_max: float
    frame_bytes_max: int


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Put `where` before what is wrong with an answer."""
    try:
        yield
    except RemoteProtocolError as error:
        raise RemoteProtocolError(f"{where}: {error}") from None


def _cookies(header: str) -> list[str]:
    """Return `name=value` of each cookie in one or more Set-Cookie headers, joined by commas as `Expires` has one."""
    if len(header) > _COOKIE_CHARS_MAX or not header.isascii() or not header.isprintable():
        return []
    return [part.partition(";")[0].strip() for part in _BETWEEN_COOKIES.split(header)]


def _open_fields(frame: str | bytes) -> dict[str, Any]:
    text = check_frame(frame, MESSAGE_BYTES_MAX)
    fields = read_json(text[1:], text) if text.startswith("0") else None
    if not isinstance(fields, dict) or not isinstance(fields.get("sid"), str) or len(fields["sid"]) > _SID_CHARS_MAX:
        raise broken_frame(f"an open packet with a sid of at most {_SID_CHARS_MAX} characters", text)
    return fields


def _whole(fields: Mapping[str, Any], name: str, most: int | None) -> int:
    value = fields.get(name)
    if type(value) is not int or value <= 0 or (most is not None and value > most):
        raise RemoteProtocolError(f"expected a whole {name} of at least 1 in the open packet, found {value!r:.40}")
    return value
