"""What changed, for those who show it."""

import trio
from trio.testing import MockClock

from copier.ledger.records import AlertRecord
from copier.web.changes import RECORDS_WAITING_MAX, Changes
from rules.model.values import AccountId
from tests.rules.playbook import T0

ONE, TWO = AccountId("one"), AccountId("two")


async def test_records_come_in_order_and_accounts_once(autojump_clock: MockClock) -> None:
    changes = Changes()
    with changes.reader() as reader:
        for number in range(3):
            changes.record(AlertRecord("x", str(number), ONE), T0)
            changes.touch([ONE, TWO])
        news = await reader.take()
        assert [change.record for change in news.changes] == [AlertRecord("x", str(number), ONE) for number in range(3)]
        assert [change.number for change in news.changes] == [1, 2, 3]
        assert news.accounts == {ONE, TWO}
        assert not news.is_gap
        with trio.move_on_after(1) as scope:
            await reader.take()
        assert scope.cancelled_caught, "nothing new"


async def test_a_reader_that_is_too_slow_learns_that_it_missed_something(autojump_clock: MockClock) -> None:
    changes = Changes()
    with changes.reader() as reader:
        for _ in range(RECORDS_WAITING_MAX + 1):
            changes.record(AlertRecord("x", "", ONE), T0)
        news = await reader.take()
        assert news.is_gap
        assert len(news.changes) <= RECORDS_WAITING_MAX
        changes.record(AlertRecord("x", "", ONE), T0)
        assert not (await reader.take()).is_gap


async def test_who_reads_no_more_costs_nothing(autojump_clock: MockClock) -> None:
    changes = Changes()
    with changes.reader() as reader:
        pass
    changes.record(AlertRecord("x", "", ONE), T0)
    changes.touch([ONE])
    with trio.move_on_after(1) as scope:
        await reader.take()
    assert scope.cancelled_caught
