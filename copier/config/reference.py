"""Writes docs/config.md from the classes: `python -m copier.config.reference > docs/config.md`."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin
from zoneinfo import ZoneInfo

import attrs

from adapters.registry import CONFIGS
from adapters.secret import Secret
from copier.config.accounts import AccountKeys
from copier.config.caps import CapKeys, TierKeys
from copier.config.case_keys import (
    AccountGiven,
    CaseKeys,
    EventGiven,
    Expected,
    FiguresGiven,
    Given,
    InstrumentGiven,
    PositionGiven,
    QuoteGiven,
    ThenGiven,
)
from copier.config.checks import CronText, Pattern
from copier.config.conduct import BudgetKeys, FlatByKeys, PositionRuleKeys
from copier.config.effective import shown
from copier.config.groups import GroupKeys
from copier.config.limit_keys import LimitKeys, LockKeys, Reset
from copier.config.links import LinkKeys
from copier.config.maintenance import MaintenanceKeys
from copier.config.meanings import MEANINGS
from copier.config.model import ServiceConfig
from copier.config.news import NewsKeys, NewsSymbolKeys
from copier.config.policies import FilterKeys, PerSymbolKeys, PolicyKeys
from copier.config.prop import PropKeys
from copier.config.results import ConsistencyKeys, InactivityKeys, KeepAliveKeys, MinDaysKeys
from copier.config.schedules import ScheduleKeys, WindowKeys
from copier.config.structure import toml_key
from copier.config.symbol_maps import ContractKeys, MapRowKeys, SymbolsKeys
from rules.limits.terms import LimitAmount
from rules.model.reasons import Reason
from rules.model.values import Money
from rules.policy.curve import EquityCurve
from rules.policy.distances import Distance
from rules.policy.exits import BreakEven, Exits, Trailing
from rules.policy.expressions import Expression
from rules.policy.guard import Guard, StartPolicy
from rules.policy.limits import PolicyLimits, Together
from rules.policy.mismatch import MismatchPolicy, Tolerance
from rules.policy.pacing import Delay, SkipFirst, Span, Throttle
from rules.policy.pending import Mirror
from rules.policy.series import AfterLosses, Masaniello
from rules.policy.size import SIZE_VARIABLES, Size, VolumePolicy
from rules.policy.stops import FixedStops, Stops
from rules.sizes.modes import FORMULAS

_INTRODUCTION = """\
# The config file

<!-- Made by `python -m copier.config.reference > docs/config.md`; a test compares. Edit the classes instead. -->

One TOML file describes everything. `copier check` reads it as `copier run` would and tells every mistake at once, each
with its line. Unknown keys are mistakes. To start from: `examples/minimal.toml`, `examples/two-prop-accounts.toml`.

- **Durations** are text with units: `"500ms"`, `"3s"`, `"8h30m"`, `"1d"`.
- **Price distances** carry theirs: `"5 points"` (ticks), `"3 pips"` (ten points each), `"0.1 %"` of the price, `"0.5"`
  in price.
- **Fractions** are numbers (`0.1`) or percents (`"10 %"`). **Numbers** are exact as written; they stand without quotes.
- **Patterns** are RE2: no look-around, no back-references. They match the whole text, case-sensitive; `(?i)` in front
  ignores case.
- **Secrets** stand outside the file: `"${env:NAME}"` or `"${file:/path}"`. These work in every text of an account. A
  secret written into the file draws a warning.
- **`"off"`** switches off a key whose default, or whose value in an extended policy, switches something on.
- Relative paths start from the folder of the config file.
"""


def _venue_sections() -> Iterator[tuple[str, type]]:
    for venue, config in CONFIGS.items():
        yield f"[accounts.NAME] of venue {venue}", config
        attrs.resolve_types(config)
        for attribute in attrs.fields(config):
            (kind, *_) = get_args(attribute.type) or (None,)
            if isinstance(kind, type) and attrs.has(kind):
                yield f"A row of {toml_key(attribute)} of venue {venue}", kind


_SECTIONS: tuple[tuple[str, type], ...] = (
    ("[service]", ServiceConfig),
    ("[accounts.NAME]", AccountKeys),
    ("prop of [accounts.NAME]", PropKeys),
    *_venue_sections(),
    ("[groups]", GroupKeys),
    ("[symbols.NAME]", SymbolsKeys),
    ("A row of [symbols.NAME] map", MapRowKeys),
    ("A row of `roll`", ContractKeys),
    ("[schedules.NAME]", ScheduleKeys),
    ("A window of [schedules.NAME] or [maintenance.NAME]", WindowKeys),
    ("[news.NAME]", NewsKeys),
    ("A row of [news.NAME] symbols", NewsSymbolKeys),
    ("[maintenance.NAME]", MaintenanceKeys),
    ("[policies.NAME]", PolicyKeys),
    ("[policies.NAME.size]", Size),
    ("[policies.NAME.volume]", VolumePolicy),
    ("[policies.NAME.filter]", FilterKeys),
    ("[policies.NAME.guard]", Guard),
    ("[policies.NAME.stops]", Stops),
    ("[policies.NAME.stops.fixed]", FixedStops),
    ("[policies.NAME.mirror]", Mirror),
    ("[policies.NAME.on_start]", StartPolicy),
    ("[policies.NAME.limits]", PolicyLimits),
    ("A row of [policies.NAME.limits] together", Together),
    ("[policies.NAME.exits]", Exits),
    ("[policies.NAME.exits.break_even] and reverse_break_even", BreakEven),
    ("[policies.NAME.exits.trailing]", Trailing),
    ("[policies.NAME.skip_first]", SkipFirst),
    ("[policies.NAME.throttle]", Throttle),
    ("[policies.NAME.equity_curve]", EquityCurve),
    ("[policies.NAME.after_losses]", AfterLosses),
    ("[policies.NAME.masaniello]", Masaniello),
    ("[policies.NAME.delay]", Delay),
    ("[policies.NAME.mismatch]", MismatchPolicy),
    ("A row of [policies.NAME] per_symbol", PerSymbolKeys),
    ("[[links]]", LinkKeys),
    ("[[limits]] of losses and profits", LimitKeys),
    ("lock_when of [[limits]]", LockKeys),
    ("[[limits]] of positions and lots", CapKeys),
    ("A row of tiers of these [[limits]]", TierKeys),
    ("[[limits]] of single positions", PositionRuleKeys),
    ("[[limits]] of hours", FlatByKeys),
    ("[[limits]] of orders and opened lots", BudgetKeys),
    ("[[limits]] of the best day", ConsistencyKeys),
    ("[[limits]] of trading days", MinDaysKeys),
    ("[[limits]] of inactivity", InactivityKeys),
    ("keep_alive of these [[limits]]", KeepAliveKeys),
    ("[[tests]]", CaseKeys),
    ("[[tests]] given", Given),
    ("A position of [[tests]]", PositionGiven),
    ("An event of [[tests]] given.news", EventGiven),
    ("[[tests]] given.then", ThenGiven),
    ("[[tests]] given.source and given.target", AccountGiven),
    ("An account's figures in [[tests]]", FiguresGiven),
    ("An instrument of [[tests]]", InstrumentGiven),
    ("A quote of [[tests]]", QuoteGiven),
    ("[[tests]] expect", Expected),
)

_WORDS: dict[Any, str] = {
    str: "text",
    bool: "true or false",
    int: "whole number",
    Decimal: "number",
    timedelta: "duration",
    date: "date",
    datetime: "time",
    date | datetime: "date or time",
    Reason: "denial code",
    Distance: "price distance",
    Money: "money",
    Span: "duration, or an array of two",
    Expression: "formula",
    Tolerance: "steps, percent or cash",
    ZoneInfo: "IANA zone",
    Path: "text",
    Secret: "secret",
    Pattern: "pattern",
    CronText: "cron expression",
    Reset: "time of day and zone",
    LimitAmount: "percent or cash",
}


def reference_page() -> str:
    """Return the page."""
    return "\n".join([_INTRODUCTION, *_sections()])


def _sections() -> Iterator[str]:
    for title, cls in _SECTIONS:
        attrs.resolve_types(cls)
        yield f"## {title}\n"
        yield prose(cls) + "\n"
        yield "| key | value | default | meaning |\n|---|---|---|---|"
        choices: dict[type[Enum], None] = {}
        for attribute in attrs.fields(cls):
            if not attribute.init:
                continue
            kind = _bare(attribute.type)
            if isinstance(kind, type) and issubclass(kind, Enum) and kind not in _WORDS:
                choices[kind] = None
            cells = (f"`{toml_key(attribute)}`", _kind(attribute), _default(attribute), meaning(cls, attribute))
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        yield ""
        for kind in choices:
            yield from _choices(kind)
        if cls is Size:
            yield from _formulas()


def _choices(kind: type[Enum]) -> Iterator[str]:
    """Yield a list of the words whose meaning is told; words that speak for themselves stand in the table already."""
    told = {member: text for member in kind if (text := _attribute_docs(kind).get(member.name))}
    if told:
        yield prose(kind) + "\n"
        yield from (f"- `{member.value}`: {text}" for member, text in told.items())
        yield ""


def _formulas() -> Iterator[str]:
    """Yield what each size mode reckons, and what a formula may name."""
    yield "The formulas of the modes:\n"
    yield from (f"- `{mode.value}`: `{formula.text}`" for mode, formula in FORMULAS.items())
    yield "\n`source_reference` and `target_reference` are balance, equity or free margin, as the mode says;"
    yield "`at_risk` is what `of` says. A formula of your own (mode `expression`) may name:\n"
    yield from (f"- `{name}`: {meaning}" for name, meaning in SIZE_VARIABLES.items())
    yield ""


def prose(cls: type) -> str:
    """Return a class's own words, without the parts of its docstring that are for programmers."""
    text = inspect.cleandoc(cls.__doc__ or "")
    for heading in ("\n\nRaises:", "\n\nArgs:"):
        text = text.partition(heading)[0]
    return text.replace("None", "no value")


def meaning(cls: type, attribute: "attrs.Attribute[Any]") -> str:
    """Return what a key means, as the page says it."""
    told = MEANINGS.get(cls, {}).get(attribute.name) or _attribute_docs(cls).get(attribute.name, "")
    return str(attribute.metadata.get("doc", told))


def _kind(attribute: "attrs.Attribute[Any]") -> str:
    return _kind_text(attribute.type) + (' or `"off"`' if _can_be_off(attribute) else "")


def _can_be_off(attribute: "attrs.Attribute[Any]") -> bool:
    is_optional = NoneType in get_args(attribute.type) and _bare(attribute.type) not in (str, Secret)
    # Where nothing is switched on by default and no policy hands it down, there is nothing to switch off.
    return is_optional and (attribute.default is not None or "doc" not in attribute.metadata)


def _kind_text(kind: Any) -> str:
    kind = _bare(kind)
    if kind in _WORDS:
        return _WORDS[kind]
    if get_origin(kind) is frozenset:
        return f"array of {_kind_text(get_args(kind)[0])}"
    if get_origin(kind) is tuple:
        parts = get_args(kind)
        return f"array of {_kind_text(parts[0])}" if parts[-1] is Ellipsis else "[number, number]"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f'`"{member.value}"`' for member in kind)
    return "table"


def _bare(kind: Any) -> Any:
    """Return a type without its `| None`."""
    if kind in _WORDS:
        return kind
    parts = [part for part in get_args(kind) if part is not NoneType]
    if NoneType not in get_args(kind):
        return kind
    whole = next((known for known in _WORDS if set(get_args(known)) == set(parts) and len(parts) > 1), None)
    return whole or parts[0]


def _default(attribute: "attrs.Attribute[Any]") -> str:
    default: Any = attribute.default
    if default is attrs.NOTHING:
        return "required"
    if default is None or default == ():
        return "none"
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        return "none" if default.factory is dict else "see below"
    if isinstance(default, tuple | frozenset):
        return "`[" + ", ".join(sorted(f'"{shown(item)}"' for item in default)) + "]`"
    if isinstance(default, datetime):
        return f"`{default.isoformat()}`"
    if isinstance(default, bool | int | Decimal):
        return f"`{shown(default)}`"
    return f'`"sqlite:{default}"`' if isinstance(default, Path) else f'`"{shown(default)}"`'


@cache
def _attribute_docs(cls: type) -> dict[str, str]:
    """Return what stands in quotes below an attribute or an enum's member, in one line each."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    docs = {}
    for statement, following in zip(body.body, body.body[1:], strict=False):
        if isinstance(statement, ast.AnnAssign):
            target: ast.expr = statement.target
        elif isinstance(statement, ast.Assign):
            target = statement.targets[0]
        else:
            continue
        if (
            isinstance(target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            docs[target.id] = " ".join(following.value.value.split())
    return docs


if __name__ == "__main__":
    print(reference_page(), end="")
