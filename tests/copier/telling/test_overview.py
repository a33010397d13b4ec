"""What a ledger adds up to: living copies, limits' stages, and whether somebody writes to it."""

import threading
from pathlib import Path

from attrs import evolve

from copier.ledger.file import WriterLock
from copier.ledger.ledger import Ledger
from copier.telling.overview import is_running, overview
from rules.limits.policy import Limit
from rules.limits.terms import LimitKind, Percent
from rules.model.observed import AccountStatus
from rules.model.values import LinkId, Volume
from rules.policy.links import LinkState
from tests.copier.desk import LINK, TARGET, Desk
from tests.copier.fakes import source_position

PAUSED = evolve(LINK, link_id=LinkId("paused"), state=LinkState.PAUSED)
LIMIT = Limit("total", TARGET, LimitKind.MAX_LOSS, Percent(Volume("0.05")))


async def test_only_what_lives_is_shown_with_its_orders_under_way() -> None:
    desk = await Desk(links=[LINK, PAUSED], limits=[LIMIT]).ready()
    held = await desk.copied(source_position("p1"))
    [order] = await desk.sees(source_position("p2"))
    await desk.polls(TARGET, held, status=AccountStatus(Volume(100_000), Volume(96_000), "USD"))
    seen = overview(desk.ledger, running=True).as_json()
    assert seen["running"] is True
    assert seen["entries"] == desk.ledger.last_seq
    assert seen["limits"] == [{"limit": "total", "stage": "warn"}]
    shown = ("source_position", "state", "volume", "positions", "orders_under_way")
    assert [tuple(each[key] for key in shown) for each in seen["copies"]] == [
        ("p1", "holds 1", "1", [held.position_id], []),
        ("p2", "holds 1", "1", [], [order.cl_ord_id]),
    ]


async def test_a_closed_copy_is_not_shown() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position())
    await desk.fills(await desk.closes())
    assert overview(desk.ledger, running=False).copies == []


def test_who_asks_keeps_no_writer_out(tmp_path: Path) -> None:
    path = tmp_path / "copier.db"
    Ledger.open(path).close()
    asker = WriterLock.take(path)  # as `is_running` does for a moment
    released = threading.Timer(0.03, asker.release)
    released.start()
    Ledger.open(path).close()
    released.join()


def test_a_writer_is_seen_and_not_disturbed(tmp_path: Path) -> None:
    path = tmp_path / "copier.db"
    ledger = Ledger.open(path)
    assert is_running(path)
    assert is_running(path)
    ledger.close()
    assert not is_running(path)
    Ledger.open(path).close()
