"""What venues never give and a config needs: each doubt in its line, and none where the venue can."""

from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from adapters.base import Capabilities
from copier.config import AccountConfig
from rules.model.values import OmsType
from tests.copier.config.files import ACCOUNTS, LINK, line_of, load

CAN = Capabilities(OmsType.HEDGING, streams=True, trades=True, volumes_grow=False)
POOR = evolve(CAN, figures=False, quotes=False, keeps_take_profit=False)
NETS = evolve(CAN, oms=OmsType.NETTING)


def able(**accounts: Capabilities) -> Callable[[AccountConfig], Capabilities]:
    return lambda account: accounts.get(account.account, CAN)


def doubts(folder: Path, text: str, **accounts: Capabilities) -> list[tuple[str, int | None, str]]:
    """Return the warnings of a file with one link, each with its key, its line, and what follows."""
    config = load(folder, ACCOUNTS + LINK + text, able=able(**accounts))
    return [(each.key, each.line, each.found.rpartition(": ")[2]) for each in config.warnings]


POLICY = "[policies.default]\n"


@pytest.mark.parametrize(
    ("line", "key", "follows"),
    [
        ('guard = { max_spread = "2 points" }', "guard.max_spread", "every copy is denied"),
        ('guard = { max_deviation = "2 points" }', "guard.max_deviation", "every copy is denied"),
        ("guard = { require_quotes = true }", "guard.require_quotes", "every copy is denied"),
        ('on_start = { max_deviation = "1 %" }', "on_start.max_deviation",
         "every copy of what was open at the start is denied"),
        ('stops = { mode = "offset" }', "stops.mode", "the distance is kept instead"),
        ('exits = { trailing = { distance = "9 pips" } }', "exits.trailing", "it is never set"),
        ("exits = { ignore_close = true }", "exits.ignore_close", "no close is ever ignored"),
        ("limits = { max_leverage = 5 }", "limits.max_leverage", "every copy is denied"),
        ('limits = { min_free_margin = "5 %" }', "limits.min_free_margin", "every copy is denied"),
        ('limits = { max_risk = "1 %" }', "limits.max_risk", "every copy is denied"),
        ('limits = { max_total_risk = "1 %" }', "limits.max_total_risk", "every copy is denied"),
        ('size = { mode = "equity_ratio" }', "size.mode", "every copy is denied"),
        ('size = { mode = "risk_percent", percent = "1 %" }', "size.mode", "every copy is denied"),
        ('size = { mode = "expression", expression = "target_equity / 1000" }', "size.mode", "every copy is denied"),
        ('equity_curve = { samples = 9, every = "1h", of = "target" }', "equity_curve", "every copy is denied"),
        ('aggregate = "tightest"', "aggregate", "it has no effect"),
    ],
)  # fmt: skip
def test_what_a_poor_target_never_gives_is_told_in_the_line_that_needs_it(
    tmp_path: Path, line: str, key: str, follows: str
):
    text = POLICY + line + "\n"
    line_number = line_of(ACCOUNTS + LINK + text, line)
    assert doubts(tmp_path, text, small=POOR) == [(f"policies.default.{key}", line_number, follows)]
    if "aggregate" not in line:
        assert doubts(tmp_path, text) == []


@pytest.mark.parametrize(
    "line",
    [
        'size = { mode = "equity_ratio", target_reference = 1000 }',
        'size = { mode = "risk_percent", percent = "1 %", of = "initial", initial = 5000 }',
        'size = { mode = "expression", expression = "source_volume * 2" }',
        'guard = { require_quotes = true, max_price_ratio = "off" }',
    ],
)
def test_what_asks_for_nothing_that_is_missing_is_no_doubt(tmp_path: Path, line: str):
    assert doubts(tmp_path, POLICY + line + "\n", small=POOR) == []


def test_a_source_without_figures_is_told_too(tmp_path: Path):
    text = POLICY + 'size = { mode = "balance_ratio", target_reference = 1000 }\n'
    assert [key for key, _, _ in doubts(tmp_path, text, master=POOR)] == ["policies.default.size.mode"]


def test_a_row_of_per_symbol_is_told_where_it_stands(tmp_path: Path):
    text = POLICY + "per_symbol = [\n  { match = 'XAU.*', guard = { max_spread = \"2 points\" } },\n]\n"
    [(key, line, _)] = doubts(tmp_path, text, small=POOR)
    assert (key, line) == ("policies.default.per_symbol[0].guard.max_spread", line_of(ACCOUNTS + LINK + text, "XAU"))


def test_sums_on_a_netting_target_are_known(tmp_path: Path):
    text = POLICY + 'aggregate = "weighted"\n'
    assert doubts(tmp_path, text, small=NETS) == []
    assert [key for key, _, _ in doubts(tmp_path, text, small=NETS, master=NETS)] == ["policies.default.aggregate"]
    managed = POLICY + 'exits = { break_even = { trigger = "9 pips" } }\n'
    assert [key for key, _, _ in doubts(tmp_path, managed, small=NETS)] == ["policies.default.exits.break_even"]


def test_caps_on_open_risk_need_a_stop_of_each_copy(tmp_path: Path):
    text = POLICY + 'limits = { max_total_risk = "1 %" }\n'
    assert [key for key, _, _ in doubts(tmp_path, text, small=NETS)] == ["policies.default.limits.max_total_risk"]
    assert doubts(tmp_path, text.replace(" }", ', no_stop = "ignore" }'), small=NETS) == []
    assert doubts(tmp_path, text, small=NETS, master=NETS) == []


LIMIT = '[[limits]]\naccount = "small"\n'


@pytest.mark.parametrize(
    ("row", "key", "can"),
    [
        ('kind = "daily_loss"\namount = "4 %"\nreset = "00:00"\n', "kind", POOR),
        ('kind = "per_trade_loss"\namount = 500\n', "kind", POOR),
        ('kind = "inactivity"\nwithin = "30d"\nsince = 2026-11-01\n', "kind", evolve(CAN, history=False)),
        ('kind = "max_positions"\namount = 5\ntiers = [{ from = 100, amount = 9 }]\n', "tiers", POOR),
    ],
)
def test_a_limit_that_can_never_be_judged_is_told(tmp_path: Path, row: str, key: str, can: Capabilities):
    text = LIMIT + row if "tiers" not in row else LIMIT + row + 'by = "balance"\n'
    assert [each for each, _, _ in doubts(tmp_path, text, small=can)] == [f"limits[0].{key}"]
    assert doubts(tmp_path, text) == []


def test_a_keep_alive_trade_of_a_source_or_of_a_venue_without_orders_is_told(tmp_path: Path):
    row = 'kind = "inactivity"\nwithin = "30d"\nsince = 2026-11-01\n'
    row += 'keep_alive = { symbol = "EURUSD", at = ["0 10 * * tue"] }\n'
    assert doubts(tmp_path, LIMIT + row) == []
    of_source = LIMIT.replace("small", "master") + row
    found = doubts(tmp_path, of_source, master=evolve(CAN, trades=False))
    assert [follows for _, _, follows in found] == ["it never trades", "its trade is copied by the links from there"]


def test_copies_that_cannot_wait_at_the_sources_price_are_told_in_their_line(tmp_path: Path):
    text = POLICY + 'guard = { max_deviation = "5 points", on_deviation = "limit" }\n'
    able = evolve(CAN, pending_orders=True)
    told = [("policies.default.guard.on_deviation", line_of(ACCOUNTS + LINK + text, "guard"))]
    assert doubts(tmp_path, text, small=able) == []
    for accounts in ({"small": CAN}, {"small": evolve(able, oms=OmsType.NETTING)}, {"small": able, "master": NETS}):
        found = doubts(tmp_path, text, **accounts)
        assert [(key, line) for key, line, _ in found] == told
        assert found[0][2] == "a copy whose price is too far away is denied"


def test_orders_that_cannot_be_mirrored_are_told_in_their_line(tmp_path: Path):
    text = POLICY + 'pending = "mirror"\n'
    line = line_of(ACCOUNTS + LINK + text, "pending")
    on_fill = "pending orders are denied (`PENDING_UNSUPPORTED`), and their positions copied when they are filled"
    shows = evolve(CAN, pending_orders=True)
    nets, key = evolve(shows, oms=OmsType.NETTING), "policies.default.pending"
    assert doubts(tmp_path, text, master=shows, small=shows) == []
    assert doubts(tmp_path, text, master=shows, small=CAN) == [(key, line, on_fill)]
    assert doubts(tmp_path, text, master=shows, small=nets) == [(key, line, on_fill)]
    assert doubts(tmp_path, text, master=nets, small=shows) == [(key, line, on_fill)]
    hidden = "positions are copied when they are there"
    assert doubts(tmp_path, text, master=CAN, small=shows) == [(key, line, hidden)]
