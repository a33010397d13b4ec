"""A dry run: every order counts as executed as wished, and the ledger file stays as it is."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from copier.engine.inputs import Intent
from copier.ledger.ledger import Ledger, LedgerRefused
from copier.ledger.recovery import recover, unanswered
from copier.service.dry_run import DryRun, ledger_copy
from rules.model.actions import (
    Action,
    CancelOrder,
    ClosePosition,
    OpenPosition,
    PlaceOrder,
    ReducePosition,
    ReplaceOrder,
    ReplaceStops,
)
from rules.model.reports import Canceled, Filled, Placed, Replaced, Report, StopsReplaced
from rules.model.values import AccountId, ClOrdId, OrderType, PositionId, Side, Symbol, VenueOrderId, Volume
from tests.copier.desk import TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import T0

EURUSD, POSITION = Symbol("EURUSD"), PositionId("t1")


async def test_every_order_is_executed_as_wished(autojump_clock: MockClock) -> None:
    reports: list[Report] = []

    async def report(name: AccountId, given: Report) -> None:
        assert name == TARGET
        await trio.lowlevel.checkpoint()
        reports.append(given)

    dry = DryRun(TARGET, report=report)
    order_id = VenueOrderId("dry-e")
    actions: list[Action] = [
        OpenPosition(ClOrdId("a"), TARGET, EURUSD, Side.BUY, Volume(2), expected_price=Volume("1.1")),
        ReducePosition(ClOrdId("b"), TARGET, POSITION, EURUSD, Side.BUY, Volume("0.5"), Volume("1.5")),
        ClosePosition(ClOrdId("c"), TARGET, POSITION, EURUSD, Side.BUY, Volume("1.5")),
        ReplaceStops(ClOrdId("d"), TARGET, POSITION, EURUSD, None, None),
        PlaceOrder(ClOrdId("e"), TARGET, EURUSD, Side.BUY, OrderType.STOP, Volume(1), Volume(2)),
        ReplaceOrder(ClOrdId("f"), TARGET, order_id, EURUSD, Side.BUY, OrderType.STOP, Volume(3), None, None, None),
        CancelOrder(ClOrdId("g"), TARGET, order_id, EURUSD),
    ]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(dry.run)
        for action in actions:
            dry.put(Intent(action, T0))
            await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert reports == [
        Filled(ClOrdId("a"), PositionId("dry-a"), Volume(2), Volume("1.1")),
        Filled(ClOrdId("b"), POSITION, Volume("0.5")),
        Filled(ClOrdId("c"), POSITION, Volume("1.5")),
        StopsReplaced(ClOrdId("d")),
        Placed(ClOrdId("e"), order_id),
        Replaced(ClOrdId("f")),
        Canceled(ClOrdId("g")),
    ]
    assert not dry.full


async def test_the_copy_goes_on_from_the_ledger_and_leaves_its_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "copier.db"
    ledger = Ledger.open(path)
    desk = await Desk(ledger).ready()
    await desk.copied(source_position("p1"))
    [under_way] = await desk.sees(source_position("p2"))
    ledger.close()
    before = path.read_bytes()
    copy = ledger_copy(path)
    assert recover(copy).copies == {each.key: each for each in desk.book.all()}
    [order] = unanswered(copy, recover(copy))
    assert order.action == under_way
    after = await Desk(copy).ready()
    assert len(after.book) == 2
    assert path.read_bytes() == before


async def test_the_copy_is_made_beside_a_running_service(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "copier.db")
    desk = await Desk(ledger).ready()
    await desk.copied(source_position("p1"))
    assert len(recover(ledger_copy(tmp_path / "copier.db")).copies) == 1
    await desk.sees(source_position("p2"))
    ledger.close()


def test_without_a_ledger_it_begins_with_nothing_and_makes_no_file(tmp_path: Path) -> None:
    assert ledger_copy(tmp_path / "copier.db").last_seq == 0
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("hello\n" * 1000, encoding="utf-8")
    with pytest.raises(LedgerRefused):
        ledger_copy(tmp_path / "notes")
