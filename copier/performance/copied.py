"""What became of each copy, told row by row: its volumes and prices, and what it won or lost by them.

A copy's record counts what was opened and closed of each leg, so that the last record tells it all. What is kept is
bounded by the copies that can still matter.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Context, Decimal
from typing import TypeAlias

from attrs import define, evolve, field

from copier.ledger.records import CheckpointRecord, DecisionRecord, ForgetRecord, ObservedRecord, Record, ReportRecord
from rules.books.reconcile import CopyKey
from rules.model.copies import ZERO, Copy, CopyStatus, Ending, Leg, LegStage, replace_leg, with_exit
from rules.model.events import InstrumentReported, PositionClosed, PositionReported
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.values import AccountId, ClOrdId, PositionId, Price, Side, Symbol, Volume
from rules.sizes.volumes import WIDE

# A mean price has no end of digits; more than these twelve no venue quotes.
_MEAN = Context(prec=12)

InstrumentOf: TypeAlias = Callable[[AccountId, Symbol], Instrument | None]


@frozen
class Result:
    """What some legs opened and closed, and what that won or lost by the prices, before costs.

    Volumes are lots, prices means over them. None: a price, the contract size or the currency is not known.
    """

    opened: Volume
    closed: Volume
    open_price: Price | None
    close_price: Price | None
    gained: Decimal | None
    """Won or lost price times lots: its sign tells even where its worth in money is not known."""
    amount: Decimal | None
    currency: str | None


def result_of(copy: Copy, legs: tuple[Leg, ...], instrument_of: InstrumentOf) -> Result:
    """Return what those legs of a copy opened, closed, won and lost."""
    begun = [leg for leg in legs if _opened(leg)]
    opened, closed = sum(map(_opened, begun), ZERO), sum(map(_closed, begun), ZERO)
    paid = _sum(leg.open_price and WIDE.multiply(leg.open_price, _opened(leg)) for leg in begun)
    exits = [leg for leg in begun if _closed(leg)]
    got = _sum(None if leg.exited is None else leg.exited.proceeds for leg in exits)
    gained = _sum(_gained(leg) for leg in exits)
    symbols = {leg.symbol for leg in begun}
    instrument = instrument_of(copy.target, symbols.pop()) if len(symbols) == 1 else None
    amount = None
    if gained is not None and instrument is not None and instrument.contract_size is not None:
        amount = WIDE.multiply(gained, instrument.contract_size)
    currency = None if instrument is None else instrument.profit_currency
    return Result(
        opened,
        closed,
        mean(paid, opened),
        mean(got, closed),
        gained if closed else None,
        amount if closed and currency is not None else None,
        currency if closed and amount is not None else None,
    )


def _opened(leg: Leg) -> Volume:
    """Return the lots that a leg came to hold."""
    return leg.held + _closed(leg)


def _closed(leg: Leg) -> Volume:
    if leg.exited is not None:
        return leg.exited.lots
    # A version that counted no exits: what was opened and is not there any more.
    return leg.volume if leg.stage in (LegStage.CLOSED, LegStage.GONE) and leg.open_price is not None else ZERO


def _gained(leg: Leg) -> Decimal | None:
    if leg.exited is None or leg.exited.proceeds is None or leg.open_price is None:
        return None
    paid = WIDE.multiply(leg.open_price, leg.exited.lots)
    return WIDE.subtract(leg.exited.proceeds, paid) * leg.side.sign


def _sum(parts: Iterator[Decimal | None]) -> Decimal | None:
    """Return the exact sum; None where a part is not known."""
    total = Decimal(0)
    for part in parts:
        if part is None:
            return None
        total = WIDE.add(total, part)
    return total


def mean(total: Decimal | None, lots: Volume) -> Price | None:
    """Return the price of some lots by the sum of price times lots, to twelve digits; None: not known, or no lots."""
    return None if total is None or not lots else _MEAN.divide(total, lots)


@define
class Copied:
    """One life of a copy as far as the rows have told it."""

    copy: Copy
    begun_at: datetime | None = None
    """When its first opening was answered; None: it holds nothing yet, or the rows that were read begin later."""
    last_at: datetime | None = None
    """When it changed last."""
    told: frozenset[int] = frozenset()
    """Legs that were told of as over: what is executed late after that is another trade."""
    is_over: bool = False

    @property
    def legs(self) -> tuple[Leg, ...]:
        return tuple(leg for leg in self.copy.legs if leg.number not in self.told)

    @property
    def has_traded(self) -> bool:
        return any(_opened(leg) for leg in self.legs)

    @property
    def target_symbol(self) -> Symbol:
        return next((leg.symbol for leg in self.legs), self.copy.target_symbol or self.copy.source_symbol)

    @property
    def target_side(self) -> Side:
        return next((leg.side for leg in self.legs), self.copy.side)


@frozen
class Opened:
    """Lots that a leg of a copy came to hold: an execution that opened or added."""

    at: datetime
    copy: Copy
    leg: Leg
    is_first: bool
    """It began the copy: its source's price is that of the same moment."""
    source_price: Price | None


@define
class CopyHistory:
    """All copies that can still matter, and what is known of instruments and of the source positions' prices."""

    alive: dict[CopyKey, Copied] = field(factory=dict)
    _instruments: dict[tuple[AccountId, Symbol], Instrument | None] = field(factory=dict)
    _source_prices: dict[tuple[AccountId, PositionId], Price] = field(factory=dict)
    _handed_over: dict[ClOrdId, datetime | None] = field(factory=dict)
    """Orders that mirrored pending ones and were filled, with when, until the copies of their positions are told."""

    def instrument_of(self, account: AccountId, symbol: Symbol) -> Instrument | None:
        """Return what an account said of a symbol; None where no row told it."""
        return self._instruments.get((account, symbol))

    def take(self, record: Record, at: datetime) -> Iterator[Opened | Copied]:
        """Take a row, in their order; yield what it opened, and the copies that are over by it."""
        match record:
            case ObservedRecord(InstrumentReported(account, _, symbol, instrument)):
                self._instruments[account, symbol] = instrument
            case ObservedRecord(PositionReported(account, _, position)):
                self._source_prices[account, position.position_id] = position.open_price
            case ObservedRecord(PositionClosed(account, _, position_id)):
                self._source_prices.pop((account, position_id), None)
            case CheckpointRecord():
                for copy in record.copies:
                    self.alive.setdefault(copy.key, _found(copy))
            case ForgetRecord():
                self.alive.pop((record.link_id, record.source_position_id), None)
            case DecisionRecord() | ReportRecord():
                yield from self._changed(record.copy, at)
            case _:
                pass

    def _changed(self, copy: Copy, at: datetime) -> Iterator[Opened | Copied]:
        known = self.alive.get(copy.key)
        if copy.ending is Ending.HANDED_OVER:
            if known is not None:
                filled = [leg.cl_ord_id for leg in known.copy.legs if _opened(leg)]
                self._handed_over |= dict.fromkeys(filled, known.begun_at)
            self.alive.pop(copy.key, None)
            return
        if known is None or (known.copy.life, known.copy.opened_at) != (copy.life, copy.opened_at):
            if known is not None and not known.is_over and known.has_traded:
                # What the target closed and the policy opens again at once: the rows go from one life to the next.
                yield Copied(_gone(known.copy), known.begun_at, at, known.told, is_over=True)
            taken = [leg for leg in copy.legs if leg.cl_ord_id in self._handed_over]
            begun = [self._handed_over.pop(leg.cl_ord_id) for leg in taken]
            known = self.alive[copy.key] = Copied(copy, min(filter(None, begun), default=None), at)
            before = {leg.number: leg for leg in taken}
        else:
            before = known.copy.legs_by_number
            known.copy, known.last_at = copy, at
        for leg in known.legs:
            if _opened(leg) and (leg.number not in before or not _opened(before[leg.number])):
                yield self._opened(known, leg, at)
        over = copy.status is CopyStatus.ENDED and not copy.holds
        if over and (not known.is_over or known.has_traded):
            yield Copied(copy, known.begun_at, at, known.told, is_over=True)
            known.told, known.begun_at = frozenset(copy.legs_by_number), None
        known.is_over = over
        if copy.ends_with_source:
            del self.alive[copy.key]

    def _opened(self, known: Copied, leg: Leg, at: datetime) -> Opened:
        is_first, known.begun_at = known.begun_at is None, known.begun_at or at
        price = self._source_prices.get((known.copy.source, known.copy.source_position_id))
        return Opened(at, known.copy, leg, is_first, price)


def _gone(copy: Copy) -> Copy:
    """Return a copy whose target has closed all of it at prices that no row tells."""
    closed = [evolve(with_exit(leg, leg.held, None), held=ZERO, stage=LegStage.GONE) for leg in copy.legs if leg.held]
    for leg in closed:
        copy = replace_leg(copy, leg)
    return evolve(copy, status=CopyStatus.ENDED, ending=Ending.TARGET_CLOSED)


def _found(copy: Copy) -> Copied:
    """Return a copy that was alive before the rows began: what was over by then was told of before."""
    if copy.status is CopyStatus.ENDED and not copy.holds:
        return Copied(copy, told=frozenset(copy.legs_by_number), is_over=True)
    # An order at market is filled within a second; when one that waited was, the rows do not tell any more.
    asked = [leg.asked_at for leg in copy.legs if _opened(leg) and leg.waits is None and leg.asked_at is not None]
    return Copied(copy, begun_at=min(asked, default=None))
