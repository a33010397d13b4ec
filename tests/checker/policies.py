"""Random policies, as TOML."""

from collections.abc import Callable
from random import Random


def policy(name: str, random: Random, extends: str | None) -> str:
    keys = keys_of(random)
    if extends is not None:
        keys = {"extends": f'"{extends}"', **keys}
    if random.random() < 0.25:
        row = inline({**keys_of(random, rows=True), "match": random.choice(("'XAU.*'", "'NAS.*|GER.*'"))})
        other = inline({**keys_of(random, rows=True, symbols=False), "match": "'GOLD'", "on": '"target"'})
        keys["per_symbol"] = f"[{row}, {other}]"
    return f"[policies.{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


def _mismatch(random: Random) -> dict[str, str]:
    return {"grace": '"2s"', "action": f'"{random.choice(("alert", "close_only", "flatten", "none"))}"'}


def _skip_first(random: Random) -> dict[str, str]:
    return {"count": random.choice(("1", "2"))} | some(random, 0.5, reset_after='"3h"', by_side="true")


def _throttle(random: Random) -> dict[str, str]:
    return {"max_opens": random.choice(("1", "3")), "window": '"90m"'}


def _equity_curve(random: Random) -> dict[str, str]:
    keys = {"samples": random.choice(("2", "3", "4")), "every": random.choice(('"30m"', '"1h"'))}
    return keys | some(random, 0.5, of='"target"', while_short='"allow"')


def _after_losses(random: Random) -> dict[str, str]:
    keys = {"multiplier": random.choice(("2", "1.5", "0.5"))} | some(random, 0.4, levels="2", wins="2")
    return keys | some(random, 0.3, reset_after='"2h"', even_within='"20 points"', by_symbol="true")


def _masaniello(random: Random) -> dict[str, str]:
    keys = random.choice(({"events": "5", "wins": "3"}, {"events": "10", "wins": "6", "payout": "1.5"}))
    return keys | some(random, 0.3, reset_after='"2h"', even_within='"0.01 %"', by_symbol="true")


def _delay(random: Random) -> dict[str, str]:
    opening = random.choice(('"1s"', '["500ms", "2s"]'))
    return some(random, 0.6, open=opening, close='["2s", "30s"]')


def keys_of(random: Random, *, rows: bool = False, symbols: bool = True) -> dict[str, str]:
    """Return some keys of a policy, each with its TOML; fewer for a row of symbols or an override."""
    part = 0.5 if rows else 1
    wanted = [key for key, (chance, _) in TABLES.items() if random.random() < chance * part]
    found = {key: inline(TABLES[key][1](random)) for key in wanted}
    series = [key for key in ("after_losses", "masaniello") if key in found]
    if series:  # a policy that this one extends may have the other, and one of the two must do
        found |= {key: '"off"' for key in ("after_losses", "masaniello") if key != series[0]}
    if symbols and random.random() < (0.2 if rows else 0.9):
        found["symbols"] = f'"{random.choice(("plain", "plain", "plain", "plain", "odd", "shipped", "rolling"))}"'
    if random.random() < 0.2 * part:
        found["reopen"] = random.choice(("1", "1", "2"))
    if random.random() < 0.07 * part:
        found["approval"] = "true"
    if random.random() < 0.15 * part:
        found["pending"] = random.choice(('"skip"', '"on_fill"', '"mirror"', '"mirror"', '"mirror"', '"mirror"'))
        if "mirror" in found["pending"]:
            found["mirror"] = _mirror(random)
    if random.random() < 0.4 * part:
        found["aggregate"] = random.choice(('"tightest"', '"weighted"'))
    if random.random() < 0.4 * part:
        found["on_target_change"] = random.choice(('"restore"', '"restore"', '"alert"'))
    texts = {"schedule": random.choice(('"hours"', '"pauses"', '"pauses"')), "news": '"events"', "reverse": "true"}
    return found | {key: text for key, text in texts.items() if random.random() < 0.15 * part}


def _mirror(random: Random) -> str:
    late, early = random.choice(('"market"', '"cancel"')), random.choice(('"close"', '"keep"'))
    return inline({"late": late, "early": early} | some(random, 0.3, fill_grace='"20s"', max_life='"40m"'))


def mirroring(random: Random) -> str:
    """Return the keys of a policy that mirrors pending orders."""
    return f'pending = "mirror"\nmirror = {_mirror(random)}\n'


def inline(keys: dict[str, str]) -> str:
    return "{ " + ", ".join(f"{key} = {value}" for key, value in keys.items()) + " }"


def some(random: Random, chance: float, **keys: str) -> dict[str, str]:
    return {key: value for key, value in keys.items() if random.random() < chance}


MODES = (
    *("multiplier", "multiplier", "fixed", "balance_ratio", "equity_ratio", "margin_ratio", "notional", "leverage"),
    *("risk_percent", "risk_percent", "risk_amount", "expression"),
)


def _size(random: Random) -> dict[str, str]:
    times = random.choice(("0.1", "0.33", "0.5", "1", "1.7", "3"))
    mode = random.choice(MODES)
    keys = {"mode": f'"{mode}"'}
    money = some(random, 0.25, ignore_currency="true")
    ratio = some(random, 0.25, ignore_contract_size="true", source_reference="50000", target_reference="20000")
    risk = some(random, 0.4, cost_per_lot="7", default_stop='"150 points"') | money
    match mode:
        case "multiplier":
            return keys | {"multiplier": times} | some(random, 0.3, ignore_contract_size="true")
        case "fixed":
            return keys | {"volume": random.choice(("0.1", "0.25", "2"))}
        case "balance_ratio" | "equity_ratio" | "margin_ratio":
            return keys | {"multiplier": times} | ratio | money
        case "notional" | "leverage":
            return keys | {"multiplier": times} | money
        case "risk_percent":
            of = random.choice(("equity", "balance", "initial"))
            return keys | {"percent": '"0.7 %"', "of": f'"{of}"', "initial": "100000"} | risk
        case "risk_amount":
            return keys | {"amount": random.choice(('"500 USD"', '"300 EUR"'))} | risk
    formula = random.choice(
        (
            "source_volume * target_equity / (source_equity * rate)",
            "min(source_volume * multiplier, 2) * contract_ratio",
            "max(0.01, -0.5 + source_volume) / 3",
            "source_volume - 1",
            "target_equity * 0.01 / (stop_distance * lot_worth + cost_per_lot)",
            "source_volume * source_lot_worth / lot_worth * price_rate",
            "1 / (source_volume - source_volume)",
        )
    )
    used = {"multiplier": times} if "multiplier" in formula else {}
    return keys | {"expression": f'"{formula}"'} | used | risk


def _volume(random: Random) -> dict[str, str]:
    return some(
        random,
        0.45,
        min='"raise"',
        max=random.choice(("0.5", "1.25", "4", "20")),
        over_max=random.choice(('"split"', '"deny"', '"clamp"')),
        round=random.choice(('"nearest"', '"up"', '"down"')),
        max_amplification=random.choice(("1", "5", "100")),
        keep_proportions="true",
    )


def _filter(random: Random) -> dict[str, str]:
    return some(
        random,
        0.07,
        symbols="['XAU.*', '[A-Z]{6}.*']",
        not_symbols="['AUD.*']",
        sides='["buy"]',
        magic=r"['7\d']",
        comment="['(?i)GRID.*']",
        volume="[0.05, 5]",
        order_types=random.choice(('["market"]', '["limit", "market"]', '["stop", "stop_limit"]')),
    ) | some(random, 0.2, require=random.choice(('["stop_loss"]', '["stop_loss", "take_profit"]')))


def _guard(random: Random) -> dict[str, str]:
    keys = some(
        random,
        0.3,
        max_age=random.choice(('"3s"', '"20s"', '"10m"')),
        max_deviation=random.choice(('"3 points"', '"0.2 %"', '"0.5"', '"2 pips"')),
        max_spread=random.choice(('"2 points"', '"4 points"', '"0.01 %"')),
        max_price_ratio=random.choice(('"off"', '"1 %"', "0.001")),
        require_quotes="true",
        wait_default='"9s"',
        wait_for_stop='"4s"',
    )
    if "max_deviation" in keys and random.random() < 0.7:
        keys |= {"on_deviation": '"limit"'} | some(random, 0.8, limit_for=random.choice(('"8s"', '"4m"', '"50m"')))
    return keys


def _stops(random: Random) -> dict[str, str]:
    keys = {"mode": f'"{random.choice(("price", "distance", "distance", "offset", "offset", "none"))}"'}
    keys |= some(random, 0.12, stop_loss="false", take_profit="false")
    keys |= some(random, 0.25, add_stop_points="5", add_profit_points="-3")
    keys |= some(
        random,
        0.3,
        lock=random.choice(('"away"', '"all"')),
        min_distance=random.choice(('"omit"', '"deny"')),
        fixed=inline(
            some(random, 0.6, stop_loss='"1.5 %"', take_profit='"300 points"', fallback="true")
            or {"stop_loss": '"40 pips"'}
        ),
    )
    return keys


def _on_start(random: Random) -> dict[str, str]:
    opens = random.choice(("copy", "skip", "if_young"))
    return {"open": f'"{opens}"'} | some(random, 0.4, max_age='"15m"', max_deviation='"0.1 %"')


def _caps(random: Random) -> dict[str, str]:
    room = some(random, 0.4, max_positions=random.choice(("1", "3", "6")), max_total_volume=random.choice(("1", "8")))
    room |= some(random, 0.25, max_volume_per_symbol="1.5", block_hedging="true", count_foreign="true")
    room |= some(random, 0.2, max_risk=random.choice(('"1 %"', '"400 USD"')), max_stop_distance='"1.3 %"')
    room |= some(random, 0.25, min_free_margin=random.choice(('"95 %"', "94000", '"90000 EUR"')))
    if random.random() < 0.75:
        room |= some(random, 0.6, max_risk_per_symbol=random.choice(('"0.4 %"', '"900 USD"')), max_total_risk='"1.2 %"')
        room |= some(random, 0.6, no_stop='"ignore"', risk_of='"balance"')
    group = random.choice(("['GOLD', 'NAS.*'], max_volume = 1.5", "['[A-Z]{3,6}'], max_volume = 1"))
    room |= some(random, 0.35, obey_source="true", together=f"[{{ symbols = {group} }}]")
    return room | some(random, 0.3, on_limit='"shrink"', max_leverage=random.choice(("3", "20")))


def _exits(random: Random) -> dict[str, str]:
    keys = some(random, 0.4, min_hold='"35m"', max_open='"80m"', ignore_close="true")
    keys |= {"ignore_close_for": '"25m"'} if "ignore_close" in keys and random.random() < 0.5 else {}
    return keys | (_own_stops(random) if random.random() < FOLLOWING else {})


FOLLOWING = 0.5
"""How often exits have stops that follow the price. These are looked at every five seconds: such days are short."""


def _own_stops(random: Random) -> dict[str, str]:
    trail = {"distance": random.choice(('"0.03 %"', '"12 points"'))} | some(
        random, 0.4, activate='"0.02 %"', step='"3 points"'
    )
    even = {"trigger": random.choice(('"0.02 %"', '"6 points"'))} | some(random, 0.5, lock='"1 points"')
    back = {"trigger": '"0.04 %"'} | some(random, 0.3, lock='"2 points"')
    own = {"trailing": inline(trail), "break_even": inline(even), "reverse_break_even": inline(back)}
    return some(random, 0.6, **own) or {"trailing": own["trailing"]}


TABLES: dict[str, tuple[float, Callable[[Random], dict[str, str]]]] = {
    "size": (0.7, _size),
    "volume": (0.5, _volume),
    "filter": (0.3, _filter),
    "guard": (0.5, _guard),
    "stops": (0.6, _stops),
    "on_start": (0.5, _on_start),
    "limits": (0.3, _caps),
    "skip_first": (0.06, _skip_first),
    "throttle": (0.1, _throttle),
    "equity_curve": (0.08, _equity_curve),
    "after_losses": (0.25, _after_losses),
    "masaniello": (0.15, _masaniello),
    "delay": (0.2, _delay),
    "exits": (0.35, _exits),
    "mismatch": (0.4, _mismatch),
}
"""The tables of a policy, each with how often it is written. Too many gates, and nothing would ever be copied."""
