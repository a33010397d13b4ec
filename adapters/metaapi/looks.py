"""Looks at an account's books: requests that change nothing, and what their failures mean."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from adapters.base import RemoteProtocolError, SessionLost, SignInRefused, UtcNow
from adapters.history import ENTRIES_MAX
from adapters.metaapi import wire
from adapters.metaapi.requests import Failed, Requests
from adapters.metaapi.values import iso

T = TypeVar("T")

CLOCK_MARGIN: Final = timedelta(hours=1)
"""By how much the broker's clock may differ from ours when we ask for what happened since a moment of ours."""

REFUSALS: Final = frozenset({"UnauthorizedError", "ForbiddenError"})
SAYS_NO: Final = frozenset({"ValidationError", "NotFoundError"})
"""Errors about what was asked for, rather than about who asks."""

_APPLICATION: Final = "RPC"
_PAGE: Final = 1000
_PAGES_MAX: Final = 20
"""Of a history that begins when an order was sent: more is not one account's trading."""
_PAGES_TO_READ_MAX: Final = ENTRIES_MAX // _PAGE
"""Of a history that is read for itself."""


class Looks:
    """Asks over the request connection."""

    def __init__(self, requests: Requests, now: UtcNow) -> None:
        self._requests = requests
        self._now = now

    async def at(self, kind: str, **fields: object) -> dict[str, Any]:
        """Ask for something that every account has: not found means that there is no account.

        Raises:
            SignInRefused: for good. SessionLost: weather, a rate limit included.
        """
        try:
            return await self._requests.ask(kind, fields, application=_APPLICATION)
        except Failed as failed:
            if failed.error.error == "NotFoundError":
                raise SignInRefused(f"MetaApi has no such account: {failed.text}") from None
            raise look_failed(kind, failed) from None

    async def for_one(self, kind: str, **fields: object) -> dict[str, Any] | None:
        """Ask for something that an account may not have; None then. Raises as `at`."""
        try:
            return await self._requests.ask(kind, fields, application=_APPLICATION)
        except Failed as failed:
            if failed.error.error in SAYS_NO:
                return None
            raise look_failed(kind, failed) from None

    async def positions(self) -> tuple[wire.Position, ...]:
        """Return all open positions. Raises as `at`."""
        return wire.listed((await self.at("getPositions")).get("positions"), wire.Position, "positions")

    async def account_information(self) -> wire.AccountInformation:
        """Return the account's figures and kind. Raises as `at`."""
        answer = await self.at("getAccountInformation")
        return wire.converted(answer.get("accountInformation"), wire.AccountInformation, "accountInformation")

    async def working_orders(self) -> tuple[wire.Order, ...]:
        """Return all orders that are not done. Raises as `at`."""
        return wire.listed((await self.at("getOrders")).get("orders"), wire.Order, "orders")

    async def done_orders(self, since: datetime) -> list[wire.Order]:
        """Return the orders that were done since about then. Raises as `at`."""
        return await self._history("getHistoryOrdersByTimeRange", "historyOrders", wire.Order, since)

    async def deals(self, since: datetime) -> list[wire.Deal]:
        """Return the deals since about then, oldest first. Raises as `at`."""
        return await self._history("getDealsByTimeRange", "deals", wire.Deal, since)

    async def all_deals(self, since: datetime) -> list[wire.Deal]:
        """Return the deals since about then, which may be long ago, oldest first. Raises as `at`."""
        return await self._history("getDealsByTimeRange", "deals", wire.Deal, since, _PAGES_TO_READ_MAX)

    async def deals_of_position(self, ticket: str) -> tuple[wire.Deal, ...]:
        """Return the deals of one position. Raises as `at`."""
        answer = await self.at("getDealsByPosition", positionId=ticket)
        return wire.listed(answer.get("deals"), wire.Deal, "deals")

    async def _history(
        self, kind: str, key: str, row: type[T], since: datetime, pages_max: int = _PAGES_MAX
    ) -> list[T]:
        window: Mapping[str, object] = {
            "startTime": iso(since - CLOCK_MARGIN),
            "endTime": iso(self._now() + CLOCK_MARGIN),
        }
        rows: list[T] = []
        for page in range(pages_max):
            answer = await self.at(kind, **window, offset=page * _PAGE, limit=_PAGE)
            found = wire.listed(answer.get(key), row, key)
            rows += found
            if len(found) < _PAGE:
                return rows
        raise RemoteProtocolError(
            f"expected at most {_PAGE * pages_max} {key} since {since:%Y-%m-%d %H:%M}, found more"
        )


def look_failed(kind: str, failed: Failed) -> Exception:
    """Return what a failed look means; a rate limit is weather, since only orders have a use for the time to wait."""
    if failed.error.error in REFUSALS:
        return SignInRefused(f"MetaApi refuses the account: {failed.text}")
    if failed.error.error == "ValidationError":
        return RemoteProtocolError(f"expected an answer to {kind}, found {failed.text}")
    return SessionLost(f"{kind}: {failed.text}")
