"""Random [[limits]] of accounts, as TOML: what they may lose, win, hold and do."""

from random import Random

from tests.checker.policies import inline, some


def limits(target: str, random: Random, *, firm: bool) -> list[str]:
    rows = []
    if not firm and random.random() < 0.2:
        rows = [*_results(random), *_conduct(random)]
        return [f'[[limits]]\naccount = "{target}"\n{row}\n' for row in rows]
    if random.random() < 0.3:
        rows.append(f'kind = "daily_loss"\namount = "4 %"\nreset = "{random.randrange(24):02}:00 Europe/Prague"')
    if random.random() < 0.15:
        kind = random.choice(("weekly_loss", "monthly_loss", "quarterly_loss", "yearly_loss"))
        rows.append(f'kind = "{kind}"\namount = 5000\nreset = "17:00 America/New_York"\ncomparator = "lt"')
    if random.random() < 0.15:
        trailing = random.choice(("live_equity", "live_balance"))
        rows.append(f'kind = "max_loss"\nname = "trailing"\namount = "11 %"\ntrailing = "{trailing}"')
    if random.random() < 0.3:
        rows.append('kind = "max_loss"\namount = "9 %"\ninitial_balance = 100000')
    rows = [row + "".join(f"\n{key} = {value}" for key, value in _stages(random).items()) for row in rows]
    if random.random() < 0.3:
        rows.append(_locking(random))
    if random.random() < 0.15:
        breach = random.choice(("block", "flatten"))
        level = f'amount = "3.9 %"\ninitial_balance = 100000\non_breach = "{breach}"'
        rows.append(f'kind = "profit_target"\n{level}')
    if random.random() < 0.1:
        breach = random.choice(("block", "block", "halt"))
        level = f'amount = "2.5 %"\ninitial_balance = 100000\non_breach = "{breach}"\nresets_below = true'
        rows.append(f'kind = "profit_target"\nname = "below"\n{level}')
    rows += [*_counted(random), *_caps(random)]
    rows += _conduct(random)
    return [f'[[limits]]\naccount = "{target}"\n{row}\n' for row in rows]


def _counted(random: Random) -> list[str]:
    """Return limits that count from, compare, or last as few do; most are only told, or forbid for a while."""
    rows = []
    if random.random() < 0.2:
        metric = random.choice(("equity", "balance", "day_net_pnl"))
        keys = {"anchor": f'"{random.choice(ANCHORS)}"'} | some(random, 0.5, metric=f'"{metric}"')
        keys |= some(random, 0.3, of=random.choice(('"initial"', '"anchor"')), include='["swap", "commission"]')
        keys |= some(random, 0.4, **{"for": random.choice(('"40m"', '"3h"'))})
        rows.append(_row("daily_loss", "counted", {"amount": '"2.6 %"'} | _reset(random) | keys, random))
    if random.random() < 0.25:
        keys = {"amount": random.choice(('"2600 USD"', '"3 %"')), "week_starts": random.choice(WEEKDAYS)}
        rows.append(_row("weekly_loss", "by week", keys | _reset(random), random))
    if random.random() < 0.12:
        trailing = random.choice(("live_equity", "live_balance"))
        keys = {"amount": '"3.1 %"', "trailing": f'"{trailing}"'} | some(random, 0.5, of='"hwm"', **{"for": '"1h"'})
        keys |= some(random, 0.5, high_water_mark="103000", initial_balance="96000", currency='"USD"')
        rows.append(_row("max_loss", "marked", keys, random))
    if random.random() < 0.25:
        period = random.choice(("day", "week", "month", "quarter", "year"))
        keys = {"amount": random.choice(('"1.9 %"', "2500")), "period": f'"{period}"'} | _reset(random)
        keys |= some(random, 0.4, week_starts=random.choice(WEEKDAYS)) if period == "week" else {}
        keys |= some(random, 0.4, anchor=f'"{random.choice(ANCHORS)}"', metric='"equity"', resets_below="true")
        keys |= some(random, 0.3, of='"initial"', **{"for": '"30m"'}) if "%" in keys["amount"] else {}
        rows.append(_row("profit_target", "collected", keys, random))
    return rows


ANCHORS = (
    *("initial", "day_start_balance", "day_start_equity", "day_start_max", "day_peak_balance", "day_peak_equity"),
)
WEEKDAYS = ('"saturday"', '"sunday"', '"wednesday"', '"thursday"')
"""On which some of the days begin or end."""


def _row(kind: str, name: str, keys: dict[str, str], random: Random) -> str:
    breach = {"on_breach": f'"{random.choice(("warn", "warn", "warn", "block", "block", "halt"))}"'}
    given = {"kind": f'"{kind}"', "name": f'"{name}"'} | breach | keys
    return "\n".join(f"{key} = {value}" for key, value in given.items())


def _reset(random: Random) -> dict[str, str]:
    zone = random.choice((" America/New_York", " Europe/Prague", ""))
    return {"reset": f'"{random.randrange(24):02}:{random.choice(("00", "30"))}{zone}"'}


def _caps(random: Random) -> list[str]:
    """Return caps of what is held, with or without tiers, of which some are reached on most days."""
    rows = []
    for kind, amount, others in (("max_positions", 2, (1, 3, 7)), ("max_total_volume", 4, (0.5, 6, 9))):
        if random.random() < 0.2:
            by = random.choice(("profit", "balance", "equity"))
            base = 0 if by == "profit" else 100_000
            tiers = [
                f"{{ from = {base + up}, amount = {most} }}" for up, most in zip((-1500, 0, 1500), others, strict=True)
            ]
            random.shuffle(tiers)
            keys = f'tiers = [{", ".join(tiers)}]\nby = "{by}"\ninitial_balance = 100000'
            rows.append(f'kind = "{kind}"\namount = {amount}' + (f"\n{keys}" if random.random() < 0.7 else ""))
    return rows


def _results(random: Random) -> list[str]:
    """Return rules on results, of an account whose losses nobody limits: what its figures mean, a history may tell."""
    common = f'reset = "{random.randrange(24):02}:00 {random.choice(("Europe/Prague", "UTC"))}"\nsince = 2026-01-10'
    common += random.choice(("", '\nby = "open"'))
    base = random.choice(("", '\nbase = "positive_days"', '\nbase = "target"\ntarget = 900'))
    excess = random.choice(('"block"', '"block"', '"warn"'))
    rows = [f'kind = "consistency"\nshare = "40 %"\non_excess = {excess}\n{common}{base}']
    if random.random() < 0.5:
        rows.append(f'kind = "min_days"\ndays = 3\nday_counts_if = 50\ninitial_balance = 100000\n{common}')
    if random.random() < 0.8:
        within = random.choice(("1d", "30d", "60d"))
        row = f'kind = "inactivity"\nwithin = "{within}"\nsince = 2026-01-10'
        trade = {"symbol": '"GOLD"', "after": random.choice(('"20m"', '"8h"'))}
        trade |= {"at": f'["{random.randrange(60)} * * * *"]'} | some(random, 0.5, **{"for": '"7m"'})
        rows.append(row + (f"\nkeep_alive = {inline(trade)}" if random.random() < 0.8 else ""))
    return rows


def _locking(random: Random) -> str:
    """Return a limit that trails and locks; it forbids seldom, since its floor is reached on most days."""
    trailing = random.choice(("eod_balance", "eod_equity", "eod_max", "live_balance", "live_equity"))
    row = f'kind = "max_loss"\nname = "locking"\namount = "6 %"\ntrailing = "{trailing}"\ninitial_balance = 95000'
    if trailing.startswith("eod"):
        row += f'\nreset = "{random.randrange(24):02}:00 Europe/Prague"'
    row += random.choice(("", '\nlock = "0 %"', "\nlock = 500", '\nlock_when = { profit = "6 %", floor = 0.97 }'))
    return row + f'\non_breach = "{random.choice(("warn", "warn", "block"))}"'


def source_limits(source: str, random: Random) -> list[str]:
    """Return limits of a source, for the policies that obey it."""
    rows = []
    if random.random() < 0.6:
        stages = "".join(f"\n{key} = {value}" for key, value in _stages(random).items())
        rows.append(f'kind = "daily_loss"\namount = "2.5 %"\nreset = "00:00 Europe/Prague"{stages}')
    if random.random() < 0.1:
        rows.append(f'kind = "flat_by"\nat = ["{random.randrange(60)} {random.randrange(24)} * * *"]\nfor = "40m"')
    return [f'[[limits]]\naccount = "{source}"\n{row}\n' for row in rows]


def _conduct(random: Random) -> list[str]:
    rows = []
    reset = f'reset = "{random.randrange(24):02}:30 {random.choice(("Europe/Prague", "America/New_York", "UTC"))}"'
    if random.random() < 0.2:
        rows.append(f'kind = "max_orders"\namount = {random.choice((12, 40))}\n{reset}')
    if random.random() < 0.15:
        rows.append(f'kind = "max_opened_volume"\namount = {random.choice((3, 15))}\n{reset}\nwarn_at = "50 %"')
    if random.random() < 0.2:
        hours = random.choice((str(random.randrange(24)), "*/4"))
        at = f'at = ["{random.randrange(60)} {hours} * * *"]\nfor = "40m"\ntimezone = "Europe/Prague"'
        before = random.choice(("", '\nno_new_before = "25m"'))
        rows.append(f'kind = "flat_by"\n{at}{before}\nscope = "{random.choice(("account", "copies"))}"')
    if random.random() < 0.15:
        follow = random.choice(("close", "close", "warn"))
        rows.append(f'kind = "max_position_volume"\nvolume = 2.2\nfollow = "{follow}"')
    if random.random() < 0.08:
        rows.append('kind = "stop_required"\nwithin = "2m"')
    if random.random() < 0.15:
        follow, within = random.choice(("close", "close", "warn")), random.choice(("90s", "50m", "3h"))
        rows.append(f'kind = "max_open_time"\nwithin = "{within}"\nfollow = "{follow}"')
    if random.random() < 0.3:
        follow, amount = random.choice(("close", "close", "warn")), random.choice(('"0.01 %"', 10, 40, '"60 USD"'))
        rows.append(f'kind = "per_trade_loss"\namount = {amount}\nfollow = "{follow}"')
    if random.random() < 0.2:
        rows.append(f'kind = "min_hold"\nwithin = "{random.choice(("90s", "20m", "50m"))}"')
    return rows


def _stages(random: Random) -> dict[str, str]:
    """Return stages; those that close everything go with a breach that does."""
    found = some(random, 0.4, warn_at="0.5")
    on_breach = random.choice(("warn", "block", "flatten", "flatten"))
    if on_breach != "warn":
        found |= some(random, 0.4, block_at="0.6")
    if on_breach == "flatten":
        found |= some(random, 0.5, flatten_at="0.9")
    if on_breach != "warn":
        found |= some(random, 0.1, halt_at="0.8")
    return found | {"on_breach": f'"{on_breach}"'}
