"""Reads [groups]: names for several accounts, so that a link need not list them each time."""

from collections.abc import Collection, Mapping
from typing import Any

from attrs import field

from copier.config.errors import Fault, nearest, one_of, shown_value
from copier.config.positions import KeyPath
from copier.config.reader import Reader
from rules.model.frozen import frozen

GROUP = "group:"
"""Stands before a group's name where an account's name could stand; no account's name has a colon."""


@frozen
class GroupKeys:
    """Names for several accounts: `"group:NAME"` in a link's `targets`, or as the `account` of [[limits]], is each."""

    members: tuple[str, ...] = field(metadata={"key": "NAME", "doc": "Names of the accounts of the group NAME."})


class AccountNames:
    """What the names of accounts and groups in other sections stand for; faults go to the reader."""

    def __init__(self, reader: Reader, accounts: Collection[str], groups: object) -> None:
        self._reader = reader
        self._accounts = accounts
        self._groups: dict[str, tuple[str, ...]] = {}
        self._used: set[str] = set()
        if not isinstance(groups, Mapping):
            reader.fault(("groups",), Fault("a table [groups] of arrays", "no table"))
            return
        for name, value in groups.items():
            self._groups[name] = self._members(value, ("groups", name))

    def is_account(self, name: str, path: KeyPath) -> bool:
        """Tell whether this is an account's name; when it is none, that is a fault."""
        if name in self._accounts:
            return True
        fault = Fault(one_of(self._accounts), f'the unknown account "{name[:60]}"', nearest(name, self._accounts))
        self._reader.fault(path, fault)
        return False

    def resolve(self, name: str, path: KeyPath) -> tuple[str, ...]:
        """Return the accounts that a name stands for: itself, or the members of `group:NAME`; none after a fault."""
        if not name.startswith(GROUP):
            return (name,) if self.is_account(name, path) else ()
        group = name.removeprefix(GROUP)
        if group not in self._groups:
            fault = Fault(one_of(self._groups), f'the unknown group "{group[:60]}"', nearest(group, self._groups))
            self._reader.fault(path, fault)
            return ()
        self._used.add(group)
        return self._groups[group]

    def spread(self, rows: list[Any], section: str) -> list[Any]:
        """Return the rows of a section with one for each member in place of a row whose `account` is a group."""
        found: list[tuple[int, Any]] = []
        for index, row in enumerate(rows):
            name = row.get("account") if isinstance(row, dict) else None
            if isinstance(name, str) and name.startswith(GROUP):
                members = self.resolve(name, (section, index, "account"))
                found += [(index, {**row, "account": each}) for each in members]
            else:
                found.append((index, row))
        for number, (index, _) in enumerate(found):
            self._reader.stand_for((section, number), (section, index))
        return [row for _, row in found]

    def warn_of_unused(self) -> None:
        """Warn of groups that nobody names."""
        for name in self._groups:
            if name not in self._used:
                self._reader.warn(("groups", name), f'a link to "{GROUP}{name}"', "none: it has no effect")

    def _members(self, value: Any, path: KeyPath) -> tuple[str, ...]:
        if not isinstance(value, list) or not value:
            expected = "an array of at least one account's name"
            self._reader.fault(path, Fault(expected, "an empty one" if value == [] else shown_value(value)))
            return ()
        members: list[str] = []
        for index, name in enumerate(value):
            at = (*path, index)
            if not isinstance(name, str):
                self._reader.fault(at, Fault("an account's name in quotes", shown_value(name)))
            elif name in members:
                self._reader.fault(at, Fault("each account once", f'"{name}" again'))
            elif self.is_account(name, at):
                members.append(name)
        return tuple(members)
