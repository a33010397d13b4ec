"""What became of each source position on each link, out of records: of a ledger, or of a rehearsal."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from attrs import define, field

from copier.ledger.records import DecisionRecord, IntentRecord, Record, ReportRecord
from copier.replay.recorded import exit_price
from rules.model.actions import Action, ClosePosition, OpenPosition, PlaceOrder, ReducePosition
from rules.model.copies import ZERO, Copy, CopyStatus, Ending
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.reports import Filled
from rules.model.trace import Denied, Trace
from rules.model.values import AccountId, ClOrdId, LinkId, PositionId, Price, Side, Symbol, Volume

TradeKey: TypeAlias = tuple[LinkId, PositionId, datetime]
"""Link, source position, and when that was opened: a venue may use an id again."""

InstrumentOf: TypeAlias = Callable[[AccountId, Symbol], Instrument | None]


@frozen
class Deal:
    """One execution at the target; `price` is None where nobody told it."""

    at: datetime
    opens: bool
    volume: Volume
    price: Price | None


@define
class Trade:
    """The story of one source position on one link, in short."""

    copy: Copy
    """As it was last."""
    trace: Trace = ()
    """Of the decision that opened or denied it."""
    order: OpenPosition | PlaceOrder | None = None
    """The first opening; of pending orders those that were filled."""
    opened: Volume = ZERO
    """Lots of all openings that were asked for."""
    deals: list[Deal] = field(factory=list)

    @property
    def key(self) -> TradeKey:
        return (*self.copy.key, self.copy.opened_at)

    @property
    def side(self) -> Side:
        """The target's."""
        return self.copy.side if self.order is None else self.order.side

    def result(self, instrument_of: InstrumentOf) -> tuple[Decimal, str] | None:
        """Return what it won or lost by its prices, before costs, and in which currency.

        None: it is not over, or a price, the contract size or the currency is not known.
        """
        if self.order is None:
            return None
        opened = sum((deal.volume for deal in self.deals if deal.opens), ZERO)
        closed = sum((deal.volume for deal in self.deals if not deal.opens), ZERO)
        instrument = instrument_of(self.copy.target, self.order.symbol)
        if not opened or opened != closed or instrument is None:
            return None
        if instrument.contract_size is None or instrument.profit_currency is None:
            return None
        gained = Decimal(0)
        for deal in self.deals:
            if deal.price is None:
                return None
            gained += deal.price * deal.volume * (-1 if deal.opens else 1)
        return gained * self.side.sign * instrument.contract_size, instrument.profit_currency


class TradeBook:
    """Trades, told record by record."""

    def __init__(self) -> None:
        self.trades: dict[TradeKey, Trade] = {}
        self._orders: dict[ClOrdId, Action] = {}
        self._handed_over: dict[ClOrdId, Trade] = {}
        """What mirrored pending orders began, by its orders, until the copies of their positions are told."""

    def take(self, record: Record, at: datetime) -> None:
        """Take one record, in their order."""
        match record:
            case DecisionRecord():
                self._decided(record, at)
            case IntentRecord():
                self._orders[record.action.cl_ord_id] = record.action
                self._ordered(record.action)
            case ReportRecord():
                self._reported(record, at)
            case _:
                pass

    def _decided(self, record: DecisionRecord, at: datetime) -> None:
        if record.copy.ending is Ending.HANDED_OVER:
            handed_over = self.trades.pop((*record.copy.key, record.copy.opened_at), None)
            if handed_over is not None:
                self._handed_over |= {leg.cl_ord_id: handed_over for leg in handed_over.copy.legs}
            return
        trade = self._of(record.copy)
        if trade.order is None and (record.orders or any(isinstance(item, Denied) for item in record.trace)):
            trade.trace = record.trace
        self._closed_by_target(trade, record.copy, at)
        trade.copy = record.copy

    def _closed_by_target(self, trade: Trade, copy: Copy, at: datetime) -> None:
        """Note what is not held any more although no order of ours closed it."""
        before = trade.copy.legs_by_number
        for leg in copy.legs:
            earlier = before.get(leg.number)
            if earlier is not None and leg.held < earlier.held:
                trade.deals.append(Deal(at, False, earlier.held - leg.held, exit_price(leg, earlier)))

    def _ordered(self, action: Action) -> None:
        if not isinstance(action, OpenPosition):
            return
        for trade in reversed(self.trades.values()):  # the decision that led to it was told just before
            if any(leg.cl_ord_id == action.cl_ord_id for leg in trade.copy.legs):
                trade.order = trade.order or action
                trade.opened += action.volume
                return

    def _reported(self, record: ReportRecord, at: datetime) -> None:
        trade = self._of(record.copy)
        trade.copy = record.copy
        report = record.report
        action = self._orders.get(report.cl_ord_id)
        if not isinstance(report, Filled):
            return
        match action:
            case OpenPosition() | ReducePosition() | ClosePosition():
                price = report.price if report.price is not None else action.expected_price
                trade.deals.append(Deal(at, isinstance(action, OpenPosition), report.volume, price))
            case PlaceOrder():  # it may have been moved since: its own price tells nothing
                trade.order = trade.order or action
                trade.opened += report.volume
                trade.deals.append(Deal(at, True, report.volume, report.price))

    def _of(self, copy: Copy) -> Trade:
        """Return the copy's trade; it is the newest from now on."""
        key = (*copy.key, copy.opened_at)
        trade = self.trades.pop(key, None) or Trade(copy)
        for leg in copy.legs if self._handed_over else ():
            begun = self._handed_over.pop(leg.cl_ord_id, None)
            if begun is not None and trade.order is not begun.order:
                trade = Trade(copy, begun.trace, begun.order, begun.opened, begun.deals)
        self.trades[key] = trade
        return trade


def outcome_words(trade: Trade) -> str:
    """Return what became of a trade, in a few words."""
    if trade.order is None:
        reason = trade.copy.reason
        if reason is None:
            return "not copied"
        return f"{'waits' if trade.copy.status is CopyStatus.WAITING else 'denied'}, {reason.value}"
    if trade.copy.ending is Ending.REJECTED:
        return "rejected by the venue"
    return "copied"
