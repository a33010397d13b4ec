"""Makes policies of [policies.*]: each checked where it is written, then summed up with all that it extends.

Nothing here names a key of a policy: a new one needs a field of `PolicyKeys` and one of `CopyPolicy`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from copier.config.checks import POLICY_READINGS, TEXT_READINGS
from copier.config.compose import Layer, sum_up
from copier.config.doubts import doubts_of
from copier.config.errors import Fault, UnknownKey, nearest, one_of
from copier.config.policies import BEGIN_ANEW, PerSymbolKeys, PolicyKeys, filter_of, misfits
from copier.config.positions import KeyPath
from copier.config.reader import Reader
from copier.config.structure import make_converter, toml_keys
from rules.model.frozen import frozen
from rules.policy.links import CopyPolicy, SymbolOf, SymbolPolicy

DEFAULT = "default"
"""The policy of a link that names none. It exists always; a table [policies.default] sets its keys."""

Parts = Mapping[str, Mapping[str, object]]
"""What policies refer to: by section, by name. None stands for a part that is defined, with faults of its own."""

REFERENCES: Mapping[str, str] = {
    attribute.name: attribute.metadata["section"]
    for attribute in attrs.fields(PolicyKeys)
    if "section" in attribute.metadata
}
"""The keys that name something of another section, and that section."""

_COMPOSING = {"extends", "per_symbol"}


@frozen
class PolicySum:
    """A policy with everything that it was summed up from, so that a person can be told where each value stands."""

    policy: CopyPolicy
    keys: PolicyKeys
    lines: Mapping[KeyPath, int]
    """The line of each value that was written, by its path in `keys`; what is missing here is a default."""
    places: Mapping[KeyPath, KeyPath]
    """The same by where in the file each value stands."""
    rows: tuple["PolicySum", ...] = ()
    """Those of `per_symbol`."""


class PolicyBook:
    """The policies of one file by name, and what links make of them."""

    def __init__(self, reader: Reader, tables: Mapping[str, Mapping[str, Any]], parts: Parts) -> None:
        self._reader = reader
        self._parts = parts
        self._converter = make_converter(readings=POLICY_READINGS, texts=TEXT_READINGS)
        self._tables: dict[str, Mapping[str, Any]] = {DEFAULT: {}, **tables}
        self.used: dict[str, set[str]] = {section: set() for section in ("policies", *parts)}
        """The names that policies and overrides refer to, by section."""
        self._good = {name for name, raw in self._tables.items() if self._read_own(Layer(raw, ("policies", name)))}
        self._good -= {name for name in self._tables if not self._extends_well(name)}
        self.sums: dict[str, PolicySum] = {}
        """The policies without faults."""
        for name in self._tables:
            layers = self._layers(name)
            total = None if layers is None else self._sum(name, layers)
            if total is not None:
                self.sums[name] = total

    @property
    def names(self) -> list[str]:
        """All names that a link may use, those of policies with faults included."""
        return list(self._tables)

    def overridden(self, name: str, override: Mapping[str, Any], label: str, path: KeyPath) -> PolicySum | None:
        """Return policy `name` with the keys of an override over it, called `label`; None when either has faults."""
        if "extends" in override:
            fault = UnknownKey("keys of a policy", "`extends`", "the link's `policy` is what it extends")
            self._reader.fault((*path, "extends"), fault)
            return None
        own = Layer(override, path)
        good = self._read_own(own)
        layers = self._layers(name)
        return self._sum(label, [*layers, own]) if good and layers is not None else None

    # One table as it is written

    def _read_own(self, layer: Layer) -> bool:
        """Check a policy's own keys where they are written."""
        keys = self._reader.structure(self._converter, PolicyKeys, layer.table, layer.path)
        good = keys is not None
        for key, section in REFERENCES.items():
            good &= self._is_known(layer.table.get(key), self._parts[section], section, (*layer.path, key))
        one = isinstance(layer.table.get("extends"), str)
        for index, parent in enumerate(_extended(layer.table)):
            at = (*layer.path, "extends") if one else (*layer.path, "extends", index)
            good &= self._is_known(parent, self._tables, "policies", at)
        for index, row in enumerate(() if keys is None else keys.per_symbol):
            good &= self._read_row(Layer(row, (*layer.path, "per_symbol", index)))
        return good

    def _is_known(self, name: object, known: Mapping[str, object], section: str, path: KeyPath) -> bool:
        if not isinstance(name, str):
            return True  # not given, or told already
        self.used[section].add(name)
        if name in known:
            return True
        self._reader.fault(path, Fault(one_of(known), f'the unknown name "{name[:60]}"', nearest(name, known)))
        return False

    def _read_row(self, layer: Layer) -> bool:
        own, rest = _split(layer)
        row = self._reader.structure(self._converter, PerSymbolKeys, own, layer.path)
        spare = _COMPOSING & rest.table.keys()
        if row is not None and row.on is SymbolOf.TARGET:
            spare |= {"symbols"} & rest.table.keys()
        for key in sorted(spare):
            self._reader.fault((*layer.path, key), UnknownKey("keys that a row of `per_symbol` has", f"`{key}`"))
        return self._read_own(rest) and row is not None and not spare

    # What a policy extends

    def _extends_well(self, name: str) -> bool:
        """Tell whether what a policy extends has an end, and each of it an effect."""
        ring = self._way(name, name)
        if ring is not None:  # each policy of the ring tells of it; one line for each suffices
            found = " -> ".join(ring)
            self._reader.fault(("policies", name, "extends"), Fault("policies that end somewhere", found))
            return False
        parents = self._parents(name)
        for index, parent in enumerate(parents):
            by = next((earlier for earlier in parents[:index] if parent in self._ancestry(earlier)), None)
            if by is not None:
                found = f"`{parent}` after `{by}`, which has it already"
                hint = "what stands later wins, but each policy counts once: name it first, or not at all"
                fault = Fault("policies that each add something", found, hint)
                self._reader.fault(("policies", name, "extends", index), fault)
                return False
        return True

    def _parents(self, name: str) -> list[str]:
        return _extended(self._tables.get(name, {}))

    def _way(self, start: str, end: str) -> list[str] | None:
        """Return the policies from `start` over what it extends to `end`, or None."""
        came_from: dict[str, list[str]] = {}
        queue = [(parent, [start]) for parent in self._parents(start)]
        for policy, way in queue:
            if policy not in came_from:
                came_from[policy] = [*way, policy]
                queue += [(parent, came_from[policy]) for parent in self._parents(policy)]
        return came_from.get(end)

    def _ancestry(self, name: str) -> list[str]:
        """Return a policy and all that it extends, each once and before those that extend it."""
        found: dict[str, None] = {}
        entered: set[str] = set()
        stack: list[tuple[str, Iterator[str]]] = [(name, iter(self._parents(name)))]
        while stack:  # by hand: a generated file may chain more policies than Python nests calls
            policy, parents = stack[-1]
            parent = next(parents, None)
            if parent is None:
                found[policy] = None
                stack.pop()
            elif parent not in entered:
                entered.add(parent)
                stack.append((parent, iter(self._parents(parent))))
        return list(found)

    def _layers(self, name: str) -> list[Layer] | None:
        """Return the layers of a policy, the earliest first; None when one of them has faults."""
        ancestry = self._ancestry(name)
        if not self._good.issuperset(ancestry):
            return None
        return [Layer(self._tables[each], ("policies", each)) for each in ancestry]

    # The sum

    def _sum(self, label: str, layers: list[Layer], row: int | None = None) -> PolicySum | None:
        """Return the policy of layers whose single keys have been found good."""
        summed = sum_up(layers, BEGIN_ANEW)
        path = layers[-1].path
        keys = self._reader.structure(self._converter, PolicyKeys, summed.table, path)
        if keys is None:
            return None
        bad = list(misfits(keys, summed.table))
        for at, fault in bad:
            self._reader.fault(summed.places.get(at, (*path, *at)), fault)
        parts = {key: self._part(keys, key) for key in REFERENCES}
        missing = any(parts[key] is None and getattr(keys, key) is not None for key in REFERENCES)
        matches, rows = self._rows(label, layers, summed.places) if row is None else ((), ())
        if bad or missing or None in rows:
            return None
        good = tuple(each for each in rows if each is not None)
        same = attrs.asdict(keys, recurse=False, filter=lambda attribute, _: attribute.name not in _COMPOSING)
        made = {**same, **parts, "filter": filter_of(keys.filter)}
        per_symbol = tuple(
            SymbolPolicy(match.match, each.policy, match.on) for match, each in zip(matches, good, strict=True)
        )
        policy = CopyPolicy(name=label, per_symbol=per_symbol, row=row, **made)
        for doubt in doubts_of(policy) if row is None else ():
            # In other sums of what is written there it is the same doubt, which the reader tells once.
            self._reader.warn(nearest_place(doubt.at, summed.places) or path, doubt.expected, doubt.found)
        lines = {at: self._reader.line(place) or 0 for at, place in summed.places.items()}
        return PolicySum(policy, keys, lines, summed.places, good)

    def _part(self, keys: PolicyKeys, key: str) -> object:
        name = getattr(keys, key)
        return None if name is None else self._parts[REFERENCES[key]][name]

    def _rows(
        self, label: str, layers: list[Layer], places: Mapping[KeyPath, KeyPath]
    ) -> tuple[tuple[PerSymbolKeys, ...], tuple[PolicySum | None, ...]]:
        """Return the rows of `per_symbol`, and what each makes of the policy."""
        place = places.get(("per_symbol",))
        if place is None:
            return (), ()
        [own] = [layer.table["per_symbol"] for layer in layers if (*layer.path, "per_symbol") == place]
        parts = [_split(Layer(row, (*place, index))) for index, row in enumerate(own)]
        matches = tuple(self._converter.structure(match, PerSymbolKeys) for match, _ in parts)
        sums = tuple(
            self._sum(f"{label}, {match.match}", [*layers, rest], number)
            for number, (match, (_, rest)) in enumerate(zip(matches, parts, strict=True), 1)
        )
        return matches, sums


def nearest_place(at: KeyPath, places: Mapping[KeyPath, KeyPath]) -> KeyPath | None:
    """Return where the value of a path stands, or a part of an array that was written as one value."""
    for end in range(len(at), 0, -1):
        if at[:end] in places:
            return (*places[at[:end]], *at[end:])
    return None


def _extended(table: Mapping[str, Any]) -> list[str]:
    """Return the names that a policy extends; none where the value is no name and no names."""
    named = table.get("extends")
    names = named if isinstance(named, list) else [named]
    return [name for name in names if isinstance(name, str)]


def _split(row: Layer) -> tuple[dict[str, Any], Layer]:
    """Return what is a row's own, and the keys of a policy in it."""
    own = toml_keys(PerSymbolKeys)
    rest = {key: value for key, value in row.table.items() if key not in own}
    return {key: value for key, value in row.table.items() if key in own}, Layer(rest, row.path)
