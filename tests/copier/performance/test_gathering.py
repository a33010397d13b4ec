"""What rows tell of some time: trades, openings, denials, headroom, mismatches, and what a venue booked."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from attrs import evolve

from copier.ledger.codec import encode
from copier.ledger.ledger import Entry
from copier.ledger.records import (
    KINDS,
    AlertRecord,
    CheckpointRecord,
    HistoryRecord,
    LimitRecord,
    MismatchRecord,
    Record,
)
from copier.performance.gathering import Gathering, gather
from copier.performance.scope import Scope, ends_of
from rules.books.mismatch import Mismatch, MismatchKind
from rules.limits.past import Past
from rules.limits.policy import Limit
from rules.limits.state import LimitState
from rules.limits.terms import LimitKind, Percent
from rules.model.events import InstrumentReported
from rules.model.observed import CashFlow, Fill
from rules.model.reasons import Reason
from rules.model.reports import Filled, Rejected
from rules.model.severity import Severity
from rules.model.values import AccountId, LinkId, PositionId, Price, Side, Volume
from rules.policy.limits import PolicyLimits
from rules.policy.links import LinkState
from tests.copier.desk import LINK, SOURCE, TARGET, Desk
from tests.copier.fakes import source_position
from tests.copier.performance.test_copied import DOLLARS, trade
from tests.rules.playbook import EURUSD, T0, filled


async def told() -> Desk:
    desk = await Desk().ready()
    await desk.takes(InstrumentReported(TARGET, desk.now, EURUSD.symbol, DOLLARS))
    return desk


def gathered(desk: Desk, scope: Scope | None = None, limits: Iterable[Limit] = ()) -> Gathering:
    return gather(desk.ledger, scope or Scope(), limits)


def write(desk: Desk, record: Record, account: str = TARGET) -> None:
    desk.ledger.append([Entry(KINDS[type(record)], account, encode(record))], desk.now)


def fill(number: int, side: Side, volume: str, opens: bool | None, position: str = "t-p1", **money: str) -> Fill:
    figures = {name: Decimal(value) for name, value in money.items()}
    price = Price("1.1")
    return Fill(
        f"deal-{number}", T0, EURUSD.symbol, side, Volume(volume), price, PositionId(position), opens=opens, **figures
    )


def booked(*entries: Fill | CashFlow) -> HistoryRecord:
    return HistoryRecord(TARGET, Past(T0, T0, entries))


async def test_slippage_is_counted_from_the_sources_price_in_the_targets_ticks_against_us() -> None:
    desk = await told()
    [opening] = await desk.sees(source_position())
    await desk.reports(Filled(opening.cl_ord_id, PositionId("a"), Volume(1), Price("1.10007")))
    [opening] = await desk.sees(source_position("p2", side=Side.SELL))
    await desk.reports(Filled(opening.cl_ord_id, PositionId("b"), Volume(1), Price("1.10007")))
    desk.views[SOURCE].volumes_grow = True
    [more] = await desk.sees(source_position("p2", "2", side=Side.SELL, open_price=Price("1.2")))
    await desk.reports(Filled(more.cl_ord_id, PositionId("c"), Volume(1), Price("1.3")))
    assert [(entry.is_first, entry.points) for entry in gathered(desk).entries] == [
        (True, 7),
        (True, -7),
        (False, None),  # the source's price is by now a mean of both
    ]


async def test_slippage_without_a_tick_size_is_not_known() -> None:
    desk = await Desk().ready()
    await desk.takes(InstrumentReported(TARGET, desk.now, EURUSD.symbol, evolve(DOLLARS, tick_size=None)))
    await desk.copied(source_position())
    assert [entry.points for entry in gathered(desk).entries] == [None]


async def test_an_answer_takes_from_the_orders_intent_to_its_execution() -> None:
    desk = await told()
    [opening] = await desk.sees(source_position())
    desk.now += timedelta(milliseconds=80, microseconds=500)
    await desk.reports(filled(opening))
    [closing] = await desk.closes()
    await desk.reports(Rejected(closing.cl_ord_id, "no"))
    assert gathered(desk).answers_ms == [Decimal("81.5")]


async def test_a_copy_is_denied_once_however_often_it_is_decided() -> None:
    desk = await Desk(links=[evolve(LINK, state=LinkState.PAUSED)]).ready()
    for _ in range(3):
        await desk.sees(source_position(stop_loss=Price("1.05")))
        await desk.sees(source_position(stop_loss=Price("1.06")))
    await desk.closes()
    await desk.sees(source_position("p2"))
    assert gathered(desk).denials == {Reason.LINK_PAUSED: 2}


async def test_an_increase_that_is_denied_counts_as_well() -> None:
    limits = PolicyLimits(max_total_volume=Volume(1))
    desk = await Desk(links=[evolve(LINK, policy=evolve(LINK.policy, limits=limits))]).ready()
    desk.views[SOURCE].volumes_grow = True
    await desk.copied(source_position())
    await desk.sees(source_position(volume="2"))
    [(reason, count)] = gathered(desk).denials.items()
    assert (reason, count) == (Reason.MAX_TOTAL_VOLUME, 1)


async def test_what_happened_before_or_after_is_not_of_the_time() -> None:
    desk = await told()
    await trade(desk, "p1")
    begin = desk.now + timedelta(microseconds=1)
    await trade(desk, "p2")
    end = desk.now + timedelta(microseconds=1)
    await trade(desk, "p3")
    found = gathered(desk, Scope(begin, end))
    assert [each.copy.source_position_id for each in found.trades()] == ["p2"]
    assert (len(found.entries), len(found.answers_ms)) == (1, 2)


async def test_a_trade_counts_when_it_is_over_with_all_that_it_made() -> None:
    desk = await told()
    [opening] = await desk.sees(source_position(volume="2"))
    await desk.reports(Filled(opening.cl_ord_id, PositionId("t"), Volume(2), Price("1.1")))
    [half] = await desk.sees(source_position(volume="1"))
    await desk.reports(Filled(half.cl_ord_id, PositionId("t"), Volume(1), Price("1.2")))
    noon = desk.now + timedelta(microseconds=1)
    [rest] = await desk.closes()
    await desk.reports(Filled(rest.cl_ord_id, PositionId("t"), Volume(1), Price("1.2")))
    assert gathered(desk, Scope(until=noon)).trades() == []
    assert len(gathered(desk, Scope(until=noon)).alive) == 1
    [over] = gathered(desk, Scope(noon)).trades()
    assert over.result.amount == 20_000


async def test_what_the_venue_booked_is_taken_where_it_is_all_of_a_trade_and_nothing_else() -> None:
    desk = await told()
    await trade(desk)
    opened = fill(1, Side.BUY, "1", True, commission="-3.5")
    closed = fill(2, Side.SELL, "1", False, realized_pnl="9990.10", commission="-3.5", swap="-0.25")
    write(desk, booked(opened, fill(9, Side.SELL, "1", False, "other", realized_pnl="1")))
    [half] = gathered(desk).trades()
    assert half.booked is None, "its closing is not told yet"
    write(desk, booked(closed))
    [whole] = gathered(desk).trades()
    assert (whole.booked, whole.costs) == (Decimal("9982.85"), Decimal("-7.25"))
    for other in (
        evolve(closed, volume=Volume("0.5")),
        evolve(closed, opens=None),
        evolve(closed, realized_pnl=None),
    ):
        write(desk, booked(other))  # of the same id: the venue says it anew
        assert gathered(desk).trades()[0].booked is None


async def test_deposits_and_withdrawals_of_the_time_are_summed() -> None:
    desk = await told()
    assert gathered(desk).flows(TARGET) is None
    flows = [
        CashFlow("1", T0 + timedelta(hours=1), Decimal(500), "deposit"),
        CashFlow("2", T0 + timedelta(hours=2), Decimal("-120.5"), "withdrawal"),
        CashFlow("3", T0 + timedelta(hours=2), Decimal(-7), "commission"),
        CashFlow("4", T0 + timedelta(days=1), Decimal(1), "deposit"),
    ]
    write(desk, booked(*flows))
    write(desk, booked(*flows[:2]))  # told twice, counted once
    assert gathered(desk, Scope(T0, T0 + timedelta(days=1))).flows(TARGET) == Decimal("379.5")


LIMIT = Limit("target/max_loss", TARGET, LimitKind.MAX_LOSS, Percent(Decimal("0.10")), initial_balance=Decimal(1000))


def state(equity: str, minutes: int) -> LimitState:
    at = T0 + timedelta(minutes=minutes)
    figures = Decimal(equity)
    return LimitState(
        "target/max_loss", at, figures, figures, "USD", initial_balance=Decimal(1000), day_started=T0, seen_at=at
    )


async def test_limits_are_told_of_with_the_state_that_they_were_in_when_the_time_began() -> None:
    desk = await told()
    before, within = state("1000", 0), state("920", 5)
    write(desk, CheckpointRecord((), (before,), desk.now), "")
    since = desk.now = desk.now + timedelta(hours=1)
    write(desk, LimitRecord(TARGET, within, "warn"))
    [past] = gathered(desk, Scope(since), limits=[LIMIT]).limit_pasts.values()
    assert ([each for _, each in past.states], past.worst) == ([before, within], "warn")
    assert gathered(desk, Scope(since, account=SOURCE), limits=[LIMIT]).limit_pasts == {}


def differs(severity: Severity = Severity.WARNING, link: LinkId = LINK.link_id) -> Mismatch:
    lots = Volume(1)
    return Mismatch(link, TARGET, EURUSD.symbol, MismatchKind.MISSING, lots, Volume(0), lots, severity, ())


async def test_a_mismatch_lasts_from_its_beginning_to_its_end_at_its_worst() -> None:
    desk = await told()
    began = desk.now
    write(desk, MismatchRecord(differs(), ended=False))
    desk.now += timedelta(minutes=5)
    write(desk, MismatchRecord(differs(Severity.CRITICAL), ended=False))
    desk.now += timedelta(minutes=5)
    write(desk, MismatchRecord(differs(), ended=True))
    [found] = gathered(desk).lasting()
    assert (found.began, found.ended, found.worst) == (began, desk.now, Severity.CRITICAL)
    assert gathered(desk, Scope(since=desk.now + timedelta(seconds=1))).lasting() == []


async def test_a_mismatch_that_lasts_is_told_also_when_it_began_before_the_checkpoint() -> None:
    desk = await told()
    write(desk, CheckpointRecord((), (), desk.now, (differs(),)), "")
    [found] = gathered(desk, Scope(since=desk.now + timedelta(hours=1))).lasting()
    assert (found.began, found.ended) == (None, None)
    assert gathered(desk, Scope(desk.now + timedelta(hours=1), link=LinkId("a->b"))).lasting() == []


async def test_only_what_the_scope_sees_is_gathered() -> None:
    desk = await told()
    await trade(desk)
    write(desk, AlertRecord("orphan", "text", TARGET))
    write(desk, AlertRecord("orphan", "text", TARGET, over=True))
    write(desk, AlertRecord("orphan", "text", SOURCE), SOURCE)
    write(desk, MismatchRecord(differs(), ended=False))
    everything = gathered(desk)
    assert (len(everything.trades()), len(everything.alerts), len(everything.lasting())) == (1, 2, 1)
    both = gathered(desk, Scope(link=LINK.link_id))
    assert (len(both.trades()), len(both.alerts), len(both.lasting())) == (1, 1, 1)
    half = gathered(desk, Scope(sees=lambda account: account == TARGET))
    assert (len(half.trades()), half.entries, len(half.alerts), half.lasting()) == (0, [], 1, [])
    other = gathered(desk, Scope(account=AccountId("other")))
    assert (other.trades(), other.alerts, other.lasting(), other.denials) == ([], [], [], {})


async def test_rows_of_other_accounts_are_left_out_and_nothing_of_ones_own() -> None:
    desk = await told()
    await trade(desk)
    for scope in (Scope(account=TARGET), Scope(account=SOURCE), Scope(link=LINK.link_id)):
        whole, part = gather(desk.ledger, scope), gather(desk.ledger, scope, links=[LINK.link_id])
        assert part.trades() == whole.trades() != []
        assert part.entries == whole.entries
        assert part.entries[0].points == 0
        assert part.answers_ms == whole.answers_ms


def test_the_ends_of_a_link_stand_in_its_name() -> None:
    assert ends_of(LinkId("a->b")) == ("a", "b")
    assert ends_of(LinkId("orphan:b")) == ("b", "b")
