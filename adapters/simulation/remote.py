"""The control API from the other side: one simulated account, traded and audited by another process."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from adapters.simulation.records import BookOrder, OrderRefused
from adapters.transport.http import HttpClient
from rules.model.frozen import frozen
from rules.model.observed import Position, Quote, WorkingOrder
from rules.model.values import OrderType, PositionId, Price, Side, Symbol, VenueOrderId, Volume, plain

T = TypeVar("T")


@frozen
class RemoteBook:
    """What the books of an account show: open positions, pending orders, and every order that ended."""

    positions: Mapping[PositionId, Position]
    working: Mapping[VenueOrderId, WorkingOrder]
    orders: Sequence[BookOrder]


class _Page(msgspec.Struct):
    positions: list[Position]
    working: list[WorkingOrder]
    orders: list[BookOrder]
    orders_total: int


class _Placed(msgspec.Struct):
    order: WorkingOrder


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
        """Return the open positions, the pending orders, and all orders that ended."""
        orders: list[BookOrder] = []
        while True:
            query = f"account={self._account.replace('#', '%23')}&orders_from={len(orders)}"
            page = msgspec.json.decode(await self._ask("GET", f"book?{query}"), type=_Page)
            orders.extend(page.orders)
            if len(orders) >= page.orders_total:
                positions = {each.position_id: each for each in page.positions}
                return RemoteBook(positions, {each.order_id: each for each in page.working}, orders)

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

    async def place(
        self,
        symbol: Symbol,
        side: Side,
        order_type: OrderType,
        volume: Volume,
        price: Price,
        *,
        limit_price: Price | None = None,
        stop_loss: Price | None = None,
        take_profit: Price | None = None,
        expires_at: datetime | None = None,
    ) -> WorkingOrder:
        """Place a pending order, see `rules.model.observed.WorkingOrder`. Raises as `open`."""
        answer = await self._order(
            "place",
            symbol=symbol,
            side=side.value,
            order_type=order_type.value,
            volume=plain(volume),
            price=plain(price),
            limit_price=_text(limit_price),
            stop_loss=_text(stop_loss),
            take_profit=_text(take_profit),
            expires_at=None if expires_at is None else expires_at.isoformat(),
        )
        return msgspec.json.decode(answer, type=_Placed).order

    async def replace(
        self,
        order_id: VenueOrderId,
        price: Price,
        *,
        limit_price: Price | None = None,
        stop_loss: Price | None,
        take_profit: Price | None,
        volume: Volume | None = None,
    ) -> WorkingOrder:
        """Set all prices of a pending order, and its volume unless None. Raises as `open`."""
        answer = await self._order(
            "replace",
            order_id=order_id,
            price=plain(price),
            limit_price=_text(limit_price),
            stop_loss=_text(stop_loss),
            take_profit=_text(take_profit),
            volume=_text(volume),
        )
        return msgspec.json.decode(answer, type=_Placed).order

    async def cancel(self, order_id: VenueOrderId) -> None:
        """Cancel a pending order. Raises as `open`."""
        await self._order("cancel", order_id=order_id)

    async def _order(self, what: str, **keys: str | None) -> bytes:
        return await self._ask("POST", what, msgspec.json.encode({"account": self._account, **keys}))

    async def _ask(self, method: str, what: str, body: bytes | None = None) -> bytes:
        response = await self._client.request(method, f"/control/{what}", body=body)
        if response.status == 409:
            raise OrderRefused(response.body.decode("utf-8", "replace"))
        if response.status != 200:
            raise ValueError(f"the control API answered {response.status} to {what}: {response.body[:300]!r}")
        return response.body


def _text(number: Volume | Price | None) -> str | None:
    return None if number is None else plain(number)
