"""The control API from the other side: one simulated account, traded and audited by another process."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec
from attrs import frozen

from adapters.http import HttpClient
from adapters.simulation.records import BookOrder, OrderRefused
from rules.observed import Position, Quote
from rules.values import PositionId, Price, Side, Symbol, Volume, plain

T = TypeVar("T")


@frozen
class RemoteBook:
    """What the books of an account show: open positions, and every order ever."""

    positions: Mapping[PositionId, Position]
    orders: Sequence[BookOrder]


class _Page(msgspec.Struct):
    positions: list[Position]
    orders: list[BookOrder]
    orders_total: int


class _Quotes(msgspec.Struct):
    quotes: list[Quote]


class RemoteAccount:
    """A simulated account behind a control API, as a person at the venue's terminal would use it.

    Every call may raise `SessionLost`.
    """

    def __init__(self, client: HttpClient, account: str) -> None:
        self._client = client
        self._account = account

    async def book(self) -> RemoteBook:
        """Return the open positions and all orders."""
        orders: list[BookOrder] = []
        while True:
            query = f"account={self._account.replace('#', '%23')}&orders_from={len(orders)}"
            page = msgspec.json.decode(await self._ask("GET", f"book?{query}"), type=_Page)
            orders.extend(page.orders)
            if len(orders) >= page.orders_total:
                return RemoteBook({each.position_id: each for each in page.positions}, orders)

    async def quotes(self) -> dict[Symbol, Quote]:
        """Return the current quotes of the account's market."""
        found = msgspec.json.decode(await self._ask("GET", "quotes"), type=_Quotes)
        return {quote.symbol: quote for quote in found.quotes}

    async def open(self, symbol: Symbol, side: Side, volume: Volume, stop_loss: Price | None = None) -> None:
        """Open a position at market.

        Raises:
            OrderRefused: the simulated venue said no.
        """
        await self._order("open", symbol=symbol, side=side.value, volume=plain(volume), stop_loss=_text(stop_loss))

    async def close(self, position_id: PositionId, volume: Volume | None = None) -> None:
        """Close `volume` lots of a position, or all of it. Raises as `open`."""
        await self._order("close", position_id=position_id, volume=_text(volume))

    async def replace_stops(self, position_id: PositionId, stop_loss: Price | None, take_profit: Price | None) -> None:
        """Set both stops. Raises as `open`."""
        await self._order("modify", position_id=position_id, stop_loss=_text(stop_loss), take_profit=_text(take_profit))

    async def _order(self, what: str, **keys: str | None) -> None:
        await self._ask("POST", what, msgspec.json.encode({"account": self._account, **keys}))

    async def _ask(self, method: str, what: str, body: bytes | None = None) -> bytes:
        response = await self._client.request(method, f"/control/{what}", body=body)
        if response.status == 409:
            raise OrderRefused(response.body.decode("utf-8", "replace"))
        if response.status != 200:
            raise ValueError(f"the control API answered {response.status} to {what}: {response.body[:300]!r}")
        return response.body


def _text(number: Volume | Price | None) -> str | None:
    return None if number is None else plain(number)
