"""Reads the `prop` key of accounts: a firm's preset becomes limits of the account, judged like all others."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from attrs import evolve, field

from copier.config.caps import CapKeys, cap_of
from copier.config.checks import ratio_above_zero
from copier.config.conduct import BudgetKeys, PositionRuleKeys, conduct_of
from copier.config.errors import Fault, one_of, shown_value
from copier.config.limit_keys import LimitKeys, Reset, read_reset
from copier.config.limits import LimitRefused, limit_of
from copier.config.positions import KeyPath
from copier.config.prop_presets import STALE_AFTER, Copying, PropPreset, RowKeys, prop_preset
from copier.config.reader import Reader
from copier.config.results import ConsistencyKeys, InactivityKeys, MinDaysKeys, read_date, results_of
from copier.config.results import Keys as ResultsKeys
from copier.config.units import read_money
from rules.limits.conduct_policy import Budget, Conduct, FlatBy, PositionRule
from rules.limits.policy import Cap, Limit
from rules.limits.results_policy import Consistency, Inactivity, Results, TradingDays
from rules.limits.terms import Cash, FlattenScope, LimitAmount, LimitKind, Percent, Trailing
from rules.model.frozen import frozen
from rules.model.values import AccountId, Money

_WARN_PART = Decimal("0.75")


def _read_balance(value: object) -> Money:
    money = read_money(value)
    if money.amount < 0:
        raise Fault("money >= 0", shown_value(value))
    return money


def _read_stop_at(value: object) -> Decimal:
    fraction = ratio_above_zero(value)
    if fraction > 1:
        raise Fault('a fraction of at most 1, or a percent of at most "100 %"', shown_value(value))
    return fraction


@frozen
class PropKeys:
    """The firm's rules that an account is under. `copier presets` lists those that come with the package."""

    preset: str = field(
        metadata={"doc": 'Name of a preset (`copier presets`), or a TOML file of your own (`"./my-firm.toml"`).'}
    )
    initial_balance: Money = field(
        metadata={"doc": 'What the account began with: `"100000 USD"`.', "read": _read_balance}
    )
    stop_at: Decimal | None = field(
        default=None,
        metadata={
            "doc": "Part of each of the firm's loss limits (also of a single trade's) at which everything is closed and"
            " new risk ends; a warning comes at three quarters of it. Without it the service acts when the firm does.",
            "read": _read_stop_at,
        },
    )
    phase: str | None = field(
        default=None,
        metadata={"doc": "Which phase the account is in, for rules that differ: profit targets above all."},
    )
    reset: Reset | None = field(
        default=None,
        metadata={
            "doc": "When the firm's days begin, in place of what the preset says: required where it does not know.",
            "read": read_reset,
        },
    )
    high_water_mark: Decimal | None = field(
        default=None,
        metadata={"doc": "Where the mark of trailing limits starts, of an account taken over in profit."},
    )
    started: date | None = field(
        default=None,
        metadata={
            "doc": "The first day of the phase or payout cycle: from it on trading days and the best day are counted.",
            "read": read_date,
        },
    )
    scope: FlattenScope = field(
        default=FlattenScope.ACCOUNT, metadata={"doc": "What is closed: the whole `account`, or what links own."}
    )


@frozen
class FirmRules:
    """What presets make of accounts, by the kind of rule."""

    limits: tuple[Limit, ...]
    conduct: tuple[Conduct, ...]
    results: tuple[Results, ...]
    caps: tuple[Cap, ...]


Rule: TypeAlias = Limit | Conduct | Results | Cap


class PropReader:
    """Makes limits of the accounts' `prop` keys; faults and doubts go to the reader."""

    def __init__(self, reader: Reader, folder: Path, timezone: ZoneInfo, today: date | None) -> None:
        self._reader = reader
        self._folder = folder
        self._timezone = timezone
        self._today = today

    def read(
        self, props: Mapping[AccountId, PropKeys], own: Iterable[Limit], targets: Collection[AccountId]
    ) -> "FirmRules":
        """Return the rules of all accounts.

        Args:
            props: the key of each account that has one.
            own: limits that the person wrote.
            targets: accounts that a link copies onto.
        """
        written = tuple(own)
        found: list[Rule] = []
        for account, prop in props.items():
            path: KeyPath = ("accounts", account, "prop")
            try:
                preset = prop_preset(prop.preset, self._folder)
            except Fault as fault:
                self._reader.fault((*path, "preset"), fault)
                continue
            rules = self._rules(account, prop, preset, path)
            self._doubt(prop, preset, path, account in targets)
            self._compare([rule for rule in rules if isinstance(rule, Limit)], written)
            found += rules
        return FirmRules(
            tuple(rule for rule in found if isinstance(rule, Limit)),
            tuple(rule for rule in found if isinstance(rule, PositionRule | FlatBy | Budget)),
            tuple(rule for rule in found if isinstance(rule, Consistency | TradingDays | Inactivity)),
            tuple(rule for rule in found if isinstance(rule, Cap)),
        )

    def _rules(self, account: AccountId, prop: PropKeys, preset: PropPreset, path: KeyPath) -> list[Rule]:
        about = preset.about
        if about.initial_balances and prop.initial_balance not in about.initial_balances:
            balances = one_of(str(each) for each in about.initial_balances)
            self._reader.fault((*path, "initial_balance"), Fault(balances, shown_value(str(prop.initial_balance))))
            return []
        if prop.phase is not None and prop.phase not in about.phases:
            self._reader.fault((*path, "phase"), Fault(one_of(about.phases), shown_value(prop.phase)))
            return []
        found: list[Rule] = []
        for keys, phases in preset.rows:
            if phases and prop.phase not in phases:
                continue
            try:
                rule = firm_rule(account, prop, keys, self._timezone)
                found += [] if rule is None else [rule]
            except Fault as fault:
                self._reader.fault((*path, "initial_balance"), fault)
            except LimitRefused as refused:
                expected = "keys that fit together"
                if refused.key == "reset":
                    expected = "`reset`, which the preset does not know"
                self._reader.fault(path, Fault(expected, f"a {keys.kind.value} whose {refused}"))
        return found

    def _doubt(self, prop: PropKeys, preset: PropPreset, path: KeyPath, is_target: bool) -> None:
        about, at = preset.about, (*path, "preset")
        if self._today is not None and preset.stale(self._today):
            found = f"{prop.preset} as of {about.as_of}"
            self._reader.warn(at, f"a preset of the last {STALE_AFTER.days} days", found, "compare the firm's own page")
        forbidden = about.copying is Copying.FORBIDDEN or (about.copying is Copying.MASTER_ONLY and is_target)
        if forbidden or about.copying is Copying.RESTRICTED:
            expected = "a firm that allows copying" + ("" if forbidden else " without conditions")
            self._reader.warn(at, expected, f"{about.firm}: {about.copying_note}")
        rows = [keys for keys, phases in preset.rows if not phases or prop.phase in phases]
        if prop.started is None and any(isinstance(keys, ResultsKeys) for keys in rows):
            self._reader.warn(path, "`started`, to count trading days and the best day", "none")
        if prop.stop_at is None:
            hint = "stop_at = 0.8 acts at four fifths"
            self._reader.warn(path, "`stop_at`, to act before the firm does", "none", hint)

    def _compare(self, limits: Iterable[Limit], written: Iterable[Limit]) -> None:
        """Warn of a limit of the person's own that never acts before the firm's."""
        for firm in limits:
            for own in written:
                if (own.account, own.kind) != (firm.account, firm.kind) or firm.is_target:
                    continue
                if type(own.amount) is not type(firm.amount):
                    continue  # which of a percent and cash is more, figures say that come later
                alike = evolve(own, limit_id="", amount=firm.amount, **_SAME) == evolve(firm, limit_id="", **_SAME)
                if alike and _size(own) >= _size(firm):
                    text = f"{own.limit_id}, which is looser than the firm's own"
                    self._reader.warn(("accounts", firm.account, "prop"), "limits tighter than the firm's", text)


_SAME: Mapping[str, Any] = {
    "initial_balance": None,
    "currency": None,
    "high_water_mark": None,
    "warn_at": None,
    "block_at": None,
    "flatten_at": None,
    "halt_at": None,
    "scope": FlattenScope.ACCOUNT,
}
"""What two limits may differ in and still count the same loss."""


def _size(limit: Limit) -> Decimal:
    return limit.amount.fraction if isinstance(limit.amount, Percent) else limit.amount.amount


def firm_rule(account: AccountId, prop: PropKeys, keys: RowKeys, timezone: ZoneInfo) -> Rule | None:
    """Return one row of a preset as a rule of the account; None where `prop` does not say from when on it counts.

    Raises:
        LimitRefused: keys that do not fit together.
        Fault: the account is in another currency than the preset.
    """
    if isinstance(keys, LimitKeys):
        return firm_limit(account, prop, keys, timezone)
    if isinstance(keys, CapKeys):
        return cap_of(evolve(keys, account=account, initial_balance=prop.initial_balance.amount))
    own: dict[str, Any] = {"account": account}
    rule_id = f"{account}/{keys.kind.value}/{keys.name}"
    if prop.reset is not None and isinstance(keys, BudgetKeys | ConsistencyKeys | MinDaysKeys):
        own["reset"] = prop.reset
    if isinstance(keys, ResultsKeys):
        if prop.started is None:
            return None
        own["since"] = prop.started
        if not isinstance(keys, InactivityKeys):
            own["initial_balance"] = prop.initial_balance.amount
        return results_of(evolve(keys, **own), rule_id, timezone)
    if not isinstance(keys, BudgetKeys):
        own["scope"] = prop.scope
    if isinstance(keys, PositionRuleKeys) and keys.amount is not None and prop.stop_at is not None:
        own["amount"] = _part(keys.amount, prop.stop_at)
    return conduct_of(evolve(keys, **own), rule_id, timezone)


def _part(amount: LimitAmount, part: Decimal) -> LimitAmount:
    if isinstance(amount, Percent):
        return Percent(amount.fraction * part)
    return Cash(amount.amount * part, amount.currency)


def firm_limit(account: AccountId, prop: PropKeys, keys: LimitKeys, timezone: ZoneInfo) -> Limit:
    """Return one row of a preset as a limit of the account.

    Raises:
        LimitRefused: keys that do not fit together.
        Fault: the account is in another currency than the preset.
    """
    balance = prop.initial_balance
    changes: dict[str, Any] = {
        "account": account,
        "scope": prop.scope,
        "initial_balance": balance.amount,
        "currency": balance.currency,
    }
    is_target, trails = keys.kind is LimitKind.PROFIT_TARGET, keys.trailing is not Trailing.NONE
    has_days = keys.reset is not None or keys.kind is LimitKind.DAILY_LOSS or keys.trailing.value.startswith("eod")
    if prop.reset is not None and has_days:
        changes["reset"] = prop.reset
    if prop.high_water_mark is not None and trails:
        changes["high_water_mark"] = prop.high_water_mark
    if prop.stop_at is not None and not is_target:
        changes |= {"flatten_at": prop.stop_at, "warn_at": prop.stop_at * _WARN_PART}
    limit = limit_of(evolve(keys, **changes), timezone)
    if foreign := limit.currencies - {balance.currency}:
        raise Fault(f"an account in {', '.join(sorted(foreign))}", str(balance))
    return limit
