"""The engine's promises: intent before order, closes never gated, terminal stays terminal, absence is suspicious."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from copier.ledger.ledger import Entry, Ledger, LedgerFailed
from copier.ledger.recovery import recover
from rules.gates.filters import Filter
from rules.limits.policy import Limit
from rules.limits.terms import LimitKind, Percent
from rules.model.actions import ClosePosition, ReplaceStops
from rules.model.copies import CopyStatus, Ending
from rules.model.events import (
    AccountReported,
    InstrumentReported,
    Origin,
    PositionReported,
    QuoteReported,
    SessionEnded,
    SnapshotReceived,
)
from rules.model.look_ups import LookUp
from rules.model.observed import Quote
from rules.model.reasons import Reason
from rules.model.reports import NotFound, NotSent, OutcomeUnknown, Rejected
from rules.model.values import AccountId, LinkId, PositionId, Side, Symbol
from rules.policy.guard import Guard, StartOpen, StartPolicy
from rules.policy.links import CopyPolicy, LinkState, SymbolPolicy
from rules.policy.size import Size, SizeMode
from rules.times.schedule import Schedule
from tests.copier.desk import FULL, LINK, SOURCE, TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import EURUSD, T0, filled, shape


class FailingLedger(Ledger):
    """A ledger whose disk has failed."""

    def append(self, entries: object, at: object) -> int:
        raise LedgerFailed("the disk failed")

    @property
    def broken(self) -> bool:
        return True


async def test_links_of_one_event_are_told_what_their_own_policies_say() -> None:
    names = ("copied", "filtered", "halved", "also filtered")
    filtered = CopyPolicy("filtered", filter=Filter(symbols=("GBP.*",)))
    row = SymbolPolicy("EUR.*", CopyPolicy("half", size=Size(multiplier=Decimal("0.5")), row=1))
    halved = CopyPolicy("halved", per_symbol=(row,))
    policies = (LINK.policy, filtered, halved, filtered)
    links = [
        evolve(LINK, link_id=LinkId(name), target=AccountId(name), policy=policy)
        for name, policy in zip(names, policies, strict=True)
    ]
    desk = Desk(links=links, accounts=(SOURCE, *map(AccountId, names)))
    for account in (SOURCE, *map(AccountId, names)):
        await desk.polls(account)
    orders = await desk.sees(source_position("p1"))
    assert [(order.account, order.volume) for order in orders] == [("copied", 1), ("halved", Decimal("0.5"))]
    reasons = {copy.link_id: copy.reason for copy in desk.book.all()}
    assert reasons == dict(zip(names, [None, Reason.FILTER_SYMBOL] * 2, strict=True))


# Law 1: intent before order


async def test_an_order_leaves_only_after_its_intent_is_in_the_ledger() -> None:
    desk = await Desk().ready()
    order_of_calls: list[str] = []
    append, send = desk.ledger.append, desk.engine._outside.send

    def appending(entries: list[Entry], at: object) -> int:
        seq = append(entries, at)  # type: ignore[arg-type]
        order_of_calls.extend(f"durable {entry.key}" for entry in entries if entry.kind == "intent")
        return seq

    desk.ledger.append = appending  # type: ignore[method-assign, assignment]
    desk.engine._outside.send = lambda name, intent: (
        order_of_calls.append(f"sent {intent.action.cl_ord_id}"),
        send(name, intent),
    )[1]
    [order] = await desk.sees(source_position())
    assert order_of_calls == [f"durable {order.cl_ord_id}", f"sent {order.cl_ord_id}"]


async def test_a_failing_commit_lets_nothing_leave() -> None:
    desk = await Desk().ready()
    desk.ledger.__class__ = FailingLedger
    with pytest.raises(LedgerFailed):
        await desk.sees(source_position())
    assert desk.sent == []


async def test_decision_and_intents_are_one_commit() -> None:
    desk = await Desk().ready()
    batches: list[list[str]] = []
    append = desk.ledger.append

    def appending(entries: list[Entry], at: object) -> int:
        batches.append([entry.kind for entry in entries])
        return append(entries, at)  # type: ignore[arg-type]

    desk.ledger.append = appending  # type: ignore[method-assign, assignment]
    await desk.sees(source_position())
    assert batches == [["observed", "observed", "decision", "intent"]]


# Law 2: at most one order per intent


async def test_the_same_position_seen_by_stream_and_by_poll_is_copied_once() -> None:
    desk = await Desk().ready()
    [order] = await desk.sees(source_position())
    assert await desk.polls(SOURCE, source_position()) == []
    assert await desk.fills([order]) == []
    assert await desk.polls(SOURCE, source_position()) == []
    assert len(desk.records("intent")) == 1


async def test_an_unknown_outcome_sends_nothing_until_the_venue_said_not_found() -> None:
    desk = await Desk().ready()
    [order] = await desk.sees(source_position())
    assert await desk.reports(OutcomeUnknown(order.cl_ord_id, "connection lost")) == []
    desk.now += timedelta(seconds=1)
    assert await desk.polls(SOURCE, source_position()) == []
    assert await desk.polls(TARGET) == []
    assert await desk.reports(NotFound(order.cl_ord_id)) == [order]
    assert len(desk.records("intent")) == 1, "one id has one intent row for ever"
    assert len(desk.records("resend")) == 1


async def test_a_position_id_that_comes_back_after_its_copy_was_forgotten_neither_crashes_nor_repeats_an_id() -> None:
    policy = CopyPolicy("all", on_start=StartPolicy(StartOpen.COPY))
    desk = await Desk(links=[evolve(LINK, policy=policy)]).ready()
    [first] = await desk.sees(source_position())
    await desk.fills([first])
    await desk.fills(await desk.closes())
    assert len(desk.book) == 0
    desk.now += timedelta(minutes=1)
    [second] = await desk.polls(SOURCE, source_position())
    assert second.cl_ord_id != first.cl_ord_id
    again = Desk(desk.ledger, links=[evolve(LINK, policy=policy)], now=desk.now)
    assert again.copy.legs[0].cl_ord_id == second.cl_ord_id


async def test_a_position_that_turned_at_the_instant_of_its_opening_repeats_no_id_though_it_waited_first() -> None:
    policy = CopyPolicy("all", on_start=StartPolicy(StartOpen.COPY))
    desk = await Desk(links=[evolve(LINK, policy=policy)]).ready()
    [first] = await desk.sees(source_position())
    await desk.fills([first])
    await desk.fills(await desk.closes())
    del desk.views[TARGET].instruments[EURUSD.symbol]
    desk.now += timedelta(seconds=3)
    assert await desk.polls(SOURCE, source_position(side=Side.SELL)) == [], "it waits for the instrument"
    [second] = await desk.takes(InstrumentReported(TARGET, desk.now, EURUSD.symbol, EURUSD))
    assert second.cl_ord_id != first.cl_ord_id


# Law 3: a close is never gated


async def test_a_close_passes_every_gate_there_is() -> None:
    closed = Schedule("never", "UTC", open=())
    policy = CopyPolicy("strict", schedule=evolve(closed), guard=Guard(max_age=timedelta(seconds=1)))
    desk = await Desk(links=[evolve(LINK, policy=policy)]).ready()
    order = (await desk.sees(source_position()))[0]
    await desk.fills([order])
    stopped = evolve(LINK, policy=policy, state=LinkState.PAUSED)
    after = Desk(desk.ledger, links=[stopped], now=desk.now + timedelta(days=3))
    after.is_full = True
    assert shape(await after.polls(SOURCE)) == [("close", "1.00")], "the target was never seen, is full and paused"


async def test_a_copy_of_a_link_that_the_config_no_longer_names_closes_with_its_source() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position())
    after = await Desk(desk.ledger, links=[], now=desk.now).takes_books(source_position())
    assert shape(await after.closes()) == [("close", "1.00")]


async def test_a_removed_link_copies_nothing_new() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position())
    after = await Desk(desk.ledger, links=[], now=desk.now).takes_books(source_position())
    assert await after.sees(source_position("p2")) == []
    assert await after.sees(source_position(stop_loss=Decimal("1.05"))) == [], "stops had a policy that is gone"
    assert shape(await after.sees(source_position(volume="0.4"))) == [("reduce", "0.60")]


# Law 4: terminal is terminal


async def test_a_copy_that_the_target_closed_is_not_reopened_by_anything() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position())
    await desk.polls(TARGET)
    await desk.polls(TARGET)
    assert (desk.copy.status, desk.copy.ending) == (CopyStatus.ENDED, Ending.TARGET_CLOSED)
    assert await desk.sees(source_position(volume="0.9")) == []
    assert await desk.polls(SOURCE, source_position(volume="0.8")) == []
    after = Desk(desk.ledger, now=desk.now)
    assert await after.polls(TARGET) == []
    assert await after.polls(SOURCE, source_position(volume="0.8")) == []


async def test_a_denial_survives_a_restart() -> None:
    desk = await Desk(links=[evolve(LINK, state=LinkState.PAUSED)]).ready()
    assert await desk.sees(source_position()) == []
    after = Desk(desk.ledger, now=desk.now)
    await after.polls(TARGET)
    assert await after.polls(SOURCE, source_position()) == []


# Law 5: empty is suspicious


async def test_an_uncertain_empty_snapshot_closes_nothing_and_is_confirmed_by_asking() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position())
    desk.polled.clear()
    desk.now += timedelta(minutes=1)
    uncertain = SnapshotReceived(SOURCE, desk.now, (), Origin.RECONCILED, certain=False)
    assert await desk.takes(uncertain) == []
    assert desk.polled == [SOURCE]
    assert shape(await desk.polls(SOURCE)) == [("close", "1.00")], "what a poll confirms is true"


async def test_after_a_restart_nothing_is_closed_before_the_source_was_seen_whole() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position())
    after = Desk(desk.ledger, now=desk.now + timedelta(seconds=1))
    assert await after.polls(TARGET) == []
    assert await after.loses(SOURCE) == []
    assert await after.takes(SnapshotReceived(SOURCE, after.now, (), Origin.RECONCILED, certain=False)) == []
    assert await after.sees(source_position("p2")) != [], "the new one is copied"
    assert shape(await after.polls(SOURCE, source_position("p2"))) == [("close", "1.00")]


async def test_a_lost_session_closes_nothing() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position())
    assert await desk.takes(SessionEnded(SOURCE, desk.now, "gone")) == []
    assert await desk.loses(SOURCE) == []
    assert set(desk.alerts) == {"session.lost"}


# What waits


async def test_a_target_that_is_not_ready_is_waited_for() -> None:
    desk = Desk()
    await desk.polls(SOURCE)
    assert await desk.sees(source_position()) == []
    assert shape(await desk.polls(TARGET)) == [("open", "1.00")]


async def test_an_unknown_instrument_is_asked_for_and_copied_when_it_comes() -> None:
    desk = await Desk().ready()
    del desk.views[TARGET].instruments[Symbol("EURUSD")]
    assert await desk.sees(source_position()) == []
    assert [(each.account, each.symbol) for each in desk.looked_up] == [(TARGET, "EURUSD")]
    report = InstrumentReported(TARGET, desk.now, Symbol("EURUSD"), EURUSD)
    assert shape(await desk.takes(report)) == [("open", "1.00")]


async def test_a_quote_that_a_guard_needs_is_asked_for_and_decides_when_it_comes() -> None:
    from rules.policy.distances import Distance, DistanceUnit

    policy = CopyPolicy("near", guard=Guard(max_deviation=Distance(Decimal(20), DistanceUnit.POINTS)))
    desk = await Desk(links=[evolve(LINK, policy=policy)]).ready()
    assert await desk.sees(source_position()) == []
    quote = Quote(Symbol("EURUSD"), Decimal("1.1"), Decimal("1.1001"), desk.now)
    assert shape(await desk.takes(QuoteReported(TARGET, desk.now, quote))) == [("open", "1.00")]


async def test_a_full_queue_denies_new_risk_and_says_why() -> None:
    desk = await Desk().ready()
    desk.is_full = True
    await desk.sees(source_position("p1"))
    assert await desk.sees(source_position("p2")) == []
    denied = desk.book.get((LINK.link_id, PositionId("p2")))
    assert denied is not None
    assert denied.reason is not None
    assert denied.reason.value == "TARGET_LAGGING"


async def test_what_waited_for_a_full_queue_is_copied_when_the_target_caught_up() -> None:
    desk = await Desk().ready()
    desk.is_full = True
    [first] = await desk.sees(source_position("p1"))
    assert await desk.sees(source_position("p2")) == []
    desk.is_full = False
    assert shape(await desk.fills([first])) == [("open", "1.00")]


async def test_refused_stops_are_tried_again_without_the_one_that_lies_beyond_todays_price() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position())
    [stops] = await desk.sees(source_position(stop_loss=Decimal("1.05"), take_profit=Decimal("1.15")))
    assert await desk.reports(Rejected(stops.cl_ord_id, "invalid stops")) == []
    assert desk.looked_up == [LookUp(TARGET, EURUSD.symbol, quote=True)]
    quote = Quote(EURUSD.symbol, Decimal("1.16"), Decimal("1.17"), desk.now)
    assert await desk.takes(QuoteReported(TARGET, desk.now, quote)) == []
    desk.now += timedelta(seconds=4)
    [again] = await desk.takes()
    assert isinstance(again, ReplaceStops)
    assert (again.stop_loss, again.take_profit) == (Decimal("1.05"), None)


async def test_a_refused_close_is_sent_again_when_its_timer_is_due_and_the_books_are_asked() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position())
    [closing] = await desk.closes()
    desk.polled.clear()
    assert await desk.reports(Rejected(closing.cl_ord_id, "market closed")) == []
    assert desk.polled == [TARGET]
    desk.now += timedelta(seconds=2)
    [again] = await desk.takes()
    assert isinstance(again, ClosePosition)
    assert again.cl_ord_id != closing.cl_ord_id


# Openings about to leave


async def test_an_opening_whose_source_closed_while_it_waited_is_not_wanted_any_more() -> None:
    desk = await Desk().ready()
    [order] = await desk.sees(source_position())
    assert desk.engine.wanted(order)
    await desk.closes()
    assert not desk.engine.wanted(order)
    assert await desk.reports(NotSent(order.cl_ord_id, "no longer wanted")) == []
    assert len(desk.book) == 0


async def test_an_opening_whose_source_flipped_while_it_waited_is_not_wanted_any_more() -> None:
    desk = await Desk().ready()
    [order] = await desk.sees(source_position())
    await desk.sees(source_position(side=Side.SELL))
    assert not desk.engine.wanted(order)


async def test_a_report_on_an_order_that_nobody_knows_changes_nothing() -> None:
    desk = await Desk().ready()
    [order] = await desk.sees(source_position())
    stranger = evolve(filled(order), cl_ord_id="cpaaaaaaaaaaaaaaaaaaaa")
    before = desk.ledger.last_seq
    assert await desk.reports(stranger) == []
    assert desk.ledger.last_seq == before


async def test_nothing_new_writes_nothing() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position())
    before = desk.ledger.last_seq
    for _ in range(3):
        await desk.polls(SOURCE, source_position())
        await desk.takes(PositionReported(SOURCE, desk.now, source_position(current_price=Decimal("1.2"))))
    assert desk.ledger.last_seq == before


# Schedules that flatten


async def test_a_schedule_flattens_at_its_moment_and_what_it_flattened_stays_flat() -> None:
    nightly = CopyPolicy("day", schedule=Schedule("day", "UTC", flatten=("0 13 * * *",)))
    desk = await Desk(links=[evolve(LINK, policy=nightly)]).ready()
    await desk.copied(source_position())
    assert desk.engine.due_at() is not None
    desk.now = T0 + timedelta(hours=1)
    closing = await desk.takes()
    assert shape(closing) == [("close", "1.00")]
    await desk.fills(closing)
    assert desk.copy.ending is Ending.FLATTENED
    assert await desk.polls(SOURCE, source_position(volume="0.5")) == []


async def test_the_schedule_of_a_row_flattens_the_copies_of_its_symbols_alone() -> None:
    nightly = Schedule("day", "UTC", flatten=("0 13 * * *",))
    row = SymbolPolicy("EUR.*", CopyPolicy("euro", schedule=nightly, row=1))
    desk = await Desk(links=[evolve(LINK, policy=CopyPolicy("p", per_symbol=(row,)))]).ready()
    desk.views[TARGET].instruments[Symbol("XAUUSD")] = EURUSD
    await desk.copied(source_position())
    await desk.copied(source_position("p2", symbol=Symbol("XAUUSD")))
    desk.now = T0 + timedelta(hours=1)
    [closing] = await desk.takes()
    assert isinstance(closing, ClosePosition)
    assert closing.symbol == "EURUSD"


async def test_a_copy_that_waits_when_its_schedule_flattens_is_not_opened_after_that() -> None:
    nightly = CopyPolicy("day", schedule=Schedule("day", "UTC", flatten=("0 13 * * *",)))
    desk = Desk(links=[evolve(LINK, policy=nightly)], now=T0 + timedelta(minutes=59, seconds=58))
    await desk.polls(SOURCE)
    assert await desk.sees(source_position(opened_at=desk.now)) == [], "the target has not been seen yet"
    desk.now += timedelta(seconds=2)
    assert await desk.takes() == []
    assert await desk.polls(TARGET) == []
    assert desk.copy.ending is Ending.FLATTENED


@pytest.mark.parametrize("source_is_up", [True, False])
async def test_a_flatten_that_was_missed_while_down_is_made_up_for_at_start(source_is_up: bool) -> None:
    nightly = CopyPolicy("day", schedule=Schedule("day", "UTC", flatten=("0 13 * * *",)))
    links = [evolve(LINK, policy=nightly)]
    desk = await Desk(links=links).ready()
    await desk.copied(source_position())
    after = Desk(desk.ledger, links=links, now=T0 + timedelta(hours=2))
    orders = await after.polls(TARGET)
    if source_is_up:
        orders += await after.polls(SOURCE, source_position())
    assert shape(orders) == [("close", "1.00")], "a flatten does not wait for a source that may never come"
    assert await after.fills(orders) == []
    assert await after.polls(SOURCE, source_position()) == [], "flattened for good"


async def test_a_copy_whose_source_account_left_the_config_is_still_flattened() -> None:
    nightly = CopyPolicy("day", schedule=Schedule("day", "UTC", flatten=("0 13 * * *",)))
    desk = await Desk(links=[evolve(LINK, policy=nightly)]).ready()
    await desk.copied(source_position())
    gone = CopyPolicy("other")
    other = evolve(LINK, link_id=LinkId("other->target"), source=AccountId("other"), policy=gone)
    after = Desk(desk.ledger, links=[other], now=desk.now, accounts=(AccountId("other"), TARGET))
    [copy] = after.book.all()
    after.engine._desk.flatten(copy, "limit daily")
    assert shape(await after.takes()) == [("close", "1.00")]


async def test_what_waited_for_the_sources_figures_is_copied_when_they_come() -> None:
    policy = CopyPolicy("ratio", size=Size(SizeMode.EQUITY_RATIO))
    desk = Desk(links=[evolve(LINK, policy=policy)])
    await desk.polls(TARGET)
    await desk.takes(SnapshotReceived(SOURCE, desk.now, (), Origin.RECONCILED))
    assert await desk.sees(source_position()) == []
    assert shape(await desk.takes(AccountReported(SOURCE, desk.now, FULL))) == [("open", "1.00")]


async def test_what_waited_for_a_limit_to_be_judged_is_copied_when_its_figures_come() -> None:
    limit = Limit("total", TARGET, LimitKind.MAX_LOSS, Percent(Decimal("0.05")))
    desk = await Desk(limits=[limit]).ready()
    await desk.takes(AccountReported(TARGET, desk.now, evolve(FULL, equity=None)))
    assert await desk.sees(source_position()) == []
    assert shape(await desk.takes(AccountReported(TARGET, desk.now, FULL))) == [("open", "1.00")]


async def test_an_account_whose_books_cannot_be_asked_is_told_of_once() -> None:
    desk = await Desk().ready()
    await desk.loses(SOURCE)
    await desk.loses(SOURCE)
    assert desk.alerts == ["session.lost"]


async def test_an_instrument_that_took_no_orders_is_asked_for_again_for_the_next_position() -> None:
    desk = await Desk().ready()
    desk.views[TARGET].instruments[EURUSD.symbol] = evolve(EURUSD, tradable=False)
    assert await desk.sees(source_position()) == []
    assert [look_up.symbol for look_up in desk.looked_up] == [EURUSD.symbol]
    assert await desk.takes(InstrumentReported(TARGET, desk.now, EURUSD.symbol, EURUSD)) == [], "a denial is final"
    assert shape(await desk.sees(source_position("p2"))) == [("open", "1.00")]


# Empty is suspicious


async def test_books_that_lose_several_positions_at_once_are_looked_at_twice() -> None:
    desk = await Desk().ready()
    for name in ("p1", "p2"):
        await desk.copied(source_position(name))
    desk.now += timedelta(seconds=10)
    desk.polled.clear()
    assert await desk.polls(SOURCE) == []
    assert desk.polled == [SOURCE], "the second look is asked for at once"
    assert shape(await desk.polls(SOURCE)) == [("close", "1.00"), ("close", "1.00")]


async def test_books_that_were_empty_for_one_look_close_nothing() -> None:
    desk = await Desk().ready()
    held = [source_position(name) for name in ("p1", "p2")]
    for position in held:
        await desk.copied(position)
    desk.now += timedelta(seconds=10)
    assert await desk.polls(SOURCE) == []
    assert await desk.polls(SOURCE, *held) == []
    assert await desk.polls(SOURCE) == [], "that it was empty once before proves nothing"


async def test_the_first_empty_books_after_a_restart_are_looked_at_twice() -> None:
    desk = await Desk().ready()
    for name in ("p1", "p2"):
        await desk.copied(source_position(name))
    after = Desk(desk.ledger, now=desk.now + timedelta(minutes=1))
    assert await after.polls(SOURCE) == []
    assert shape(await after.polls(SOURCE)) == [("close", "1.00"), ("close", "1.00")]


async def test_a_long_run_writes_checkpoints_and_folds_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copier.engine.engine.CHECKPOINT_ROWS", 10)
    monkeypatch.setattr("copier.engine.engine.CHECKPOINT_ROWS_A_COPY", 0)
    desk = await Desk().ready()
    for number in range(8):
        await desk.copied(source_position(f"p{number}"))
    checkpoints = [entry.seq for entry in desk.ledger.entries(kinds=("checkpoint",))]
    assert len(checkpoints) >= 2
    assert checkpoints[1] - checkpoints[0] > 10
    assert recover(desk.ledger).copies == {copy.key: copy for copy in desk.book.all()}
