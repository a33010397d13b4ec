"""The checker's own parts, each against something that a person can reckon."""

import re
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rules.model.reasons import Reason
from tests.checker.beginnings import Beginnings, could_open
from tests.checker.facts import Facts
from tests.checker.identity import order_id
from tests.checker.links import read_config, summed
from tests.checker.periods import day_begun
from tests.checker.presets import firm_rows
from tests.checker.refusals import WAITING
from tests.checker.results import best_day
from tests.checker.symbols import Renamed, read_rows, rename
from tests.checker.text import Span, Unchecked, duration, ratio, span
from tests.checker.volumes import followed, in_pieces, on_grid
from tests.checker.windows import Calendar, fires

GRID = {"volume_min": Fraction(1, 100), "volume_max": Fraction(2), "volume_step": Fraction(1, 100)}

CONFIG = """
[accounts.one]
venue = "paper"
[accounts.two]
venue = "paper"
[policies.careful]
guard = { max_age = "3s" }
[[links]]
source = "one"
targets = ["two"]
policy = "careful"
"""


def test_a_config_is_read_by_its_documents() -> None:
    [link] = read_config(CONFIG).links
    guard = link.rules("EURUSD")["guard"]
    assert (link.link_id, guard["max_age"], guard["max_price_ratio"]) == ("one->two", duration("3s"), Fraction(1, 10))


@pytest.mark.parametrize(
    "more",
    [
        "guard.new = 1",
        "news = 1",
        "per_symbol = [{ match = 'X', size.new = 1 }]",
    ],
)
def test_a_key_that_the_checker_does_not_know_is_refused(more: str) -> None:
    text = CONFIG.replace('guard = { max_age = "3s" }', more)
    with pytest.raises(Unchecked):
        read_config(text)


LIMIT = '[[limits]]\naccount = "two"\n'
MADE = 'guard = { max_age = "3s" }'


@pytest.mark.parametrize(
    "text",
    [
        CONFIG + LIMIT + 'kind = "max_loss"\namount = "2 %"\nflows = "shift"\n',
        CONFIG + LIMIT + 'kind = "daily_loss"\namount = "2 %"\nreset = "00:00"\ninclude = ["floating"]\n',
    ],
)
def test_what_the_checker_does_not_know_ends_it(text: str) -> None:
    with pytest.raises(Unchecked):
        Facts.of(read_config(text))


def test_layers_join_by_key_and_a_size_with_a_mode_begins_anew() -> None:
    below = {"size": {"mode": "fixed", "volume": 1}, "guard": {"max_age": "3s", "max_spread": 1}}
    above = {"size": {"mode": "multiplier"}, "guard": {"max_age": "off"}}
    assert summed([below, above]) == {"size": {"mode": "multiplier"}, "guard": {"max_age": "off", "max_spread": 1}}


def test_units_are_read() -> None:
    assert duration("1h30m").total_seconds() == 5400
    assert (ratio("4 %"), ratio(Fraction(1, 4))) == (Fraction(1, 25), Fraction(1, 4))
    assert span("3 pips").of({"tick_size": Fraction(1, 10)}, Fraction(100)) == 3
    assert span("0.1 %") == Span(Fraction(1, 10), "percent")


def test_a_map_s_first_row_that_matches_wins() -> None:
    rows = [{"match": "BTC.*", "deny": True}, {"match": r"(?P<pair>[A-Z]{6})(\.m)?", "to": r"\g<pair>x"}]
    assert rename(rows, "EURUSD.m") == Renamed("EURUSDx", by_row=True)
    assert rename(rows, "BTCUSD") is None
    assert rename(rows, "DAX") == Renamed("DAX", by_row=False)


def test_contracts_follow_each_other_by_the_days_of_a_zone() -> None:
    roll = [{"from": date(2026, 9, 14), "to": "MNQZ6"}, {"from": date(2026, 12, 14), "to": "MNQH7"}]
    rows = read_rows({"map": [{"match": "NQ1!", "until": date(2027, 3, 15), "roll": roll}]}, "America/New_York")
    renamed = rename(rows, "NQ1!")
    assert renamed is not None
    times = [
        datetime(2026, 9, 14, 3, 59),
        datetime(2026, 9, 14, 4),
        datetime(2026, 12, 14, 5),
        datetime(2027, 3, 15, 4),
    ]
    assert [renamed.at(at.replace(tzinfo=UTC)) for at in times] == [None, "MNQZ6", "MNQH7", None]
    assert renamed.at(times[2].replace(tzinfo=UTC), "MNQZ6") == "MNQZ6"


def test_a_preset_s_rows_lead_to_canonical_names() -> None:
    rows = read_rows({"map": [{"preset": "metals", "names": {"XAUUSD": "GOLD"}, "suffix": ".x"}]}, "UTC")
    found = [rename(rows, name) for name in ("XAU/USD", "SILVER#", "DAX")]
    assert [each and each.name for each in found] == ["GOLD", "XAGUSD.x", "DAX"]
    assert rename(rows, "GOLDm") is None


def test_a_skipped_local_time_fires_when_the_gap_ends_and_a_repeated_one_once() -> None:
    prague = ZoneInfo("Europe/Prague")
    assert fires("30 2 * * *", prague, datetime(2026, 3, 29, 1, 0, tzinfo=UTC))
    assert fires("30 2 * * *", prague, datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    assert not fires("30 2 * * *", prague, datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    assert fires("30 * * * *", prague, datetime(2026, 10, 25, 1, 30, tzinfo=UTC)), "every hour means every hour"


def test_a_window_ends_before_its_last_instant() -> None:
    calendar = Calendar.read("x", {"open": [{"cron": "0 8 * * mon-fri", "for": "2h"}]}, "UTC")
    friday = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    assert [calendar.is_open(friday.replace(hour=hour)) for hour in (7, 8, 9, 10)] == [False, True, True, False]
    assert not calendar.is_open(friday.replace(day=21))


def test_volumes_are_exact() -> None:
    assert on_grid(Fraction("0.015"), GRID["volume_step"], "nearest") == Fraction("0.02"), "halves go up"
    coarse = GRID | {"volume_min": Fraction("0.05")}
    assert in_pieces(Fraction("4.01"), coarse) == (2, Fraction("1.96"), Fraction("0.05")), "the last takes from another"
    assert followed(Fraction(1, 3), Fraction("0.01"), Fraction(1), GRID, {"round": "down"}) == Fraction("0.01")


def test_an_order_s_id_is_a_function_of_what_it_is_for() -> None:
    at = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    first, second = (order_id("one->two", "p1", at, 0, step) for step in (0, 1))
    assert (len(first), first[:2], first != second) == (22, "cp", True)


def test_the_codes_that_wait_are_known_to_the_engine_as_such() -> None:
    assert {reason.value for reason in Reason if reason.waits} >= WAITING


def test_the_checker_uses_nothing_of_what_it_checks() -> None:
    folder = Path(__file__).parent
    days = {"day", "running", "venue", "trader", "operator", "market", "configs", "policies", "campaign"}
    days |= {"histories", "orders", "resting", "showing"}
    for file in folder.glob("*.py"):
        if file.stem not in days and not file.stem.startswith("test_"):
            imported = re.findall(r"^\s*(?:from|import) (\w+)", file.read_text(), re.MULTILINE)
            assert not {"rules", "copier", "adapters"} & set(imported), file.name


def test_a_firm_s_preset_is_rows_of_limits_for_the_phase() -> None:
    prop = {"preset": "ftmo-2-step", "initial_balance": "100000 USD", "stop_at": Fraction(4, 5), "phase": "challenge"}
    daily, most, target = firm_rows("one", prop)
    assert (daily["anchor"], daily["of"], daily["flatten_at"]) == ("day_start_balance", "initial", Fraction(4, 5))
    assert (most["kind"], most["warn_at"], most["initial_balance"]) == ("max_loss", Fraction(3, 5), 100_000)
    assert (target["kind"], target["amount"], "flatten_at" in target) == ("profit_target", "10 %", False)
    with pytest.raises(Unchecked):
        list(firm_rows("one", {**prop, "copies": 2}))


def test_a_budget_s_day_begins_at_its_reset_also_where_the_clocks_skip_it() -> None:
    early = datetime(2026, 3, 29, 12, tzinfo=UTC)
    assert day_begun("02:30 Europe/Prague", early) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    late = datetime(2026, 10, 25, 12, tzinfo=UTC)
    assert day_begun("02:30 Europe/Prague", late) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_the_best_day_is_reckoned_as_a_person_would() -> None:
    monday, tuesday = datetime(2026, 11, 16, tzinfo=UTC), datetime(2026, 11, 17, tzinfo=UTC)
    row = {"share": "40 %", "reset": "00:00 UTC", "on_excess": "block"}
    days = {monday: Fraction(600), tuesday: Fraction(400)}
    now = datetime(2026, 11, 17, 12, tzinfo=UTC)
    assert best_day(row, days, now) == ("warn", {Fraction(600), Fraction(1000)}), "but not today"
    assert best_day(row, {**days, tuesday: Fraction(601)}, now)[0] == "block"
    assert best_day({**row, "share": "60 %"}, days, now)[0] == "ok", "at exactly its share"
    assert best_day(row, {monday: Fraction(600), tuesday: Fraction(-600)}, now)[0] == "ok", "never divided by"


def test_an_order_that_has_just_gone_is_what_a_position_came_of() -> None:
    now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    order = {"order_id": "7", "symbol": "EURUSD", "side": "buy", "order_type": "limit", "volume": Fraction(1)}
    order |= {"price": Fraction("1.1"), "limit_price": None, "placed_at": now}
    position = {"position_id": "p", "symbol": "EURUSD", "side": "buy", "volume": Fraction(1), "opened_at": now}
    near, far = ({**position, "open_price": Fraction(price)} for price in ("1.1011", "1.1012"))
    assert could_open(order, near), "0.1 % worse at most"
    assert not could_open(order, far)
    seen = Beginnings(working={("one", "7"): order}, seen={("one", "p", "buy", now): now})
    assert seen.of("one", near, [near], now, undecided=True) == "unknown", "while it works"
    gone = {"account": "one", "order_id": "7", "received_at": now, "status": "filled", "position_id": None}
    seen.ended(gone)
    assert seen.of("one", near, [near], now, undecided=True) == order
