"""Reads [policies.*]: each checked where it is written, then summed up with the policy that it extends."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from attrs import field, frozen

from copier.config.checks import POLICY_READINGS, TEXT_READINGS, Pattern, least_and_most, some_sides
from copier.config.errors import Fault, UnknownKey, nearest, one_of
from copier.config.positions import KeyPath
from copier.config.reader import Reader
from copier.config.structure import make_converter
from rules.filters import Filter
from rules.policy import CopyPolicy, Guard, PolicyLimits, StartPolicy
from rules.schedule import Schedule
from rules.size_policy import Size, SizeMode, VolumePolicy
from rules.stops_policy import Stops
from rules.symbols import SymbolMap
from rules.values import Side, Volume

DEFAULT = "default"
"""The policy of a link that names none. It exists always; a table [policies.default] sets its keys."""

_RATIO_KEYS = {"mode", "multiplier", "source_reference", "target_reference", "ignore_contract_size", "ignore_currency"}
_SIZE_KEYS: Mapping[SizeMode, set[str]] = {
    SizeMode.MULTIPLIER: {"mode", "multiplier", "ignore_contract_size"},
    SizeMode.FIXED: {"mode", "volume"},
    SizeMode.BALANCE_RATIO: _RATIO_KEYS,
    SizeMode.EQUITY_RATIO: _RATIO_KEYS,
}


class RequiredStop(Enum):
    """A protective price that a source position must have."""

    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"


@frozen
class FilterKeys:
    """Which of the source's positions are copied at all, judged on the position as it is; no key asks for nothing.

    Patterns are RE2, match the whole text, and are case-sensitive unless they begin with `(?i)`. An array may match by
    any of its patterns. Where `symbols` and `not_symbols` both match, the block wins.
    """

    symbols: tuple[Pattern, ...] = field(default=(), metadata={"doc": "Source symbols that are copied."})
    not_symbols: tuple[Pattern, ...] = field(default=(), metadata={"doc": "Source symbols that are not copied."})
    sides: tuple[Side, ...] = field(default=tuple(Side), metadata={"doc": "Sides that are copied.", "read": some_sides})
    magic: tuple[Pattern, ...] = field(
        default=(), metadata={"doc": "Magic numbers that are copied; a position without one is then refused."}
    )
    comment: tuple[Pattern, ...] = field(
        default=(), metadata={"doc": "Comments that are copied; a position without one is then refused."}
    )
    volume: tuple[Volume, Volume] | None = field(
        default=None,
        metadata={"doc": "`[least, most]` lots of the source, both allowed.", "read": least_and_most},
    )
    require: tuple[RequiredStop, ...] = field(
        default=(),
        metadata={"doc": 'Stops that must be set: `"stop_loss"`, `"take_profit"`. A missing one is waited for.'},
    )


@frozen
class PolicyKeys:
    """What a link obeys. Every key has a default, so that an empty policy copies each position with the same volume."""

    extends: str | None = field(
        default=None,
        metadata={
            "doc": "Another policy whose keys hold where this one has none. Tables are joined key by key, but a `size`"
            " with a `mode` replaces the other's `size` whole."
        },
    )
    symbols: str | None = field(default=None, metadata={"doc": "Name of a symbol map, [symbols.NAME]."})
    schedule: str | None = field(default=None, metadata={"doc": "Name of a schedule, [schedules.NAME]."})
    reverse: bool = field(
        default=False, metadata={"doc": "Trade against the source: buy where it sells, stop and target exchanged."}
    )
    size: Size = field(factory=Size, metadata={"doc": "How large a copy is."})
    volume: VolumePolicy = field(factory=VolumePolicy, metadata={"doc": "Caps and rounding of a copy's volume."})
    filter: FilterKeys = field(factory=FilterKeys, metadata={"doc": "Which positions are copied at all."})
    guard: Guard = field(factory=Guard, metadata={"doc": "Age and price at which a copy is still opened."})
    stops: Stops = field(factory=Stops, metadata={"doc": "Which protective prices follow."})
    on_start: StartPolicy = field(
        factory=StartPolicy, metadata={"doc": "What becomes of positions that were open before we looked."}
    )
    limits: PolicyLimits = field(factory=PolicyLimits, metadata={"doc": "Caps over all copies of the target account."})


@frozen
class Parts:
    """What policies refer to by name. None stands for a part that is defined, with faults of its own."""

    symbols: Mapping[str, SymbolMap | None]
    schedules: Mapping[str, Schedule | None]


class PolicyBook:
    """The policies of one file by name, and what links make of them."""

    def __init__(self, reader: Reader, tables: Mapping[str, Mapping[str, Any]], parts: Parts) -> None:
        self._reader = reader
        self._parts = parts
        self._converter = make_converter(readings=POLICY_READINGS, texts=TEXT_READINGS)
        self._tables: dict[str, Mapping[str, Any]] = {DEFAULT: {}, **tables}
        self._good = {name for name, raw in self._tables.items() if self._read_own(raw, ("policies", name))}
        self.policies: dict[str, CopyPolicy] = {}
        """The policies without faults."""
        for name in self._tables:
            raw = self._sum(name)
            policy = None if raw is None else self._build(name, raw, ("policies", name))
            if policy is not None:
                self.policies[name] = policy

    @property
    def names(self) -> list[str]:
        """All names that a link may use, those of policies with faults included."""
        return list(self._tables)

    def used_by_others(self) -> set[str]:
        """Return the names that other policies extend."""
        return {raw["extends"] for raw in self._tables.values() if isinstance(raw.get("extends"), str)}

    def overridden(self, name: str, override: Mapping[str, Any], label: str, path: KeyPath) -> CopyPolicy | None:
        """Return policy `name` with single keys replaced, called `label`; None when either has faults."""
        if "extends" in override:
            fault = UnknownKey("keys of a policy", "`extends`", "the link's `policy` is what it extends")
            self._reader.fault((*path, "extends"), fault)
            return None
        good = self._read_own(override, path)
        base = self._sum(name)
        return self._build(label, _joined(base, override), path) if good and base is not None else None

    def _read_own(self, raw: Mapping[str, Any], path: KeyPath) -> bool:
        """Check a policy's own keys where they are written."""
        good = self._reader.structure(self._converter, PolicyKeys, raw, path) is not None
        references = {"symbols": self._parts.symbols, "schedule": self._parts.schedules, "extends": self._tables}
        for key, known in references.items():
            name = raw.get(key)
            good &= not isinstance(name, str) or self._is_known(key, name, known, path)
        return good

    def _is_known(self, key: str, name: str, known: Mapping[str, object], path: KeyPath) -> bool:
        if name in known:
            return True
        self._reader.fault((*path, key), Fault(one_of(known), f'the unknown name "{name[:60]}"', nearest(name, known)))
        return False

    def _sum(self, name: str) -> Mapping[str, Any] | None:
        """Return a policy's table joined with all that it extends; None when one of them has faults."""
        chain = [name]
        while (parent := self._tables[chain[-1]].get("extends")) is not None:
            if chain[-1] not in self._good:
                return None
            if parent in chain:
                if name == parent:  # each policy of the ring would tell of it; one line for each suffices
                    found = " -> ".join([*chain, parent])
                    self._reader.fault(("policies", name, "extends"), Fault("policies that end somewhere", found))
                return None
            chain.append(parent)
        if not self._good.issuperset(chain):
            return None
        joined: Mapping[str, Any] = {}
        for ancestor in reversed(chain):
            joined = _joined(joined, self._tables[ancestor])
        return joined

    def _build(self, name: str, raw: Mapping[str, Any], path: KeyPath) -> CopyPolicy | None:
        """Return the policy of a summed table; its single keys have been found good."""
        keys = self._reader.structure(self._converter, PolicyKeys, raw, path)
        if keys is None or not self._size_fits(keys.size, raw.get("size", {}), path):
            return None
        symbols = None if keys.symbols is None else self._parts.symbols[keys.symbols]
        schedule = None if keys.schedule is None else self._parts.schedules[keys.schedule]
        if (symbols is None) != (keys.symbols is None) or (schedule is None) != (keys.schedule is None):
            return None
        return CopyPolicy(
            name=name,
            size=keys.size,
            volume=keys.volume,
            symbols=symbols,
            filter=_filter(keys.filter),
            schedule=schedule,
            guard=keys.guard,
            stops=keys.stops,
            on_start=keys.on_start,
            limits=keys.limits,
            reverse=keys.reverse,
        )

    def _size_fits(self, size: Size, raw: Mapping[str, Any], path: KeyPath) -> bool:
        """Check that the keys of a size belong to its mode: one without effect is a misunderstanding about money."""
        mode = size.mode.value
        spare = sorted(raw.keys() - _SIZE_KEYS[size.mode])
        for key in spare:
            fault = Fault(f'keys of mode "{mode}": {", ".join(sorted(_SIZE_KEYS[size.mode]))}', f"`{key}`")
            self._reader.fault((*path, "size", key), fault)
        if size.mode is SizeMode.FIXED and size.volume is None:
            self._reader.fault((*path, "size"), Fault('`volume`, which mode "fixed" takes', "a size without it"))
            return False
        return not spare


def _filter(keys: FilterKeys) -> Filter:
    least, most = keys.volume or (None, None)
    return Filter(
        symbols=keys.symbols,
        not_symbols=keys.not_symbols,
        sides=frozenset(keys.sides),
        magic=keys.magic,
        comment=keys.comment,
        volume_min=least,
        volume_max=most,
        require_stop_loss=RequiredStop.STOP_LOSS in keys.require,
        require_take_profit=RequiredStop.TAKE_PROFIT in keys.require,
    )


def _joined(base: Mapping[str, Any], own: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `base` with the keys of `own` over it: tables key by key, but a size of another mode whole."""
    joined = {**base, **own}
    for key, value in own.items():
        below = base.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and not (key == "size" and "mode" in value):
            joined[key] = {**below, **value}
    return joined
