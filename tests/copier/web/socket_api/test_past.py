"""The last 24 hours as rows: each close with what it closed, cash operations, profits, and what is not known."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from attrs import evolve

from copier.web.socket_api import past as past_module
from copier.web.socket_api.past import Past, horizon, rows
from rules.model.observed import CashFlow, Fill
from rules.model.values import PositionId, Side, Symbol

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)  # a Friday
EURUSD = Symbol("EURUSD")


def ago(**time: float) -> datetime:
    return NOW - timedelta(**time)


def fill(exec_id: str, at: datetime, side: Side, volume: str, price: str, **changes: Any) -> Fill:
    opens = side is Side.BUY
    base = Fill(exec_id, at, EURUSD, side, Decimal(volume), Decimal(price), PositionId("p1"), opens=opens)
    return evolve(base, **changes)


def past_of(*entries: Fill | CashFlow, since: datetime | None = None) -> Past:
    since = since or ago(days=40)
    return Past(since).extended(entries, since, keep=since)


def told(*entries: Fill | CashFlow, seen: dict[str, datetime] | None = None) -> list[dict[str, Any]]:
    found = rows(past_of(*entries), NOW, (seen or {}).get)
    return [msgspec.json.decode(msgspec.json.encode(row)) for row in found]


def test_a_closed_position_is_one_row_with_both_its_ends() -> None:
    opened = fill("e1", ago(hours=30), Side.BUY, "0.1", "1.1")
    costs = {"realized_pnl": Decimal("30"), "swap": Decimal("-0.5"), "commission": Decimal("-0.7")}
    closed = fill("e2", ago(hours=1), Side.SELL, "0.1", "1.103", **costs)
    assert told(opened, closed) == [
        {
            "id": "p1",
            "symbol": "EURUSD",
            "orderType": "Buy",
            "dealType": "DealBuy",
            "volume": 0.1,
            "openPrice": 1.1,
            "closePrice": 1.103,
            "openTime": "2026-11-19T06:00:00Z",
            "closeTime": "2026-11-20T11:00:00Z",
            "profit": 30,
            "swap": -0.5,
            "commission": -0.7,
            "netProfit": 28.8,
        }
    ]


def test_what_was_closed_more_than_24_hours_ago_is_not_told() -> None:
    opened = fill("e1", ago(hours=30), Side.BUY, "0.2", "1.1")
    early = fill("e2", ago(hours=24, seconds=1), Side.SELL, "0.1", "1.2")
    late = fill("e3", ago(hours=24), Side.SELL, "0.1", "1.3")
    assert [row["closePrice"] for row in told(opened, early, late)] == [1.3]


def test_a_position_that_grew_tells_the_mean_of_what_it_held() -> None:
    rows_ = told(
        fill("e1", ago(hours=5), Side.BUY, "1", "1.1"),
        fill("e2", ago(hours=4), Side.BUY, "1", "1.3"),
        fill("e3", ago(hours=3), Side.SELL, "1", "1.25"),
        fill("e4", ago(hours=2), Side.BUY, "1", "1.4"),
        fill("e5", ago(hours=1), Side.SELL, "2", "1.5"),
    )
    assert [(row["volume"], row["openPrice"]) for row in rows_] == [(1, 1.2), (2, 1.3)]
    assert {row["openTime"] for row in rows_} == {"2026-11-20T07:00:00Z"}


def test_a_new_life_of_an_id_knows_nothing_of_the_one_before() -> None:
    rows_ = told(
        fill("e1", ago(hours=5), Side.BUY, "1", "1.1"),
        fill("e2", ago(hours=4), Side.SELL, "1", "1.2"),
        fill("e3", ago(hours=3), Side.BUY, "1", "1.5"),
        fill("e4", ago(hours=2), Side.SELL, "1", "1.6"),
    )
    assert [row["openPrice"] for row in rows_] == [1.1, 1.5]


def test_what_is_not_known_of_a_closed_position_is_null_and_never_a_zero() -> None:
    (row,) = told(fill("e2", ago(hours=1), Side.SELL, "1", "1.2"))
    unknown = {"openPrice", "openTime", "profit", "swap", "commission", "netProfit"}
    assert {name for name, value in row.items() if value is None} == unknown
    (row,) = told(fill("e2", ago(hours=1), Side.SELL, "1", "1.2"), seen={"p1": ago(days=50)})
    assert row["openTime"] == "2026-10-01T12:00:00Z"


def test_lots_of_an_execution_that_closed_and_opened_are_not_told_as_closed() -> None:
    (row,) = told(fill("e2", ago(hours=1), Side.BUY, "3", "1.2", opens=None))
    assert (row["orderType"], row["volume"]) == ("Sell", None)


def test_money_that_came_or_went_is_a_row_of_its_own() -> None:
    deposit = CashFlow("c1", ago(hours=2), Decimal(1000), "deposit", "wire")
    odd = CashFlow("c2", ago(hours=1), Decimal(-5), "storage fee")
    first, second = told(deposit, odd)
    assert (first["id"], first["dealType"], first["profit"], first["comment"]) == ("c1", "Balance", 1000, "wire")
    assert first["openTime"] == first["closeTime"] == "2026-11-20T10:00:00Z"
    assert (second["dealType"], second["profit"]) == ("Balance", -5)


def test_an_absurd_price_of_a_broken_venue_is_told_as_it_is() -> None:
    huge = "9" * 20
    opened = fill("e1", ago(hours=5), Side.BUY, huge, huge)
    (row,) = told(opened, fill("e2", ago(hours=1), Side.SELL, huge, "0.00001"))
    assert row["openPrice"] == int(huge)


def test_profits_are_of_the_day_the_week_and_the_month_in_utc() -> None:
    costs = {"commission": Decimal(-1), "swap": Decimal(-2)}
    past = past_of(
        fill("m", ago(days=15), Side.SELL, "1", "1.2", realized_pnl=Decimal(100)),
        fill("w", ago(days=2), Side.SELL, "1", "1.2", realized_pnl=Decimal(10)),
        fill("d", ago(hours=12), Side.SELL, "1", "1.2", realized_pnl=Decimal(5), **costs),
        CashFlow("c", ago(hours=1), Decimal(1000), "deposit"),
    )
    profits = past.profits(NOW)
    assert (profits.today, profits.week, profits.month) == (2, 12, 112)


def test_a_profit_is_not_told_where_the_history_does_not_reach_or_a_result_is_missing() -> None:
    past = past_of(fill("d", ago(days=3), Side.SELL, "1", "1.2"), since=ago(days=5))
    profits = past.profits(NOW)
    assert (profits.today, profits.week, profits.month) == (0, None, None)


def test_a_later_answer_replaces_what_it_covers_and_nothing_before() -> None:
    early, taken_back = fill("a", ago(days=3), Side.SELL, "1", "1.2"), fill("b", ago(hours=3), Side.SELL, "1", "1.2")
    late = fill("c", ago(hours=1), Side.SELL, "1", "1.3")
    past = past_of(early, taken_back, since=ago(days=4)).extended([late], ago(days=1), keep=ago(days=4))
    assert past == Past(ago(days=4), (early, late))
    assert past.extended([late], ago(days=1), keep=ago(days=2)) == Past(ago(days=2), (late,))


def test_what_is_kept_is_bounded_and_what_was_dropped_is_not_summed_up(monkeypatch: Any) -> None:
    monkeypatch.setattr(past_module, "ENTRIES_MAX", 2)
    entries = [fill(f"e{day}", ago(days=day), Side.SELL, "1", "1", realized_pnl=Decimal(1)) for day in (19, 3, 0)]
    past = past_of(*entries)
    assert [entry.exec_id for entry in past.entries] == ["e3", "e0"]
    profits = past.profits(NOW)
    assert (profits.week, profits.month) == (2, None)


def test_a_history_is_asked_from_the_earliest_of_day_week_and_month_on() -> None:
    assert horizon(NOW) == datetime(2026, 11, 1, tzinfo=UTC)
    assert horizon(datetime(2026, 12, 1, 1, tzinfo=UTC)) == datetime(2026, 11, 30, tzinfo=UTC)  # since Monday
    assert horizon(datetime(2027, 2, 1, 1, tzinfo=UTC)) == datetime(2027, 1, 31, 1, tzinfo=UTC)  # since yesterday
