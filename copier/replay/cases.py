"""Runs the cases of a config: the service's own decisions on given accounts, prices and times, without any network."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from attrs import asdict, evolve

from adapters.base import Capabilities
from copier.config.case_keys import AccountGiven, FiguresGiven, InstrumentGiven, PositionGiven, ThenGiven
from copier.config.cases import Case
from copier.config.model import Configuration
from copier.engine.inputs import CalendarRead, Input, Reported
from copier.ledger.records import DecisionRecord
from copier.replay.rehearsal import Rehearsal
from copier.service.dry_run import as_wished
from rules.deciding.mirror import key_of
from rules.gates.equity_curve import with_sample
from rules.model.actions import Action
from rules.model.beginnings import EntryType
from rules.model.copies import Copy
from rules.model.events import (
    AccountReported,
    InstrumentReported,
    OrderEnded,
    OrderReported,
    Origin,
    PositionClosed,
    PositionReported,
    QuoteReported,
    SnapshotReceived,
)
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.look_ups import LookUp
from rules.model.memory import LinkMemory
from rules.model.observed import AccountStatus, Position, Quote, WorkingOrder
from rules.model.trace import Trace
from rules.model.values import AccountId, ClOrdId, OmsType, OrderStatus, OrderType, PositionId, Symbol, VenueOrderId
from rules.policy.curve import CurveOf
from rules.policy.links import CopyLink
from rules.policy.symbols import Mapped, map_symbol
from rules.times.news import Calendar, NewsEvent

CASE = PositionId("case")
"""The id of the position that a case is about."""

_WAS = timedelta(minutes=1)
_ONE_PERCENT = Decimal("0.01")


@frozen
class Outcome:
    """What came of a case: the orders of its last step, the copy, and the trace of the decision on it."""

    orders: tuple[Action, ...]
    copy: Copy | None
    trace: Trace


async def play(case: Case, config: Configuration, capabilities: Mapping[AccountId, Capabilities]) -> Outcome:
    """Return what the config does in a case.

    Args:
        capabilities: what the venue of each account can.
    """
    link = next(link for link in config.links if link.link_id == case.link_id)
    stage = _Stage(case, link, Rehearsal(config, _given(capabilities, case, link), _Venues(case, link), case.given.at))
    try:
        return await stage.play()
    finally:
        stage.rehearsal.close()


@frozen
class _Venues:
    """What the accounts of a case answer to look-ups."""

    case: Case
    link: CopyLink

    def __call__(self, look_up: LookUp, now: datetime) -> list[Input]:
        account = self.account(look_up.account)
        quote = _quote(account, look_up.symbol, now)
        told: list[Input] = [] if quote is None else [QuoteReported(look_up.account, now, quote)]
        return [*told, InstrumentReported(look_up.account, now, look_up.symbol, _instrument(account, look_up.symbol))]

    def account(self, name: AccountId) -> AccountGiven:
        given = self.case.given
        return given.source if name == self.link.source else given.target


@frozen
class _Stage:
    """One case under way."""

    case: Case
    link: CopyLink
    rehearsal: Rehearsal

    async def play(self) -> Outcome:
        given, rehearsal = self.case.given, self.rehearsal
        rehearsal.now = given.at - _WAS
        self._curves()
        await self._calendars()
        await self._figures(given.source.was or given.source, given.target.was or given.target)
        await self._books(given.at - _WAS)
        rehearsal.now = given.at
        await self._figures(given.source, given.target)
        position = self._position(given.open, given.source, CASE, Symbol(given.open.symbol))
        for each in self._order(given.open, position):
            await rehearsal.takes(each)
        if given.found:
            held = tuple(self.rehearsal.views[self.link.source].positions.values())
            await self._snapshot(self.link.source, (*held, position))
        else:
            await rehearsal.takes(PositionReported(self.link.source, given.at, position))
        if given.then is None:
            return self._outcome(rehearsal.take_orders(), 0)
        await self._execute()
        before = len(rehearsal.records)
        await rehearsal.until(given.at + given.then.after)
        await rehearsal.takes(self._change(position, given.then))
        return self._outcome(rehearsal.take_orders(), before)

    def _curves(self) -> None:
        """Let the link remember the samples of the equity curves that it asks about."""
        given, desk = self.case.given, self.rehearsal.engine.desk
        memory = LinkMemory(self.link.link_id)
        for curve in self.link.policy.equity_curves:
            before = (given.source if curve.of is CurveOf.SOURCE else given.target).equity_before
            if before is None:
                continue
            for number in range(curve.samples, 0, -1):
                at = self.rehearsal.now - number * curve.every
                memory = with_sample(memory, [curve], curve.of, before, at)
        desk.memories[self.link.link_id] = memory

    async def _calendars(self) -> None:
        given = self.case.given
        if given.news is None:
            return
        events = tuple(
            NewsEvent(each.at, each.at, each.title, each.currency, each.impact)
            for each in given.news
            if each.at is not None
        )
        ends = max((event.until for event in events), default=given.at)
        for policy in self.link.policy.news_policies:
            read = Calendar(self.rehearsal.now, max(ends, given.at), events)
            await self.rehearsal.takes(CalendarRead(policy.name, read))

    async def _figures(self, source: FiguresGiven, target: FiguresGiven) -> None:
        for name, figures in ((self.link.source, source), (self.link.target, target)):
            status = AccountStatus(
                figures.balance, figures.equity, figures.currency, figures.margin_used, figures.margin_free
            )
            await self.rehearsal.takes(AccountReported(name, self.rehearsal.now, status))

    async def _books(self, at: datetime) -> None:
        """Let both accounts show what they held already; the source's are executed at the target as wished."""
        given = self.case.given
        foreign = [self._position(each, given.target, PositionId(f"other-{number}"), Symbol(each.symbol))
                   for number, each in enumerate(given.target.positions)]  # fmt: skip
        if given.target.ready:
            await self._snapshot(self.link.target, tuple(foreign))
        if not given.found:
            await self._snapshot(self.link.source, ())
        for number, each in enumerate(given.source.positions):
            position = self._position(each, given.source, PositionId(f"before-{number}"), Symbol(each.symbol))
            await self.rehearsal.takes(PositionReported(self.link.source, at, position))
            await self._execute()

    async def _snapshot(self, account: AccountId, positions: tuple[Position, ...]) -> None:
        now = self.rehearsal.now
        await self.rehearsal.takes(SnapshotReceived(account, now, positions, Origin.RECONCILED, now))

    async def _execute(self) -> None:
        while orders := self.rehearsal.take_orders():
            await self.rehearsal.takes(*(Reported(order.account, as_wished(order)) for order in orders))

    def _position(self, given: PositionGiven, account: AccountGiven, id_: PositionId, symbol: Symbol) -> Position:
        now = self.rehearsal.now
        quote = _quote(account, symbol, now)
        known = quote or (None if account is self.case.given.target else self._target_quote(symbol))
        price = given.price or (_assumed_price(given) if known is None else known.entry(given.side))
        return Position(
            id_,
            symbol,
            given.side,
            given.volume,
            price,
            now - given.age,
            given.stop_loss,
            given.take_profit,
            given.contract_size,
            None if quote is None else quote.entry(given.side.opposite),
            given.magic,
            given.comment,
        )

    def _order(self, given: PositionGiven, position: Position) -> Iterator[Input]:
        """Yield the life of the pending order that opened a position, if one did."""
        if given.opened_by is EntryType.MARKET:
            return
        source, now = self.link.source, self.rehearsal.now
        kind, order_id = OrderType(given.opened_by.value), VenueOrderId(position.position_id)
        order = WorkingOrder(
            order_id,
            position.symbol,
            position.side,
            kind,
            position.volume,
            position.open_price,
            position.open_price if kind is OrderType.STOP_LIMIT else None,
            position.stop_loss,
            position.take_profit,
            magic=position.magic,
            comment=position.comment,
        )
        yield OrderReported(source, now, order)
        yield OrderEnded(source, now, order_id, OrderStatus.FILLED, position.position_id)

    def _target_quote(self, symbol: Symbol) -> Quote | None:
        now = self.rehearsal.now
        mapped = map_symbol(self.link.policy.for_symbol(symbol).symbols, symbol, now)
        return _quote(self.case.given.target, mapped.symbol, now) if isinstance(mapped, Mapped) else None

    def _change(self, position: Position, then: ThenGiven) -> Input:
        source, now = self.link.source, self.rehearsal.now
        if then.close:
            return PositionClosed(source, now, CASE, then.price, now)
        changed = evolve(
            position,
            volume=then.volume or position.volume,
            stop_loss=_changed(position.stop_loss, then.stop_loss),
            take_profit=_changed(position.take_profit, then.take_profit),
            current_price=then.price or position.current_price,
        )
        return PositionReported(source, now, changed)

    def _outcome(self, orders: Iterable[Action], before: int) -> Outcome:
        key, mirrored = (self.link.link_id, CASE), (self.link.link_id, key_of(VenueOrderId(CASE)))
        copy = self.rehearsal.book.get(key)
        trace: Trace = ()
        ours: set[ClOrdId] = set()
        for record, _ in self.rehearsal.records[before:]:
            if isinstance(record, DecisionRecord) and record.copy.key == key:
                copy, trace = record.copy, record.trace or trace
                ours.update(record.orders)
            elif isinstance(record, DecisionRecord) and record.copy.key == mirrored:
                trace = record.trace or trace
                ours.update(record.orders)
        return Outcome(tuple(order for order in orders if order.cl_ord_id in ours), copy, trace)


def _given(capabilities: Mapping[AccountId, Capabilities], case: Case, link: CopyLink) -> dict[AccountId, Capabilities]:
    """Return what the venues can, but for what the case says otherwise."""
    given = dict(capabilities)
    for name, account in ((link.source, case.given.source), (link.target, case.given.target)):
        if account.oms is not None:
            given[name] = evolve(given[name], oms=account.oms, volumes_grow=account.oms is OmsType.NETTING)
    return given


def _quote(account: AccountGiven, symbol: Symbol, now: datetime) -> Quote | None:
    told = next((each for each in account.quotes if each.symbol == symbol), None)
    return None if told is None else Quote(symbol, told.bid, told.ask, now)


def _instrument(account: AccountGiven, symbol: Symbol) -> Instrument | None:
    told = next((each for each in account.instruments if each.symbol == symbol), None)
    if told is None and account.instruments:
        return None
    return Instrument(**{**asdict(told or InstrumentGiven(symbol)), "symbol": symbol})


def _assumed_price(given: PositionGiven) -> Decimal:
    """Return a price on the right side of the position's stop, where nothing tells one."""
    if given.stop_loss is None:
        return Decimal(1)
    return given.stop_loss * (1 + _ONE_PERCENT * given.side.sign)


def _changed(before: Decimal | None, then: Decimal | str | None) -> Decimal | None:
    if then is None:
        return before
    return then if isinstance(then, Decimal) else None
