"""What the ledger adds up to is what was in memory, after anything, with or without checkpoints."""

from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from attrs import evolve

from copier.ledger.ledger import Ledger
from copier.ledger.records import CheckpointRecord, DecisionRecord
from copier.ledger.recovery import Recovered, recover, unanswered
from rules.books.reconcile import CopyKey
from rules.limits.policy import Limit
from rules.limits.terms import LimitKind, Percent
from rules.model.actions import Action
from rules.model.copies import Copy
from rules.model.observed import AccountStatus, Position
from rules.model.reports import Accepted, NotFound, NotSent, OutcomeUnknown, Rejected
from rules.model.values import LinkId, OmsType, PositionId, Side
from rules.policy.guard import Guard
from rules.policy.links import CopyPolicy, LinkState
from rules.policy.size import VolumePolicy
from tests.copier.desk import LINK, SOURCE, TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import T0, filled, shape

POLICY = CopyPolicy("third", guard=Guard(max_age=timedelta(seconds=20)), volume=VolumePolicy(max=Decimal("1.5")))
LINKS = (
    evolve(LINK, policy=POLICY),
    evolve(LINK, link_id=LinkId("paused"), state=LinkState.PAUSED),
)


class Chaos:
    """Random events, reports and restarts on one desk, all from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.desk = Desk(links=LINKS, oms=self.random.choice(tuple(OmsType)))
        self.source: dict[str, Position] = {}
        self.under_way: list[Action] = []

    async def run(self, steps: int) -> Desk:
        await self.desk.ready()
        for _ in range(steps):
            self.desk.now += timedelta(seconds=self.random.choice((0, 1, 5, 60)))
            self.under_way += await self._step()
        return self.desk

    async def _step(self) -> list[Action]:
        match self.random.choice(
            ("open", "open", "change", "close", "report", "report", "poll", "look", "time", "lost")
        ):
            case "open":
                return await self._show(source_position(f"p{len(self.source)}", opened_at=self.desk.now))
            case "change" if self.source:
                position = self.random.choice(list(self.source.values()))
                volume = Decimal(self.random.choice(("0.2", "0.5", "1")))
                side = self.random.choice((position.side, position.side, Side.SELL))
                return await self._show(evolve(position, volume=min(volume, position.volume), side=side))
            case "close" if self.source:
                gone = self.random.choice(list(self.source))
                del self.source[gone]
                return await self.desk.closes(gone)
            case "report" if self.under_way:
                return await self._report(self.under_way.pop(self.random.randrange(len(self.under_way))))
            case "poll":
                return await self.desk.polls(SOURCE, *self.source.values())
            case "look":
                return await self.desk.polls(TARGET)
            case "lost":
                return await self.desk.loses(TARGET)
            case _:
                return await self.desk.takes()

    async def _show(self, position: Position) -> list[Action]:
        self.source[position.position_id] = position
        return await self.desk.sees(position)

    async def _report(self, action: Action) -> list[Action]:
        order = action.cl_ord_id
        report = self.random.choice(
            (
                filled(action),
                filled(action),
                Rejected(order, "no"),
                NotSent(order, "no connection"),
                NotFound(order),
                OutcomeUnknown(order, "lost"),
                Accepted(order),
            )
        )
        if isinstance(report, OutcomeUnknown | Accepted):
            self.under_way.append(action)
        return await self.desk.reports(report)


def live(desk: Desk) -> dict[CopyKey, Copy]:
    return {copy.key: copy for copy in desk.book.all()}


@pytest.mark.parametrize("seed", range(25))
async def test_replaying_the_ledger_gives_the_live_state(seed: int) -> None:
    desk = await Chaos(seed).run(120)
    recovered = recover(desk.ledger)
    assert recovered.copies == live(desk)
    assert recovered.forgotten_until >= desk.book.forgotten_until
    assert len(desk.records()) > 50, "a quiet run would prove nothing"


@pytest.mark.parametrize("seed", range(5))
async def test_a_checkpoint_changes_nothing_of_what_is_recovered(seed: int) -> None:
    chaos = Chaos(seed)
    desk = await chaos.run(60)
    before = recover(desk.ledger)
    parts = (before.copies, before.limits, before.mismatches, before.memories, before.levers)
    copies, limits, mismatches, memories, levers = (tuple(part.values()) for part in parts)  # type: ignore[attr-defined]
    until = before.forgotten_until
    desk.engine._journal.checkpoint(CheckpointRecord(copies, limits, desk.now, mismatches, memories, levers, until))
    await desk.engine._journal.commit(desk.now)
    assert recover(desk.ledger) == before
    desk = await chaos.run(60)
    assert recover(desk.ledger).copies == live(desk)
    folded = Recovered()
    for record in desk.records():
        folded.fold(record)
    assert folded == recover(desk.ledger), "folding from the first row gives the same as from the checkpoint"


async def test_a_denied_copy_is_forgotten_with_its_source_so_that_checkpoints_do_not_grow_for_ever() -> None:
    desk = await Desk(links=[LINKS[1]]).ready()
    for number in range(20):
        await desk.sees(source_position(f"p{number}"))
        await desk.closes(f"p{number}")
    assert recover(desk.ledger).copies == {}


@pytest.mark.parametrize("knows", [True, False])
async def test_what_comes_back_after_it_was_forgotten_gets_new_ids_also_after_a_checkpoint(knows: bool) -> None:
    desk = await Desk().ready()
    position = source_position("p1", opened_at=desk.now)
    [first] = await desk.sees(position)
    await desk.fills([first])
    await desk.fills(await desk.closes("p1"))
    assert recover(desk.ledger).copies == {}
    until = desk.book.forgotten_until if knows else None  # an older version wrote none
    desk.engine._journal.checkpoint(CheckpointRecord((), (), desk.now, forgotten_until=until))
    await desk.engine._journal.commit(desk.now)
    after = Desk(desk.ledger, now=desk.now)
    await after.polls(TARGET)
    [again] = await after.polls(SOURCE, position)
    assert again.cl_ord_id != first.cl_ord_id
    assert after.copy.legs[0].number == 1


async def test_a_life_that_gave_way_to_an_older_one_counts_as_forgotten() -> None:
    desk = await Desk().ready()
    await desk.sees(source_position("p1", opened_at=desk.now))
    recovered = recover(desk.ledger)
    [young] = recovered.copies.values()
    recovered.fold(DecisionRecord(evolve(young, opened_at=T0 - timedelta(hours=1)), "position"))
    assert recovered.forgotten_until == young.opened_at


def test_an_older_checkpoint_leaves_a_day_for_clocks_that_are_ahead() -> None:
    recovered = Recovered()
    recovered.fold(CheckpointRecord((), (), T0))
    assert recovered.forgotten_until == T0 + timedelta(days=1)


async def test_a_copy_that_ended_stays_known_while_its_source_is_open() -> None:
    desk = await Desk(links=[LINKS[1]]).ready()
    await desk.sees(source_position())
    assert set(recover(desk.ledger).copies) == {(LinkId("paused"), PositionId("p1"))}


async def test_every_order_under_way_is_unanswered_with_its_first_moment() -> None:
    desk = await Desk().ready()
    sent_at = desk.now
    [first] = await desk.sees(source_position("p1"))
    desk.now += timedelta(seconds=1)
    [second] = await desk.sees(source_position("p2"))
    [third] = await desk.sees(source_position("p3"))
    await desk.fills([third])
    await desk.reports(NotFound(first.cl_ord_id), Accepted(second.cl_ord_id))
    found = {order.action.cl_ord_id: order for order in unanswered(desk.ledger, recover(desk.ledger))}
    assert set(found) == {first.cl_ord_id, second.cl_ord_id}
    assert found[first.cl_ord_id].action == first
    assert found[first.cl_ord_id].submitted_at == sent_at, "a resend may be the second request of this id"
    assert [found[order.cl_ord_id].accepted for order in (first, second)] == [False, True]


async def test_a_pending_order_without_its_intent_row_is_refused_loudly() -> None:
    desk = await Desk().ready()
    await desk.sees(source_position())
    empty = Ledger.in_memory()
    with pytest.raises(LookupError, match="no intent for order"):
        unanswered(empty, recover(desk.ledger))


async def test_the_next_run_orders_nothing_for_what_is_under_way() -> None:
    desk = await Desk().ready()
    [order] = await desk.sees(source_position())
    after = Desk(desk.ledger, now=desk.now)
    assert await after.polls(TARGET) == []
    assert await after.polls(SOURCE, source_position()) == []
    assert shape(await after.reports(NotFound(order.cl_ord_id))) == [("open", "1.00")]


async def test_limit_states_are_recovered() -> None:
    limit = Limit("total", TARGET, LimitKind.MAX_LOSS, Percent(Decimal("0.1")))
    desk = await Desk(limits=[limit]).ready()
    await desk.polls(TARGET, status=AccountStatus(Decimal(80_000), Decimal(80_000), "USD"))
    recovered = recover(desk.ledger).limits["total"]
    assert recovered.latched is not None
    lived = next(state for state in desk.limits.states if state.limit_id == "total")
    assert evolve(recovered, at_stops=lived.at_stops) == lived, "what the stops would leave comes with every look"
