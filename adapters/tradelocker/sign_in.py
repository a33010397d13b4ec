"""One sign-in at TradeLocker and its tokens, shared by all accounts that use it.

A sign-in that is refused is final: trying again would lock it out. Tokens live in memory only and are never shown.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakValueDictionary

import trio

from adapters.base import RemoteProtocolError, SessionLost, SignInRefused, Throttled, UtcNow
from adapters.secret import Secret
from adapters.tradelocker import values
from adapters.tradelocker.config import Config
from adapters.tradelocker.wire_rest import (
    BASE,
    StreamToken,
    StreamTokens,
    Tokens,
    converted,
    decoded,
    encoded,
    token_expiry,
)
from adapters.transport.http import HttpClient, HttpResponse
from adapters.transport.network import Connect

JSON_HEADERS: Final[Mapping[str, str]] = {"content-type": "application/json", "accept": "application/json"}

_FRESH_S: Final = 60
"""A token is renewed this long before it expires, so that it does not expire on its way. Lifetimes are not
published; the token's own `exp` counts."""

RETRY_AFTER_S: Final = 1.0
"""The pause after HTTP 429 without a Retry-After: the documented limits count per second."""


class SignIn:
    """Tokens of one (server, e-mail, password) at one environment."""

    def __init__(self, config: Config, now: UtcNow) -> None:
        self._config = config
        self._now = now
        self._lock = trio.Lock()
        self._access: Secret | None = None
        self._refresh: Secret | None = None
        self._stream_tokens: dict[str, StreamToken] = {}

    async def access_token(self, http: HttpClient) -> str:
        """Return a token for the REST API, renewed or signed in for when needed.

        Raises:
            SignInRefused: wrong credentials. Throttled, SessionLost: not now.
        """
        async with self._lock:
            if self._access is None or not self._is_fresh(token_expiry(self._access.reveal())):
                tokens = await self._renewed(http) or await self._signed_in(http)
                self._access, self._refresh = Secret(tokens.access_token), Secret(tokens.refresh_token)
            return self._access.reveal()

    def reject_access_token(self, token: str) -> None:
        """Forget `token`, which the venue no longer takes; a newer one stays."""
        if self._access == Secret(token):
            self._access = None

    async def stream_token(self, http: HttpClient, account_id: str) -> StreamToken:
        """Return the Streams API's token of one account; one call fetches those of all accounts of the sign-in.

        Raises:
            SignInRefused: wrong credentials, or the sign-in has no such account. Throttled, SessionLost: not now.
        """
        async with self._lock:
            token = self._stream_tokens.get(account_id)
            if token is None or not self._is_fresh(self._expiry_of(token)):
                where = "stream tokens"
                # No developer-api-key header here: the Streams API's documentation forbids it.
                answer = await self._post(http, "/auth/jwt/accounts/tokens", self._credentials(), where)
                tokens = converted(decoded(answer.body, where), StreamTokens, where)
                self._stream_tokens = {token.account_id: token for token in tokens.data}
                token = self._stream_tokens.get(account_id)
            if token is None:
                known = ", ".join(sorted(self._stream_tokens)[:20]) or "none"
                raise SignInRefused(f"expected an account {account_id}, the sign-in's accounts are: {known}")
            return token

    def reject_stream_token(self, token: StreamToken) -> None:
        """Forget a token that the Streams API refused."""
        if self._stream_tokens.get(token.account_id) == token:
            del self._stream_tokens[token.account_id]

    def _expiry_of(self, token: StreamToken) -> datetime | None:
        """Return `expireDate` where it can be read, else what the token itself says."""
        try:
            return values.instant_of_ms(token.expire_date, "expireDate of a stream token")
        except RemoteProtocolError:
            return token_expiry(token.access_token)

    def _is_fresh(self, expires_at: datetime | None) -> bool:
        return expires_at is None or self._now() < expires_at - timedelta(seconds=_FRESH_S)

    def _credentials(self) -> dict[str, object]:
        config = self._config
        return {"email": config.email, "password": config.password.reveal(), "server": config.server}

    async def _renewed(self, http: HttpClient) -> Tokens | None:
        """Return new tokens for the refresh token, or None when there is none that the venue takes."""
        if self._refresh is None:
            return None
        body: dict[str, object] = {"refreshToken": self._refresh.reveal()}
        self._refresh = None  # it changes with every use; when this one fails, signing in anew is the way
        where = "token refresh"
        try:
            answer = await self._post(http, "/auth/jwt/refresh", body, where, self._key())
        except SignInRefused:
            return None
        return converted(decoded(answer.body, where), Tokens, where)

    async def _signed_in(self, http: HttpClient) -> Tokens:
        where = "sign-in"
        answer = await self._post(http, "/auth/jwt/token", self._credentials(), where, self._key())
        return converted(decoded(answer.body, where), Tokens, where)

    def _key(self) -> Mapping[str, str]:
        key = self._config.developer_api_key
        return {} if key is None else {"developer-api-key": key.reveal()}

    async def _post(
        self,
        http: HttpClient,
        path: str,
        body: Mapping[str, object],
        where: str,
        headers: Mapping[str, str] | None = None,
    ) -> HttpResponse:
        answer = await http.request(
            "POST", BASE + path, headers={**JSON_HEADERS, **(headers or {})}, body=encoded(body)
        )
        if answer.status in (400, 401, 403):
            raise SignInRefused(
                f"{where}: the venue refuses server {self._config.server!r} with this e-mail and password "
                f"(HTTP {answer.status}); check environment and server name too"
            )
        if answer.status == 429:
            raise throttled(answer, where)
        if answer.status >= 500:
            raise SessionLost(f"{where}: HTTP {answer.status}")
        if not 200 <= answer.status < 300:
            raise RemoteProtocolError(f"{where}: expected HTTP 200, found {answer.status}")
        return answer


def throttled(answer: HttpResponse, where: str) -> Throttled:
    """Return the error for an HTTP 429, with the pause that it asks for (0 to 60 s)."""
    text = answer.headers.get("retry-after", "")
    pause_s = float(text) if text.isascii() and text.isdigit() and len(text) <= 4 else RETRY_AFTER_S
    return Throttled(f"{where}: rate limit (HTTP 429)", min(max(pause_s, 0.1), 60.0))


_shared: "WeakValueDictionary[tuple[object, ...], SignIn]" = WeakValueDictionary()


def shared_sign_in(config: Config, connect: Connect, now: UtcNow) -> SignIn:
    """Return the sign-in of `config`, the same object for all accounts that live now and sign in alike.

    Accounts of different networks or clocks (simulations beside each other) share nothing.
    """
    key = (config.rest_origin, config.server, config.email, config.password, config.developer_api_key, connect, now)
    sign_in = _shared.get(key)
    if sign_in is None:
        sign_in = _shared[key] = SignIn(config, now)
    return sign_in
