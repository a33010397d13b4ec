"""The simulated venue's sign-in and its tokens: decodable JWTs, valid until they expire or are made to."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from adapters.base import UtcNow
from adapters.simulation.faults import Faults
from adapters.tradelocker.simulator_desk import Desk
from adapters.tradelocker.simulator_http import as_json, bearer, body, error, login_account
from adapters.transport.http import HttpResponse
from adapters.transport.serving import HttpRequest

ACCESS_LIFETIME: Final = timedelta(hours=1)
REFRESH_LIFETIME: Final = timedelta(days=1)

_SIGNING_KEY = b"a simulator's tokens protect nothing"


class TokenDesk:
    """Gives out tokens and knows which are good. Each token is good for one use: its kind and subject."""

    def __init__(self, now: UtcNow) -> None:
        self._now = now
        self._given: dict[str, tuple[str, str, datetime]] = {}
        self._count = 0

    def issue(self, kind: str, subject: str, lifetime: timedelta = ACCESS_LIFETIME) -> str:
        """Return a new token of `kind` (access, refresh, stream) for `subject`."""
        self._count += 1
        now = self._now()
        self._given = {known: given for known, given in self._given.items() if now < given[2]}
        expires_at = now + lifetime
        claims = {"sub": subject, "exp": int(expires_at.timestamp()), "jti": str(self._count), "host": "simulator"}
        token = _jwt(claims)
        self._given[token] = (kind, subject, expires_at)
        return token

    def subject(self, kind: str, token: str) -> str | None:
        """Return whom a good token of `kind` is for, or None."""
        given = self._given.get(token)
        if given is None or given[0] != kind or self._now() >= given[2]:
            return None
        return given[1]

    def revoke(self, token: str) -> None:
        """Make one token invalid."""
        self._given.pop(token, None)

    def expire(self) -> None:
        """Make all access and stream tokens invalid; refresh tokens live on."""
        self._given = {token: given for token, given in self._given.items() if given[0] == "refresh"}


class SignInVenue:
    """Answers `/auth/...`: one sign-in, which owns all accounts."""

    def __init__(
        self,
        desks: Callable[[], Mapping[str, Desk]],
        tokens: TokenDesk,
        faults: Faults,
        credentials: tuple[str, str, str],
    ) -> None:
        self._desks = desks
        self._tokens = tokens
        self._faults = faults
        self._credentials = credentials

    def answer(self, request: HttpRequest, path: str) -> HttpResponse:
        """Answer a request to `/auth/...`."""
        asked = body(request)
        if path == "/auth/jwt/all-accounts" and request.method == "GET":
            if self._tokens.subject("access", bearer(request)) is None:
                return error(401, "Unauthorized")
            return as_json(200, {"accounts": [login_account(desk) for desk in self._desks().values()]})
        if request.method != "POST" or self._faults.refuse_sign_in:
            return error(403, "Forbidden")
        match path:
            case "/auth/jwt/token" if self._is_known(asked):
                return as_json(201, self._pair())
            case "/auth/jwt/refresh":
                token = str(asked.get("refreshToken"))
                if self._tokens.subject("refresh", token) is None:
                    return error(401, "Invalid refresh token")
                self._tokens.revoke(token)
                return as_json(201, self._pair())
            case "/auth/jwt/accounts/tokens" if self._is_known(asked):
                if "developer-api-key" in request.headers:
                    return error(400, "developer-api-key must not be sent here")
                return as_json(201, {"data": [self._stream_token(desk) for desk in self._desks().values()]})
        return error(403, "Forbidden")

    def _is_known(self, asked: Mapping[str, Any]) -> bool:
        return (asked.get("email"), asked.get("password"), asked.get("server")) == self._credentials

    def _pair(self) -> dict[str, str]:
        email, _, server = self._credentials
        subject = f"{server}:{email}"
        return {
            "accessToken": self._tokens.issue("access", subject),
            "refreshToken": self._tokens.issue("refresh", subject, REFRESH_LIFETIME),
        }

    def _stream_token(self, desk: Desk) -> dict[str, str]:
        token = self._tokens.issue("stream", desk.stream_id)
        return {"accessToken": token, "accountId": desk.stream_id, "brandId": desk.server}


def _jwt(claims: Mapping[str, object]) -> str:
    head = _part(msgspec.json.encode({"alg": "HS256", "typ": "JWT"}))
    text = f"{head}.{_part(msgspec.json.encode(claims))}"
    return f"{text}." + _part(hmac.digest(_SIGNING_KEY, text.encode(), hashlib.sha256))


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
