"""Locates of one simulated account: requests for shares to borrow, the offers, and the inventory that comes of them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from attrs import define, field

from adapters.base import UtcNow
from adapters.clearstreet.simulator_requests import NewLocateOrder, known, number
from adapters.clearstreet.simulator_words import Json, Refused, millis
from rules.model.values import Symbol, Volume, plain

OFFER_AFTER: Final = timedelta(seconds=1)
"""How long the desk looks for shares; short, and still long enough that a client must ask again."""

OFFER_LASTS: Final = timedelta(minutes=5)

_BORROW_RATE: Final = "0.25"


@define(eq=False)
class LocateOrder:
    """One request. What it is follows from the time until it is accepted or declined."""

    locate_order_id: str
    symbol: Symbol
    quantity: Volume
    mpid: str
    reference_id: str
    comments: str | None
    requested_at: datetime
    decided: str | None = None
    decided_at: datetime | None = None

    def status(self, now: datetime) -> str:
        """Return pending, offered, expired, filled or declined."""
        if self.decided is not None:
            return self.decided
        if now < self.requested_at + OFFER_AFTER:
            return "pending"
        return "offered" if now < self.requested_at + OFFER_AFTER + OFFER_LASTS else "expired"

    def show(self, account: Json, now: datetime) -> Json:
        """Return the LocateOrder as REST shows it."""
        status = self.status(now)
        located_at = self.requested_at + OFFER_AFTER
        changed_at = {"pending": self.requested_at, "offered": located_at, "expired": located_at + OFFER_LASTS}
        shown: Json = {
            **account,
            "locate_order_id": self.locate_order_id,
            "reference_id": self.reference_id,
            "symbol": self.symbol,
            "mpid": self.mpid,
            "requested_at": millis(self.requested_at),
            "requested_quantity": plain(self.quantity),
            "updated_at": millis(self.decided_at or changed_at[status]),
            "status": status,
        }
        if self.comments is not None:
            shown["trader_comment"] = self.comments
        if status != "pending":
            shown |= {
                "locate_id": f"L{self.locate_order_id}",
                "located_at": millis(located_at),
                "located_quantity": plain(self.quantity),
                "expires_at": millis(located_at + OFFER_LASTS),
                "borrow_rate": _BORROW_RATE,
                "total_cost": "0",
            }
        return shown


@define
class Inventory:
    """Located shares of one symbol."""

    available: Volume = Decimal(0)
    reserved: Volume = Decimal(0)
    used: Volume = Decimal(0)

    def show(self, account: Json, symbol: Symbol) -> Json:
        """Return the LocateInventory as REST and the stream show it."""
        shares = {"available": self.available, "reserved": self.reserved, "used": self.used}
        return {**account, "symbol": symbol, **{name: plain(quantity) for name, quantity in shares.items()}}


@define(eq=False)
class Locates:
    """A day's locates of one account; `tell` hears of every change of an inventory."""

    account: Json
    now: UtcNow
    take_id: Callable[[], str]
    tell: Callable[[Json], None]
    orders: dict[str, LocateOrder] = field(factory=dict)
    _inventories: dict[Symbol, Inventory] = field(factory=dict)

    def request(self, asked: NewLocateOrder) -> LocateOrder:
        """Take a request.

        Raises:
            Malformed: the quantity is no number above zero.
        """
        quantity = number(asked.quantity, "quantity")
        order = LocateOrder(
            self.take_id(),
            Symbol(asked.symbol),
            quantity,
            asked.mpid,
            asked.reference_id,
            known(asked.comments),
            self.now(),
        )
        self.orders[order.locate_order_id] = order
        return order

    def decide(self, order: LocateOrder, accept: bool) -> None:
        """Accept or decline an offer.

        Raises:
            Refused: it is not offered now.
        """
        now = self.now()
        status = order.status(now)
        if status != "offered":
            raise Refused(409, f"a locate must be offered to be accepted or declined, was {status}")
        order.decided, order.decided_at = "filled" if accept else "declined", now
        if accept:
            self._change(order.symbol, available=order.quantity)

    def inventory(self, symbol: Symbol) -> Json:
        """Return the inventory of one symbol."""
        return self._inventories.get(symbol, Inventory()).show(self.account, symbol)

    def available(self, symbol: Symbol) -> Volume:
        """Return how much may still be sold short."""
        return self._inventories.get(symbol, Inventory()).available

    def reserve(self, symbol: Symbol, quantity: Volume) -> None:
        """Set aside what a working order needs; below zero it gives that back."""
        self._change(symbol, available=-quantity, reserved=quantity)

    def use(self, symbol: Symbol, quantity: Volume, *, is_reserved: bool) -> None:
        """Note a short sale."""
        if is_reserved:
            self._change(symbol, reserved=-quantity, used=quantity)
        else:
            self._change(symbol, available=-quantity, used=quantity)

    def clear(self) -> None:
        """Begin a new day: locates are for one."""
        self.orders.clear()
        self._inventories.clear()

    def _change(
        self,
        symbol: Symbol,
        *,
        available: Volume = Decimal(0),
        reserved: Volume = Decimal(0),
        used: Volume = Decimal(0),
    ) -> None:
        held = self._inventories.setdefault(symbol, Inventory())
        held.available += available
        held.reserved += reserved
        held.used += used
        self.tell(held.show(self.account, symbol))
