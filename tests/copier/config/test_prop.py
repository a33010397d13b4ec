"""The firms' rules: presets of the package and of one's own, what `prop` makes of them, what is doubtful."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from copier.config.errors import Fault
from copier.config.prop_presets import FOLDER, prop_preset, prop_preset_names, prop_preset_text
from rules.limits.conduct_policy import Budget, FlatBy, PositionRule
from rules.limits.policy import CapKind, Limit
from rules.limits.results_policy import Consistency
from rules.limits.terms import FlattenScope, LimitKind, OnBreach, Percent
from tests.copier.config.files import ACCOUNTS, LINK, line_of, load, one_problem

OWN = """
firm = "Mine"
plan = "One"
as_of = 2026-11-01
confidence = "official"
sources = ["my contract"]
copying = "forbidden"
copying_note = "not at all"
initial_balances = ["1000 USD", "2000 USD"]
phases = ["first", "second"]
[[limits]]
kind = "daily_loss"
amount = "50 USD"
reset = "00:00 UTC"
[[limits]]
kind = "max_loss"
name = "slow"
amount = "10 %"
trailing = "live_equity"
phase = ["second"]
"""


def account(prop: str) -> str:
    return ACCOUNTS + f"prop = {{ {prop} }}\n"


def prop_limits(folder: Path, prop: str) -> dict[str, Limit]:
    return {limit.limit_id: limit for limit in load(folder, account(prop)).limits}


@pytest.mark.parametrize("name", prop_preset_names())
def test_every_preset_of_the_package_is_dated_sourced_and_makes_limits(name: str, tmp_path: Path):
    preset = prop_preset(name, FOLDER)
    about = preset.about
    assert about.firm
    assert about.plan
    assert about.sources
    assert date(2025, 1, 1) <= about.as_of <= date(2026, 11, 21)
    balance = str(about.initial_balances[0]) if about.initial_balances else "100000 USD"
    unknown_reset = any("zone of the reset" in gap for gap in about.gaps)
    reset = ', reset = "00:00 UTC"' if unknown_reset else ""
    for phase in about.phases or (None,):
        named = "" if phase is None else f', phase = "{phase}"'
        more = f"stop_at = 0.8, started = 2026-11-01{reset}{named}"
        configuration = load(tmp_path, account(f'preset = "{name}", initial_balance = "{balance}", {more}'))
        found = {limit.limit_id: limit for limit in configuration.limits}
        losses = [limit for limit in found.values() if not limit.is_target]
        assert losses or configuration.results
        ids = [*found, *(rule.rule_id for rule in (*configuration.conduct, *configuration.results))]
        assert len(set(ids)) == len(ids)
        assert all("/prop" in rule_id for rule_id in ids)
        assert {limit.scope for limit in found.values()} <= {FlattenScope.ACCOUNT}
        assert {(limit.flatten_at, limit.warn_at) for limit in losses} <= {(Decimal("0.8"), Decimal("0.6"))}
        assert {limit.hold for limit in losses} <= {None}, "a firm's hard rule has no hold"
        assert {limit.on_breach for limit in found.values() if limit.is_target} <= {OnBreach.WARN}


def test_a_preset_becomes_limits_with_names_of_their_own(tmp_path: Path):
    found = prop_limits(tmp_path, 'preset = "ftmo-2-step", initial_balance = "100000 USD"')
    assert list(found) == ["small/daily_loss/prop", "small/max_loss/prop"]
    day = found["small/daily_loss/prop"]
    assert (day.initial_balance, day.currency, day.amount) == (100_000, "USD", Percent(Decimal("0.05")))
    assert (day.flatten_at, day.warn_at) == (None, Decimal("0.75"))


def test_limits_of_the_person_stand_beside_those_of_the_preset(tmp_path: Path):
    row = '[[limits]]\naccount = "small"\nkind = "daily_loss"\namount = "1 %"\nreset = "00:00"\n'
    text = account('preset = "ftmo-2-step", initial_balance = "100000 USD", stop_at = 0.8, started = 2026-11-01') + row
    ids = [limit.limit_id for limit in load(tmp_path, text).limits]
    assert ids == ["small/daily_loss", "small/daily_loss/prop", "small/max_loss/prop"]


def test_a_file_of_one_s_own_is_a_preset(tmp_path: Path):
    (tmp_path / "mine.toml").write_text(OWN, encoding="utf-8")
    prop = 'preset = "./mine.toml", initial_balance = "1000 USD", phase = "second", high_water_mark = 1100'
    found = prop_limits(tmp_path, prop)
    assert list(found) == ["small/daily_loss/prop", "small/max_loss/prop-slow"]
    assert [limit.high_water_mark for limit in found.values()] == [None, Decimal(1100)]


def test_what_is_printed_can_be_copied_and_edited(tmp_path: Path):
    (tmp_path / "mine.toml").write_text(prop_preset_text("ftmo-2-step").replace("5 %", "4 %"), encoding="utf-8")
    found = prop_limits(tmp_path, 'preset = "mine.toml", initial_balance = "100000 USD"')
    assert found["small/daily_loss/prop"].amount == Percent(Decimal("0.04"))


@pytest.mark.parametrize(
    ("prop", "key", "expected", "found"),
    [
        ('preset = "ftmo"', "preset", "one of", 'the unknown preset "ftmo"'),
        ('preset = "none.toml"', "preset", "a readable file", '"none.toml"'),
        ('preset = "mine.toml", phase = "third"', "phase", "one of first, second", '"third"'),
        ('preset = "mine.toml", initial_balance = "3000 USD"', "initial_balance", "one of 1000 USD", '"3000 USD"'),
        ('preset = "mine.toml", initial_balance = "1000"', "initial_balance", "money such as", '"1000"'),
        ('preset = "mine.toml", initial_balance = "-1 USD"', "initial_balance", "money >= 0", '"-1 USD"'),
        ('preset = "mine.toml", stop_at = 1.2', "stop_at", "a fraction of at most 1", "1.2"),
        ('preset = "arctic-instant"', "", "`reset`, which the preset does not know", "a daily_loss whose reset"),
    ],
)  # fmt: skip
def test_a_prop_key_that_cannot_be_is_one_problem(tmp_path: Path, prop: str, key: str, expected: str, found: str):
    (tmp_path / "mine.toml").write_text(OWN, encoding="utf-8")
    text = account(prop if "initial_balance" in prop else prop + ', initial_balance = "1000 USD"')
    problem = one_problem(tmp_path, text)
    assert problem.key == "accounts.small.prop" + (f".{key}" if key else "")
    assert problem.expected.startswith(expected)
    assert problem.found.startswith(found)
    assert problem.line == line_of(text, "prop = {")


def test_an_account_in_another_currency_than_the_preset_s_cash_is_refused(tmp_path: Path):
    (tmp_path / "mine.toml").write_text(OWN.replace("1000 USD", "1000 EUR"), encoding="utf-8")
    problem = one_problem(tmp_path, account('preset = "mine.toml", initial_balance = "1000 EUR"'))
    assert (problem.expected, problem.found) == ("an account in USD", "1000 EUR")


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('"official"', '"sure"', '"sure"'),
        ("2026-11-01", '"today"', '"today"'),
        ('kind = "daily_loss"', 'kind = "loss"', '"loss"'),
        ('reset = "00:00 UTC"', 'reset = "00:00 UTC"\naccount = "x"', "`account`"),
        ('phase = ["second"]', 'phase = ["third"]', "an array"),
        ("plan =", "plan", "mine.toml: Expected '='"),
    ],
)
def test_a_preset_with_a_mistake_is_refused_with_its_line(tmp_path: Path, old: str, new: str, found: str):
    (tmp_path / "mine.toml").write_text(OWN.replace(old, new), encoding="utf-8")
    with pytest.raises(Fault) as caught:
        prop_preset("mine.toml", tmp_path)
    assert found in caught.value.found
    assert "mine.toml" in caught.value.found


def warnings_of(folder: Path, text: str, today: date | None = None) -> list[str]:
    return [f"{each.expected}: {each.found}" for each in load(folder, text, today=today).warnings]


@pytest.mark.parametrize(("days", "told"), [(180, False), (181, True)])
def test_a_preset_older_than_half_a_year_is_doubted(tmp_path: Path, days: int, told: bool):
    text = account('preset = "ftmo-2-step", initial_balance = "100000 USD", stop_at = 0.8, started = 2026-11-01')
    today = prop_preset("ftmo-2-step", FOLDER).about.as_of + timedelta(days=days)
    found = warnings_of(tmp_path, text, today)
    assert found == (["a preset of the last 180 days: ftmo-2-step as of 2026-11-21"] if told else [])


def test_a_firm_that_forbids_copying_is_doubted(tmp_path: Path):
    (tmp_path / "mine.toml").write_text(OWN, encoding="utf-8")
    text = account('preset = "mine.toml", initial_balance = "1000 USD", stop_at = 0.8, started = 2026-11-01')
    assert warnings_of(tmp_path, text) == ["a firm that allows copying: Mine: not at all"]


@pytest.mark.parametrize("is_target", [True, False])
def test_a_firm_that_wants_to_be_the_master_is_doubted_as_a_target_only(tmp_path: Path, is_target: bool):
    link = LINK if is_target else '[[links]]\nsource = "small"\ntargets = ["master"]\n'
    prop = 'preset = "fundednext-stellar-2-step", initial_balance = "100000 USD", stop_at = 0.8, started = 2026-11-01'
    found = warnings_of(tmp_path, account(prop) + link)
    assert [each.partition(",")[0] for each in found] == (
        ["a firm that allows copying: FundedNext: a challenge account may be the master of others of your own"]
        if is_target
        else []
    )


def test_a_firm_with_conditions_is_doubted_with_them(tmp_path: Path):
    found = warnings_of(
        tmp_path,
        account('preset = "topstep-combine-50k", initial_balance = "50000 USD", stop_at = 0.8, started = 2026-11-01'),
    )
    assert len(found) == 1
    assert "VPN, VPS and remote access are banned" in found[0]


def test_acting_only_when_the_firm_does_is_doubted(tmp_path: Path):
    prop = 'preset = "ftmo-2-step", initial_balance = "100000 USD", started = 2026-11-01'
    found = warnings_of(tmp_path, account(prop))
    assert found == ["`stop_at`, to act before the firm does: none"]


@pytest.mark.parametrize(("amount", "told"), [("9 %", False), ("10 %", True), ("12 %", True)])
def test_a_limit_looser_than_the_firm_s_is_doubted(tmp_path: Path, amount: str, told: bool):
    text = account('preset = "ftmo-2-step", initial_balance = "100000 USD", stop_at = 0.8, started = 2026-11-01')
    row = f'[[limits]]\naccount = "small"\nkind = "max_loss"\namount = "{amount}"\n'
    assert bool(warnings_of(tmp_path, text + row)) is told


def test_a_percent_of_one_s_own_beside_a_firm_s_cash_is_read(tmp_path: Path):
    text = account('preset = "topstep-combine-50k", initial_balance = "50000 USD", stop_at = 0.8')
    row = '[[limits]]\naccount = "small"\nkind = "max_loss"\namount = "3 %"\nof = "initial"\n'
    assert load(tmp_path, text + row).limits[0].limit_id == "small/max_loss"


def test_which_limits_a_prop_account_has_is_in_the_summary(tmp_path: Path):
    text = account('preset = "ftmo-2-step", initial_balance = "100000 USD", stop_at = 0.8, started = 2026-11-01')
    lines = [line for line in load(tmp_path, text).summary() if line.startswith("limit ")]
    assert lines[1].startswith("limit small/max_loss/prop: amount 10 %, ")
    assert "flatten_at 0.8" in lines[1]
    assert LimitKind.MAX_LOSS.value in lines[1]


def test_days_and_the_best_day_are_counted_from_the_start_that_prop_says(tmp_path: Path):
    prop = 'preset = "e8-one", initial_balance = "100000 USD", stop_at = 0.8, reset = "01:00 Asia/Nicosia"'
    without = load(tmp_path, account(prop))
    assert without.results == ()
    assert [each.expected for each in without.warnings if "started" in each.expected]
    configuration = load(tmp_path, account(prop + ", started = 2026-11-01"))
    [even] = configuration.results
    [orders] = configuration.conduct
    assert isinstance(even, Consistency)
    assert isinstance(orders, Budget)
    assert (even.rule_id, even.share, even.initial_balance) == ("small/consistency/prop", Decimal("0.4"), 100_000)
    assert even.since.isoformat() == "2026-10-31T23:00:00+00:00"
    assert (orders.reset, even.reset) == (configuration.limits[0].reset, configuration.limits[0].reset)


def test_sizes_and_hours_of_a_firm_are_rules_of_the_account(tmp_path: Path):
    prop = 'preset = "topstep-combine-50k", initial_balance = "50000 USD", stop_at = 0.8, started = 2026-11-01'
    configuration = load(tmp_path, account(prop))
    assert [(cap.kind, cap.amount) for cap in configuration.caps] == [(CapKind.MAX_TOTAL_VOLUME, Decimal(5))]
    [flat] = configuration.conduct
    assert isinstance(flat, FlatBy)
    assert (flat.scope, flat.firings[0].zone.key) == (FlattenScope.ACCOUNT, "America/Chicago")


@pytest.mark.parametrize(("stop_at", "fraction"), [("", "0.03"), (", stop_at = 0.8", "0.024")])
def test_a_loss_of_a_single_trade_is_stopped_before_the_firm_does_too(tmp_path: Path, stop_at: str, fraction: str):
    configuration = load(tmp_path, account(f'preset = "fundingpips-pro", initial_balance = "10000 USD"{stop_at}'))
    [trade] = configuration.conduct
    assert isinstance(trade, PositionRule)
    assert trade.amount == Percent(Decimal(fraction))


@pytest.mark.parametrize(
    ("series", "told"),
    [
        ("after_losses = { multiplier = 2 }", "`small` gets copies 2 times as large after a loss"),
        ("after_losses = { multiplier = 0.5 }", None),
        ("masaniello = { events = 5, wins = 3 }", "`small` gets stakes of a series of 5 with 3 wins"),
        (
            "per_symbol = [{ match = 'XAU.*', after_losses = { multiplier = 3 } }]",
            "`small` gets copies 3 times as large after a loss",
        ),
    ],
)
def test_more_risk_after_losses_on_a_firm_s_account_is_doubted(tmp_path: Path, series: str, told: str | None):
    prop = 'preset = "ftmo-2-step", initial_balance = "100000 USD", stop_at = 0.8, started = 2026-11-01'
    policy = f"[policies.default]\n{series}\n"
    found = [each for each in warnings_of(tmp_path, account(prop) + policy + LINK) if "after losses" in each]
    assert found == ([] if told is None else [f"no more risk after losses on a firm's account: {told}"])
    assert not [each for each in warnings_of(tmp_path, ACCOUNTS + policy + LINK) if "after losses" in each]
