"""The simulated venue's tokens: JWTs that clients can decode, valid until they expire or are made to."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from adapters.base import UtcNow

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
        expires_at = self._now() + lifetime
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


def _jwt(claims: Mapping[str, object]) -> str:
    head = _part(msgspec.json.encode({"alg": "HS256", "typ": "JWT"}))
    body = _part(msgspec.json.encode(claims))
    return f"{head}.{body}." + _part(hmac.digest(_SIGNING_KEY, f"{head}.{body}".encode(), hashlib.sha256))


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
