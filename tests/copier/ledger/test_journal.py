"""The engine's pen: one commit a round, told after it is durable, and patient on a full disk."""

from collections.abc import Sequence
from datetime import datetime

import apsw
import pytest
import trio
from trio.testing import MockClock

from copier.ledger.journal import FULL_DISK_PAUSE_S, Journal
from copier.ledger.ledger import DuplicateKey, Entry, Ledger, LedgerFailed
from copier.ledger.records import AlertRecord, ObservedRecord, Record
from rules.alerts.kinds import AlertKind
from rules.model.actions import OpenPosition
from rules.model.events import PositionClosed
from rules.model.values import AccountId, ClOrdId, PositionId, Side, Symbol, Volume
from tests.copier.desk import SOURCE, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import T0

ACTION = OpenPosition(ClOrdId("cp1"), AccountId("target"), Symbol("X"), Side.BUY, Volume(1))


class SmallDisk(Ledger):
    """A ledger whose disk is full for as many commits as told."""

    full_for: int

    def append(self, entries: Sequence[Entry], at: datetime) -> int:
        if self.full_for > 0:
            self.full_for -= 1
            raise LedgerFailed("the disk of the ledger is full")
        return super().append(entries, at)


def small_disk(full_for: int) -> SmallDisk:
    ledger = Ledger.in_memory()
    ledger.__class__ = SmallDisk
    assert isinstance(ledger, SmallDisk)
    ledger.full_for = full_for
    return ledger


async def test_what_was_written_stands_in_the_ledger_after_the_commit_and_not_before() -> None:
    ledger = Ledger.in_memory()
    journal = Journal(ledger)
    journal.alert(AlertKind.ORPHAN, AccountId("a"), "text")
    assert ledger.last_seq == 0
    await journal.commit(T0)
    assert [(entry.kind, entry.account) for entry in ledger.entries()] == [("alert", "a")]


async def test_listeners_hear_of_a_record_only_once_it_is_durable() -> None:
    ledger = Ledger.in_memory()
    heard: list[tuple[Record, int]] = []
    journal = Journal(ledger, listeners=[lambda record, _: heard.append((record, ledger.last_seq))])
    journal.alert(AlertKind.ORPHAN, AccountId("a"), "1")
    journal.alert(AlertKind.ORPHAN, AccountId("a"), "2")
    assert heard == []
    journal.announce()
    assert heard == []
    await journal.commit(T0)
    journal.announce()
    account = AccountId("a")
    assert heard == [(AlertRecord("orphan", "1", account), 2), (AlertRecord("orphan", "2", account), 2)]
    await journal.commit(T0)
    journal.announce()
    assert len(heard) == 2, "nothing is told twice"


async def test_an_observation_waits_for_what_must_be_durable_and_goes_with_it() -> None:
    ledger = Ledger.in_memory()
    journal = Journal(ledger)
    seen = ObservedRecord(PositionClosed(AccountId("a"), T0, PositionId("p")))
    journal.observed(seen)
    await journal.commit(T0)
    assert ledger.last_seq == 0
    journal.alert(AlertKind.ORPHAN, AccountId("a"), "text")
    journal.observed(seen)
    await journal.commit(T0)
    assert [entry.kind for entry in ledger.entries()] == ["observed", "alert", "observed"]


async def test_at_the_end_everything_is_written() -> None:
    ledger = Ledger.in_memory()
    journal = Journal(ledger)
    journal.observed(ObservedRecord(PositionClosed(AccountId("a"), T0, PositionId("p"))))
    await journal.commit(T0, all_=True)
    assert ledger.last_seq == 1


async def test_a_busy_commit_in_a_thread_writes_the_same() -> None:
    ledger = Ledger.in_memory()
    journal = Journal(ledger, threads=True)
    journal.intent(ACTION, resend=False)
    await journal.commit(T0, busy=True)
    assert journal.knows(ClOrdId("cp1"))
    assert not journal.knows(ClOrdId("cp2"))


async def test_a_first_sending_owns_its_id_for_ever() -> None:
    journal = Journal(Ledger.in_memory())
    journal.intent(ACTION, resend=False)
    await journal.commit(T0)
    journal.intent(ACTION, resend=True)
    await journal.commit(T0)
    journal.intent(ACTION, resend=False)
    with pytest.raises(DuplicateKey):
        await journal.commit(T0)


@pytest.mark.parametrize("busy", [False, True])
async def test_a_full_disk_is_waited_out_and_nothing_is_lost(autojump_clock: MockClock, busy: bool) -> None:
    ledger = small_disk(full_for=30)
    journal = Journal(ledger, threads=False)
    journal.alert(AlertKind.ORPHAN, AccountId("a"), "text")
    await journal.commit(T0, busy=busy)
    assert trio.current_time() >= 30 * FULL_DISK_PAUSE_S
    assert ledger.last_seq == 1


async def test_nothing_leaves_while_the_disk_is_full_and_everything_does_after(autojump_clock: MockClock) -> None:
    ledger = small_disk(full_for=0)
    desk = await Desk(ledger).ready()
    ledger.full_for = 10
    async with trio.open_nursery() as nursery:
        nursery.start_soon(desk.sees, source_position())
        await trio.sleep(9.5 * FULL_DISK_PAUSE_S)
        assert desk.sent == []
    assert len(desk.sent) == 1


async def test_a_really_full_database_is_waited_out(autojump_clock: MockClock) -> None:
    connections: list[apsw.Connection] = []
    apsw.connection_hooks.append(connections.append)
    try:
        ledger = Ledger.in_memory()
    finally:
        apsw.connection_hooks.remove(connections.append)
    [connection] = connections
    desk = await Desk(ledger).ready()
    connection.pragma("max_page_count", connection.pragma("page_count"))

    async def trade() -> None:
        for number in range(10):
            await desk.polls(SOURCE, *(source_position(f"p{each}") for each in range(number + 1)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trade)
        await trio.sleep(5)
        left = len(desk.sent)
        assert left < 10, "the disk was never full"
        await trio.sleep(60)
        assert len(desk.sent) == left
        connection.pragma("max_page_count", 2**30)
    assert len({action.cl_ord_id for action in desk.sent}) == len(desk.sent) == 10
    assert ledger.verify().first_bad_seq is None


async def test_a_broken_ledger_ends_the_service(autojump_clock: MockClock) -> None:
    class Broken(Ledger):
        def append(self, entries: Sequence[Entry], at: datetime) -> int:
            raise LedgerFailed("the disk failed")

        @property
        def broken(self) -> bool:
            return True

    ledger = Ledger.in_memory()
    ledger.__class__ = Broken
    journal = Journal(ledger)
    journal.alert(AlertKind.ORPHAN, AccountId("a"), "text")
    with pytest.raises(LedgerFailed):
        await journal.commit(T0)
