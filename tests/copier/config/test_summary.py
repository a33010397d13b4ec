"""What `copier check` says of a good config."""

from pathlib import Path

from adapters.registry import CONFIGS
from copier.config import load_config
from tests.copier.config.files import ACCOUNTS, LINK, load
from tests.copier.config.test_examples import ENV


def test_the_summary_names_accounts_links_limits_and_the_effective_policy(tmp_path: Path):
    text = f"""{ACCOUNTS}{LINK}policy = "child"
[policies.base]
guard = {{ max_age = "3s", max_spread = "2.50 points" }}
[policies.child]
extends = "base"
filter = {{ symbols = ['XAU.*'] }}
[[limits]]
account = "small"
kind = "daily_loss"
amount = "4 %"
reset = "17:00 America/New_York"
"""
    lines = load(tmp_path, text).summary()
    assert lines[0] == f"ledger {tmp_path / 'copier.db'}, timezone UTC"
    assert "account small: toy, compared every 10s" in lines
    assert "link master->small: active, policy child" in lines
    assert any(line.startswith("limit small/daily_loss: amount 4 %, ") for line in lines)
    assert any("reset 17:00:00 America/New_York" in line for line in lines)
    assert "policy child:" in lines
    for line in (
        "  guard.max_age = 3s",
        "  guard.max_spread = 2.5 points",
        "  filter.symbols = [XAU.*]",
    ):
        assert line in lines
    assert not any("reverse" in line for line in lines), "defaults are for --effective"


def test_a_policy_without_any_key_is_shown_as_that(tmp_path: Path):
    assert load(tmp_path, ACCOUNTS + LINK).summary()[-2:] == ("policy default:", "  all defaults")


def test_a_policy_of_many_links_is_shown_once(tmp_path: Path):
    third = '[accounts.third]\nvenue = "toy"\nlogin = "3"\ntoken = "${env:TOKEN}"\n'
    lines = load(tmp_path, ACCOUNTS + third + LINK.replace('["small"]', '["small", "third"]')).summary()
    assert lines.count("policy default:") == 1


def test_maps_and_schedules_are_shown_by_name_and_cash_with_its_currency():
    lines = load_config(Path("examples/two-prop-accounts.toml"), ENV, CONFIGS).summary()
    assert "  symbols = cash-indices" in lines
    assert "  schedule = london" in lines
    assert any("amount 2000 USD" in line and "lock 0 %" in line for line in lines)


def test_money_and_formulas_are_shown_as_they_are_written(tmp_path: Path):
    text = f"""{ACCOUNTS}{LINK}policy = "p"
[policies.p]
size = {{ mode = "expression", expression = "source_volume / 2" }}
limits = {{ max_risk = "1.5 %" }}
per_symbol = [{{ match = 'X', size = {{ mode = "risk_amount", amount = "250 USD" }} }}]
"""
    lines = load(tmp_path, text).summary()
    assert "  size.expression = source_volume / 2" in lines
    assert "    size.amount = 250 USD" in lines
    assert "  limits.max_risk = 1.5 %" in lines


def test_groups_of_symbols_and_keep_alive_trades_are_shown_in_words(tmp_path: Path):
    text = f"""{ACCOUNTS}{LINK}policy = "p"
[policies.p]
limits = {{ together = [{{ symbols = ['EUR.*', 'GBPUSD'], max_volume = 3 }}] }}
[[limits]]
account = "small"
kind = "inactivity"
within = "30d"
since = 2026-11-01
keep_alive = {{ symbol = "EURUSD", at = ["0 10 * * tue"], timezone = "Asia/Tokyo", after = "20d", for = "1m" }}
"""
    lines = load(tmp_path, text).summary()
    assert "  limits.together = [[EUR.*, GBPUSD] up to 3 lots]" in lines
    assert any("keep_alive EURUSD at [0 10 * * tue Asia/Tokyo] after 20d, held for 1m" in line for line in lines)
