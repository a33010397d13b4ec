"""An order as the simulated venue knows it: its terms, its life, and what the venue refuses."""

from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec
from attrs import define

from adapters.clearstreet.simulator_requests import Malformed, NewOrder, UpdateOrder, known, number, number_or_none
from adapters.clearstreet.simulator_words import Json, millis, numeral
from adapters.simulation import checks
from rules.model.instruments import Instrument
from rules.model.observed import Quote, WorkingOrder
from rules.model.values import OrderType, Price, Side, Symbol, Volume, plain

_AUCTIONS: Final = ("at-open", "at-close")
_LIMITED: Final = ("limit", "stop-limit")
_STOPPED: Final = ("stop", "stop-limit")
_TYPES: Final = {OrderType.LIMIT: "limit", OrderType.STOP: "stop", OrderType.STOP_LIMIT: "stop-limit"}

NOTHING: Final = Decimal(0)

Terms: TypeAlias = tuple[Volume, Price | None, Price | None]
"""What a replace can change: quantity, price and stop price."""


@define(eq=False)
class VenueOrder:
    """One order of the day. `version` counts what was told of it; `order_id` is empty until the venue has named it."""

    symbol: Symbol
    side: str
    order_type: str
    quantity: Volume
    time_in_force: str
    created_at: datetime
    reference_id: str | None = None
    price: Price | None = None
    stop_price: Price | None = None
    strategy: Json | None = None
    locate_broker: str | None = None
    open_close_indicator: str | None = None
    order_id: str = ""
    updated_at: datetime | None = None
    version: int = 0
    state: str = "open"
    status: str = "pending-new"
    reason: str = "place"
    text: str | None = None
    filled_quantity: Volume = Decimal(0)
    average_price: Price | None = None
    running_position: Volume = Decimal(0)
    """Signed: the account's position in the symbol at this order's last change."""
    is_triggered: bool = False
    """The stop price was reached: a stop-limit order is then a limit order."""
    needs_locate: bool = False
    """It sells short what is not easy to borrow, out of the account's located inventory."""
    is_reserved: bool = False
    """The inventory that it needs is set aside."""

    @property
    def book_side(self) -> Side:
        """BUY or SELL: the books know no short sale."""
        return Side.BUY if self.side == "buy" else Side.SELL

    @property
    def terms(self) -> Terms:
        """What a replace can change."""
        return self.quantity, self.price, self.stop_price

    @terms.setter
    def terms(self, terms: Terms) -> None:
        self.quantity, self.price, self.stop_price = terms

    def waiting_terms(self) -> tuple[OrderType, Price, Price | None]:
        """Return as what it waits in the books, at which price, and the limit that follows a stop.

        A stop-limit order whose stop was reached waits as a limit order.
        """
        if self.stop_price is None or self.is_triggered:
            assert self.price is not None, "a market order never waits"
            return OrderType.LIMIT, self.price, None
        return OrderType.STOP if self.price is None else OrderType.STOP_LIMIT, self.stop_price, self.price

    def terms_in(self, waiting: WorkingOrder) -> Terms:
        """Return the terms as which it now waits in the books."""
        if waiting.order_type is OrderType.LIMIT:
            return waiting.volume, waiting.price, self.stop_price
        return waiting.volume, waiting.limit_price, waiting.price

    def is_executable(self, quote: Quote | None) -> bool:
        """Tell whether it executes now; a stop price that `quote` reaches stays reached."""
        if quote is None:
            return self.order_type == "market"  # the books then say why not
        price = quote.entry(self.book_side)
        above = self.side == "buy"
        if self.stop_price is not None and not self.is_triggered:
            self.is_triggered = price >= self.stop_price if above else price <= self.stop_price
            if not self.is_triggered:
                return False
        return self.price is None or (price <= self.price if above else price >= self.price)

    def show(self, account: Json) -> Json:
        """Return the Order as REST and the stream show it."""
        shown: Json = {
            "created_at": millis(self.created_at),
            "updated_at": millis(self.updated_at or self.created_at),
            "order_id": self.order_id,
            "version": self.version,
            **account,
            "state": self.state,
            "status": self.status,
            "symbol": self.symbol,
            "order_type": self.order_type,
            "side": self.side,
            "quantity": plain(self.quantity),
            "filled_quantity": plain(self.filled_quantity),
            "running_position": plain(self.running_position),
            "time_in_force": self.time_in_force,
            "order_update_reason": self.reason,
        }
        optional = {
            "reference_id": self.reference_id,
            "price": None if self.price is None else plain(self.price),
            "stop_price": None if self.stop_price is None else plain(self.stop_price),
            "average_price": None if self.average_price is None else numeral(self.average_price),
            "text": self.text,
            "strategy": self.strategy,
            "open_close_indicator": self.open_close_indicator,
        }
        return {**shown, **{name: value for name, value in optional.items() if value is not None}}


def new_order(asked: NewOrder, at: datetime) -> VenueOrder:
    """Return the order that a body asks for.

    Raises:
        Malformed: a number is none, or the prices do not belong to the type.
    """
    order = VenueOrder(
        symbol=Symbol(asked.symbol),
        side=asked.side,
        order_type=asked.order_type,
        quantity=number(asked.quantity, "quantity"),
        time_in_force=asked.time_in_force,
        created_at=at,
        reference_id=known(asked.reference_id),
        price=number_or_none(asked.price, "price"),
        stop_price=number_or_none(asked.stop_price, "stop_price"),
        strategy=None if asked.strategy is msgspec.UNSET else msgspec.to_builtins(asked.strategy),
        locate_broker=known(asked.locate_broker),
        open_close_indicator=known(asked.open_close_indicator),
    )
    for name, value, types in (("price", order.price, _LIMITED), ("stop_price", order.stop_price, _STOPPED)):
        if (value is not None) is not (order.order_type in types):
            raise Malformed(f"{name} must be given for {' and '.join(types)} orders and for no other")
    return order


def new_terms(order: VenueOrder, asked: UpdateOrder) -> Terms:
    """Return quantity, price and stop price after a replace; a price that is not given stays.

    Raises:
        Malformed: a number is none, or a price does not belong to the order's type.
    """
    price, stop_price = number_or_none(asked.price, "price"), number_or_none(asked.stop_price, "stop_price")
    for name, value, types in (("price", price, _LIMITED), ("stop_price", stop_price, _STOPPED)):
        if value is not None and order.order_type not in types:
            raise Malformed(f"{name} is for {' and '.join(types)} orders only")
    quantity = number(asked.quantity, "quantity")
    return quantity, order.price if price is None else price, order.stop_price if stop_price is None else stop_price


def order_of(waiting: WorkingOrder, held: Volume, at: datetime) -> VenueOrder:
    """Return the order that waits in the books by another way; `held` is the signed position, which marks a sale."""
    is_limit = waiting.order_type is OrderType.LIMIT
    side = "buy" if waiting.side is Side.BUY else "sell" if held >= waiting.volume else "sell-short"
    return VenueOrder(
        symbol=waiting.symbol,
        side=side,
        order_type=_TYPES[waiting.order_type],
        quantity=waiting.volume,
        time_in_force="day",
        created_at=at,
        reference_id=waiting.tag,
        price=waiting.price if is_limit else waiting.limit_price,
        stop_price=None if is_limit else waiting.price,
    )


def refusal_of_terms(order: VenueOrder, instrument: Instrument | None) -> str | None:
    """Return why the terms are refused, or None. Its words begin as the shared core's do."""
    if instrument is None:
        return checks.UNKNOWN_SYMBOL
    if order.time_in_force in _AUCTIONS:
        return f"{order.time_in_force} is not simulated: there are no auctions here"
    for name, price in (("price", order.price), ("stop_price", order.stop_price)):
        if price is not None and instrument.tick_size and price % instrument.tick_size:
            wanted = f"{name} must be a multiple of {plain(instrument.tick_size)}, was {plain(price)}"
            return f"{checks.INVALID_PRICE}: {wanted}"
    return checks.refusal_of_opening(instrument, order.quantity)


def refusal_of_side(side: str, quantity: Volume, held: Volume, resting: Volume = NOTHING) -> str | None:
    """Return why the marking of a sale is refused, or None.

    What is held is sold by `sell`, what is not by `sell-short`, and never both in one order (Regulation SHO); and no
    share by two orders. A `buy` carries no marking: it may cover a short position and go long at once.

    Args:
        held: the signed position.
        resting: what other sales that wait are to take out of it.
    """
    if side == "sell" and quantity > held:
        return f"sell of {plain(quantity)} is more than the long position of {plain(max(held, Decimal(0)))}"
    if side == "sell" and quantity > held - resting:
        return f"sell of {plain(quantity)} is more than {plain(held)} held long less {plain(resting)} in resting sales"
    if side == "sell-short" and held > 0:
        return f"sell-short while {plain(held)} are held long: sell those first"
    return None
