"""What a firm's preset makes of an account: rows of limits, read from the data that the package ships."""

import tomllib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from tests.checker.conduct import BUDGETS
from tests.checker.conduct import KINDS as CONDUCT
from tests.checker.results import KINDS as COUNTED
from tests.checker.text import Unchecked, money, ratio
from tests.checker.trees import Tree

FOLDER = Path(__file__).parents[2] / "copier" / "presets" / "prop"
KEYS = {"preset", "initial_balance", "stop_at", "phase", "scope", "reset", "started"}
ROW_KEYS = {
    *("kind", "amount", "of", "anchor", "reset", "on_breach", "trailing", "name", "metric", "include", "lock"),
    "lock_when",
}
LOSSES = ("daily_loss", "weekly_loss", "monthly_loss", "max_loss")


def firm_rows(account: str, prop: Tree) -> Iterator[Tree]:
    """Yield the limits that the `prop` key of an account stands for."""
    if prop.keys() - KEYS:
        raise Unchecked(f"accounts.{account}.prop: {sorted(prop)}")
    preset = tomllib.loads((FOLDER / f"{prop['preset']}.toml").read_text(), parse_float=Fraction)
    initial, currency = money(prop["initial_balance"])
    for row in preset["limits"]:
        phases = row.get("phase", ())
        uncounted = row["kind"] in COUNTED and "started" not in prop  # nobody knows from when on
        if uncounted or (phases and prop.get("phase") not in phases):
            continue
        own = {key: value for key, value in row.items() if key != "phase"} | {"account": account}
        if "reset" in prop and ("reset" in own or own["kind"] in ("daily_loss", *BUDGETS)):
            own["reset"] = prop["reset"]
        if own["kind"] in ("max_positions", "max_total_volume"):
            yield own | ({"initial_balance": initial} if "tiers" in own else {})
            continue
        own["name"] = f"prop-{own['name']}" if "name" in own else "prop"
        if own["kind"] in COUNTED:
            initials = {} if own["kind"] == "inactivity" else {"initial_balance": initial}
            yield own | {"since": prop["started"]} | initials
            continue
        if own["kind"] in CONDUCT:
            yield own if own["kind"] in BUDGETS else own | {"scope": prop.get("scope", "account")}
            continue
        if own.keys() - {*ROW_KEYS, "account"} or own["kind"] not in (*LOSSES, "profit_target"):
            raise Unchecked(f"preset {prop['preset']}: {row}")
        own |= {"initial_balance": initial, "currency": currency}
        if own["kind"] in LOSSES and "stop_at" in prop:
            part = ratio(prop["stop_at"])
            own |= {"flatten_at": part, "warn_at": part * Fraction(3, 4)}  # a warning at three quarters of it
        yield own
