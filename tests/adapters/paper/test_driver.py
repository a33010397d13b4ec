"""The paper account as the service uses it: orders, looks, the stream, and what survives."""

import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import trio
import trio.testing

from adapters.base import SessionLost, SignInRefused
from adapters.paper.config import InstrumentKeys
from adapters.paper.driver import PaperAccount
from rules.model.actions import OpenPosition
from rules.model.events import (
    AccountReported,
    Origin,
    PositionClosed,
    PositionReported,
    SessionOpened,
    SnapshotReceived,
)
from rules.model.observed import Position
from rules.model.reports import Filled, NotFound, Rejected, StopsReplaced
from rules.model.values import ClOrdId, OmsType, PositionId, Side, Symbol
from tests.adapters.paper.papers import (
    NETTING,
    PAPER,
    closing,
    make_account,
    opening,
    quoted,
    reducing,
    replacing,
)
from tests.adapters.simulation.worlds import EURUSD, START, quote

MEMORY = ":memory:"


async def held(account: PaperAccount) -> tuple[Position, ...]:
    return (await account.snapshot())[0].positions


async def filled(account: PaperAccount, action) -> Filled:
    report = await account.submit(action)
    assert isinstance(report, Filled), report
    return report


async def test_an_order_fills_at_the_markets_quote_and_not_at_the_expected_price():
    report = await filled(make_account(MEMORY, market=quoted()), opening("a", price="1.20000"))
    assert (report.price, report.volume) == (Decimal("1.16008"), Decimal("0.10"))


async def test_without_a_quote_it_fills_at_the_expected_price():
    account = make_account(MEMORY)
    assert (await filled(account, opening("a", price="1.20000"))).price == Decimal("1.20000")
    assert await account.quote(EURUSD) is None


async def test_an_opening_with_neither_quote_nor_expected_price_is_rejected():
    account = make_account(MEMORY)
    assert await account.submit(opening("a", price=None)) == Rejected(ClOrdId("a"), "Off quotes")
    assert await held(account) == ()


async def test_a_close_with_neither_fills_at_the_last_known_price():
    account = make_account(MEMORY)
    opened = await filled(account, opening("a", price="1.20000"))
    assert (await filled(account, closing("c", opened.position_id, price=None))).price == Decimal("1.20000")
    assert await held(account) == ()


async def test_a_known_id_is_never_executed_twice():
    account = make_account(MEMORY)
    first = await filled(account, opening("a"))
    assert await account.submit(opening("a", price="1.30000")) == first
    assert len(await held(account)) == 1
    part = await filled(account, reducing("r", first.position_id, "0.04", "0.06"))
    assert await account.submit(reducing("r", first.position_id, "0.04", "0.06")) == part
    [position] = await held(account)
    assert position.volume == Decimal("0.06")


async def test_a_rejected_id_stays_rejected():
    account = make_account(MEMORY)
    rejected = await account.submit(opening("a", price=None))
    assert await account.submit(opening("a", price="1.16000")) == rejected
    assert await held(account) == ()


async def test_an_old_replacing_of_stops_that_comes_again_changes_nothing():
    account = make_account(MEMORY)
    opened = await filled(account, opening("a"))
    assert await account.submit(replacing("s1", opened.position_id, "1.10000")) == StopsReplaced(ClOrdId("s1"))
    await account.submit(replacing("s2", opened.position_id, "1.12000"))
    assert await account.submit(replacing("s1", opened.position_id, "1.10000")) == StopsReplaced(ClOrdId("s1"))
    [position] = await held(account)
    assert position.stop_loss == Decimal("1.12000")


async def test_actions_on_a_position_that_is_gone_are_rejected():
    account = make_account(MEMORY)
    gone = PositionId("9")
    for action in (closing("c", gone), reducing("r", gone, "0.04", "0.06"), replacing("s", gone, "1.1")):
        assert await account.submit(action) == Rejected(action.cl_ord_id, "Position not found")
        assert await account.find(action.cl_ord_id, START) == Rejected(action.cl_ord_id, "Position not found")


async def test_a_hedging_close_takes_the_whole_position():
    account = make_account(MEMORY)
    opened = await filled(account, opening("a", volume="0.30"))
    assert (await filled(account, closing("c", opened.position_id, volume="0.10"))).volume == Decimal("0.30")


@pytest.mark.parametrize(("volume", "closed"), [("0.10", "0.10"), ("0.50", "0.30")])
async def test_a_netting_close_takes_our_part_and_never_more_than_there_is(volume: str, closed: str):
    account = make_account(MEMORY, **NETTING)
    opened = await filled(account, opening("a", volume="0.30"))
    assert (await filled(account, closing("c", opened.position_id, volume=volume))).volume == Decimal(closed)


async def test_books_answer_for_every_id_and_for_none_that_never_came():
    account = make_account(MEMORY)
    report = await filled(account, opening("a"))
    assert await account.find(ClOrdId("a"), START) == report
    assert await account.find(ClOrdId("b"), START) == NotFound(ClOrdId("b"))


async def test_a_snapshot_holds_positions_and_figures():
    account = make_account(MEMORY, balance=Decimal(500))
    opened = await filled(account, opening("a", volume="0.01"))
    snapshot, status = await account.snapshot()
    assert (snapshot.account, snapshot.requested_at, snapshot.origin) == (PAPER, START, Origin.RECONCILED)
    [position] = snapshot.positions
    assert (position.position_id, position.tag) == (opened.position_id, "a")
    assert (status.balance, status.equity, status.margin_used) == (Decimal(500), Decimal(500), Decimal("11.60"))


async def test_configured_instruments_replace_and_join_the_default_ones():
    keys = [
        InstrumentKeys(symbol, Decimal("0.5"), Decimal(5), Decimal("0.5"), Decimal(10)) for symbol in ("EURUSD", "OIL")
    ]
    account = make_account(MEMORY, instruments=tuple(keys))
    assert {Symbol("OIL"), Symbol("XAUUSD")} <= set(await account.symbols())
    instrument = await account.instrument(EURUSD)
    assert instrument is not None
    assert instrument.volume_min == Decimal("0.5")
    assert await account.instrument(Symbol("NOPE")) is None
    assert await account.submit(opening("a", volume="0.10")) == Rejected(ClOrdId("a"), "Invalid volume")


@pytest.mark.parametrize(("oms", "grows"), [(OmsType.NETTING, True), (OmsType.HEDGING, False)])
async def test_only_netted_positions_grow(oms: OmsType, grows: bool):
    offered = make_account(MEMORY, oms=oms).capabilities
    assert (offered.oms, offered.volumes_grow, offered.trades, offered.streams) == (oms, grows, True, True)


# What survives


async def test_a_reopened_account_knows_positions_balance_and_ids(tmp_path: Path):
    account = make_account(tmp_path / "state")
    first = await filled(account, opening("a", stop_loss=Decimal("1.10000")))
    part = await filled(account, reducing("r", first.position_id, "0.04", "0.06", price="1.17000"))
    await account.submit(replacing("s", first.position_id, "1.12000"))
    await account.submit(opening("no", volume="0.001"))
    before = await account.snapshot()
    await account.aclose()

    again = make_account(tmp_path / "state", balance=Decimal(1))
    assert await again.snapshot() == before
    assert (await again.snapshot())[1].balance == Decimal(10040)
    assert await again.submit(opening("a")) == first
    assert await again.find(ClOrdId("r"), START) == part
    assert await again.find(ClOrdId("s"), START) == StopsReplaced(ClOrdId("s"))
    assert await again.find(ClOrdId("no"), START) == Rejected(ClOrdId("no"), "Invalid volume")
    second = await filled(again, opening("b"))
    assert int(second.position_id) > int(first.position_id)
    await again.aclose()


async def test_a_stop_that_a_quote_triggered_survives(tmp_path: Path):
    market = quoted()
    account = make_account(tmp_path / "state", market=market)
    await filled(account, opening("a", stop_loss=Decimal("1.15000")))
    market.set_quote(quote(EURUSD, "1.15000", "1.15008"))
    await account.aclose()
    snapshot, status = await make_account(tmp_path / "state").snapshot()
    assert (snapshot.positions, status.balance) == ((), Decimal("9899.20"))


@pytest.mark.slow  # starts a Python of its own, which imports trio and apsw
def test_orders_that_were_reported_survive_a_kill(tmp_path: Path):
    program = f"""
import trio
from tests.adapters.paper.papers import make_account, opening

async def main():
    account = make_account({str(tmp_path / "state")!r})
    for number in range(1000):
        await account.submit(opening(str(number), volume="0.01"))
        print(number, flush=True)

trio.run(main)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        reported = [next(process.stdout) for _ in range(5)]
        process.send_signal(signal.SIGKILL)
        reported += list(process.stdout)

    async def look() -> None:
        account = make_account(tmp_path / "state")
        positions = await held(account)
        tags = [str(position.tag) for position in positions]
        assert len(tags) == len(set(tags)) < 1000
        assert {line.strip() for line in reported} <= set(tags)
        for tag in tags:
            await filled(account, opening(tag, volume="0.01"))
        assert await held(account) == positions
        await account.aclose()

    trio.run(look)


async def test_a_second_instance_waits_for_the_first(tmp_path: Path):
    first, second = make_account(tmp_path / "state"), make_account(tmp_path / "state")
    await filled(first, opening("a"))
    with pytest.raises(SessionLost, match="in use"):
        await second.submit(opening("b"))
    await first.aclose()
    assert isinstance(await second.find(ClOrdId("a"), START), Filled)
    assert await second.find(ClOrdId("b"), START) == NotFound(ClOrdId("b"))
    await second.aclose()


@pytest.mark.parametrize(
    ("keys", "named"),
    [
        ({"name": "other"}, "'paper'"),
        ({"oms": OmsType.NETTING}, "oms"),
        ({"currency": "EUR"}, "currency"),
    ],
)
async def test_a_file_that_does_not_fit_the_account_is_refused(tmp_path: Path, keys, named: str):
    account = make_account(tmp_path / "state")
    await filled(account, opening("a"))
    await account.aclose()
    with pytest.raises(SignInRefused, match=named):
        await make_account(tmp_path / "state", **keys).snapshot()
    assert len(await held(make_account(tmp_path / "state"))) == 1


async def test_a_position_whose_instrument_is_no_longer_configured_is_refused(tmp_path: Path):
    oil = InstrumentKeys("OIL", Decimal(1), Decimal(5), Decimal(1))
    account = make_account(tmp_path / "state", instruments=(oil,))
    action = OpenPosition(ClOrdId("a"), PAPER, Symbol("OIL"), Side.BUY, Decimal(1), expected_price=Decimal(60))
    await filled(account, action)
    await account.aclose()
    with pytest.raises(SignInRefused, match="OIL"):
        await make_account(tmp_path / "state").snapshot()


def break_disk(account: PaperAccount) -> None:
    """Make every further write to the account's open file fail; a file that is opened anew works again."""
    account._books()._store._connection.pragma("query_only", 1)


async def test_an_order_that_cannot_be_written_has_an_unknown_outcome_and_the_file_decides(tmp_path: Path):
    account = make_account(tmp_path / "state")
    first = await filled(account, opening("a"))
    break_disk(account)
    with pytest.raises(SessionLost, match="cannot be written"):
        await account.submit(opening("b"))
    # Fresh books, from the file: the order never was, and what was before still is.
    assert await account.find(ClOrdId("b"), START) == NotFound(ClOrdId("b"))
    assert [position.position_id for position in await held(account)] == [first.position_id]
    await filled(account, opening("b"))
    await account.aclose()


async def test_a_stop_that_cannot_be_written_disturbs_no_quote_and_triggers_again(
    tmp_path: Path, nursery: trio.Nursery
):
    market = quoted()
    account = make_account(tmp_path / "state", market=market)
    await filled(account, opening("a", stop_loss=Decimal("1.15000")))
    lost: list[str] = []

    async def emit(_event: object) -> None:
        await trio.lowlevel.checkpoint()

    async def run() -> None:
        try:
            await account.stream(emit)
        except SessionLost as error:
            lost.append(str(error))

    nursery.start_soon(run)
    await trio.testing.wait_all_tasks_blocked()
    break_disk(account)
    market.set_quote(quote(EURUSD, "1.14000", "1.14008"))
    await trio.testing.wait_all_tasks_blocked()
    assert "cannot be written" in lost[0]
    assert len(await held(account)) == 1  # the file knows of no stop-out
    market.set_quote(quote(EURUSD, "1.14000", "1.14008"))
    assert await held(account) == ()
    await account.aclose()


# The stream


async def collect(account: PaperAccount, nursery: trio.Nursery, events: list[object]) -> trio.CancelScope:
    scope = trio.CancelScope()

    async def emit(event: object) -> None:
        await trio.lowlevel.checkpoint()
        events.append(event)

    async def run() -> None:
        with scope:
            await account.stream(emit)

    nursery.start_soon(run)
    await trio.testing.wait_all_tasks_blocked()
    return scope


async def test_the_stream_begins_with_a_snapshot_and_goes_on_with_changes(nursery: trio.Nursery):
    account = make_account(MEMORY)
    first = await filled(account, opening("a"))
    events: list[object] = []
    scope = await collect(account, nursery, events)
    opened, snapshot, figures = events
    assert isinstance(opened, SessionOpened)
    assert isinstance(snapshot, SnapshotReceived)
    assert (snapshot.certain, snapshot.requested_at, snapshot.origin) == (True, None, Origin.RECONCILED)
    assert [position.position_id for position in snapshot.positions] == [first.position_id]
    assert isinstance(figures, AccountReported)

    events.clear()
    await account.submit(reducing("r", first.position_id, "0.04", "0.06", price="1.17000"))
    await trio.testing.wait_all_tasks_blocked()
    changed, figures = events
    assert isinstance(changed, PositionReported)
    assert changed.position.volume == Decimal("0.06")
    assert isinstance(figures, AccountReported)
    assert figures.status.balance == Decimal(10040)

    events.clear()
    await account.submit(closing("c", first.position_id, price="1.17000"))
    await trio.testing.wait_all_tasks_blocked()
    assert events[0] == PositionClosed(PAPER, START, first.position_id, Decimal("1.17000"), START)
    scope.cancel()


async def test_a_turned_around_position_is_gone_before_its_successor_is_there(nursery: trio.Nursery):
    account = make_account(MEMORY, **NETTING)
    first = await filled(account, opening("a"))
    events: list[object] = []
    scope = await collect(account, nursery, events)
    events.clear()
    await account.submit(opening("b", side=Side.SELL, volume="0.25"))
    await trio.testing.wait_all_tasks_blocked()
    gone, successor, _figures = events
    assert isinstance(gone, PositionClosed)
    assert gone.position_id == first.position_id
    assert isinstance(successor, PositionReported)
    assert (successor.position.side, successor.position.volume) == (Side.SELL, Decimal("0.15"))
    scope.cancel()


async def test_a_slow_reader_gets_the_latest_of_each_position(nursery: trio.Nursery):
    account = make_account(MEMORY)
    events: list[object] = []
    scope = await collect(account, nursery, events)
    events.clear()
    first = await filled(account, opening("a"))
    books = account._books()
    for step in ("1.10", "1.11", "1.12"):
        books.book.replace_stops(first.position_id, Decimal(step), None)
    await trio.testing.wait_all_tasks_blocked()
    reported = [event.position.stop_loss for event in events if isinstance(event, PositionReported)]
    assert reported[-1] == Decimal("1.12")
    assert len(reported) <= 2
    scope.cancel()


async def test_closing_the_account_ends_its_stream():
    account = make_account(MEMORY)
    events: list[object] = []

    async def emit(event: object) -> None:
        events.append(event)
        if isinstance(event, AccountReported):
            await account.aclose()

    with pytest.raises(SessionLost, match="closed"):
        await account.stream(emit)
    assert len(events) == 3
