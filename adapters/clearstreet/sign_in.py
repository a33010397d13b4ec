"""One pair of API credentials and its token (OAuth 2 client credentials), shared by all accounts that use it.

Credentials that are refused are final. The token lives in memory only and is never shown.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakValueDictionary

import trio

from adapters.base import RemoteProtocolError, SessionLost, SignInRefused, Throttled, UtcNow
from adapters.clearstreet.config import Config
from adapters.clearstreet.wire import decoded, encoded
from adapters.clearstreet.wire_rest import AUDIENCE, Token
from adapters.secret import Secret
from adapters.transport.http import HttpClient, HttpResponse
from adapters.transport.network import Connect
from rules.model.frozen import frozen

JSON_HEADERS: Final[Mapping[str, str]] = {"content-type": "application/json", "accept": "application/json"}

_LIFETIME: Final = timedelta(hours=1)
"""Of a token that does not say; published are 24 h."""

_LIFETIME_S_MAX: Final = 30 * 86_400.0
"""A longer life than a month is not believed."""

_MARGIN: Final = timedelta(minutes=5)
"""A token is renewed this long before it ends, a short-lived one a quarter of its life before: a request under way
needs seconds, and a stream must be replaced by another one within this time."""

_RETRY_AFTER_S: Final = 1.0
"""The pause after HTTP 429 without a Retry-After: the published limits count per second."""

_RETRY_AFTER_S_MAX: Final = 60.0


@frozen
class LiveToken:
    """A token, until when it is used, and until when the venue takes it."""

    text: Secret
    fresh_until: datetime
    expires_at: datetime


class SignIn:
    """The token of one pair of credentials at one token service."""

    def __init__(self, config: Config, now: UtcNow) -> None:
        self._config = config
        self._now = now
        self._lock = trio.Lock()
        self._token: LiveToken | None = None

    async def token(self, http: HttpClient) -> LiveToken:
        """Return a token that is good for a while, asked for when needed.

        Raises:
            SignInRefused: wrong credentials. Throttled, SessionLost: not now.
        """
        async with self._lock:
            if self._token is None or self._now() >= self._token.fresh_until:
                self._token = await self._asked(http)
            return self._token

    def reject(self, token: LiveToken) -> None:
        """Forget a token that the venue no longer takes; a newer one stays."""
        if self._token is token:
            self._token = None

    async def _asked(self, http: HttpClient) -> LiveToken:
        config = self._config
        body = {
            "grant_type": "client_credentials",
            "client_id": config.client_id,
            "client_secret": config.client_secret.reveal(),
            "audience": AUDIENCE,
        }
        asked_at = self._now()  # its life counts from before it was made, on our clock
        answer = await http.request("POST", "/oauth/token", headers=JSON_HEADERS, body=encoded(body))
        where = "token"
        if answer.status in (400, 401, 403):
            raise SignInRefused(f"{where}: the venue refuses client_id and client_secret (HTTP {answer.status})")
        if answer.status == 429:
            raise throttled(answer, where)
        if answer.status >= 500 or answer.status == 408:
            raise SessionLost(f"{where}: HTTP {answer.status}")
        if answer.status != 200:
            raise RemoteProtocolError(f"{where}: expected HTTP 200, found {answer.status}")
        found = decoded(answer.body, Token, "a token")
        return _live(found, asked_at)


def _live(found: Token, asked_at: datetime) -> LiveToken:
    if not found.access_token or not found.access_token.isascii() or not found.access_token.isprintable():
        raise RemoteProtocolError("token: expected an access_token of printable ASCII characters, found none")
    lifetime = _LIFETIME
    if found.expires_in is not None:
        if not 0 < found.expires_in <= _LIFETIME_S_MAX:
            raise RemoteProtocolError("token: expected expires_in from 1 s to 30 days, found another time")
        lifetime = timedelta(seconds=found.expires_in)
    expires_at = asked_at + lifetime
    return LiveToken(Secret(found.access_token), expires_at - min(_MARGIN, lifetime / 4), expires_at)


def throttled(answer: HttpResponse, where: str) -> Throttled:
    """Return the error for an HTTP 429, with the pause that it asks for (0.1 to 60 s)."""
    text = answer.headers.get("retry-after", "")
    pause_s = float(text) if text.isascii() and text.isdigit() and len(text) <= 6 else _RETRY_AFTER_S
    return Throttled(f"{where}: rate limit (HTTP 429)", min(max(pause_s, 0.1), _RETRY_AFTER_S_MAX))


_shared: "WeakValueDictionary[tuple[object, ...], SignIn]" = WeakValueDictionary()


def shared_sign_in(config: Config, connect: Connect, now: UtcNow) -> SignIn:
    """Return the sign-in of `config`, the same object for all accounts that live now and sign in alike.

    Accounts of different networks or clocks (simulations beside each other) share nothing.
    """
    key = (config.auth_origin, config.client_id, config.client_secret, connect, now)
    sign_in = _shared.get(key)
    if sign_in is None:
        sign_in = _shared[key] = SignIn(config, now)
    return sign_in
