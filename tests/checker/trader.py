"""A source account whose owner trades at random: opens, adds, takes off, turns around, moves stops, closes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from attrs import evolve

from rules.model.observed import Position
from rules.model.values import AccountId, PositionId, Price, Side, Symbol
from tests.checker.configs import BASES
from tests.checker.market import CONTRACTS, TICKS, Market

VOLUMES = ("0.01", "0.05", "0.1", "0.33", "1", "1", "2.5", "12")


class Trader:
    """One source account's open positions, and what happens to them."""

    def __init__(self, name: AccountId, *, nets: bool, random: Random, market: Market) -> None:
        self.name = name
        self.nets = nets
        self.positions: dict[PositionId, Position] = {}
        self._random = random
        self._market = market
        self._opened = 0

    def opens(self, now: datetime) -> PositionId:
        """Open a position; on a netting account that has the symbol already, change it."""
        random = self._random
        symbol = random.choice(BASES) + random.choice(("", "", ".m"))
        position_id = PositionId(f"{self.name}-{symbol}")
        if self.nets and position_id in self.positions:
            self.changes(position_id, now)
            return position_id
        if not self.nets:
            self._opened += random.random() < 0.95 or not self._opened  # now and then an id is used again
            position_id = PositionId(f"{self.name}-{self._opened}")
            if position_id in self.positions:
                return position_id
        age = random.choice((0, 40, 300, 900, 4000, 30_000))
        mid, side = self._market.mid(symbol), random.choice((Side.BUY, Side.SELL))
        self.positions[position_id] = Position(
            position_id,
            Symbol(symbol),
            side,
            Decimal(random.choice(VOLUMES)),
            mid + self._slip(symbol),
            now - timedelta(milliseconds=age),
            *self._stops(symbol, side, mid),
            contract_size=random.choice((None, Decimal(CONTRACTS[symbol.removesuffix(".m")]))),
            current_price=random.choice((None, mid)),
            magic=random.choice((None, "7", "71", "0")),
            comment=random.choice((None, "grid 7", "Grid", "x")),
        )
        return position_id

    def changes(self, position_id: PositionId, now: datetime) -> None:
        """Do something to an open position."""
        position = self.positions[position_id]
        mid = self._market.mid(position.symbol)
        price = self._random.choice((None, mid))
        doings: list[Callable[[], Position | None]] = [
            lambda: self._less(position),
            lambda: self._restopped(position, mid),
            lambda: self._restopped(position, mid),
            lambda: None,
        ]
        if self.nets:
            doings += [
                lambda: evolve(position, volume=position.volume + Decimal(self._random.choice(VOLUMES))),
                lambda: self._turned(position, mid, now),
            ]
        after = self._random.choice(doings)()
        if after is None:
            del self.positions[position_id]
        elif after != position:  # of a new price alone the ledger tells nothing
            self.positions[position_id] = evolve(after, current_price=price)

    def _less(self, position: Position) -> Position:
        rest = (position.volume * Decimal(self._random.choice(("0.2", "0.5", "0.9")))).quantize(Decimal("0.01"))
        return evolve(position, volume=max(rest, Decimal("0.01")))

    def _restopped(self, position: Position, mid: Price) -> Position:
        stop_loss, take_profit = self._stops(position.symbol, position.side, mid)
        return evolve(position, stop_loss=stop_loss, take_profit=take_profit)

    def _turned(self, position: Position, mid: Price, now: datetime) -> Position:
        side = position.side.opposite
        stops = self._stops(position.symbol, side, mid)
        volume = Decimal(self._random.choice(VOLUMES))
        return evolve(
            position,
            side=side,
            volume=volume,
            open_price=mid,
            opened_at=now,
            stop_loss=stops[0],
            take_profit=stops[1],
        )

    def _slip(self, symbol: str) -> Price:
        return Decimal(TICKS[symbol.removesuffix(".m")]) * self._random.randrange(-2, 3)

    def _stops(self, symbol: str, side: Side, mid: Price) -> tuple[Price | None, Price | None]:
        """Return stops a percent or so away, seldom on the wrong side; often only one, or none."""
        digits = Decimal(TICKS[symbol.removesuffix(".m")]) / 2
        away = Decimal(self._random.choice(("0.003", "0.012", "0.03")))
        away = -away if self._random.random() < 0.05 else away
        loss = ((mid * (1 - side.sign * away)) / digits).quantize(Decimal(1)) * digits
        profit = ((mid * (1 + side.sign * 2 * away)) / digits).quantize(Decimal(1)) * digits
        kept = self._random.random()
        return (loss if kept < 0.75 else None), (profit if 0.2 < kept < 0.85 else None)
