"""Stop-losses that are orders of their own, through the engine: entered, entered anew, withdrawn, told of."""

from datetime import timedelta
from decimal import Decimal

from attrs import evolve

from copier.engine.stop_watch import CANCEL_AGAIN
from copier.ledger.records import AlertRecord
from rules.deciding.settling import STOPS_TRIES
from rules.model.actions import CancelOrder, ReplaceStops
from rules.model.events import Origin, SnapshotReceived
from rules.model.observed import Position, WorkingOrder
from rules.model.reports import Canceled, Rejected
from rules.model.values import OrderType, Side, Symbol, VenueOrderId
from tests.copier.desk import TARGET, Desk, target_position
from tests.copier.fakes import source_position
from tests.rules.playbook import shape

STOP = Decimal("1.05")
OURS = "cp" + "a" * 20


async def ready() -> Desk:
    """Return a service whose target keeps a stop-loss for the session only."""
    desk = await Desk().ready()
    desk.views[TARGET].stop_loss_lasts = desk.views[TARGET].keeps_take_profit = False
    return desk


async def protected(desk: Desk) -> tuple[Position, ReplaceStops]:
    """Copy a position and have its stop-loss entered; return the target's position and that order."""
    source = source_position(stop_loss=STOP, take_profit=Decimal("1.3"))
    [opening] = await desk.sees(source)
    [stops] = await desk.fills([opening])
    assert isinstance(stops, ReplaceStops)
    assert (stops.stop_loss, stops.take_profit) == (STOP, None)
    assert await desk.fills([stops]) == []
    return evolve(target_position(desk, opening, source), stop_loss=STOP, take_profit=None), stops


def stray(tag: str, order_id: str = "9") -> WorkingOrder:
    order = WorkingOrder(VenueOrderId(order_id), Symbol("EURUSD"), Side.SELL, OrderType.STOP, Decimal(1), STOP)
    return evolve(order, tag=tag)


async def looks(desk: Desk, *held: Position, orders: tuple[WorkingOrder, ...] = ()) -> list[object]:
    """Let the target's books, asked a minute later, show these."""
    desk.now += timedelta(minutes=1)
    return list(await desk.takes(SnapshotReceived(TARGET, desk.now, held, Origin.RECONCILED, desk.now, orders=orders)))


async def test_a_stop_loss_that_is_missing_in_a_look_is_entered_anew_once() -> None:
    desk = await ready()
    held, _ = await protected(desk)
    assert await looks(desk, held) == []
    desk.now += timedelta(hours=16)
    again = await looks(desk, evolve(held, stop_loss=None))
    assert shape(again) == [("stops", "1.05")]
    assert await looks(desk, evolve(held, stop_loss=None)) == []
    await desk.fills(again)
    assert await looks(desk, held) == []


async def test_where_stops_last_nobody_asks_what_became_of_them() -> None:
    desk = await ready()
    held, _ = await protected(desk)
    desk.views[TARGET].stop_loss_lasts = True
    assert await looks(desk, evolve(held, stop_loss=None)) == []
    assert await looks(desk, orders=(stray(OURS),)) == []


async def test_a_person_is_told_once_of_a_stop_loss_that_the_venue_refuses_again_and_again() -> None:
    desk = await ready()
    [opening] = await desk.sees(source_position(stop_loss=STOP))
    orders = await desk.fills([opening])
    for _ in range(STOPS_TRIES):
        [stops] = orders
        assert desk.alerts == []
        await desk.reports(Rejected(stops.cl_ord_id, "halted"))
        desk.now += timedelta(minutes=1)
        orders = await desk.takes()
    assert orders == []
    [alert] = desk.records("alert")
    assert isinstance(alert, AlertRecord)
    assert (alert.code, alert.account) == ("stop_loss", TARGET)
    assert "EURUSD has no stop-loss at 1.05: halted" in alert.text


async def test_a_stop_loss_that_protects_nothing_is_canceled_when_two_looks_show_it() -> None:
    desk = await ready()
    held, stops = await protected(desk)
    left = stray(stops.cl_ord_id)
    assert await looks(desk, held, orders=(left,)) == []
    assert desk.engine.suspicious
    [cancel] = await looks(desk, held, orders=(left,))
    assert isinstance(cancel, CancelOrder)
    assert (cancel.order_id, cancel.symbol, cancel.account) == (left.order_id, "EURUSD", TARGET)
    assert "stop_loss" in desk.alerts
    assert await desk.reports(Canceled(cancel.cl_ord_id)) == []
    assert await looks(desk, held) == []
    assert not desk.engine.suspicious


async def test_one_that_is_still_there_is_canceled_again_under_another_id_after_a_while() -> None:
    desk = await ready()
    held, stops = await protected(desk)
    left = stray(stops.cl_ord_id)
    await looks(desk, held, orders=(left,))
    [first] = await looks(desk, held, orders=(left,))
    event = SnapshotReceived(TARGET, desk.now, (held,), Origin.RECONCILED, desk.now, orders=(left,))
    desk.now += CANCEL_AGAIN - timedelta(seconds=1)
    assert await desk.takes(event) == []
    desk.now += timedelta(seconds=1)
    [second] = await desk.takes(event)
    assert second == evolve(first, cl_ord_id=second.cl_ord_id)
    assert second.cl_ord_id != first.cl_ord_id


async def test_one_that_was_seen_once_only_is_left_alone() -> None:
    desk = await ready()
    held, stops = await protected(desk)
    for _ in range(3):
        assert await looks(desk, held, orders=(stray(stops.cl_ord_id),)) == []
        assert await looks(desk, held) == []


async def test_orders_that_were_no_stop_loss_of_this_ledger_are_left_alone() -> None:
    desk = await ready()
    held, _ = await protected(desk)
    opening = desk.copy.legs[0].cl_ord_id
    others = (stray(OURS, "1"), stray("somebodys", "2"), evolve(stray(OURS, "3"), tag=None), stray(opening, "4"))
    for _ in range(3):
        assert await looks(desk, held, orders=others) == []
    assert desk.alerts == []
