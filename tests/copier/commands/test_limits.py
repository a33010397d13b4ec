"""`copier limits`."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve

from copier.commands.views import Shown, limits
from copier.ledger.codec import encode
from copier.ledger.ledger import Entry, Ledger
from copier.ledger.records import KINDS, LimitRecord
from rules.limits.exposure import AtStops
from rules.limits.state import LimitState
from rules.model.values import AccountId

CONFIG = """
[accounts.prop]
venue = "paper"
state = "paper.db"
prop = { preset = "ftmo-2-step", initial_balance = "100000 USD", stop_at = 0.8 }
"""
DAY, ALL = "prop/daily_loss/prop", "prop/max_loss/prop"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "copier.toml"
    file.write_text(CONFIG, encoding="utf-8")
    return file


def remember(config: Path, stops: AtStops | None = None, equity: int = 99_000) -> None:
    """Let a service have seen the account just now."""
    now = datetime.now(UTC)
    with_day = LimitState(
        DAY, now, Decimal(100_000), Decimal(equity), "USD", initial_balance=None, day_started=now, seen_at=now,
        day_balance=Decimal(100_000), day_equity=Decimal(100_000), at_stops=stops,
    )  # fmt: skip
    ledger = Ledger.open(config.parent / "copier.db")
    for state in (with_day, evolve(with_day, limit_id=ALL)):
        ledger.append([Entry(KINDS[LimitRecord], "prop", encode(LimitRecord(AccountId("prop"), state, "ok")))], now)
    ledger.close()


def rows(config: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    assert limits(config, how=Shown(json=True)) == 0
    return {row["limit"]: row for row in json.loads(capsys.readouterr().out)}


def test_each_limit_tells_floor_headroom_and_what_comes_next(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remember(config)
    found = rows(config, capsys)
    day = found[DAY]
    assert (day["stage"], day["floor"], day["value"], day["headroom"]) == ("ok", "95000", "99000", "4000")
    assert (day["headroom_percent"], day["rules"], found[ALL]["rules"]) == ("80.00", True, False)
    assert day["next"] == [
        {"stage": "warn", "at": "97000", "away": "2000"},
        {"stage": "flatten", "at": "96000", "away": "3000"},
        {"stage": "breached", "at": "95000", "away": "4000"},
    ]
    left = day["resets_in_s"]
    assert isinstance(left, int)
    assert 0 <= left <= 25 * 3600
    assert found[ALL]["resets_in_s"] is None


@pytest.mark.parametrize(
    ("stops", "equity", "headroom"),
    [
        (AtStops(Decimal(96_500)), "96500", "1500"),
        (AtStops(Decimal(94_000)), "94000", "-1000"),
        (AtStops(None, 2, 1), None, None),
        (None, None, None),
    ],
)
def test_worst_case_by_the_stops_is_set_against_each_limit(
    config: Path,
    capsys: pytest.CaptureFixture[str],
    stops: AtStops | None,
    equity: str | None,
    headroom: str | None,
) -> None:
    remember(config, stops)
    day = rows(config, capsys)[DAY]
    assert (day["equity_if_stops_hit"], day["headroom_if_stops_hit"]) == (equity, headroom)


@pytest.mark.parametrize(
    ("stops", "told"),
    [(AtStops(Decimal(94_000)), "BREACHES"), (AtStops(None, 2, 1), "2 without a stop, 1 of unknown worth")],
)
def test_table_tells_a_person_the_same(
    config: Path, capsys: pytest.CaptureFixture[str], stops: AtStops, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    remember(config, stops)
    assert limits(config) == 0
    out = capsys.readouterr().out
    assert told in out
    assert f"{DAY} (rules)" in out
    assert "4,000.00 (80.0 %)" in out
    assert "warn at 97,000.00, 2,000.00 away" in out
    assert "no service is running" in out


def test_limit_that_nobody_saw_yet_is_unknown_and_says_why(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    Ledger.open(config.parent / "copier.db").close()
    assert limits(config) == 0
    assert f"{DAY}: the account's figures have not been seen yet" in capsys.readouterr().out


def test_day_that_ended_since_is_judged_anew_as_an_estimate(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=3)
    state = LimitState(
        DAY, long_ago, Decimal(98_000), Decimal(98_000), "USD", day_started=long_ago, day_balance=Decimal(100_000)
    )
    ledger = Ledger.open(config.parent / "copier.db")
    ledger.append([Entry("limit", "prop", encode(LimitRecord(AccountId("prop"), state, "ok")))], long_ago)
    ledger.close()
    day = rows(config, capsys)[DAY]
    assert (day["floor"], day["estimated"]) == ("93000", True)


def test_config_without_limits_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "copier.toml"
    file.write_text('[accounts.prop]\nvenue = "paper"\nstate = "paper.db"\n', encoding="utf-8")
    Ledger.open(tmp_path / "copier.db").close()
    assert limits(file) == 0
    assert capsys.readouterr().out.startswith("no limits\n")


def test_rules_without_a_floor_are_told_in_words(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    more = """
[[limits]]
account = "prop"
kind = "max_orders"
amount = 10
reset = "00:00 UTC"
[[limits]]
account = "prop"
kind = "flat_by"
at = ["0 0 1 1 *"]
for = "1m"
[[limits]]
account = "prop"
kind = "stop_required"
within = "30s"
[[limits]]
account = "prop"
kind = "min_days"
days = 4
reset = "00:00 UTC"
since = 2026-11-01
"""
    config.write_text(CONFIG + more, encoding="utf-8")
    now = datetime.now(UTC)
    ledger = Ledger.open(config.parent / "copier.db")
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for state in (
        LimitState("prop/max_orders", now, day_started=day, count=Decimal(8)),
        LimitState("prop/min_days", now, said="2 of 4 days"),
    ):
        ledger.append([Entry("limit", "prop", encode(LimitRecord(AccountId("prop"), state, "ok")))], now)
    ledger.close()
    found = rows(config, capsys)
    orders = found["prop/max_orders"]
    assert orders["stage"] == "warn"
    assert str(orders["says"]).startswith("8 of 10 used, begins anew in ")
    assert str(found["prop/flat_by"]["says"]).startswith("open for ")
    assert found["prop/stop_required"]["says"] == "close what offends"
    assert found["prop/min_days"]["says"] == "2 of 4 days"
    monkeypatch.setenv("COLUMNS", "250")
    assert limits(config) == 0
    assert "2 of 4 days" in capsys.readouterr().out
