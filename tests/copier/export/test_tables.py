"""The tables of a ledger: each row what happened, of the time and the accounts that were asked about."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from attrs import evolve

from copier.export.tables import TABLES
from copier.ledger.codec import encode
from copier.ledger.ledger import Entry
from copier.ledger.records import KINDS, AcknowledgedRecord, AlertRecord, MismatchRecord, Record
from copier.performance.scope import Scope
from rules.books.mismatch import Mismatch, MismatchKind
from rules.limits.policy import Limit
from rules.limits.terms import LimitKind, Percent
from rules.model.events import InstrumentReported
from rules.model.reports import Accepted, NotSent, Rejected
from rules.model.severity import Severity
from rules.model.values import AccountId, LinkId, PositionId, Volume
from tests.copier.desk import LINK, TARGET, Desk
from tests.copier.fakes import source_position
from tests.copier.performance.test_copied import DOLLARS, trade
from tests.rules.playbook import EURUSD, T0, filled

Rows = list[dict[str, Any]]


def rows(desk: Desk, table: str, scope: Scope | None = None) -> Rows:
    chosen = TABLES[table]
    found = [dict(zip(chosen.columns, row, strict=True)) for row in chosen.rows(desk.ledger, scope or Scope())]
    assert all(set(row) == set(chosen.columns) for row in found)
    return found


def write(desk: Desk, record: Record, account: str) -> None:
    desk.ledger.append([Entry(KINDS[type(record)], account, encode(record))], desk.now)


async def traded() -> Desk:
    desk = await Desk().ready()
    await desk.takes(InstrumentReported(TARGET, desk.now, EURUSD.symbol, DOLLARS))
    await trade(desk)
    return desk


async def test_a_copy_is_one_row_with_its_prices_and_its_result() -> None:
    [row] = rows(await traded(), "copies")
    told = ("link", "source_position", "status", "ending", "symbol", "side", "opened_volume", "held_volume")
    assert [row[name] for name in told] == ["source->target", "p1", "ended", "source_closed", "EURUSD", "buy", 1, 0]
    assert [str(row[name]) for name in ("open_price", "close_price", "result", "currency")] == [
        "1.1",
        "1.2",
        "10000.0",
        "USD",
    ]


async def test_copies_that_are_alive_are_told_at_the_end_and_denied_ones_with_their_code() -> None:
    desk = await traded()
    [opening] = await desk.sees(source_position("p2"))
    await desk.reports(filled(opening))
    await desk.sees(source_position("p3", symbol=EURUSD.symbol + "x"))
    found = rows(desk, "copies")
    assert [(row["source_position"], row["status"], row["over_at"] is None) for row in found] == [
        ("p1", "ended", False),
        ("p2", "active", True),
        ("p3", "waiting", True),
    ]
    assert found[1]["held_volume"] == 1
    assert found[2]["code"] == "INSTRUMENT_UNKNOWN"


async def test_an_order_is_one_row_with_its_answer() -> None:
    opening, closing = rows(await traded(), "orders")
    told = ("link", "source_position", "account", "does", "side", "volume", "outcome", "filled_volume", "position")
    assert [opening[name] for name in told] == [
        "source->target",
        "p1",
        "target",
        "open",
        "buy",
        1,
        "filled",
        1,
        "t-p1",
    ]
    assert (closing["does"], str(closing["filled_price"]), closing["again"]) == ("close", "1.2", False)
    assert opening["answer_ms"] == 1, "what the desk's clock lets pass between them"


async def test_orders_that_were_refused_or_went_out_again_say_so() -> None:
    desk = await Desk().ready()
    [opening] = await desk.sees(source_position())
    await desk.reports(NotSent(opening.cl_ord_id, "no line"))
    desk.now += timedelta(seconds=2)
    [again] = await desk.takes()
    await desk.reports(Accepted(again.cl_ord_id))
    await desk.reports(Rejected(again.cl_ord_id, "=no money"))
    first, second = rows(desk, "orders")
    assert (first["outcome"], first["text"], first["again"]) == ("not sent", "no line", False)
    assert (second["outcome"], second["text"], second["again"]) == ("rejected", "=no money", True)
    assert first["order"] == second["order"]


async def test_an_order_without_an_answer_is_told_and_an_answer_after_the_end_is_found() -> None:
    desk = await Desk().ready()
    [opening] = await desk.sees(source_position())
    [row] = rows(desk, "orders")
    assert (row["outcome"], row["answered_at"]) == ("no answer", None)
    until = desk.now + timedelta(microseconds=1)
    await desk.reports(filled(opening))
    [row] = rows(desk, "orders", Scope(until=until))
    assert row["outcome"] == "filled"
    assert rows(desk, "orders", Scope(since=until)) == []


async def test_decisions_have_their_code_and_their_steps() -> None:
    desk = await traded()
    found = rows(desk, "decisions")
    assert [row["kind"] for row in found][:2] == ["ordered", "ordered"]
    assert found[0]["orders"] == rows(desk, "orders")[0]["order"]
    assert "size: " in found[0]["steps"]
    assert [row["seq"] for row in found] == sorted(row["seq"] for row in found)


async def test_limits_alerts_and_mismatches_are_rows_of_their_own() -> None:
    limit = Limit("target/max_loss", TARGET, LimitKind.MAX_LOSS, Percent(Decimal("0.04")))
    desk = await Desk(limits=[limit]).ready()
    write(desk, AlertRecord("orphan", "@text", TARGET), TARGET)
    mismatch = Mismatch(
        LINK.link_id,
        TARGET,
        EURUSD.symbol,
        MismatchKind.MISSING,
        Volume(1),
        Volume(0),
        Volume(1),
        Severity.CRITICAL,
        (PositionId("p1"), PositionId("p2")),
    )
    write(desk, MismatchRecord(mismatch, ended=False), TARGET)
    [*_, stage] = rows(desk, "limits")
    assert (stage["limit"], stage["stage"], stage["equity"], stage["currency"]) == (
        "target/max_loss",
        "ok",
        100_000,
        "USD",
    )
    [alert] = rows(desk, "alerts")
    assert (alert["kind"], alert["account"], alert["text"], alert["over"]) == ("orphan", "target", "@text", False)
    assert (alert["acknowledged_at"], alert["acknowledged_by"], alert["note"]) == (None, None, None)
    seen = AcknowledgedRecord(alert["seq"], "orphan", TARGET, T0, "anna", "=1+1")
    desk.ledger.append([Entry(KINDS[AcknowledgedRecord], TARGET, encode(seen), seen.key)], desk.now)
    [alert] = rows(desk, "alerts")
    assert (alert["acknowledged_at"], alert["acknowledged_by"], alert["note"]) == (desk.now, "anna", "=1+1")
    [row] = rows(desk, "mismatches")
    assert (row["kind"], row["desired"], row["observed"], row["source_positions"]) == ("missing", 1, 0, "p1 p2")
    assert row["says"] == "EURUSD should be long 1 and is not there"


async def test_only_what_was_asked_about_is_told() -> None:
    desk = await traded()
    write(desk, AlertRecord("orphan", "text", TARGET), TARGET)
    for table, count in (("decisions", 3), ("copies", 1), ("orders", 2), ("alerts", 1)):
        assert len(rows(desk, table, Scope(account=TARGET))) == count
        assert len(rows(desk, table, Scope(link=LINK.link_id))) == count
        assert rows(desk, table, Scope(account=AccountId("other"))) == []
        assert rows(desk, table, Scope(link=LinkId("source->other"))) == []
        assert rows(desk, table, Scope(since=T0 + timedelta(days=1))) == []
        assert rows(desk, table, Scope(until=T0)) == []
        assert rows(desk, table, Scope(sees=lambda account: account == TARGET)) == (
            rows(desk, table) if table == "alerts" else []
        )


async def test_what_happened_under_another_link_is_not_that_links() -> None:
    other = evolve(LINK, link_id=LinkId("source->third"), target=AccountId("third"))
    desk = await Desk(links=[LINK, other], accounts=[LINK.source, TARGET, other.target]).ready()
    await desk.sees(source_position())
    assert len(rows(desk, "decisions")) == 2
    assert len(rows(desk, "decisions", Scope(account=LINK.source))) == 2
    assert [row["link"] for row in rows(desk, "decisions", Scope(link=other.link_id))] == ["source->third"]
