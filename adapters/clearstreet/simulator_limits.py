"""The simulated REST API's rate limits and pages."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Final

from adapters.base import UtcNow
from adapters.clearstreet.simulator_requests import Malformed
from adapters.clearstreet.simulator_words import Json
from adapters.transport.serving import HttpRequest

RATE_LIMITS: Final[Mapping[str, tuple[int, int]]] = {
    "orders": (10, 1),
    "bulk-orders": (1, 1),
    "locate-orders": (20, 1),
    "instruments": (200, 1),
}
"""Requests per seconds, as published by the name of the resource (guide, harvest of 2026-08-02). That is read as: all
requests below that path, of each account by itself."""

PAGE_SIZE: Final = 25
PAGE_SIZE_MAX: Final = 2000


class RateLimits:
    """Counts requests in fixed windows."""

    def __init__(self, limits: Mapping[str, tuple[int, int]], now: UtcNow) -> None:
        self._limits = limits
        self._now = now
        self._windows: dict[tuple[str, str], tuple[int, int]] = {}

    def wait_s(self, account: str, resource: str) -> int | None:
        """Count a request; returns how many seconds it came too early, None when it may pass."""
        if resource not in self._limits:
            return None
        requests, seconds = self._limits[resource]
        at = int(self._now().timestamp())
        window = at // seconds
        start, count = self._windows.get((account, resource), (window, 0))
        count = count + 1 if start == window else 1
        self._windows[account, resource] = (window, count)
        return (window + 1) * seconds - at if count > requests else None


def page(request: HttpRequest, rows: Iterable[tuple[str, Json]]) -> Json:
    """Return one page of `rows`, which come in the order of their keys.

    The token of the next page names the last row of this one, so that rows which come or go between two pages shift
    no other row into a gap.

    Raises:
        Malformed: page_size or page_token are not good.
    """
    text = request.query.get("page_size", str(PAGE_SIZE))
    size = whole(text, "page_size")
    if not 1 <= size <= PAGE_SIZE_MAX:
        raise Malformed(f"page_size must be from 1 to {PAGE_SIZE_MAX}, was {size}")
    token = request.query.get("page_token")
    after = "" if token is None else _key(token)
    wanted = [row for row in rows if row[0] > after][: size + 1]
    shown: Json = {"data": [row for _, row in wanted[:size]]}
    if len(wanted) > size:
        shown["next_page_token"] = base64.urlsafe_b64encode(wanted[size - 1][0].encode()).decode()
    return shown


def whole(text: str, what: str) -> int:
    """Return a whole number of a query.

    Raises:
        Malformed: it is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= 16):
        raise Malformed(f"{what} must be a whole number, was {text[:40]!r}")
    return int(text)


def _key(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise Malformed("page_token must be one that an answer gave") from None
