"""A recorded day through another config."""

from collections.abc import Iterable
from datetime import time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import trio
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Capabilities
from copier.config.model import Configuration, ServiceConfig
from copier.engine.inputs import Pulled, Remembered
from copier.ledger.ledger import Entry, Ledger
from copier.ledger.records import DecisionRecord, HistoryRecord, LeverRecord
from copier.replay.differences import Comparison, compare
from copier.replay.recorded import was_ready
from copier.replay.replay import Replay
from rules.gates.filters import Filter
from rules.limits.days import ResetTime
from rules.limits.past import Past
from rules.limits.policy import Limit, LimitKind
from rules.limits.terms import Percent
from rules.model.actions import Action, OpenPosition
from rules.model.copies import Copy
from rules.model.events import InstrumentReported, OrderEnded, OrderReported, PositionClosed, QuoteReported
from rules.model.levers import Approve, Lever, SetAccount, SetLink, TradingState
from rules.model.observed import AccountStatus, CashFlow, Position, Quote, WorkingOrder
from rules.model.reasons import Reason
from rules.model.reports import Canceled, Filled, Placed, Rejected
from rules.model.values import LinkId, OmsType, OrderStatus, OrderType, PositionId, Price, Side, VenueOrderId, Volume
from rules.policy.exits import Exits
from rules.policy.guard import Guard, StartOpen, StartPolicy
from rules.policy.limits import PolicyLimits
from rules.policy.links import CopyLink, CopyPolicy, LinkState, SymbolPolicy
from rules.policy.pacing import Delay, SkipFirst, Span, Throttle
from rules.policy.pending import PendingOrders
from rules.policy.series import AfterLosses
from rules.policy.size import Size, VolumePolicy
from tests.copier.desk import LINK, SOURCE, TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import EURUSD, filled

MIDNIGHT = ResetTime(time(0), ZoneInfo("UTC"))
CAN = Capabilities(OmsType.HEDGING, streams=True, trades=True, volumes_grow=False)
DOLLARS = evolve(EURUSD, profit_currency="USD")
HALF = CopyPolicy("half", size=Size(multiplier=Decimal("0.5")))


def config(links: Iterable[CopyLink] = (LINK,), limits: Iterable[Limit] = ()) -> Configuration:
    service = ServiceConfig()
    return Configuration(service.ledger, service, {}, {}, tuple(links), tuple(limits), {})


async def through(ledger: Ledger, *links: CopyLink, limits: Iterable[Limit] = ()) -> Comparison:
    replay = Replay(ledger, config(links, limits), {SOURCE: CAN, TARGET: CAN})
    await replay.run()
    return compare(replay)


async def begun(*links: CopyLink, limits: Iterable[Limit] = ()) -> Desk:
    """A desk whose accounts have told of their instrument and their books."""
    desk = Desk(links=links or (LINK,), limits=limits)
    for account in (SOURCE, TARGET):
        await desk.takes(InstrumentReported(account, desk.now, EURUSD.symbol, DOLLARS))
    return await desk.ready()


def at_price(action: Action, price: str) -> Filled:
    report = filled(action)
    assert isinstance(report, Filled)
    return evolve(report, price=Price(price))


async def traded(desk: Desk, name: str = "p1", volume: str = "1", *, to: str = "1.2") -> None:
    """Let the source trade once, executed at 1.1 and at another price."""
    [opening] = await desk.sees(source_position(name, volume, opened_at=desk.now))
    await desk.reports(at_price(opening, "1.1"))
    desk.now += timedelta(minutes=5)
    [closing] = await desk.closes(name)
    await desk.reports(at_price(closing, to))


async def test_the_same_config_would_have_done_the_same() -> None:
    desk = await begun()
    await traded(desk)
    found = await through(desk.ledger, LINK)
    assert (found.trades, found.differences, found.left_out) == (1, (), 0)
    assert found.recorded == found.replayed == (("USD", Decimal(10000)),)


async def test_another_size_would_have_won_another_amount() -> None:
    desk = await begun()
    await traded(desk)
    found = await through(desk.ledger, evolve(LINK, policy=HALF))
    [different] = found.differences
    assert (different.link_id, different.position_id, different.what) == (LINK.link_id, "p1", "buy 1 EURUSD")
    assert [(each.what, each.recorded, each.replayed) for each in different.changes] == [
        ("volume", "1", "0.5"),
        ("result", "+10000.00 USD", "+5000.00 USD"),
    ]
    assert any("0.5" in step for step in different.steps)
    assert found.replayed == (("USD", Decimal(5000)),)


async def test_a_filter_would_have_denied_it_and_says_so() -> None:
    desk = await begun()
    await traded(desk)
    strict = CopyPolicy("strict", filter=Filter(symbols=("XAU.*",)))
    found = await through(desk.ledger, evolve(LINK, policy=strict))
    [different] = found.differences
    assert [(each.what, each.recorded, each.replayed) for each in different.changes] == [
        ("outcome", "copied", "denied, FILTER_SYMBOL"),
        ("result", "+10000.00 USD", "nothing"),
    ]
    assert found.replayed == ()
    assert any("FILTER_SYMBOL" in step for step in different.steps)


async def test_what_was_denied_would_have_been_copied_at_the_sources_own_prices() -> None:
    desk = await begun(evolve(LINK, state=LinkState.PAUSED))
    position = source_position(opened_at=desk.now, open_price=Price("1.1"))
    assert await desk.sees(position) == []
    desk.now += timedelta(minutes=5)
    await desk.takes(PositionClosed(SOURCE, desk.now, position.position_id, Price("1.15"), desk.now))
    found = await through(desk.ledger, LINK)
    [different] = found.differences
    assert (different.changes[0].recorded, different.changes[0].replayed) == ("denied, LINK_PAUSED", "copied")
    assert found.replayed == (("USD", Decimal(5000)),)


async def test_what_the_target_closed_by_itself_is_closed_in_the_replay_too() -> None:
    desk = await begun()
    [opening] = await desk.sees(source_position(opened_at=desk.now))
    await desk.reports(filled(opening))
    for _ in range(2):
        desk.now += timedelta(seconds=10)
        await desk.polls(TARGET)
    assert (await through(desk.ledger, LINK)).differences == ()
    [different] = (await through(desk.ledger, evolve(LINK, policy=HALF))).differences
    assert [each.what for each in different.changes] == ["volume"], "it ended in the same way"


async def test_a_rejected_order_is_rejected_in_the_replay_too() -> None:
    desk = await begun()
    [opening] = await desk.sees(source_position(opened_at=desk.now))
    await desk.reports(Rejected(opening.cl_ord_id, "market closed"))
    assert (await through(desk.ledger, LINK)).differences == ()


async def test_a_link_that_the_config_does_not_have_is_told() -> None:
    desk = await begun()
    await traded(desk)
    other = evolve(LINK, link_id=LinkId("other"))
    found = await through(desk.ledger, other)
    assert {each.link_id: each.changes[0] for each in found.differences}.keys() == {LINK.link_id, "other"}
    outcomes = {each.link_id: (each.changes[0].recorded, each.changes[0].replayed) for each in found.differences}
    assert outcomes == {LINK.link_id: ("copied", "no such link"), "other": ("no such link", "copied")}


async def test_trades_of_a_ledger_that_kept_no_positions_are_left_out() -> None:
    desk = await begun()
    await traded(desk)
    old = Ledger.in_memory()
    rows = [entry for entry in desk.ledger.entries() if entry.kind != "observed"]
    for entry in rows:
        old.append([Entry(entry.kind, entry.account, entry.body, entry.key)], entry.at)
    found = await through(old, LINK)
    assert (found.trades, found.left_out) == (0, 1)


async def test_a_limit_that_the_recorded_run_did_not_have_stops_new_risk_by_the_recorded_figures() -> None:
    desk = await begun()
    await traded(desk)
    await desk.polls(TARGET, status=AccountStatus(Decimal(80_000), Decimal(80_000), "USD"))
    await traded(desk, "p2")
    limit = Limit("daily", TARGET, LimitKind.MAX_LOSS, Percent(Decimal("0.1")), block_at=Decimal(1))
    found = await through(desk.ledger, LINK, limits=[limit])
    [different] = found.differences
    assert different.position_id == "p2"
    assert different.changes[0].replayed == "denied, LIMIT_MAX_LOSS"


async def test_a_copy_that_waited_for_its_target_waits_in_the_replay_too() -> None:
    desk = await begun()
    await desk.loses(TARGET)
    assert await desk.sees(source_position(opened_at=desk.now)) == []
    desk.now += timedelta(seconds=1)
    await desk.closes()
    [trade] = [record.copy for record in desk.records("decision")[-1:]]
    assert trade.reason is Reason.SOURCE_GONE, "it was closed while it waited"
    assert (await through(desk.ledger, LINK)).differences == ()


async def test_what_was_open_before_a_run_is_found_in_the_replay_too() -> None:
    skipping = evolve(LINK, policy=CopyPolicy("p", on_start=StartPolicy(StartOpen.SKIP)))
    desk = Desk(links=[skipping])
    for account in (SOURCE, TARGET):
        await desk.takes(InstrumentReported(account, desk.now, EURUSD.symbol, DOLLARS))
    await desk.polls(TARGET)
    assert await desk.polls(SOURCE, source_position()) == []
    assert (await through(desk.ledger, skipping)).differences == ()
    [different] = (await through(desk.ledger, LINK)).differences
    assert (different.changes[0].recorded, different.changes[0].replayed) == ("denied, DENIED_STALE", "copied")


async def test_open_trades_are_in_no_result() -> None:
    desk = await begun()
    [opening] = await desk.sees(source_position(opened_at=desk.now))
    await desk.reports(filled(opening))
    found = await through(desk.ledger, LINK)
    assert (found.trades, found.without_result, found.recorded) == (1, 1, ())


async def test_what_an_operator_held_back_is_held_back_in_the_replay_too() -> None:
    desk = await begun()
    await desk.takes(pulled(SetLink(LINK.link_id, LinkState.PAUSED)))
    assert await desk.sees(source_position(opened_at=desk.now)) == []
    await desk.takes(pulled(SetLink(LINK.link_id, LinkState.ACTIVE)), pulled(SetAccount(TARGET, TradingState.HALTED)))
    desk.now += timedelta(minutes=1)
    assert await desk.sees(source_position("p2", opened_at=desk.now)) == []
    await desk.takes(pulled(SetAccount(TARGET, TradingState.ACTIVE)))
    desk.now += timedelta(minutes=1)
    await traded(desk, "p3")
    found = await through(desk.ledger, LINK)
    assert (found.trades, found.differences) == (3, ())
    renamed = await through(desk.ledger, evolve(LINK, link_id=LinkId("other")))
    assert ("other", "p1", "copied") in {
        (each.link_id, each.position_id, change.replayed) for each in renamed.differences for change in each.changes
    }, "a lever on a link that the config does not have holds nothing back"


async def test_a_halted_target_is_no_proof_that_it_was_ready() -> None:
    desk = Desk(links=[LINK])
    for account in (SOURCE, TARGET):
        await desk.takes(InstrumentReported(account, desk.now, EURUSD.symbol, DOLLARS))
    await desk.polls(SOURCE)
    await desk.takes(pulled(SetAccount(TARGET, TradingState.HALTED)))
    await desk.sees(source_position(opened_at=desk.now))
    [denied] = desk.records("decision")
    assert isinstance(denied, DecisionRecord)
    assert was_ready(denied) is None


async def test_a_flattened_account_is_flattened_in_the_replay_too() -> None:
    desk = await begun()
    [opening] = await desk.sees(source_position(opened_at=desk.now))
    await desk.reports(filled(opening))
    desk.now += timedelta(minutes=1)
    [closing] = await desk.takes(pulled(SetAccount(TARGET, TradingState.FLAT)))
    await desk.reports(at_price(closing, "1.2"))
    found = await through(desk.ledger, evolve(LINK, policy=HALF))
    assert [change.what for change in found.differences[0].changes] == ["volume", "result"], "it ended in the same way"


async def test_what_was_approved_is_approved_in_the_replay_and_nothing_else() -> None:
    asked = evolve(LINK, policy=CopyPolicy("asked", approval=True, guard=Guard(wait_default=timedelta(minutes=5))))
    desk = await begun(asked)
    assert await desk.sees(source_position(opened_at=desk.now)) == []
    desk.now += timedelta(minutes=1)
    [opening] = await desk.takes(pulled(Approve(PositionId("p1"))))
    await desk.reports(at_price(opening, "1.1"))
    assert (await through(desk.ledger, asked)).differences == ()
    unasked = await begun()
    await traded(unasked)
    [different] = (await through(unasked.ledger, asked)).differences
    assert different.changes[0].replayed == "denied, APPROVAL_NEEDED"


async def test_a_withdrawal_is_no_loss_in_the_replay_either_since_the_history_says_so() -> None:
    daily = Limit("day", TARGET, LimitKind.DAILY_LOSS, Percent(Decimal("0.04")), reset=MIDNIGHT)
    desk = Desk(links=[LINK], limits=[daily], remembers=True)
    for account in (SOURCE, TARGET):
        await desk.takes(InstrumentReported(account, desk.now, EURUSD.symbol, DOLLARS))
    await desk.ready()
    desk.now += timedelta(minutes=1)
    less = AccountStatus(Decimal(90_000), Decimal(90_000), "USD")
    await desk.polls(TARGET, status=less)
    taken = CashFlow("w", desk.now, Decimal(-10_000), "withdrawal")
    for _ in range(2):  # told again, it is the same one
        await desk.takes(Remembered(TARGET, Past(desk.now - timedelta(days=1), desk.now, (taken,))))
    desk.now += timedelta(minutes=1)
    await traded(desk)
    found = await through(desk.ledger, LINK, limits=[daily])
    assert (found.trades, found.differences) == (1, ())
    told = [record.past.entries for record in desk.records("history") if isinstance(record, HistoryRecord)]
    assert told == [(taken,), ()], "each entry is written once"


async def test_what_the_target_closed_counts_in_the_replay_at_the_price_that_was_known() -> None:
    link = evolve(LINK, policy=CopyPolicy("doubled", after_losses=AfterLosses(Decimal(2))))
    desk = await begun(link)
    [opening] = await desk.sees(source_position(opened_at=desk.now))
    await desk.reports(at_price(opening, "1.1"))
    desk.now += timedelta(seconds=10)
    await desk.polls(TARGET)
    await desk.takes(QuoteReported(TARGET, desk.now, Quote(EURUSD.symbol, Price("1.05"), Price("1.0501"), desk.now)))
    desk.now += timedelta(seconds=5)
    await desk.polls(TARGET)
    desk.now += timedelta(minutes=1)
    await traded(desk, "p2", "1")
    found = await through(desk.ledger, link)
    assert (found.trades, found.differences) == (2, ())
    assert found.recorded == (("USD", Decimal(-5000) + Decimal(20_000)),)


def pulled(lever: Lever) -> Pulled:
    """Return a lever as somebody pulls it."""
    return Pulled(LeverRecord(lever, "anna", "why not"), lambda _: None)


WORDS = (
    *("open", "grow", "shrink", "stop", "close", "answer", "reject", "gone", "look", "lose", "wait", "restart"),
    *("pause", "halt", "flatten", "lift", "approve"),
)
LEVERS: dict[str, tuple[Lever, ...]] = {
    "pause": (SetLink(LINK.link_id, LinkState.PAUSED),),
    "halt": (SetAccount(TARGET, TradingState.HALTED),),
    "flatten": (SetAccount(TARGET, TradingState.FLAT),),
    "lift": (SetLink(LINK.link_id, LinkState.ACTIVE), SetAccount(TARGET, TradingState.ACTIVE)),
}
STEPS = st.lists(st.tuples(st.sampled_from(WORDS), st.integers(0, 2)), max_size=25)


class Day:
    """A day of a source, an engine and a target, step by step."""

    def __init__(self, desk: Desk, link: CopyLink) -> None:
        self.desk = desk
        self.link = link
        self.held: dict[PositionId, Position] = {}
        self.under_way: list[Action] = []
        self.lives = 0

    async def step(self, what: str, number: int) -> None:
        desk = self.desk
        await self.passes(3)
        name = PositionId(f"p{number}")
        position = self.held.get(name)
        if what == "open" and position is None:
            self.lives += 1
            self.held[name] = source_position(f"p{number}", "2", opened_at=desk.now)
            self.under_way += await desk.sees(self.held[name])
        elif what in ("grow", "shrink", "stop") and position is not None:
            volume = position.volume * (Decimal("1.5") if what == "grow" else Decimal("0.5"))
            change = {"stop_loss": Price("1.05")} if what == "stop" else {"volume": Volume(volume)}
            self.held[name] = evolve(position, **change)
            self.under_way += await desk.sees(self.held[name])
        elif what == "close" and position is not None:
            del self.held[name]
            self.under_way += await desk.closes(f"p{number}")
        elif what in ("answer", "reject") and self.under_way:
            order = self.under_way.pop(0)
            refused = what == "reject" and isinstance(order, OpenPosition)
            report = Rejected(order.cl_ord_id, "no") if refused else filled(order)
            if isinstance(report, Filled):
                report = evolve(report, price=Price(("1.1", "1.05", "1.2")[number]))
            self.under_way += await desk.reports(report)
        elif what == "restart" and not self.under_way and not self.waits():
            await self.restarted()
        elif what in LEVERS:
            for lever in LEVERS[what]:
                self.under_way += await desk.takes(pulled(lever))
        elif what == "approve":
            self.under_way += await desk.takes(pulled(Approve(name)))
        elif what == "lose":
            self.under_way += await desk.loses(TARGET)
        elif what == "look" and not self.under_way:
            self.under_way += await desk.polls(TARGET, *self.books())
        elif what == "gone" and not self.under_way:
            for _ in range(2):
                await self.passes(10)
                self.under_way += await desk.polls(TARGET)
        else:
            self.under_way += await desk.takes()

    async def passes(self, seconds: int) -> None:
        """Let time pass; each timer fires at its moment."""
        desk, later = self.desk, self.desk.now + timedelta(seconds=seconds)
        while (due := desk.engine.due_at()) is not None and due <= later:
            desk.now = max(due, desk.now + timedelta(microseconds=1))
            self.under_way += await desk.takes()
        desk.now = later

    def waits(self) -> bool:
        """Tell whether a copy waits: a replay is never down, so that its time to wait would end earlier."""
        return any(copy.wait_until is not None for copy in self.desk.book.all())

    def books(self) -> list[Position]:
        """Return what the target shows: all that is held there."""
        held = [(copy, leg) for copy in self.desk.book.all() for leg in copy.legs if leg.held and leg.position_id]
        return [
            evolve(position_like(copy), position_id=leg.position_id, side=leg.side, volume=leg.held, tag=leg.cl_ord_id)
            for copy, leg in held
        ]

    async def restarted(self) -> None:
        """Go on with a new process on the same ledger; the target still shows what it holds."""
        books = self.books()
        self.desk = Desk(self.desk.ledger, links=[self.link], now=self.desk.now)
        for account in (SOURCE, TARGET):
            await self.desk.takes(InstrumentReported(account, self.desk.now, EURUSD.symbol, DOLLARS))
        self.under_way += await self.desk.polls(TARGET, *books)
        self.under_way += await self.desk.polls(SOURCE, *self.held.values())


def position_like(copy: Copy) -> Position:
    """Return a position in what the copy is in."""
    return source_position(opened_at=copy.opened_at)


SECOND = timedelta(seconds=1)
POLICIES = st.sampled_from(
    [
        CopyPolicy("as is"),
        CopyPolicy("few", limits=PolicyLimits(max_positions=1)),
        CopyPolicy("late", delay=Delay(open=Span(2 * SECOND, 4 * SECOND), close=Span(SECOND, 5 * SECOND))),
        CopyPolicy("slow", throttle=Throttle(1, 10 * SECOND), skip_first=SkipFirst(1, 20 * SECOND)),
        CopyPolicy("long", exits=Exits(min_hold=7 * SECOND, max_open=20 * SECOND)),
        CopyPolicy("asked", approval=True, guard=Guard(wait_default=20 * SECOND)),
        CopyPolicy("doubled", after_losses=AfterLosses(Decimal(2))),
        CopyPolicy("ladder", size=Size(multiplier=Decimal("0.013")), volume=VolumePolicy(keep_proportions=True)),
        CopyPolicy("rows", per_symbol=(SymbolPolicy("EUR.*", CopyPolicy("row", reverse=True, row=1)),)),
    ]
)


@pytest.mark.slow  # a hundred days, each played and replayed by whole engines
@settings(max_examples=100)
@given(POLICIES, POLICIES, STEPS)
def test_whatever_happened_the_same_config_would_have_done_the_same(
    policy: CopyPolicy, other: CopyPolicy, steps: list[tuple[str, int]]
) -> None:
    async def play() -> None:
        link = evolve(LINK, policy=policy)
        day = Day(await begun(link), link)
        for what, number in steps:
            await day.step(what, number)
        found = await through(day.desk.ledger, link)
        assert found.differences == ()
        assert found.left_out == 0
        different = await through(day.desk.ledger, evolve(LINK, policy=other))
        assert different.trades >= found.trades, "another policy decides about each position too"

    trio.run(play)


MIRROR = CopyPolicy("mirror", pending=PendingOrders.MIRROR)
ORDER = WorkingOrder(VenueOrderId("1"), EURUSD.symbol, Side.BUY, OrderType.LIMIT, Volume(1), Price("1.1"))


async def mirrored_day(filled_too: bool) -> Desk:
    """Record a day on which a mirrored order was filled in time, or taken off and opened at market."""
    desk = await begun(evolve(LINK, policy=MIRROR))
    desk.views[TARGET].takes_orders = True
    desk.now += timedelta(seconds=1)
    [placed] = await desk.takes(OrderReported(SOURCE, desk.now, ORDER))
    desk.now += timedelta(seconds=1)
    await desk.reports(Placed(placed.cl_ord_id, VenueOrderId("t1")))
    desk.now += timedelta(minutes=1)
    if filled_too:
        await desk.takes(OrderEnded(TARGET, desk.now, VenueOrderId("t1")))
        desk.now += timedelta(seconds=1)
        await desk.reports(Filled(placed.cl_ord_id, PositionId("tp"), Volume(1), Price("1.1")))
    desk.now += timedelta(seconds=1)
    await desk.takes(OrderEnded(SOURCE, desk.now, ORDER.order_id, OrderStatus.FILLED, PositionId("p1")))
    assert await desk.sees(source_position()) == []
    desk.now += timedelta(seconds=5)
    for gone in await desk.takes():
        await desk.reports(Canceled(gone.cl_ord_id))
        desk.now += timedelta(seconds=1)
        [opening] = await desk.reports(Canceled(placed.cl_ord_id))
        desk.now += timedelta(seconds=1)
        await desk.reports(Filled(opening.cl_ord_id, PositionId("tp"), Volume(1), Price("1.1")))
    desk.now += timedelta(minutes=1)
    [closing] = await desk.closes()
    await desk.reports(Filled(closing.cl_ord_id, PositionId("tp"), Volume(1), Price("1.2")))
    return desk


@pytest.mark.parametrize("filled_too", [True, False])
async def test_a_mirrored_order_is_mirrored_in_the_replay_too(filled_too: bool) -> None:
    desk = await mirrored_day(filled_too)
    can = evolve(CAN, pending_orders=True)
    replay = Replay(desk.ledger, config([evolve(LINK, policy=MIRROR)]), {SOURCE: can, TARGET: can})
    await replay.run()
    [trade] = replay.replayed.trades.values()
    assert (trade.copy.source_position_id, trade.opened) == ("p1", 1)
    found = compare(replay)
    assert (found.trades, found.differences, found.left_out) == (1, (), 0)
    assert found.recorded == found.replayed == (("USD", Decimal(10000)),)
