"""What executed orders make of one account: its positions, its balance, and what changed by them."""

from collections.abc import Callable
from decimal import Decimal

from attrs import evolve

from adapters.simulation import checks
from adapters.simulation.holdings import Holdings
from adapters.simulation.market import Market
from adapters.simulation.money import margin, result
from adapters.simulation.order_log import OrderLog
from adapters.simulation.records import (
    BookOrder,
    Change,
    ClosedPosition,
    PositionChanged,
    PositionGone,
    Purpose,
)
from rules.model.observed import Position
from rules.model.values import OmsType, PositionId, Price, Symbol, Volume

# Far below any tick size, so that averaging hardly moves a price, and few enough digits for every reader's limits.
_AVERAGE_PRICE_GRID = Decimal("1e-10")

Stops = tuple[Price | None, Price | None]
"""Stop-loss and take-profit."""


class Dealing:
    """Executes orders against which nothing is to be said any more. `changes` gathers what its book has yet to tell."""

    def __init__(
        self,
        oms: OmsType,
        balance: Decimal,
        currency: str,
        market: Market,
        log: OrderLog,
        take_id: Callable[[], int],
    ) -> None:
        self.balance = balance
        self.closed: list[ClosedPosition] = []
        self.holdings = Holdings(market, currency)
        self.changes: list[Change] = []
        self._oms = oms
        self._currency = currency
        self._market = market
        self._log = log
        self._take_id = take_id
        self._booked: dict[PositionId, Decimal] = {}

    def netted(self, symbol: Symbol) -> Position | None:
        """Return the one position of `symbol` that a netting account has, if any."""
        if self._oms is OmsType.HEDGING:
            return None
        return next(iter(self.holdings.of_symbol(symbol)), None)

    def only_closes(self, order: BookOrder) -> bool:
        """Tell whether an order that came as an opening only takes something off a netted position."""
        held = self.netted(order.symbol)
        return held is not None and held.side is not order.side and order.volume <= held.volume

    def deal(self, order: BookOrder, price: Price, stops: Stops) -> BookOrder:
        """Execute an order that opens, adds to, reduces or turns around; returns it filled.

        Raises:
            OrderRefused: the free margin does not bear it; the refused order is in the books.
        """
        held = self.netted(order.symbol)
        if held is not None and self.only_closes(order):
            return self.close(order, held, order.volume, price)
        if not self._can_pay(order, held, price):
            self._log.refuse(order, checks.NO_MONEY)
        if held is not None and held.side is order.side:
            return self._add(order, held, price, stops)
        return self._open(order, held, price, stops)

    def close(self, order: BookOrder, held: Position, volume: Volume, price: Price, text: str = "") -> BookOrder:
        """Close `volume` lots by `order`, which on a netting account may have come as an opening of the other side."""
        purpose = order.purpose
        if purpose is not Purpose.STOP_OUT:
            purpose = Purpose.CLOSE if volume == held.volume else Purpose.REDUCE
        realized = self._book_closing(order, purpose, held, volume, price)
        return self._log.fill(evolve(order, purpose=purpose, text=text), held.position_id, price, realized)

    def restore(self, balance: Decimal, positions: list[Position], orders: list[BookOrder]) -> None:
        """Take over what an earlier life had; only while nothing happened yet."""
        self.balance = balance
        for position in positions:
            self.holdings.put(position)
        for order in orders:
            self._log.record(order)
            # What partial closes booked belongs to the result of the whole life. An order that opened the position
            # booked nothing of it: what it realized (a netting flip) was of the position before.
            if order.position_id in self.holdings.positions and order.purpose is not Purpose.OPEN:
                self._booked[order.position_id] = self._booked.get(order.position_id, Decimal(0)) + order.realized_pnl

    def _open(self, order: BookOrder, turned: Position | None, price: Price, stops: Stops) -> BookOrder:
        """Open a position by the whole order, or, when it turns a netted one around, by what is left of it."""
        realized = Decimal(0)
        volume = order.volume
        if turned is not None:
            volume -= turned.volume
            realized = self._book_closing(order, Purpose.CLOSE, turned, turned.volume, price)
        position = self.holdings.put(
            Position(
                position_id=PositionId(str(self._take_id())),
                symbol=order.symbol,
                side=order.side,
                volume=volume,
                open_price=price,
                opened_at=order.at,
                stop_loss=stops[0],
                take_profit=stops[1],
                contract_size=self._market.instruments[order.symbol].contract_size,
                magic=order.magic,
                comment=order.comment,
                tag=order.tag,
            )
        )
        self.changes.append(PositionChanged(position))
        return self._log.fill(order, position.position_id, price, realized)

    def _add(self, order: BookOrder, held: Position, price: Price, stops: Stops) -> BookOrder:
        volume = held.volume + order.volume
        average = (held.open_price * held.volume + price * order.volume) / volume
        position = self.holdings.put(
            evolve(
                held,
                volume=volume,
                open_price=average.quantize(_AVERAGE_PRICE_GRID),
                stop_loss=held.stop_loss if stops[0] is None else stops[0],
                take_profit=held.take_profit if stops[1] is None else stops[1],
                current_price=price,
            )
        )
        self.changes.append(PositionChanged(position))
        return self._log.fill(order, held.position_id, price, Decimal(0))

    def _book_closing(
        self, order: BookOrder, purpose: Purpose, held: Position, volume: Volume, price: Price
    ) -> Decimal:
        """Take `volume` lots out of `held` by `order` at `price`, into the balance; returns what that realized."""
        position_id = held.position_id
        realized = result(self._market, held, volume, price, self._currency)
        self.balance += realized
        booked = self._booked.get(position_id, Decimal(0)) + realized
        if volume < held.volume:
            self._booked[position_id] = booked
            self.changes.append(PositionChanged(self.holdings.put(evolve(held, volume=held.volume - volume))))
            return realized
        self._booked.pop(position_id, None)
        self.holdings.drop(held)
        closed = ClosedPosition(held, price, order.at, order.order_id, purpose, booked, realized)
        self.closed.append(closed)
        self.changes.append(PositionGone(closed))
        return realized

    def _can_pay(self, order: BookOrder, held: Position | None, price: Price) -> bool:
        """Tell whether the free margin bears what the order opens. Turning a position around frees its margin first."""
        opened = order.volume
        free = self.balance + self.holdings.floating - self.holdings.margin_used
        if held is not None and held.side is not order.side:
            opened -= held.volume
            free += self.holdings.margin_of(held.position_id)
        return margin(self._market, order.symbol, opened, price, self._currency) <= free
