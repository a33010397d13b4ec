"""A random config: every key that the checker knows turns up over the seeds, in combinations nobody would think of."""

from collections.abc import Callable
from random import Random

SOURCES = ("alpha", "beta")
TARGETS = ("one", "two", "three")
CURRENCIES = ("USD", "USD", "USD", "EUR", "GBP")
BASES = ("XAUUSD", "GER40", "NAS100", "AUDCAD")
"""What is traded; other pairs are only quoted, for conversions."""


def config_text(random: Random) -> str:
    """Return the TOML of a config."""
    sources, targets = SOURCES[: random.choice((1, 1, 2))], TARGETS[: random.choice((1, 2, 2, 3))]
    parts = [_account(name, random, 0.3) for name in sources] + [_account(name, random, 0.25) for name in targets]
    parts.append("[groups]\nall = [" + ", ".join(f'"{name}"' for name in targets) + "]\n")
    parts += [_symbols(name, random) for name in ("plain", "odd")]
    parts += [_schedule(name, random) for name in ("hours", "pauses")]
    parts += [_news(random), _maintenance(random)]
    parts.append(_policy("base", random, None))
    parts.append(_policy("own", random, "base" if random.random() < 0.6 else None))
    parts.append(_policy("other", random, None))
    for source in sources:
        parts += _links(source, targets, random)
    for target in targets:
        parts += _limits(target, random)
    return "\n".join(parts)


def _account(name: str, random: Random, netting: float) -> str:
    oms = "netting" if random.random() < netting else "hedging"
    currency = random.choice(CURRENCIES)
    keys = {"venue": "paper", "state": f"{name}.db", "oms": oms, "currency": currency, "broker": name.title()}
    return f"[accounts.{name}]\n" + "".join(f'{key} = "{value}"\n' for key, value in keys.items())


def _news(random: Random) -> str:
    """Return a calendar's keys; what is in it is drawn with the day."""
    keys = {"calendar": '"file:news.csv"', "before": '"20m"', "after": '"10m"'}
    keys |= _some(random, 0.5, close_before='"6m"', impact='["high", "medium"]', outside='"defer"')
    keys |= _some(random, 0.3, currencies='["USD", "EUR"]', not_titles="['.*talk.*']", on_missing='"allow"')
    keys |= _some(random, 0.3, symbols="[{ match = 'GER.*', currencies = [\"EUR\"] }]")
    return "[news.events]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


def _maintenance(random: Random) -> str:
    flatten = random.choice(("true", "false", "false"))
    window = f'{{ cron = "{random.randrange(60)} {random.randrange(24)} * * *", for = "25m", flatten = {flatten} }}'
    fits = random.choice(
        ('accounts = ["one"]', "brokers = ['.*One']", 'venues = ["paper"]', 'accounts = ["alpha", "one"]')
    )
    return f"[maintenance.night]\nwindows = [{window}]\n{fits}\n"


def _symbols(name: str, random: Random) -> str:
    rows = [
        r"{ match = 'XAUUSD(\.m)?', to = 'GOLD' }",
        r"{ match = '(?P<name>[A-Z0-9]+)(\.m)?', to = '\g<name>' }",
    ]
    odd = [
        r"{ match = 'NAS.*', deny = true, why = 'not here' }",
        r"{ match = 'AUD.*', to = 'NOWHERE' }",
        r"{ match = 'GER40', to = 'NAS100' }",
        r"{ match = '(AUD)(CAD)', to = '\1\2' }",
        r"{ match = 'GER40.*', to = 'GER40', max_price_ratio = '0.01 %' }",
    ]
    if name == "odd":
        rows = [*random.sample(odd, 2), *rows]
    rows = [row.replace("'0.01 %'", '"0.01 %"') for row in rows]
    return f"[symbols.{name}]\nmap = [\n  " + ",\n  ".join(rows) + ",\n]\n"


def _schedule(name: str, random: Random) -> str:
    zone = random.choice(("Europe/London", "America/New_York", "UTC", "Asia/Kolkata"))
    hour = random.randrange(0, 16)
    lines = [f"[schedules.{name}]", f'timezone = "{zone}"']
    if name == "hours":
        lines.append(
            f'open = [{{ cron = "{random.choice((0, 30))} {hour} * * *", for = "{random.choice((3, 7, 9))}h" }}]'
        )
    flatten = random.choice(("", "", ", flatten = true"))
    lines.append(f'closed = [{{ cron = "*/{random.choice((20, 30))} {hour}-{hour + 6} * * *", for = "7m"{flatten} }}]')
    if random.random() < 0.4:
        lines.append(f'flatten = ["{random.randrange(60)} {random.randrange(6, 22)} * * *"]')
    if random.random() < 0.5:
        lines.append('outside = "defer"')
    return "\n".join(lines) + "\n"


def _policy(name: str, random: Random, extends: str | None) -> str:
    keys = _keys(random)
    if extends is not None:
        keys = {"extends": f'"{extends}"', **keys}
    if random.random() < 0.25:
        row = _inline({**_keys(random, rows=True), "match": random.choice(("'XAU.*'", "'NAS.*|GER.*'"))})
        other = _inline({**_keys(random, rows=True, symbols=False), "match": "'GOLD'", "on": '"target"'})
        keys["per_symbol"] = f"[{row}, {other}]"
    return f"[policies.{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


def _mismatch(random: Random) -> dict[str, str]:
    return {"grace": '"2s"', "action": f'"{random.choice(("alert", "alert", "close_only", "none"))}"'}


def _skip_first(random: Random) -> dict[str, str]:
    return {"count": random.choice(("1", "2"))} | _some(random, 0.5, reset_after='"3h"', by_side="true")


def _throttle(random: Random) -> dict[str, str]:
    return {"max_opens": random.choice(("1", "3")), "window": '"90m"'}


def _delay(random: Random) -> dict[str, str]:
    opening = random.choice(('"1s"', '["500ms", "2s"]'))
    return _some(random, 0.6, open=opening, close='["2s", "30s"]')


def _keys(random: Random, *, rows: bool = False, symbols: bool = True) -> dict[str, str]:
    """Return some keys of a policy, each with its TOML; fewer for a row of symbols or an override."""
    part = 0.5 if rows else 1
    wanted = [key for key, (chance, _) in TABLES.items() if random.random() < chance * part]
    found = {key: _inline(TABLES[key][1](random)) for key in wanted}
    if symbols and random.random() < (0.2 if rows else 0.9):
        found["symbols"] = random.choice(('"plain"', '"plain"', '"plain"', '"plain"', '"odd"'))
    texts = {"schedule": random.choice(('"hours"', '"pauses"', '"pauses"')), "news": '"events"', "reverse": "true"}
    return found | {key: text for key, text in texts.items() if random.random() < 0.15 * part}


def _inline(keys: dict[str, str]) -> str:
    return "{ " + ", ".join(f"{key} = {value}" for key, value in keys.items()) + " }"


def _some(random: Random, chance: float, **keys: str) -> dict[str, str]:
    return {key: value for key, value in keys.items() if random.random() < chance}


MODES = (
    *("multiplier", "multiplier", "fixed", "balance_ratio", "equity_ratio", "margin_ratio", "notional", "leverage"),
    *("risk_percent", "risk_percent", "risk_amount", "expression"),
)


def _size(random: Random) -> dict[str, str]:
    times = random.choice(("0.1", "0.33", "0.5", "1", "1.7", "3"))
    mode = random.choice(MODES)
    keys = {"mode": f'"{mode}"'}
    money = _some(random, 0.25, ignore_currency="true")
    ratio = _some(random, 0.25, ignore_contract_size="true", source_reference="50000", target_reference="20000")
    risk = _some(random, 0.4, cost_per_lot="7", default_stop='"150 points"') | money
    match mode:
        case "multiplier":
            return keys | {"multiplier": times} | _some(random, 0.3, ignore_contract_size="true")
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
    return _some(
        random,
        0.45,
        min='"raise"',
        max=random.choice(("0.5", "1.25", "4", "20")),
        over_max=random.choice(('"split"', '"deny"', '"clamp"')),
        round=random.choice(('"nearest"', '"up"', '"down"')),
        max_amplification=random.choice(("1", "5", "100")),
    )


def _filter(random: Random) -> dict[str, str]:
    return _some(
        random,
        0.07,
        symbols="['XAU.*', '[A-Z]{6}.*']",
        not_symbols="['AUD.*']",
        sides='["buy"]',
        magic=r"['7\d']",
        comment="['(?i)GRID.*']",
        volume="[0.05, 5]",
    ) | _some(random, 0.2, require=random.choice(('["stop_loss"]', '["stop_loss", "take_profit"]')))


def _guard(random: Random) -> dict[str, str]:
    return _some(
        random,
        0.3,
        max_age=random.choice(('"3s"', '"20s"', '"10m"')),
        max_deviation=random.choice(('"3 points"', '"0.2 %"', '"0.5"', '"2 pips"')),
        max_spread=random.choice(('"4 points"', '"0.05 %"')),
        max_price_ratio=random.choice(('"off"', '"1 %"', "0.001")),
        require_quotes="true",
        wait_default='"9s"',
        wait_for_stop='"4s"',
    )


def _stops(random: Random) -> dict[str, str]:
    keys = {"mode": f'"{random.choice(("price", "distance", "distance", "offset", "offset", "none"))}"'}
    keys |= _some(random, 0.12, stop_loss="false", take_profit="false")
    keys |= _some(random, 0.25, add_stop_points="5", add_profit_points="-3")
    keys |= _some(
        random,
        0.3,
        lock=random.choice(('"away"', '"all"')),
        min_distance=random.choice(('"omit"', '"deny"')),
        fixed=_inline(
            _some(random, 0.6, stop_loss='"1.5 %"', take_profit='"300 points"', fallback="true")
            or {"stop_loss": '"40 pips"'}
        ),
    )
    return keys


def _on_start(random: Random) -> dict[str, str]:
    opens = random.choice(("copy", "skip", "if_young"))
    return {"open": f'"{opens}"'} | _some(random, 0.4, max_age='"15m"', max_deviation='"0.1 %"')


def _caps(random: Random) -> dict[str, str]:
    room = _some(random, 0.4, max_positions=random.choice(("1", "3", "6")), max_total_volume=random.choice(("1", "8")))
    room |= _some(random, 0.25, max_volume_per_symbol="1.5", block_hedging="true", count_foreign="true")
    room |= _some(random, 0.2, max_risk=random.choice(('"1 %"', '"400 USD"')), max_stop_distance='"1.3 %"')
    room |= _some(random, 0.25, min_free_margin=random.choice(('"95 %"', "94000", '"90000 EUR"')))
    return room | _some(random, 0.3, on_limit='"shrink"', max_leverage=random.choice(("3", "20")))


def _exits(random: Random) -> dict[str, str]:
    keys = _some(random, 0.4, min_hold='"35m"', max_open='"80m"', ignore_close="true")
    return keys | ({"ignore_close_for": '"25m"'} if "ignore_close" in keys and random.random() < 0.5 else {})


def _links(source: str, targets: tuple[str, ...], random: Random) -> list[str]:
    if random.random() < 0.3:
        return [f'[[links]]\nsource = "{source}"\ntargets = ["group:all"]\npolicy = "own"\n']
    links = []
    for target in targets:
        link = f'[[links]]\nsource = "{source}"\ntargets = ["{target}"]\n'
        if random.random() < 0.9:
            link += f'policy = "{random.choice(("base", "own", "other"))}"\n'
        if random.random() < 0.04:
            link += f'state = "{random.choice(("paused", "close_only"))}"\n'
        if random.random() < 0.25:
            link += f"override = {_inline(_keys(random, rows=True) or {'reverse': 'true'})}\n"
        links.append(link)
    return links


def _limits(target: str, random: Random) -> list[str]:
    rows = []
    if random.random() < 0.3:
        rows.append(f'kind = "daily_loss"\namount = "4 %"\nreset = "{random.randrange(24):02}:00 Europe/Prague"')
    if random.random() < 0.3:
        rows.append('kind = "max_loss"\namount = "9 %"\ninitial_balance = 100000')
    rows = [row + "".join(f"\n{key} = {value}" for key, value in _stages(random).items()) for row in rows]
    if random.random() < 0.15:
        rows.append('kind = "max_positions"\namount = 4')
    if random.random() < 0.15:
        rows.append('kind = "max_total_volume"\namount = 6')
    return [f'[[limits]]\naccount = "{target}"\n{row}\n' for row in rows]


def _stages(random: Random) -> dict[str, str]:
    """Return stages; those that close everything go with a breach that does."""
    found = _some(random, 0.4, warn_at="0.5")
    on_breach = random.choice(("warn", "block", "flatten", "flatten"))
    if on_breach != "warn":
        found |= _some(random, 0.4, block_at="0.6")
    if on_breach == "flatten":
        found |= _some(random, 0.5, flatten_at="0.9")
    return found | {"on_breach": f'"{on_breach}"'}


TABLES: dict[str, tuple[float, Callable[[Random], dict[str, str]]]] = {
    "size": (0.7, _size),
    "volume": (0.5, _volume),
    "filter": (0.3, _filter),
    "guard": (0.4, _guard),
    "stops": (0.6, _stops),
    "on_start": (0.5, _on_start),
    "limits": (0.3, _caps),
    "skip_first": (0.06, _skip_first),
    "throttle": (0.1, _throttle),
    "delay": (0.2, _delay),
    "exits": (0.25, _exits),
    "mismatch": (0.4, _mismatch),
}
"""The tables of a policy, each with how often it is written. Too many gates, and nothing would ever be copied."""
