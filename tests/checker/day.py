"""A simulated day: a random config, random accounts, the real engine, a ledger in memory."""

import heapq
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import trio
from attrs import evolve, frozen

from adapters.registry import CONFIGS
from copier.config.load import load_config
from copier.engine.inputs import CalendarRead, Input, Intent, Outside, Polled, Remembered, Reported
from copier.ledger.ledger import Ledger
from copier.ledger.recovery import recover, unanswered
from rules.model.actions import Action, OpenPosition, PlaceOrder
from rules.model.events import (
    AccountReported,
    Event,
    InstrumentReported,
    OrderEnded,
    Origin,
    PositionClosed,
    PositionReported,
    QuoteReported,
    SnapshotReceived,
)
from rules.model.instruments import Instrument
from rules.model.levers import Approve
from rules.model.look_ups import LookUp
from rules.model.observed import AccountStatus, WorkingOrder
from rules.model.reports import NotSent
from rules.model.values import AccountId, OmsType, OrderStatus, PositionId, Symbol
from rules.times.news import Calendar
from tests.checker.configs import BASES, config_text
from tests.checker.histories import History
from tests.checker.market import RATES, Market, draw_news
from tests.checker.operator import draw_levers, pulled
from tests.checker.orders import Orders
from tests.checker.positions import Shown
from tests.checker.running import start
from tests.checker.showing import shown
from tests.checker.trader import Trader
from tests.checker.trees import Row, rows_of
from tests.checker.venue import Venue

BEGINNINGS = (
    "2026-03-28T21",
    "2026-10-24T22",
    "2026-03-08T03",
    "2026-11-01T02",
    "2026-06-10T06",
    "2026-01-14T11",
    "2026-07-14T18",
)
"""Among them nights in which Europe or America set their clocks, and an evening on which most days of firms begin."""

LENGTH = timedelta(hours=9)
"""As many hours as a person trades; what happens in them is a day's work."""

SHORT = timedelta(minutes=45)
"""A day on which stops follow the price: they are looked at every five seconds."""

ACTS = 45
ROUNDS_MAX = 20_000  # far more than a day has: beyond, something asks for itself for ever


@frozen
class Story:
    """What a day leaves: its config, the ledger's rows, and with which of them a run began."""

    config: str
    rows: list[Row]
    starts: list[int]
    shown: list[Shown]
    """What the targets' books showed: no ledger keeps that."""


def live(seed: int) -> Story:
    """Run one day."""
    return trio.run(_Day(seed).run)


class _Day:
    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._text = config_text(self._random)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "copier.toml"
            (file.parent / "news.csv").write_text("")
            file.write_text(self._text)
            self._config = load_config(file, env={}, venues=CONFIGS)
        self._length = SHORT if any(key in self._text for key in ("trailing = {", "break_even = {")) else LENGTH
        self._ledger = Ledger.in_memory()
        self._now = datetime.fromisoformat(self._random.choice(BEGINNINGS) + ":00:00+00:00").astimezone(UTC)
        self._market = Market(self._random, still="max_leverage" in self._text)
        sources = dict.fromkeys(link.source for link in self._config.links)
        targets = dict.fromkeys(link.target for link in self._config.links)
        self._traders = {
            name: Trader(name, nets=self._nets(name), random=self._random, market=self._market) for name in sources
        }
        self._orders = {name: Orders(trader, self._random) for name, trader in self._traders.items()}
        asks = any(key in self._text for key in ("pending = ", "order_types = "))
        self._ordering = 0.6 if '"mirror"' in self._text else 0.25 if asks else 0
        self._venues = {name: Venue(name, nets=self._nets(name), random=self._random) for name in targets}
        self._instruments: dict[tuple[AccountId, Symbol], Instrument | None] = {}
        self._agenda: list[tuple[datetime, int, int | None, Callable[[], Iterable[Input]]]] = []
        self._news = draw_news(self._random, self._now, self._length)
        self._histories = {name: History(self._random, self._now, self._length) for name in self._venues}
        self._entries = 0
        self._run = 0
        self._full_until: dict[AccountId, datetime] = {}
        self._rounds = 0
        self._asked: set[object] = set()
        self._starts: list[int] = []
        self._shown: list[Shown] = []
        self._figures: dict[AccountId, AccountStatus] = {}

    def _nets(self, name: AccountId) -> bool:
        return getattr(self._config.accounts[name].settings, "oms", None) is OmsType.NETTING

    async def run(self) -> Story:
        end = self._now + self._length
        for _ in range(self._random.choice((0, 0, 1, 2))):
            self._plan(self._random.random() * self._length, self._restart)
        for name in self._traders:
            for _ in range(ACTS):
                self._plan(self._random.random() * self._length, lambda name=name: self._act(name))
        for name in self._config.accounts:
            for turn in range(1, 20):
                self._plan(
                    turn * self._length / 20 + timedelta(seconds=self._random.randrange(60)), self._polling(name)
                )
        for _ in range(3):
            self._plan(self._random.random() * self._length, self._take_away)
        for act, most in ((self._operate, 3), (self._clog, 4), (self._end_any_resting, 5)):
            for _ in range(self._random.randrange(most + 1)):
                self._plan(self._random.random() * self._length, act)
        self._start()
        await self._go_on(end)
        for name in self._config.accounts:
            self._plan(timedelta(seconds=1), self._polling(name, sure=True))
        await self._go_on(self._now + timedelta(minutes=3))
        await self._journal.commit(self._now, all_=True)
        rows = rows_of(self._ledger.entries())
        self._ledger.close()
        return Story(self._text, rows, self._starts, self._shown)

    # The clock

    def _plan(self, after: timedelta, act: Callable[[], Iterable[Input]], *, run: int | None = None) -> None:
        """Let something happen; what belongs to a run is forgotten when that ends."""
        self._entries += 1
        heapq.heappush(self._agenda, (self._now + after, self._entries, run, act))

    async def _go_on(self, end: datetime) -> None:
        """Let what is planned happen in its order, and the engine's own timers ring between."""
        while True:
            planned = self._agenda[0][0] if self._agenda else end
            due = self._engine.due_at()
            if due is not None and due <= min(planned, end):
                self._now = max(self._now, due)
                await self._round(())
                continue
            if not self._agenda or planned > end:
                break
            at, _, run, act = heapq.heappop(self._agenda)
            if run is not None and run != self._run:
                continue
            self._now = max(self._now, at)
            inputs = tuple(act())
            if inputs:
                await self._round(inputs)
        self._now = max(self._now, end)

    async def _round(self, inputs: Iterable[Input]) -> None:
        self._rounds += 1
        assert self._rounds < ROUNDS_MAX, "the day does not end"
        await self._engine.round(inputs)

    # The service

    def _start(self) -> None:
        self._run += 1
        self._asked.clear()
        self._starts.append(self._ledger.last_seq + 1)
        recovered = recover(self._ledger)
        under_way = unanswered(self._ledger, recovered)
        nets = {name: self._nets(name) for name in self._config.accounts}
        outside = Outside(
            send=self._send, full=self._is_full, look_up=self._look_up, poll=self._ask_books, find=self._find
        )
        started = start(self._config, self._ledger, recovered, nets, outside, lambda: self._now, self._recalls())
        self._views, self._journal, self._engine = started
        for name in self._traders:
            self._plan(timedelta(milliseconds=5), self._polling(name, sure=True), run=self._run)
        for name in self._venues:
            late = self._random.choice((10, 10, 3000))
            self._plan(timedelta(milliseconds=late), self._polling(name, sure=True), run=self._run)
            self._plan(timedelta(milliseconds=20), lambda name=name: self._known_instruments(name), run=self._run)
        if self._random.random() < 0.85:
            self._plan(timedelta(milliseconds=self._random.choice((1, 8000))), self._calendar, run=self._run)
        for each in under_way:
            name, action = each.action.account, each.action
            self._plan(timedelta(seconds=4), lambda name=name, action=action: self._found(name, action), run=self._run)

    def _recalls(self) -> dict[AccountId, Callable[[datetime], None]]:
        """Return what asks for histories, of the accounts whose results count and whose figures nobody limits."""
        names = {rule.account for rule in self._config.results} - {limit.account for limit in self._config.limits}
        return {name: lambda since, name=name: self._recall(name, since) for name in sorted(names)}

    def _recall(self, name: AccountId, since: datetime) -> None:
        late = timedelta(seconds=self._random.choice((1, 1, 40)))
        self._plan(late, lambda: [Remembered(name, self._histories[name].since(since, self._now))], run=self._run)

    def _restart(self) -> Iterable[Input]:
        """Crash, with some orders on their way, and come back a while later."""
        self._start()
        self._market.move_rates()
        return ()

    def _found(self, name: AccountId, action: Action) -> Iterable[Input]:
        yield Reported(name, self._venues[name].find(action))

    # What the engine asks for

    def _is_full(self, name: AccountId) -> bool:
        """Tell whether too many orders wait for a target: now and then for a while."""
        return self._now < self._full_until.get(name, self._now)

    def _find(self, action: Action, _: datetime) -> None:
        """Look for what became of a pending order."""
        late = timedelta(milliseconds=self._random.choice((300, 2500)))
        self._plan(late, lambda: self._found(action.account, action), run=self._run)

    def _send(self, name: AccountId, intent: Intent) -> None:
        late = timedelta(milliseconds=self._random.randrange(1, 300))
        self._plan(late, lambda: self._carry_out(name, intent.action), run=self._run)

    def _carry_out(self, name: AccountId, action: Action) -> Iterable[Input]:
        if isinstance(action, OpenPosition | PlaceOrder) and not self._engine.wanted(action):
            yield Reported(name, NotSent(action.cl_ord_id, "no longer wanted"))
            return
        for late, report in self._venues[name].answers(action, self._market.mid(action.symbol), self._now):
            self._plan(late, lambda report=report: [Reported(name, report)], run=self._run)

    def _look_up(self, look_up: LookUp) -> None:
        if look_up not in self._asked and self._random.random() > 0.02:
            self._asked.add(look_up)
            late = timedelta(milliseconds=self._random.choice((60, 200, 1500)))
            self._plan(late, lambda: self._looked_up(look_up), run=self._run)

    def _looked_up(self, look_up: LookUp) -> Iterable[Input]:
        self._asked.discard(look_up)
        account, symbol = look_up.account, look_up.symbol
        instrument = self._instrument(account, symbol)
        if look_up.quote and instrument is not None and (account in self._venues or symbol in RATES):
            yield QuoteReported(account, self._now, self._market.quote(symbol, self._now))
        yield InstrumentReported(account, self._now, symbol, instrument)

    def _ask_books(self, name: AccountId) -> None:
        if name not in self._asked:
            self._asked.add(name)
            self._plan(timedelta(seconds=1), self._polling(name, sure=True), run=self._run)

    # What happens

    def _polling(self, name: AccountId, *, sure: bool = False) -> Callable[[], Iterable[Input]]:
        return lambda: self._poll(name, sure=sure)

    def _poll(self, name: AccountId, *, sure: bool) -> Iterable[Input]:
        self._asked.discard(name)
        if not sure and self._random.random() < 0.04:
            self._plan(timedelta(seconds=7), self._polling(name, sure=True), run=self._run)
            yield Polled(name, "no connection")
            return
        trader, venue = self._traders.get(name), self._venues.get(name)
        held = tuple(trader.positions.values()) if trader is not None else ()
        if venue is not None:
            held = venue.books(self._now, self._market.last)
        currency = getattr(self._config.accounts[name].settings, "currency", "USD")
        if self._random.random() < 0.5 or self._views[name].status is None:
            self._figures[name] = self._market.figures(currency)
            yield AccountReported(name, self._now, self._figures[name])
        if venue is not None:
            self._shown.append(shown(self._starts[-1], self._now, name, self._figures[name], held))
        waiting = self._orders[name].working if venue is None else venue.resting.working
        orders = tuple(waiting.values())
        yield SnapshotReceived(name, self._now, held, Origin.RECONCILED, self._now, orders=orders)

    def _clog(self) -> Iterable[Input]:
        """Let a target's queue of orders be full for half a minute."""
        self._full_until[self._random.choice(list(self._venues))] = self._now + timedelta(seconds=30)
        return ()

    def _take_away(self) -> Iterable[Input]:
        venue = self._random.choice(list(self._venues.values()))
        if not venue.nets:
            venue.takes_away(self._now)
        self._plan(self._random.random() * self._length / 10, self._move_stops)
        return ()

    def _move_stops(self) -> Iterable[Input]:
        self._random.choice(list(self._venues.values())).moves_stops()
        return ()

    def _calendar(self) -> Iterable[Input]:
        """Read the news, which are the same all day."""
        yield CalendarRead("events", Calendar(self._now, self._news[-1].until if self._news else None, self._news))

    def _known_instruments(self, name: AccountId) -> Iterable[Input]:
        for symbol in ("GOLD", "GER40", "NAS100", "AUDCAD", *RATES):
            if self._random.random() < 0.7:
                yield InstrumentReported(name, self._now, Symbol(symbol), self._instrument(name, Symbol(symbol)))

    def _act(self, name: AccountId) -> Iterable[Input]:
        """Let the source's owner do something, and its stream tell of it, mostly."""
        trader = self._traders[name]
        if self._random.random() < self._ordering:
            before = dict(self._orders[name].working)
            for late, event in self._orders[name].acts(self._now, self._market.mid):
                self._plan(late, lambda event=event: self._tells(event))
            for order_id in before.keys() - self._orders[name].working.keys():
                self._plan(timedelta(0), lambda order=before[order_id]: self._fill_like(order))
            return
        if trader.positions and self._random.random() < 0.55:
            position_id = self._random.choice(list(trader.positions))
            trader.changes(position_id, self._now)
        else:
            position_id = trader.opens(self._now)
        if self._random.random() < 0.08:
            return
        position = trader.positions.get(position_id)
        if position is not None:
            yield from self._quotes(position.symbol)
            yield PositionReported(name, self._now, position)
            if self._random.random() < 0.5:
                self._plan(timedelta(seconds=1.5), lambda: [pulled(Approve(position_id))])
        else:
            price = None if self._random.random() < 0.5 else self._market.mid(self._random.choice(BASES))
            yield PositionClosed(name, self._now, PositionId(position_id), price)

    def _tells(self, event: Event) -> Iterable[Input]:
        """Let a source's stream tell of an order, or of the position that it became."""
        at = evolve(event, received_at=self._now)
        if not isinstance(at, PositionReported):
            yield at
        elif at.position.position_id in self._traders[at.account].positions:
            yield from self._quotes(at.position.symbol)
            yield evolve(at, position=self._traders[at.account].positions[at.position.position_id])

    def _fill_like(self, order: WorkingOrder) -> Iterable[Input]:
        """Let the targets' orders that wait at the price of one that has gone be filled as well, mostly."""
        for venue in self._venues.values():
            for ours in venue.resting.working.values():
                if abs(ours.price - order.price) < order.price / 1000 and self._random.random() < 0.7:
                    late = timedelta(milliseconds=self._random.choice((0, 200, 3000, 9000)))
                    self._plan(late, lambda venue=venue, ours=ours: self._end_resting(venue, ours, filled=True))
        return ()

    def _end_any_resting(self) -> Iterable[Input]:
        """Let a pending order of a target be filled alone, or be canceled there."""
        found = [(venue, order) for venue in self._venues.values() for order in venue.resting.working.values()]
        if found:
            venue, order = self._random.choice(found)
            yield from self._end_resting(venue, order, filled=self._random.random() < 0.6)

    def _end_resting(self, venue: Venue, order: WorkingOrder, *, filled: bool) -> Iterable[Input]:
        order = venue.resting.working.get(order.order_id, order)
        if order.order_id not in venue.resting.working:
            return
        position_id = venue.fills(order, self._now) if filled else None
        if not filled:
            venue.resting.end(order)
        if self._random.random() < 0.7:  # else its books tell
            status = OrderStatus.FILLED if filled else OrderStatus.CANCELED
            yield OrderEnded(venue.name, self._now, order.order_id, status, position_id)

    def _operate(self) -> Iterable[Input]:
        """Let an operator hold a link or an account back, and lift that later."""
        now, later = draw_levers(self._random, self._random.choice(self._config.links))
        self._plan(self._random.random() * self._length / 4, lambda: [pulled(later)])
        yield pulled(now)

    def _quotes(self, symbol: Symbol) -> Iterable[Input]:
        base = Symbol(symbol.removesuffix(".m").replace("XAUUSD", "GOLD"))
        for name in self._venues:
            if self._random.random() < 0.8:
                at = self._now - timedelta(milliseconds=self._random.choice((0, 0, 200, 2000, 2500, 60_000)))
                yield QuoteReported(name, self._now, self._market.quote(base, at))

    def _instrument(self, name: AccountId, symbol: Symbol) -> Instrument | None:
        key = (name, symbol)
        if key not in self._instruments:
            self._instruments[key] = self._market.instrument(symbol, source=name in self._traders)
        return self._instruments[key]
