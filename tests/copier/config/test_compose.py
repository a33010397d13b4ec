"""The one rule by which tables become one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copier.config.compose import Layer, sum_up

VALUES = st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2)
TABLES = st.recursive(
    st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3),
    lambda tables: st.dictionaries(st.sampled_from("abc"), VALUES | tables, max_size=3),
    max_leaves=8,
)


def summed(*tables: dict[str, Any], anew: dict[str, str] | None = None) -> dict[str, Any]:
    return sum_up([Layer(table, (number,)) for number, table in enumerate(tables)], anew or {}).table


def at(table: dict[str, Any], path: tuple[Any, ...]) -> Any:
    """Return the value at a path, None where there is none."""
    value: Any = table
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def test_tables_join_key_by_key_however_deep_and_anything_else_takes_the_place():
    one = {"a": {"x": 1, "y": {"p": 1, "q": 1}}, "b": [1, 2], "c": 1}
    other = {"a": {"y": {"q": 2}}, "b": [3]}
    assert summed(one, other) == {"a": {"x": 1, "y": {"p": 1, "q": 2}}, "b": [3], "c": 1}


def test_a_table_takes_the_place_of_a_value_and_a_value_that_of_a_table():
    assert summed({"a": 1}, {"a": {"x": 1}}) == {"a": {"x": 1}}
    assert summed({"a": {"x": 1}}, {"a": 1}) == {"a": 1}


def test_a_key_that_begins_its_table_anew_drops_what_was_there():
    anew = {"size": "mode"}
    assert summed({"size": {"k": 1}}, {"size": {"mode": "m"}}, anew=anew) == {"size": {"mode": "m"}}
    assert summed({"size": {"k": 1}}, {"size": {"v": 2}}, anew=anew) == {"size": {"k": 1, "v": 2}}


@pytest.mark.slow  # a hundred sums of drawn tables
@given(st.lists(TABLES, max_size=4))
def test_each_value_is_that_of_the_layer_that_its_place_names(tables: list[dict[str, Any]]):
    total = sum_up([Layer(table, (number,)) for number, table in enumerate(tables)], {})
    for path, (number, *below) in total.places.items():
        assert isinstance(number, int)
        assert tuple(below) == path
        assert at(tables[number], path) == at(total.table, path)
        later = [at(table, path) for table in tables[number + 1 :]]
        assert not any(isinstance(value, int | list) for value in later), "a later layer wins"


@pytest.mark.slow  # the same
@given(TABLES, TABLES)
def test_summing_up_changes_no_layer(one: dict[str, Any], other: dict[str, Any]):
    before = repr((one, other))
    summed(one, other, one)
    assert repr((one, other)) == before
