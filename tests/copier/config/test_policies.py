"""Policies: every key, sums by `extends`, and what is refused."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from rules.limits.terms import Cash, Percent
from rules.model.instruments import Rounding
from rules.model.values import Money, Side, Symbol
from rules.policy.curve import CurveOf, EquityCurve, WhileShort
from rules.policy.distances import Distance, DistanceUnit
from rules.policy.exits import BreakEven, Exits, Trailing
from rules.policy.expressions import Expression
from rules.policy.guard import OnDeviation, StartOpen
from rules.policy.limits import NoStop, OnLimit, PolicyLimits, ShareOf, Together
from rules.policy.links import CopyPolicy, OnTargetChange
from rules.policy.mismatch import MismatchAction, MismatchPolicy, Tolerance, ToleranceUnit
from rules.policy.pacing import Delay, SkipFirst, Span, Throttle
from rules.policy.pending import Early, Late, Mirror
from rules.policy.series import AfterLosses
from rules.policy.size import SIZE_VARIABLES, BelowMin, OverMax, RiskOf, Size, SizeMode
from rules.policy.stops import Aggregate, FixedStops, MinDistance, Stops, StopsLock, StopsMode
from tests.copier.config.files import ACCOUNTS, LINK, load, one_problem, problems_of

PIPS = DistanceUnit.PIPS


def policy_of(folder: Path, text: str) -> CopyPolicy:
    return load(folder, f'{ACCOUNTS}{LINK}policy = "p"\n{text}').links[0].policy


def test_every_key_of_a_policy_reaches_its_class(tmp_path: Path):
    policy = policy_of(
        tmp_path,
        """
        [policies.p]
        size     = { mode = "equity_ratio", multiplier = 0.5, source_reference = 1000, target_reference = 2000.5,
                     ignore_contract_size = true, ignore_currency = true }
        volume   = { min = "raise", max = 5, over_max = "split", round = "nearest", max_amplification = 3,
                     keep_proportions = true }
        filter   = { symbols = ['XAU.*'], not_symbols = ['BTC.*'], sides = ["buy"], magic = ['12..'], comment = ['a'],
                     volume = [0.01, 50], require = ["stop_loss", "take_profit"] }
        guard    = { max_age = "3s", max_deviation = "5 points", max_spread = "20 points", max_price_ratio = "5 %",
                     require_quotes = true, wait_default = "2s", on_deviation = "limit", limit_for = "30s" }
        stops    = { mode = "distance", stop_loss = true, take_profit = false, add_stop_points = 5,
                     add_profit_points = -2.5, lock = "away", min_distance = "omit",
                     fixed = { stop_loss = "50 pips", take_profit = "1 %", fallback = true } }
        on_start = { open = "copy", max_age = "30s", max_deviation = "3 pips" }
        limits   = { max_positions = 5, max_total_volume = 10, max_volume_per_symbol = 3, block_hedging = true,
                     count_foreign = true, max_risk = "1 %", max_leverage = 20, min_free_margin = "500 USD",
                     max_stop_distance = "80 pips", on_limit = "shrink", obey_source = true,
                     max_risk_per_symbol = "2 %", max_total_risk = "700 USD", risk_of = "balance", no_stop = "ignore",
                     together = [{ symbols = ['EUR.*', 'GBPUSD'], max_volume = 3 }] }
        mismatch = { grace = "30s", tolerance = "2 steps", action = "close_only" }
        reverse  = true
        approval = true
        reopen   = 2
        on_target_change = "restore"
        aggregate = "weighted"
        skip_first = { count = 3, reset_after = "1h", by_side = true }
        throttle = { max_opens = 5, window = "1m" }
        equity_curve = { samples = 20, every = "2h", of = "target", while_short = "allow" }
        after_losses = { multiplier = 0.5, levels = 2, wins = 3, reset_after = "2d", even_within = "2 points",
                         by_symbol = true }
        delay    = { open = ["1s", "2500ms"], close = "3s" }
        exits    = { min_hold = "10s", ignore_close = true, ignore_close_for = "5m", max_open = "8h",
                     break_even = { trigger = "30 pips", lock = "2 pips" }, reverse_break_even = { trigger = "1 %" },
                     trailing = { distance = "20 pips", activate = "10 pips", step = "5 points" } }
        """,
    )
    assert (policy.approval, policy.reopen) == (True, 2)
    assert policy.on_target_change is OnTargetChange.RESTORE
    assert policy.aggregate is Aggregate.WEIGHTED
    assert policy.skip_first == SkipFirst(3, timedelta(hours=1), by_side=True)
    assert policy.throttle == Throttle(5, timedelta(minutes=1))
    assert policy.equity_curve == EquityCurve(20, timedelta(hours=2), CurveOf.TARGET, WhileShort.ALLOW)
    near = Distance(Decimal(2), DistanceUnit.POINTS)
    assert policy.after_losses == AfterLosses(Decimal("0.5"), 2, 3, timedelta(days=2), near, True)
    drawn, exact = Span(timedelta(seconds=1), timedelta(seconds=2.5)), Span(timedelta(seconds=3), timedelta(seconds=3))
    assert policy.delay == Delay(drawn, exact)
    assert policy.exits == Exits(
        timedelta(seconds=10),
        True,
        timedelta(minutes=5),
        timedelta(hours=8),
        BreakEven(Distance(Decimal(30), DistanceUnit.PIPS), Distance(Decimal(2), DistanceUnit.PIPS)),
        BreakEven(Distance(Decimal(1), DistanceUnit.PERCENT)),
        Trailing(*(Distance(Decimal(each), unit) for each, unit in ((20, PIPS), (10, PIPS), (5, DistanceUnit.POINTS)))),
    )
    assert policy.size.mode is SizeMode.EQUITY_RATIO
    assert (policy.size.multiplier, policy.size.source_reference) == (Decimal("0.5"), Decimal(1000))
    assert (policy.size.target_reference, policy.size.ignore_currency) == (Decimal("2000.5"), True)
    assert policy.size.ignore_contract_size is True
    assert (policy.volume.min, policy.volume.max, policy.volume.over_max) == (BelowMin.RAISE, 5, OverMax.SPLIT)
    assert (policy.volume.round, policy.volume.max_amplification) == (Rounding.NEAREST, 3)
    assert policy.volume.keep_proportions
    assert (policy.filter.symbols, policy.filter.not_symbols) == (("XAU.*",), ("BTC.*",))
    assert (policy.filter.sides, policy.filter.magic, policy.filter.comment) == ({Side.BUY}, ("12..",), ("a",))
    assert (policy.filter.volume_min, policy.filter.volume_max) == (Decimal("0.01"), 50)
    assert policy.filter.require_stop_loss
    assert policy.filter.require_take_profit
    assert policy.guard.max_age == timedelta(seconds=3)
    assert (policy.guard.on_deviation, policy.guard.limit_for) == (OnDeviation.LIMIT, timedelta(seconds=30))
    assert policy.guard.max_deviation == Distance(Decimal(5), DistanceUnit.POINTS)
    assert (policy.guard.max_price_ratio, policy.guard.require_quotes) == (Decimal("0.05"), True)
    assert policy.guard.wait_default == timedelta(seconds=2)
    assert policy.stops == Stops(
        StopsMode.DISTANCE,
        True,
        False,
        Decimal(5),
        Decimal("-2.5"),
        StopsLock.AWAY,
        MinDistance.OMIT,
        FixedStops(Distance(Decimal(50), DistanceUnit.PIPS), Distance(Decimal(1), DistanceUnit.PERCENT), True),
    )
    assert (policy.on_start.open, policy.on_start.max_age) == (StartOpen.COPY, timedelta(seconds=30))
    assert policy.limits == PolicyLimits(
        5,
        Decimal(10),
        Decimal(3),
        True,
        True,
        Percent(Decimal("0.01")),
        Percent(Decimal("0.02")),
        Cash(Decimal(700), "USD"),
        ShareOf.BALANCE,
        NoStop.IGNORE,
        Decimal(20),
        Cash(Decimal(500), "USD"),
        Distance(Decimal(80), DistanceUnit.PIPS),
        OnLimit.SHRINK,
        (Together(("EUR.*", "GBPUSD"), Decimal(3)),),
        True,
    )
    assert policy.mismatch == MismatchPolicy(
        timedelta(seconds=30), Tolerance(Decimal(2), ToleranceUnit.STEPS), MismatchAction.CLOSE_ONLY
    )
    assert policy.reverse is True


def test_an_empty_policy_is_the_class_with_its_defaults(tmp_path: Path):
    assert policy_of(tmp_path, "[policies.p]\n") == CopyPolicy(name="p")


def test_off_switches_a_default_off(tmp_path: Path):
    policy = policy_of(tmp_path, '[policies.p.guard]\nmax_price_ratio = "off"\nmax_age = "off"\nmax_spread = "off"\n')
    assert (policy.guard.max_price_ratio, policy.guard.max_age, policy.guard.max_spread) == (None, None, None)


def test_an_extending_policy_keeps_what_it_does_not_say(tmp_path: Path):
    policy = policy_of(
        tmp_path,
        """
        [policies.p]
        extends = "middle"
        guard = { max_age = "off" }
        [policies.middle]
        extends = "base"
        guard = { max_spread = "2 points" }
        [policies.base]
        reverse = true
        guard = { max_age = "3s", max_spread = "9 points", require_quotes = true }
        """,
    )
    assert policy.reverse is True
    assert policy.guard.max_age is None
    assert policy.guard.max_spread == Distance(Decimal(2), DistanceUnit.POINTS)
    assert policy.guard.require_quotes is True


def test_a_size_with_a_mode_replaces_the_whole_size_that_it_extends(tmp_path: Path):
    base = '[policies.base]\nsize = { mode = "equity_ratio", multiplier = 0.5 }\n'
    child = '[policies.p]\nextends = "base"\nsize = '
    fixed = policy_of(tmp_path, base + child + '{ mode = "fixed", volume = 0.1 }\n')
    assert (fixed.size.mode, fixed.size.multiplier, fixed.size.volume) == (SizeMode.FIXED, 1, Decimal("0.1"))
    scaled = policy_of(tmp_path, base + child + "{ multiplier = 2 }\n")
    assert (scaled.size.mode, scaled.size.multiplier) == (SizeMode.EQUITY_RATIO, 2)


def test_of_several_policies_that_one_extends_the_later_wins_and_its_own_keys_win_over_all(tmp_path: Path):
    policy = policy_of(
        tmp_path,
        """
        [policies.p]
        extends = ["a", "b"]
        guard = { max_age = "1s" }
        [policies.a]
        reverse = true
        guard = { max_age = "2s", max_spread = "2 points", wait_default = "2s" }
        [policies.b]
        guard = { max_age = "3s", max_spread = "3 points" }
        """,
    )
    assert policy.reverse is True
    assert policy.guard.max_age == timedelta(seconds=1)
    assert policy.guard.max_spread == Distance(Decimal(3), DistanceUnit.POINTS)
    assert policy.guard.wait_default == timedelta(seconds=2)


def test_a_common_base_of_two_policies_does_not_undo_what_one_of_them_changed(tmp_path: Path):
    policy = policy_of(
        tmp_path,
        """
        [policies.p]
        extends = ["a", "b"]
        [policies.a]
        extends = "base"
        reverse = true
        [policies.b]
        extends = "base"
        guard = { max_age = "3s" }
        [policies.base]
        reverse = false
        guard = { max_age = "9s" }
        """,
    )
    assert (policy.reverse, policy.guard.max_age) == (True, timedelta(seconds=3))


@pytest.mark.parametrize("extends", ['["a", "base"]', '["a", "a"]'])
def test_a_policy_named_after_one_that_has_it_already_is_refused_since_it_would_not_win(tmp_path: Path, extends: str):
    text = f"""{ACCOUNTS}{LINK}policy = "p"
[policies.base]
[policies.a]
extends = "base"
[policies.p]
extends = {extends}
"""
    assert one_problem(tmp_path, text).key == "policies.p.extends[1]"
    load(tmp_path, text.replace(extends, '["base", "a"]'))


def test_arrays_take_the_place_of_arrays(tmp_path: Path):
    base = "[policies.base]\nfilter = { symbols = ['XAU.*'], not_symbols = ['BTC.*'] }\n"
    policy = policy_of(tmp_path, base + "[policies.p]\nextends = 'base'\nfilter = { symbols = ['EUR.*'] }\n")
    assert (policy.filter.symbols, policy.filter.not_symbols) == (("EUR.*",), ("BTC.*",))


def test_the_first_row_whose_pattern_is_the_whole_symbol_holds_in_place_of_the_policy(tmp_path: Path):
    policy = policy_of(
        tmp_path,
        """
        [policies.p]
        size = { mode = "equity_ratio", multiplier = 0.5 }
        guard = { max_age = "3s" }
        per_symbol = [
            { match = 'XAU.*', size = { mode = "fixed", volume = 0.1 } },
            { match = 'XAUUSD', reverse = true },
            { match = 'XAG', guard = { max_spread = "2 points" } },
        ]
        """,
    )
    gold, silver = policy.for_symbol(Symbol("XAUUSD")), policy.for_symbol(Symbol("XAG"))
    assert (gold.size.mode, gold.size.volume, gold.reverse) == (SizeMode.FIXED, Decimal("0.1"), False)
    assert gold.guard.max_age == timedelta(seconds=3)
    assert (silver.size.mode, silver.guard.max_age) == (SizeMode.EQUITY_RATIO, timedelta(seconds=3))
    assert silver.guard.max_spread == Distance(Decimal(2), DistanceUnit.POINTS)
    assert (gold.row, silver.row, policy.row) == (1, 3, None)
    assert policy.for_symbol(Symbol("XAGUSD")) is policy


def test_a_row_on_the_target_looks_at_what_the_map_makes_of_the_name(tmp_path: Path):
    policy = policy_of(
        tmp_path,
        """
        [symbols.s]
        map = [{ match = 'GOLD', to = 'XAUUSD' }, { match = 'OIL', deny = true }]
        [policies.p]
        symbols = "s"
        per_symbol = [{ match = 'XAU.*|OIL', on = "target", reverse = true }]
        """,
    )
    assert policy.for_symbol(Symbol("GOLD")).reverse is True
    assert policy.for_symbol(Symbol("OIL")) is policy, "a denied symbol has no name at the target"


def test_a_row_may_have_a_symbol_map_of_its_own_unless_it_looks_at_what_the_map_makes(tmp_path: Path):
    text = """
        [symbols.s]
        map = [{ match = 'GOLD', to = 'XAUUSD' }]
        [policies.p]
        per_symbol = [{ match = 'GOLD', symbols = "s" }]
        """
    gold = policy_of(tmp_path, text).for_symbol(Symbol("GOLD"))
    assert gold.symbols is not None
    text = f'{ACCOUNTS}{LINK}policy = "p"\n{text}'.replace("match = 'GOLD', sy", "match = 'GOLD', on = 'target', sy")
    assert one_problem(tmp_path, text).key == "policies.p.per_symbol[0].symbols"


def test_rows_of_an_extended_policy_are_joined_to_the_sum_of_the_one_that_extends_it(tmp_path: Path):
    policy = policy_of(
        tmp_path,
        """
        [policies.base]
        per_symbol = [{ match = 'XAU', size = { multiplier = 2 } }]
        [policies.p]
        extends = "base"
        reverse = true
        """,
    )
    gold = policy.for_symbol(Symbol("XAU"))
    assert (gold.reverse, gold.size.multiplier) == (True, 2)


def test_an_override_wins_over_the_policy_but_not_over_its_rows(tmp_path: Path):
    text = f"""{ACCOUNTS}{LINK}policy = "p"
override = {{ size = {{ multiplier = 3 }}, reverse = true }}
[policies.p]
per_symbol = [{{ match = 'XAU', size = {{ multiplier = 2 }} }}]
"""
    policy = load(tmp_path, text).links[0].policy
    gold = policy.for_symbol(Symbol("XAU"))
    assert (policy.size.multiplier, gold.size.multiplier, gold.reverse) == (3, 2, True)


def test_keys_that_do_not_fit_together_are_told_where_the_spare_one_was_written(tmp_path: Path):
    text = f"""{ACCOUNTS}{LINK}policy = "p"
override = {{ size = {{ volume = 1 }} }}
[policies.p]
reverse = true
"""
    assert one_problem(tmp_path, text).key == "links[0].override.size.volume"


def test_a_table_named_default_is_the_policy_of_links_that_name_none(tmp_path: Path):
    policy = load(tmp_path, f"{ACCOUNTS}{LINK}[policies.default]\nreverse = true\n").links[0].policy
    assert (policy.name, policy.reverse) == ("default", True)


def test_a_link_overrides_single_keys(tmp_path: Path):
    text = f"""{ACCOUNTS}{LINK}policy = "p"
override = {{ reverse = true, guard = {{ max_age = "1s" }} }}
[policies.p]
guard = {{ max_age = "3s", require_quotes = true }}
"""
    configuration = load(tmp_path, text)
    policy = configuration.links[0].policy
    assert (policy.reverse, policy.guard.max_age, policy.guard.require_quotes) == (True, timedelta(seconds=1), True)
    assert configuration.policies["p"].reverse is False


@pytest.mark.parametrize(
    ("line", "key", "found"),
    [
        ("size = { multiplier = 0 }", "size.multiplier", "0"),
        ("size = { multiplier = -1 }", "size.multiplier", "-1"),
        ('size = { mode = "fixed", volume = 0 }', "size.volume", "0"),
        ('size = { mode = "fixed" }', "size", "a size without it"),
        ('size = { mode = "fixed", volume = 1, multiplier = 2 }', "size.multiplier", "`multiplier`"),
        ("size = { volume = 1 }", "size.volume", "`volume`"),
        ("size = { source_reference = 1 }", "size.source_reference", "`source_reference`"),
        ('size = { mode = "risk_percent" }', "size", "a size without it"),
        ('size = { mode = "risk_percent", percent = "1 %", of = "initial" }', "size", "a size without it"),
        ('size = { mode = "risk_percent", percent = 1 }', "size.percent", "1"),
        ('size = { mode = "risk_percent", percent = "0 %" }', "size.percent", '"0 %"'),
        ('size = { mode = "risk_percent", percent = "1 %", multiplier = 2 }', "size.multiplier", "`multiplier`"),
        ('size = { mode = "risk_amount", amount = 250 }', "size.amount", "250"),
        ('size = { mode = "risk_amount", amount = "0 USD" }', "size.amount", '"0 USD"'),
        ('size = { mode = "risk_amount", amount = "1 USD", cost_per_lot = -1 }', "size.cost_per_lot", "-1"),
        ('size = { mode = "expression", expression = "balance" }', "size.expression", "`balance`"),
        ('size = { mode = "expression", expression = "rate *" }', "size.expression", "its end"),
        ('size = { mode = "expression", expression = 3 }', "size.expression", "3"),
        ('size = { mode = "notional", ignore_contract_size = true }', "size.ignore_contract_size",
         "`ignore_contract_size`"),
        ("limits = { together = [{ symbols = [], max_volume = 3 }] }", "limits.together[0].symbols", "an empty array"),
        ("limits = { together = [{ symbols = ['EUR'], max_volume = 0 }] }", "limits.together[0].max_volume", "0"),
        ("limits = { together = [{ symbols = ['EUR'] }] }", "limits.together[0]", "a table without it"),
        ('aggregate = "widest"', "aggregate", '"widest"'),
        ('on_target_change = "fight"', "on_target_change", '"fight"'),
        ('guard = { wait_for_stop = "2d" }', "guard.wait_for_stop", '"2d"'),
        ('size = { mode = "equity" }', "size.mode", '"equity"'),
        ("size = 0.5", "size", "0.5"),
        ("volume = { max = 0 }", "volume.max", "0"),
        ("volume = { max_amplification = 0.5 }", "volume.max_amplification", "0.5"),
        ('volume = { min = "rise" }', "volume.min", '"rise"'),
        ("filter = { symbols = 'XAU.*' }", "filter.symbols", '"XAU.*"'),
        ("filter = { symbols = ['a', 3] }", "filter.symbols[1]", "3"),
        ("filter = { sides = [] }", "filter.sides", "[]"),
        ('filter = { sides = ["by"] }', "filter.sides", '["by"]'),
        ("filter = { volume = [5, 1] }", "filter.volume", "[5, 1]"),
        ("filter = { volume = 5 }", "filter.volume", "5"),
        ('filter = { require = ["stop"] }', "filter.require[0]", '"stop"'),
        ('filter = { order_types = ["trailing"] }', "filter.order_types[0]", '"trailing"'),
        ('guard = { max_age = "0s" }', "guard.max_age", '"0s"'),
        ('guard = { max_spread = "-5 points" }', "guard.max_spread", '"-5 points"'),
        ("guard = { max_price_ratio = 0 }", "guard.max_price_ratio", "0"),
        ('stops = { mode = "gap" }', "stops.mode", '"gap"'),
        ('stops = { lock = true }', "stops.lock", "true"),
        ('stops = { fixed = { stop_loss = "0 pips" } }', "stops.fixed.stop_loss", '"0 pips"'),
        ('stops = { fixed = { stop = "1 pips" } }', "stops.fixed.stop", "the unknown key `stop`"),
        ('stops = { add_stop_points = "5 points" }', "stops.add_stop_points", '"5 points"'),
        ('stops = { min_distance = "raise" }', "stops.min_distance", '"raise"'),
        ("stops = { copy = true }", "stops.copy", "`copy`, which is not supported in this version"),
        ("limits = { max_positions = 0 }", "limits.max_positions", "0"),
        ('mismatch = { grace = "2h" }', "mismatch.grace", '"2h"'),
        ('mismatch = { tolerance = "5" }', "mismatch.tolerance", '"5"'),
        ('mismatch = { action = "close" }', "mismatch.action", '"close"'),
        ("limits = { max_positions = 1.5 }", "limits.max_positions", "1.5"),
        ("limits = { block_hedging = 1 }", "limits.block_hedging", "1"),
        ("limits = { max_volume_per_symbol = 0 }", "limits.max_volume_per_symbol", "0"),
        ('limits = { max_risk = "0 %" }', "limits.max_risk", '"0 %"'),
        ('limits = { max_risk = "much" }', "limits.max_risk", '"much"'),
        ('limits = { max_risk_per_symbol = "0 %" }', "limits.max_risk_per_symbol", '"0 %"'),
        ("limits = { max_total_risk = 0 }", "limits.max_total_risk", "0"),
        ('limits = { risk_of = "initial" }', "limits.risk_of", '"initial"'),
        ('limits = { no_stop = "allow" }', "limits.no_stop", '"allow"'),
        ("limits = { max_leverage = -1 }", "limits.max_leverage", "-1"),
        ("limits = { min_free_margin = -1 }", "limits.min_free_margin", "-1"),
        ('limits = { max_stop_distance = "0 pips" }', "limits.max_stop_distance", '"0 pips"'),
        ('limits = { on_limit = "clamp" }', "limits.on_limit", '"clamp"'),
        ("throttle = { max_opens = 0, window = '1m' }", "throttle.max_opens", "0"),
        ("throttle = { max_opens = 5 }", "throttle", "a table without it"),
        ("equity_curve = { samples = 1, every = '1h' }", "equity_curve.samples", "1"),
        ("equity_curve = { samples = 201, every = '1h' }", "equity_curve.samples", "201"),
        ("equity_curve = { samples = 9, every = '59s' }", "equity_curve.every", '"59s"'),
        ("equity_curve = { samples = 9 }", "equity_curve", "a table without it"),
        ("equity_curve = { samples = 9, every = '1h', of = 'both' }", "equity_curve.of", '"both"'),
        ("throttle = { max_opens = 5, window = '2d' }", "throttle.window", '"2d"'),
        ("skip_first = { count = 1.5 }", "skip_first.count", "1.5"),
        ("after_losses = { levels = 2 }", "after_losses", "a table without it"),
        ("after_losses = { multiplier = 0 }", "after_losses.multiplier", "0"),
        ("after_losses = { multiplier = 10.1 }", "after_losses.multiplier", "10.1"),
        ("after_losses = { multiplier = 2, levels = 11 }", "after_losses.levels", "11"),
        ("after_losses = { multiplier = 2, wins = 0 }", "after_losses.wins", "0"),
        ("after_losses = { multiplier = 2, reset_after = '1s' }", "after_losses.reset_after", '"1s"'),
        ("after_losses = { multiplier = 2, even_within = '0 pips' }", "after_losses.even_within", '"0 pips"'),
        ("masaniello = { events = 1, wins = 1 }", "masaniello.events", "1"),
        ("masaniello = { events = 101, wins = 1 }", "masaniello.events", "101"),
        ("masaniello = { events = 5, wins = 5 }", "masaniello.wins", "5"),
        ("masaniello = { events = 5, wins = 3, payout = 0 }", "masaniello.payout", "0"),
        ("after_losses = { multiplier = 2 }\nmasaniello = { events = 5, wins = 3 }", "masaniello", "both"),
        ("delay = { open = ['5s', '1s'] }", "delay.open", "an array"),
        ("delay = { open = 5 }", "delay.open", "5"),
        ("delay = { close = '2h' }", "delay.close", '"2h"'),
        ("guard = { max_age = '3s' }\ndelay = { open = '3s' }", "delay.open", "3s"),
        ("exits = { trailing = { step = '1 pips' } }", "exits.trailing", "a table without it"),
        ("exits = { trailing = { distance = '0 pips' } }", "exits.trailing.distance", '"0 pips"'),
        ("exits = { break_even = { trigger = 0 } }", "exits.break_even.trigger", "0"),
        ("reopen = -1", "reopen", "-1"),
        ("reopen = true", "reopen", "true"),
        ("exits = { ignore_close_for = '5s' }", "exits.ignore_close_for", "`ignore_close_for` alone: no effect"),
        ("exits = { min_hold = '2h', max_open = '1h' }", "exits.min_hold", "2h"),
        ('guard = { max_deviation = "1 %", on_deviation = "market" }', "guard.on_deviation", '"market"'),
        ('guard = { on_deviation = "limit" }', "guard.on_deviation", "`on_deviation` alone: no effect"),
        ('guard = { limit_for = "0s" }', "guard.limit_for", '"0s"'),
        ('guard = { limit_for = "2d" }', "guard.limit_for", '"2d"'),
        ('pending = "mirrored"', "pending", '"mirrored"'),
        ('mirror = { fill_grace = "0s" }', "mirror.fill_grace", '"0s"'),
        ('mirror = { fill_grace = "25h" }', "mirror.fill_grace", '"25h"'),
        ('mirror = { max_life = "59s" }', "mirror.max_life", '"59s"'),
        ('mirror = { max_life = "367d" }', "mirror.max_life", '"367d"'),
        ('mirror = { late = "close" }', "mirror.late", '"close"'),
        ('mirror = { early = "market" }', "mirror.early", '"market"'),
        ("mirror = { grace = '5s' }", "mirror.grace", "the unknown key `grace`"),
        ("per_symbol = 3", "per_symbol", "3"),
        ("per_symbol = ['XAU']", "per_symbol[0]", '"XAU"'),
        ("per_symbol = [{ reverse = true }]", "per_symbol[0]", "a table without it"),
        ("per_symbol = [{ match = '(' }]", "per_symbol[0].match", "the pattern '(' cannot be used: missing ): ("),
        ("per_symbol = [{ match = 'X', on = 'both' }]", "per_symbol[0].on", '"both"'),
        ("per_symbol = [{ match = 'X', revers = true }]", "per_symbol[0].revers", "the unknown key `revers`"),
        ("per_symbol = [{ match = 'X', extends = 'default' }]", "per_symbol[0].extends", "`extends`"),
        ("per_symbol = [{ match = 'X', per_symbol = [] }]", "per_symbol[0].per_symbol", "`per_symbol`"),
        ("per_symbol = [{ match = 'X', symbols = 'x' }]", "per_symbol[0].symbols", 'the unknown name "x"'),
        ("per_symbol = [{ match = 'X', size = { volume = 1 } }]", "per_symbol[0].size.volume", "`volume`"),
        ("per_symbol = [{ match = 'X', pending = 'no' }]", "per_symbol[0].pending", '"no"'),
        ("extends = 3", "extends", "3"),
        ("extends = ['x']", "extends[0]", 'the unknown name "x"'),
        ('symbols = "x"', "symbols", 'the unknown name "x"'),
        ('schedule = "x"', "schedule", 'the unknown name "x"'),
        ('extends = "x"', "extends", 'the unknown name "x"'),
        ('extends = "p"', "extends", "p -> p"),
        ("revers = true", "revers", "the unknown key `revers`"),
        ('reverse = "yes"', "reverse", '"yes"'),
    ],
)  # fmt: skip
def test_a_bad_key_is_one_problem_in_its_line(tmp_path: Path, line: str, key: str, found: str):
    text = f'{ACCOUNTS}{LINK}policy = "p"\n[policies.p]\n{line}\n'
    problem = one_problem(tmp_path, text)
    assert (problem.line, problem.key, problem.found) == (text.count("\n"), f"policies.p.{key}", found)


def test_a_ring_of_policies_is_told_for_each_of_them(tmp_path: Path):
    text = ACCOUNTS + "".join(f'[policies.{one}]\nextends = "{other}"\n' for one, other in ("ab", "bc", "ca"))
    assert [problem.found for problem in problems_of(tmp_path, text)] == [
        "a -> b -> c -> a",
        "b -> c -> a -> b",
        "c -> a -> b -> c",
    ]


def test_a_mistake_in_a_base_is_told_once_however_many_extend_it(tmp_path: Path):
    text = f'{ACCOUNTS}{LINK}policy = "b"\n[policies.a]\nreverse = 1\n'
    text += '[policies.b]\nextends = "a"\n[policies.c]\nextends = "a"\n'
    assert one_problem(tmp_path, text).key == "policies.a.reverse"


def test_a_mistake_in_an_override_is_told_in_the_link(tmp_path: Path):
    text = f'{ACCOUNTS}{LINK}override = {{ reverse = 1, stops = {{ copy = true }}, extends = "default" }}\n'
    problem = one_problem(tmp_path, text)
    assert (problem.key, problem.line) == ("links[0].override.extends", text.count("\n"))
    text = text.replace(', extends = "default"', "")
    assert [problem.key for problem in problems_of(tmp_path, text)] == [
        "links[0].override.reverse",
        "links[0].override.stops.copy",
    ]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ('mode = "margin_ratio", source_reference = 5', Size(SizeMode.MARGIN_RATIO, source_reference=Decimal(5))),
        ('mode = "notional", ignore_currency = true', Size(SizeMode.NOTIONAL, ignore_currency=True)),
        ('mode = "leverage", multiplier = 2', Size(SizeMode.LEVERAGE, Decimal(2))),
        (
            'mode = "risk_percent", percent = "0.5 %", of = "initial", initial = 1000, cost_per_lot = 7,'
            ' default_stop = "50 pips"',
            Size(
                SizeMode.RISK_PERCENT,
                percent=Decimal("0.005"),
                of=RiskOf.INITIAL,
                initial=Decimal(1000),
                cost_per_lot=Decimal(7),
                default_stop=Distance(Decimal(50), DistanceUnit.PIPS),
            ),
        ),
        ('mode = "risk_amount", amount = "250 EUR"', Size(SizeMode.RISK_AMOUNT, amount=Money(Decimal(250), "EUR"))),
        (
            'mode = "expression", expression = "source_volume / 2"',
            Size(SizeMode.EXPRESSION, expression=Expression("source_volume / 2", frozenset(SIZE_VARIABLES))),
        ),
    ],
)
def test_each_size_mode_has_its_keys(tmp_path: Path, size: str, expected: Size):
    assert policy_of(tmp_path, f"[policies.p]\nsize = {{ {size} }}\n").size == expected


def test_mirrored_orders_have_their_keys(tmp_path: Path):
    plain = '[policies.p]\npending = "mirror"\n'
    keys = 'mirror = { fill_grace = "1m", late = "cancel", early = "keep", max_life = "8h" }'
    written = policy_of(tmp_path, plain + keys)
    assert written.mirrors
    assert written.mirror == Mirror(timedelta(minutes=1), Late.CANCEL, Early.KEEP, timedelta(hours=8))
    assert policy_of(tmp_path, plain).mirror == Mirror(timedelta(seconds=5), Late.MARKET, Early.CLOSE)
