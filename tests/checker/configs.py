"""A random config: every key that the checker knows turns up over the seeds, in combinations nobody would think of."""

import tomllib
from datetime import datetime, timedelta
from random import Random

from tests.checker.conduct import BUDGETS
from tests.checker.limit_rows import limits, source_limits
from tests.checker.policies import inline, keys_of, mirroring, policy, some
from tests.checker.presets import FOLDER

SOURCES = ("alpha", "beta")
TARGETS = ("one", "two", "three")
ZONES = ("Asia/Kolkata", "America/New_York", "Europe/London")
CURRENCIES = ("USD", "USD", "USD", "EUR", "GBP")
BASES = ("XAUUSD", "GER40", "NAS100", "AUDCAD")
"""What is traded; other pairs are only quoted, for conversions."""


def config_text(random: Random) -> str:
    """Return the TOML of a config."""
    sources, targets = SOURCES[: random.choice((1, 1, 2))], TARGETS[: random.choice((1, 2, 2, 3))]
    mirrors = random.random() < 0.2  # only accounts that hedge mirror pending orders
    netting = (0, 0) if mirrors else (0.3, 0.25)
    parts = [f'[service]\ntimezone = "{random.choice(ZONES)}"\n'] if random.random() < 0.4 else ["# no zone: UTC\n"]
    parts += [_account(name, random, netting[0]) for name in sources]
    parts += [_account(name, random, netting[1]) for name in targets]
    parts.append("[groups]\nall = [" + ", ".join(f'"{name}"' for name in targets) + "]\n")
    parts += [*(_symbols(name, random) for name in ("plain", "odd")), _shipped(random), _rolling(random)]
    parts += [_schedule(name, random) for name in ("hours", "pauses")]
    parts += [_news(random), _maintenance(random)]
    policies = [policy("base", random, None)]
    policies.append(policy("own", random, "base" if random.random() < 0.6 else None))
    policies.append(policy("other", random, None))
    parts += [f"{each}{mirroring(random)}" if mirrors and "\npending = " not in each else each for each in policies]
    for source in sources:
        parts += _links(source, targets, random)
    for place, target in enumerate(targets, len(sources) + 1):
        parts += limits(target, random, firm="prop = " in parts[place])
    for source in sources:
        parts += source_limits(source, random)
    return "\n".join(parts)


def _account(name: str, random: Random, netting: float) -> str:
    oms = "netting" if random.random() < netting else "hedging"
    currency = random.choice(CURRENCIES)
    keys = {"venue": "paper", "state": f"{name}.db", "oms": oms, "currency": currency, "broker": name.title()}
    text = f"[accounts.{name}]\n" + "".join(f'{key} = "{value}"\n' for key, value in keys.items())
    return text + (_prop(random) if name in TARGETS and currency == "USD" and random.random() < 0.3 else "")


FIRMS = {file.stem: tomllib.loads(file.read_text()) for file in sorted(FOLDER.glob("*.toml"))}
PRESETS = tuple(name for name, firm in FIRMS.items() if "100000 USD" in firm.get("initial_balances", ("100000 USD",)))


def _prop(random: Random) -> str:
    preset = random.choice(PRESETS)
    keys = {"preset": f'"{preset}"', "initial_balance": '"100000 USD"', "scope": '"copies"'}
    keys |= some(random, 0.6, stop_at=random.choice(("0.8", '"70 %"')))
    firm = FIRMS[preset]
    phases = firm.get("phases")
    unknown = any(row["kind"] in ("daily_loss", *BUDGETS) and "reset" not in row for row in firm["limits"])
    if unknown or random.random() < 0.2:  # when the firm's days begin
        keys["reset"] = f'"{random.randrange(24):02}:00 America/New_York"'
    if phases:
        keys |= some(random, 0.7, phase=f'"{random.choice(phases)}"')
    keys |= some(random, 0.3 if preset != "e8-signature" else 1, started="2026-01-10")
    return f"prop = {inline(keys)}\n"


def _news(random: Random) -> str:
    """Return a calendar's keys; what is in it is drawn with the day."""
    keys = {"calendar": '"file:news.csv"', "before": '"20m"', "after": '"10m"'}
    keys |= some(random, 0.5, close_before='"6m"', impact='["high", "medium"]', outside='"defer"')
    keys |= some(random, 0.3, currencies='["USD", "EUR"]', not_titles="['.*talk.*']", on_missing='"allow"')
    keys |= some(random, 0.3, symbols="[{ match = 'GER.*', currencies = [\"EUR\"] }]")
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


def _shipped(random: Random) -> str:
    """Return a map of rows that come with the package, mostly with the names that the targets have."""
    rows = [
        r"{ match = 'AUDCAD\.m', to = 'AUDCAD' }",
        '{ preset = "metals", names = { XAUUSD = "GOLD" } }',
        random.choice(('{ preset = "indices" }', '{ preset = "indices", max_price_ratio = "2 %", suffix = ".c" }')),
        random.choice(('{ preset = "forex" }', '{ preset = "forex", prefix = "f." }')),
    ]
    return "[symbols.shipped]\nmap = [\n  " + ",\n  ".join(random.sample(rows, 4)) + ",\n]\n"


DAYS = ("2026-01-14T11", "2026-03-08T03", "2026-03-28T21", "2026-06-10T06", "2026-07-14T18", "2026-10-24T22")
"""On which simulated days begin, in order; a contract follows another some minutes or hours later."""


def _rolling(random: Random) -> str:
    """Return a map whose target opens in one instrument, then in another, as in the months of a future."""
    names, later = ("GER40", "NAS100"), timedelta(minutes=random.choice((10, 25, 90, 200, 300)))
    begins = [datetime.fromisoformat(f"{day}:00:00+00:00") + later for day in DAYS]
    first = random.choice(("2026-01-01", begins[0].isoformat()))
    times = [first, *(each.isoformat() for each in begins[1:])]
    known = random.choice((len(times), len(times), 3))
    until = "" if known == len(times) else f", until = {times[known]}"
    roll = ", ".join(f"{{ from = {at}, to = '{names[place % 2]}' }}" for place, at in enumerate(times[:known]))
    row = f"{{ match = '(GER40|NAS100)(\\.m)?', max_price_ratio = 0.3{until}, roll = [{roll}] }}"
    rest = r"{ match = 'XAUUSD(\.m)?', to = 'GOLD' }, { match = '(?P<name>[A-Z0-9]+)(\.m)?', to = '\g<name>' }"
    return f"[symbols.rolling]\nmap = [{row}, {rest}]\n"


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
            link += f"override = {inline(keys_of(random, rows=True) or {'reverse': 'true'})}\n"
        links.append(link)
    return links
