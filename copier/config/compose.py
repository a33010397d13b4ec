"""The rule by which several tables become one: a policy with what it extends, overrides and rows of symbols.

A later layer wins. A table joins the table before it key by key, however deep; anything else, arrays too, takes the
place of what was there. Where the keys of a table depend on one of them (a size's on its `mode`), a layer that gives
that key begins the table anew.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias, Union

from copier.config.positions import KeyPath
from rules.model.frozen import frozen


@frozen
class Layer:
    """One table, and where it stands in the file."""

    table: Mapping[str, Any]
    path: KeyPath


@frozen
class Summed:
    """The table that layers make, and for each value (by its path in that table) where in the file it was written."""

    table: dict[str, Any]
    places: Mapping[KeyPath, KeyPath]


@frozen
class _Written:
    value: Any
    path: KeyPath


_Tree: TypeAlias = dict[str, Union["_Tree", _Written]]


def sum_up(layers: Iterable[Layer], anew: Mapping[str, str]) -> Summed:
    """Return what the layers make together.

    Args:
        layers: the earliest, which all others win over, first.
        anew: by the name of a table, the key in it that begins it anew.
    """
    total: _Tree = {}
    for layer in layers:
        _join(total, _tree(layer.table, layer.path), anew)
    return Summed(_plain(total), dict(_places(total, ())))


def _tree(table: Mapping[str, Any], path: KeyPath) -> _Tree:
    return {
        key: _tree(value, (*path, key)) if isinstance(value, dict) else _Written(value, (*path, key))
        for key, value in table.items()
    }


def _join(total: _Tree, layer: _Tree, anew: Mapping[str, str]) -> None:
    for key, value in layer.items():
        below = total.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and anew.get(key) not in value:
            _join(below, value, {})
        else:
            total[key] = value


def _plain(tree: _Tree) -> dict[str, Any]:
    return {key: value.value if isinstance(value, _Written) else _plain(value) for key, value in tree.items()}


def _places(tree: _Tree, path: KeyPath) -> Iterator[tuple[KeyPath, KeyPath]]:
    for key, value in tree.items():
        if isinstance(value, _Written):
            yield (*path, key), value.path
        else:
            yield from _places(value, (*path, key))
