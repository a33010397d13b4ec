"""An engine whose clock, inputs and answers are given."""

from datetime import datetime, timedelta

import trio
from attrs import evolve

from adapters.base import Capabilities
from copier.config.model import Configuration, ServiceConfig
from copier.engine.inputs import Input
from copier.ledger.records import DecisionRecord
from copier.replay.rehearsal import Rehearsal
from rules.model.copies import CopyStatus
from rules.model.events import InstrumentReported, Origin, PositionReported, SnapshotReceived
from rules.model.look_ups import LookUp
from rules.model.reasons import Reason
from rules.model.values import OmsType
from rules.policy.guard import Guard
from rules.policy.links import CopyPolicy
from tests.copier.desk import LINK, SOURCE, TARGET
from tests.copier.fakes import source_position
from tests.rules.playbook import EURUSD, T0

CAN = Capabilities(OmsType.HEDGING, streams=True, trades=True, volumes_grow=False)


class Venue:
    """Answers each look-up of an instrument, and notes it."""

    def __init__(self, *, knows: bool = True) -> None:
        self.knows = knows
        self.asked: list[LookUp] = []

    def __call__(self, look_up: LookUp, now: datetime) -> list[Input]:
        self.asked.append(look_up)
        return [InstrumentReported(look_up.account, now, look_up.symbol, EURUSD if self.knows else None)]


def rehearsal(venue: Venue, policy: CopyPolicy) -> Rehearsal:
    config = Configuration(
        file=ServiceConfig().ledger,
        service=ServiceConfig(),
        accounts={},
        policies={},
        links=(evolve(LINK, policy=policy),),
        limits=(),
        sums={},
    )
    return Rehearsal(config, {SOURCE: CAN, TARGET: CAN}, venue, T0)


async def _seen(run: Rehearsal) -> None:
    for account in (SOURCE, TARGET):
        await run.takes(SnapshotReceived(account, run.now, (), Origin.RECONCILED, run.now))
    run.now += timedelta(seconds=1)


def test_what_a_decision_asks_is_answered_before_anything_else_happens() -> None:
    async def play() -> None:
        venue = Venue()
        run = rehearsal(venue, CopyPolicy("p"))
        await _seen(run)
        await run.takes(PositionReported(SOURCE, run.now, source_position()))
        assert [type(order).__name__ for order in run.take_orders()] == ["OpenPosition"]
        assert run.take_orders() == []
        assert [look_up.symbol for look_up in venue.asked] == ["EURUSD"]
        assert any(isinstance(record, DecisionRecord) and record.orders for record, _ in run.records)
        run.close()

    trio.run(play)


def test_a_venue_that_says_the_same_again_is_asked_once_a_moment() -> None:
    async def play() -> None:
        venue = Venue()
        run = rehearsal(venue, CopyPolicy("p", guard=Guard(require_quotes=True, max_age=timedelta(seconds=3))))
        await _seen(run)
        await run.takes(PositionReported(SOURCE, run.now, source_position()))
        assert run.take_orders() == []
        assert len(venue.asked) == len(set(venue.asked)) <= 4
        run.close()

    trio.run(play)


def test_time_passes_timer_by_timer() -> None:
    async def play() -> None:
        run = rehearsal(Venue(), CopyPolicy("p", guard=Guard(max_age=timedelta(seconds=3))))
        await run.takes(SnapshotReceived(SOURCE, run.now, (), Origin.RECONCILED, run.now))
        await run.takes(PositionReported(SOURCE, run.now, source_position(opened_at=run.now)))
        [copy] = run.book.all()
        assert (copy.status, copy.reason) == (CopyStatus.WAITING, Reason.TARGET_NOT_READY)
        await run.until(T0 + timedelta(seconds=10))
        [copy] = run.book.all()
        assert copy.status is CopyStatus.ENDED
        assert run.now == T0 + timedelta(seconds=10)
        ended = next(at for record, at in run.records if isinstance(record, DecisionRecord) and record.copy == copy)
        assert ended == T0 + timedelta(seconds=3)
        run.close()

    trio.run(play)
