"""The simulated venue's OAuth2 sign-in by client credentials: JWTs that end by the clock, or are made to."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from adapters.base import UtcNow
from adapters.clearstreet.simulator_words import as_json, encode
from adapters.simulation.faults import Faults
from adapters.transport.http import HttpResponse
from adapters.transport.serving import HttpRequest

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
AUDIENCE: Final = "https://api.clearstreet.io"
TOKEN_LIFETIME: Final = timedelta(hours=24)
"""As published."""

_SIGNING_KEY = b"a simulator's tokens protect nothing"


class Tokens:
    """Gives out access tokens and knows which are good."""

    def __init__(self, now: UtcNow, lifetime: timedelta = TOKEN_LIFETIME) -> None:
        self.lifetime = lifetime
        self._now = now
        self._given: dict[str, datetime] = {}
        self._count = 0

    def issue(self, subject: str) -> str:
        """Return a new token."""
        self._count += 1
        now = self._now()
        self._given = {token: expires_at for token, expires_at in self._given.items() if now < expires_at}
        expires_at = now + self.lifetime
        claims = {"sub": f"{subject}@clients", "aud": AUDIENCE, "exp": int(expires_at.timestamp()), "jti": self._count}
        token = _jwt({**claims, "scope": "studio"})
        self._given[token] = expires_at
        return token

    def expires_at(self, token: str) -> datetime | None:
        """Return when a good token ends; None for any other."""
        expires_at = self._given.get(token)
        return expires_at if expires_at is not None and self._now() < expires_at else None

    def expire(self) -> None:
        """Make all tokens invalid."""
        self._given.clear()


class SignIn:
    """Answers `/oauth/token`: one client, which owns all accounts."""

    def __init__(self, tokens: Tokens, faults: Faults, client_id: str, client_secret: str) -> None:
        self._tokens = tokens
        self._faults = faults
        self._credentials = (client_id, client_secret)

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer a request for a token."""
        if request.method != "POST":
            return _refusal(405, "invalid_request", "Method not allowed")
        asked = _body(request.body)
        if asked.get("grant_type") != "client_credentials":
            return _refusal(403, "unauthorized_client", "Grant type not allowed for the client")
        credentials = (asked.get("client_id"), asked.get("client_secret"))
        if self._faults.refuse_sign_in or credentials != self._credentials:
            return _refusal(401, "access_denied", "Unauthorized")
        if asked.get("audience") != AUDIENCE:
            return _refusal(403, "access_denied", "Service not enabled within domain")
        return as_json(
            200,
            {
                "access_token": self._tokens.issue(self._credentials[0]),
                "scope": "studio",
                "expires_in": int(self._tokens.lifetime.total_seconds()),
                "token_type": "Bearer",
            },
        )


def bearer(request: HttpRequest) -> str:
    """Return the token in the Authorization header, or nothing."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token if kind == "Bearer" else ""


def _refusal(status: int, error: str, description: str) -> HttpResponse:
    return as_json(status, {"error": error, "error_description": description})


def _body(data: bytes) -> Mapping[str, Any]:
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _jwt(claims: Mapping[str, object]) -> str:
    text = f"{_part(encode({'alg': 'HS256', 'typ': 'JWT'}))}.{_part(encode(claims))}"
    return f"{text}." + _part(hmac.digest(_SIGNING_KEY, text.encode(), hashlib.sha256))


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
