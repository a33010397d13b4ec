"""Requests to MetaCopier's REST API, each sent once: the key, the paths, and what its statuses mean."""

from typing import TypeVar
from urllib.parse import quote as escape

from adapters.base import RemoteProtocolError, SessionLost, SignInRefused, Throttled
from adapters.metacopier.config import Config
from adapters.metacopier.wire import decode, decode_errors
from adapters.transport.http import HttpClient, HttpResponse
from adapters.transport.network import Connect

T = TypeVar("T")

# Opening answers after the broker has executed, which takes seconds on slow platforms.
_TRADE_S_MAX = 30.0
_READ_S_MAX = 10.0

# No 429 is documented, nor what it says; this is the pace of a client that backs off politely.
_RETRY_AFTER_S = 5.0
_RETRY_AFTER_S_MAX = 300.0

_NOT_CONNECTED = ("ACCOUNT_IS_NOT_CONNTECTED", "ACCOUNT_IS_NOT_CONNECTED")  # their typo, and its repair
_DELETED = "ACCOUNT_WAS_DELETED"


class Refusal(Exception):
    """The venue looked at the request and said no (400, 404, 409, ...), in its own words; nothing was executed."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status
        self.text = text


class Rest:
    """The REST API for one account."""

    def __init__(self, config: Config, *, connect: Connect, connections: int) -> None:
        self._http = HttpClient(config.rest_origin, connect=connect, connections=connections, timeout_s=_READ_S_MAX)
        self._base = f"/rest/api/v1/accounts/{config.account_id}"
        self._key = config.api_key

    async def get(self, path: str, kind: type[T], what: str) -> T:
        """Return what is at `path` (percent-encoded, below the account), read as `kind`.

        Raises:
            Refusal, SessionLost, RemoteProtocolError, Throttled, SignInRefused: see `send`.
        """
        response = await self._request("GET", path, None, _READ_S_MAX)
        return decode(response.body, kind, what)

    async def send(self, method: str, path: str, body: bytes | None = None) -> None:
        """Send one request that trades, once, whatever happens.

        Raises:
            RequestNotSent: nothing left. Refusal, Throttled: not executed. SignInRefused: 401, 403, or the account
                is gone. SessionLost: the outcome is unknown.
        """
        await self._request(method, path, body, _TRADE_S_MAX)

    async def aclose(self) -> None:
        """Close the kept connections."""
        await self._http.aclose()

    async def _request(self, method: str, path: str, body: bytes | None, timeout_s: float) -> HttpResponse:
        headers = {"X-API-KEY": self._key.reveal(), "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        target = self._base + path
        response = await self._http.request(method, target, headers=headers, body=body, timeout_s=timeout_s)
        _check(response, f"{method} {target.partition('?')[0]}")
        return response


def segment(text: str) -> str:
    """Return `text` as one segment of a path."""
    return escape(text, safe="")


def _check(response: HttpResponse, what: str) -> None:
    status = response.status
    if status in (200, 202, 204):
        return
    text = decode_errors(response.body)
    if status in (401, 403):
        raise SignInRefused(f"{what}: MetaCopier refuses the API key with {status}: {text}")
    if status == 429:
        raise Throttled(f"{what}: 429 {text}", _retry_after_s(response.headers.get("retry-after")))
    # 408 says that the venue gave up waiting, 5xx that something broke there: an order may still have gone out.
    if status == 408 or status >= 500:
        raise SessionLost(f"{what}: expected 200 or 204, found {status}: {text}")
    if not 400 <= status < 500:
        raise RemoteProtocolError(f"{what}: expected 200, 204 or an error status, found {status}")
    if _DELETED in text:
        raise SignInRefused(f"{what}: the account was deleted at MetaCopier: {text}")
    # Weather on the broker's side. For an order it counts as an unknown outcome, since the words do not say when the
    # connection was lost.
    if any(token in text for token in _NOT_CONNECTED):
        raise SessionLost(f"{what}: MetaCopier has lost the broker: {text}")
    raise Refusal(status, text)


def _retry_after_s(header: str | None) -> float:
    """Return the seconds in a Retry-After header, bounded; its date form and nonsense get our own pace."""
    if header is None or not (header.isascii() and header.isdigit() and len(header) <= 6):
        return _RETRY_AFTER_S
    return min(float(header), _RETRY_AFTER_S_MAX)
