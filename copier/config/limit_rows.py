"""What all [[limits]] rows have in common: an account that there is, and a name that tells two of one kind apart."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

from copier.config.errors import Fault, nearest, one_of
from copier.config.positions import KeyPath
from copier.config.reader import Reader

Rule = TypeVar("Rule")


def read_rows(
    reader: Reader,
    rows: Iterable[tuple[KeyPath, Any]],
    accounts: Collection[str],
    rule_of: Callable[[Any, str], Rule],
) -> dict[str, Rule]:
    """Return the rules without faults, by their ids.

    Args:
        rows: each with its place, its keys read.
        accounts: the names that there are.
        rule_of: makes a rule of a row's keys and its id, or raises ValueError: "KEY what is wrong with it".
    """
    found: dict[str, Rule] = {}
    places: dict[str, KeyPath] = {}
    for path, keys in rows:
        rule_id = f"{keys.account}/{keys.kind.value}" + (f"/{keys.name}" if keys.name else "")
        if keys.account not in accounts:
            refuse_account(reader, path, keys.account, accounts)
        elif rule_id in found:
            expected = "limits of one account and kind to have names"
            first = f"the first is limits[{places[rule_id][1]}]"
            reader.fault(path, Fault(expected, f"a second limit {rule_id} ({first})", "give it a `name`"))
        else:
            try:
                found[rule_id], places[rule_id] = rule_of(keys, rule_id), path
            except ValueError as error:
                refuse_keys(reader, path, str(error).removeprefix(f"rule {rule_id}: "))
    return found


def refuse_account(reader: Reader, path: KeyPath, account: str, accounts: Collection[str]) -> None:
    """Tell of a row for an account that there is not."""
    unknown = f'the unknown account "{account[:60]}"'
    reader.fault((*path, "account"), Fault(one_of(accounts), unknown, nearest(account, accounts)))


def refuse_keys(reader: Reader, path: KeyPath, why: str) -> None:
    """Tell of keys that do not fit together; `why` begins with the one that is named."""
    reader.fault((*path, why.partition(" ")[0]), Fault("keys that fit together", f"a limit whose {why}"))


def rows_of_kinds(
    reader: Reader, converter: Any, rows: Iterable[Any], classes: Mapping[str, type[Any]]
) -> Iterable[tuple[KeyPath, Any]]:
    """Yield the keys of the rows whose kind is one of `classes`, each with its place."""
    for index, row in enumerate(rows):
        cls = classes.get(row["kind"]) if has_kind(row, classes) else None
        path: KeyPath = ("limits", index)
        keys = None if cls is None else reader.structure(converter, cls, row, path)
        if keys is not None:
            yield path, keys


def has_kind(row: object, kinds: Collection[str]) -> bool:
    """Tell whether a row is a table whose kind is one of these."""
    return isinstance(row, Mapping) and isinstance(row.get("kind"), str) and row["kind"] in kinds
