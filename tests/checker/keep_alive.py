"""Keep-alive trades, decided again: the smallest trade at a firing where an account has not traded for too long."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from tests.checker.facts import Facts
from tests.checker.identity import order_id
from tests.checker.legs import opening, under_way
from tests.checker.lives import Outcome
from tests.checker.results import begun
from tests.checker.text import duration, ratio
from tests.checker.trees import Tree, kind_of
from tests.checker.volumes import smallest
from tests.checker.windows import fires, minutes

ANSWER_WITHIN = timedelta(minutes=3)
"""The history is waited for so long after a firing."""


def decided(facts: Facts, new: Tree, now: datetime, claimed: str | None) -> Outcome:
    """Return what must become of a firing, of which a row tells: `new` names the rule and the firing."""
    rule, firing = new["source_position_id"].rsplit(" ", 1)
    row, at = facts.results.ids.get(rule), datetime.fromisoformat(firing)
    if row is None or not is_firing(row, facts.config.zone, at) or not at <= now <= at + ANSWER_WITHIN:
        return Outcome(None)
    last = last_trade(facts, row, at)
    if last is not None and now - last < after(row):
        return Outcome(None)
    account, symbol = row["account"], row["keep_alive"]["symbol"]
    copy = {
        **begins(account, symbol, new["source_position_id"], at, now),
        **dict.fromkeys(("ratio", "granted", "followed", "refused"), Fraction(0)),
    }
    code = denial(facts, row, now, claimed, known=last is not None)
    if code is not None:
        return Outcome({**copy, "status": "ended", "ending": "denied", "reason": code}, denied=frozenset({code}))
    instrument = facts.instruments[account, symbol]
    assert instrument is not None  # else it was denied
    volume = smallest(instrument)
    held_for = max(duration(row["keep_alive"].get("for", "0s")), facts.conduct.min_hold(account))
    copy |= {"status": "active", "granted": volume, "followed": volume, "left": True, "legs_made": 1}
    copy |= {"close_at": now + held_for if held_for else None, "legs": [leg_of(copy, symbol, volume, now)]}
    return Outcome(copy, [opening(copy, copy["legs"][0])])


def begins(account: str, symbol: str, name: str, firing: datetime, now: datetime) -> Tree:
    return {
        "link_id": f"keep-alive:{account}",
        "source": account,
        "target": account,
        "source_position_id": name,
        "opened_at": firing,
        "source_symbol": symbol,
        "side": "buy",
        "first_seen_at": now,
        "origin": "live",
        "target_symbol": symbol,
        "life": 0,
        "legs": [],
        "legs_made": 0,
    }


def leg_of(copy: Tree, symbol: str, volume: Fraction, now: datetime) -> Tree:
    name = order_id(copy["link_id"], copy["source_position_id"], copy["opened_at"], 0, 0)
    empty = dict.fromkeys(("position_id", "expected_price", "open_price", "stop_loss", "take_profit"))
    zero = {"held": Fraction(0), "missing": Fraction(0), "failures": 0, "refusals": 0, "number": 0, "step": 1}
    told = {"cl_ord_id": name, "symbol": symbol, "side": "buy", "volume": volume, "stage": "opening", "asked_at": now}
    return {**empty, **zero, **told, "pending": under_way("open", name, volume)}


def denial(facts: Facts, row: Tree, now: datetime, claimed: str | None, *, known: bool) -> str | None:
    """Return what keeps the trade from being made."""
    account, symbol = row["account"], row["keep_alive"]["symbol"]
    if not known:
        return "LIMIT_UNKNOWN"
    if account in facts.operator.accounts:
        return "ACCOUNT_HALTED"
    if claimed in ("TARGET_NOT_READY", "TARGET_LAGGING"):
        return claimed  # which the ledger does not tell
    if (account, symbol) not in facts.instruments:
        return "INSTRUMENT_UNKNOWN"
    instrument = facts.instruments[account, symbol]
    if instrument is None:
        return "SYMBOL_ABSENT"
    if not instrument["tradable"]:
        return "SYMBOL_NOT_TRADABLE"
    shown = facts.single.shown.get(account)
    in_books = shown is not None and any(each["symbol"] == symbol for each in shown.positions.values())
    if in_books or any(facts.lots_on(account, symbol, side) for side in ("buy", "sell")):
        return "KEEP_ALIVE_HELD"
    if any(not window.is_open(now) for window in facts.maintenance_of(account)):
        return "MAINTENANCE"
    code = facts.denied(account, now) or ("BUDGET_USED_UP" if facts.conduct.spent(account, now) else None)
    return code or too_much(facts, account, smallest(instrument))


def too_much(facts: Facts, account: str, volume: Fraction) -> str | None:
    """Return which cap the trade would pass; the figures of then are not told, so that its account has no tiers."""
    most = facts.cap(account, "max_positions", None)
    if most is not None and facts.copies_at(account) + 1 > most:
        return "MAX_POSITIONS"
    most = facts.cap(account, "max_total_volume", None)
    return "MAX_TOTAL_VOLUME" if most is not None and facts.lots_at(account) + volume > most else None


def missed(facts: Facts, began: datetime, until: datetime) -> Iterable[str]:
    """Yield the firings of a run of which nothing was told although a trade was due."""
    for name, row in facts.results.ids.items():
        if "keep_alive" not in row:
            continue
        for at in minutes(began, until - ANSWER_WITHIN - timedelta(seconds=10)):
            told = (name, at) in facts.results.fired
            if not told and is_firing(row, facts.config.zone, at) and is_due(facts, row, at):
                yield f"{name} fired at {at} and nothing was told of it"


def is_due(facts: Facts, row: Tree, at: datetime) -> bool:
    """Tell whether a trade was due at a firing, by what is known at the end: later trades do not count."""
    entries = facts.results.told.get(row["account"], {}).values()
    trades = [entry["at"] for entry in entries if kind_of(entry) == "Fill" and entry["at"] <= at + ANSWER_WITHIN]
    return at - max(trades, default=begun(row)) >= after(row)


def is_firing(row: Tree, zone: str, at: datetime) -> bool:
    trade = row["keep_alive"]
    zone_ = ZoneInfo(trade.get("timezone", zone))
    return any(fires(cron, zone_, at.astimezone(UTC)) for cron in trade["at"])


def after(row: Tree) -> timedelta:
    """Return for how long the account must not have traded."""
    if "after" in row["keep_alive"]:
        return duration(row["keep_alive"]["after"])
    part = ratio(row.get("warn_at", "75 %"))
    return duration(row["within"]) * part.numerator // part.denominator


def last_trade(facts: Facts, row: Tree, asked_from: datetime) -> datetime | None:
    """Return when the account last traded by a history that was asked for since; None: none was told."""
    asked_at = facts.results.asked.get(row["account"])
    if asked_at is None or asked_at < asked_from:
        return None
    entries = facts.results.told.get(row["account"], {}).values()
    return max((entry["at"] for entry in entries if kind_of(entry) == "Fill"), default=begun(row))


def is_keep_alive(copy: Tree) -> bool:
    return bool(copy["link_id"].startswith("keep-alive:"))
