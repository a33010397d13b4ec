"""From parsed TOML to classes: nothing is coerced, every fault has its key path."""

from datetime import timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from attrs import field

from adapters.secret import Secret
from copier.config.errors import Fault, UnknownKey
from copier.config.secrets import Outside
from copier.config.structure import faults_of, make_converter, refused
from rules.model.frozen import frozen


class Colour(Enum):
    RED = "red"


@frozen
class Inner:
    count: int


@frozen
class Everything:
    text: str = "t"
    number: Decimal = Decimal(0)
    count: int = 0
    truth: bool = False
    wait: timedelta | None = None
    colour: Colour = Colour.RED
    way: Literal["in", "out"] = "in"
    rows: tuple[Inner, ...] = ()
    maybe: str | None = None
    key: Secret | None = None
    until: int = field(default=0, metadata={"key": "for"})
    file: str = field(default="x", metadata={"path": True})


def faults(value: object, outside: Outside | None = None) -> list[tuple[str, str]]:
    with pytest.raises(Exception) as caught:
        make_converter(outside).structure(value, Everything)
    return [(".".join(map(str, path)), fault.found) for path, fault in faults_of(caught.value, ())]


def test_good_values_keep_their_types():
    raw: dict[str, Any] = {"text": "a", "number": Decimal("1.10"), "count": 2, "truth": True, "wait": "3s", "for": 5}
    made = make_converter().structure(
        {**raw, "way": "out", "rows": [{"count": 1}], "maybe": "off", "key": "off"}, Everything
    )
    assert (made.text, str(made.number), made.count, made.truth) == ("a", "1.10", 2, True)
    assert (made.wait, made.until, made.way) == (timedelta(seconds=3), 5, "out")
    assert made.rows == (Inner(1),)
    assert (made.maybe, made.key) == ("off", Secret("off"))
    assert make_converter().structure({"wait": "off"}, Everything).wait is None


def test_nothing_is_coerced():
    raw = {"text": 5, "number": "1", "count": True, "truth": 0, "wait": 3, "colour": 1, "way": True, "rows": {}}
    assert faults({**raw, "maybe": 1, "for": Decimal(1)}) == [
        ("text", "5"),
        ("number", '"1"'),
        ("count", "true"),
        ("truth", "0"),
        ("wait", "3"),
        ("colour", "1"),
        ("way", "true"),
        ("rows", "a table"),
        ("maybe", "1"),
        ("for", "1"),
    ]


def test_faults_of_rows_have_their_index():
    assert faults({"rows": [{"count": 1}, {"count": "x"}, {}, 3, {"count": 1, "cont": 1}]}) == [
        ("rows.1.count", '"x"'),
        ("rows.2", "a table without it"),
        ("rows.3", "3"),
        ("rows.4.cont", "the unknown key `cont`"),
    ]


def test_a_python_name_that_stands_for_another_key_is_unknown():
    assert faults({"until": 1}) == [("until", "the unknown key `until`")]


def test_files_start_from_the_configs_folder(tmp_path: Path):
    converter = make_converter(Outside({}, tmp_path))
    assert converter.structure({"file": "a/b.json"}, Everything).file == str(tmp_path / "a" / "b.json")
    assert converter.structure({"file": "/a/b.json"}, Everything).file == "/a/b.json"
    assert converter.structure({"file": ":memory:"}, Everything).file == ":memory:"
    assert faults({"file": 1}, Outside({}, tmp_path)) == [("file", "1")]


def test_the_words_of_other_modules_become_expected_and_found():
    fault = refused(ValueError("volume must be >= 0 lots, was -0.1"))
    assert (fault.expected, fault.found) == ("a value that must be >= 0 lots", "-0.1")
    fault = refused(ValueError("some other sentence"))
    assert (fault.expected, fault.found) == ("a value that its section accepts", "some other sentence")


def test_what_is_no_fault_of_the_file_is_raised_again():
    with pytest.raises(ZeroDivisionError):
        list(faults_of(ZeroDivisionError(), ()))


def test_a_fault_may_lie_below_the_key_that_is_read():
    fault = Fault("a", "b", below=("x", 1))
    assert list(faults_of(fault, ("p",))) == [(("p", "x", 1), fault)]
    assert isinstance(UnknownKey("a", "b"), Fault)
