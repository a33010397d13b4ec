"""The position finder agrees with tomli on what the keys are, and with a plain search on where they stand."""

from collections.abc import Callable, Iterator

import pytest
import tomli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copier.config.positions import DEPTH_MAX, KeyPath, NestedTooDeep, find_positions


def paths_and_leaves(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield (*path, key), below
            yield from paths_and_leaves(below, (*path, key))
    if isinstance(value, list):
        for index, below in enumerate(value):
            yield (*path, index), below
            yield from paths_and_leaves(below, (*path, index))


class Writer:
    """Writes a random TOML text whose every leaf is a number that stands nowhere else in it."""

    def __init__(self, draw: Callable[[st.SearchStrategy[object]], object]) -> None:
        self._draw = draw
        self._leaves = 0
        self._keys = 0
        self.lines: list[str] = []

    def document(self) -> str:
        self.body(0)
        for _ in range(self.pick(range(4))):
            self.table([self.key()])
        ending = self.pick(["\n", "\r\n"])
        return ending.join(self.lines) + self.pick(["", ending])

    def table(self, name: list[str]) -> None:
        dotted = self.pick([".", " . "]).join(name)
        if self.pick([True, False]):
            for _ in range(self.pick([1, 2, 3])):
                self.lines.append(f"{self.pick(['', '  '])}[[{dotted}]]{self.comment()}")
                self.body(1)
                self.below(name)
        else:
            self.lines.append(f"[ {dotted} ]{self.comment()}")
            self.body(1)
            self.below(name)

    def below(self, name: list[str]) -> None:
        if len(name) < 3 and self.pick([True, False]):
            self.table([*name, self.key(), *([self.key()] if self.pick([True, False]) else [])])

    def body(self, least: int) -> None:
        for _ in range(self.pick(range(least, 4))):
            dotted = self.pick([".", " .  "]).join(self.key() for _ in range(self.pick([1, 1, 2, 3])))
            self.lines.extend(f"{dotted}{self.pick(['=', ' = '])}{self.value(0)}{self.comment()}".split("\n"))
            if self.pick([True, False]):
                self.lines.append(self.pick(["", "   ", "# [not.a.table]", '# """']))

    def value(self, depth: int) -> str:
        kind = self.pick(["leaf", "leaf", "text", "array", "inline"] if depth < 3 else ["leaf"])
        if kind == "leaf":
            self._leaves += 1
            return str(700_000 + self._leaves)
        if kind == "text":
            return self.pick(
                [
                    '"a # [b] \\" = {"',
                    "'c:\\ # ] }'",
                    '"""\n[x]\ny = 1\\\n  """',
                    '"""a \\""" "" """""',
                    "'''\n[[z]]\n''' ''''''",
                    '""',
                    "''",
                    "1979-05-27 07:32:00Z",
                    "07:32:00",
                    "-1.5e-7",
                    "true",
                    "inf",
                ]
            ).removesuffix(" ''''''")
        if kind == "array":
            gap = self.pick(["", " ", "\n", " # ] , [\n\n "])
            items = [self.value(depth + 1) for _ in range(self.pick(range(4)))]
            return f"[{gap}" + "".join(f"{item}{gap},{gap}" for item in items) + "]"
        return "{ " + ", ".join(f"{self.key()} = {self.value(depth + 1)}" for _ in range(self.pick(range(3)))) + " }"

    def key(self) -> str:
        self._keys += 1
        return self.pick(["k{}", "-{}", '"q \\" # . {}"', "'l = [ {}'", '"\\u00e9{}"', "{}"]).format(self._keys)

    def comment(self) -> str:
        return self.pick(["", "", "  # = [ { ' \""])

    def pick(self, choices):
        return self._draw(st.sampled_from(choices))


@st.composite
def documents(draw: Callable[[st.SearchStrategy[object]], object]) -> str:
    return Writer(draw).document()


@pytest.mark.slow  # some hundred generated documents
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(documents())
def test_every_path_of_the_parser_has_its_own_line(text: str):
    parsed = tomli.loads(text)
    positions = find_positions(text)
    found = list(paths_and_leaves(parsed))
    assert set(positions) == {path for path, _ in found}
    lines = text.split("\n")
    for path, leaf in found:
        if isinstance(leaf, int) and leaf > 700_000:
            assert str(leaf) in lines[positions[path] - 1]


def test_a_table_stands_at_its_own_header_also_when_another_implied_it_before():
    positions = find_positions("[a.b]\nx = 1\n\n[a]\ny = 2\n")
    assert positions[("a",)] == 4
    assert positions[("a", "b")] == 1


def test_tables_below_an_array_of_tables_belong_to_its_newest_element():
    text = "[[links]]\na = 1\n[[links]]\n[links.over]\nb = 1\n[[links.over.rows]]\nc = 1\n[[links.over.rows]]\nc = 2\n"
    positions = find_positions(text)
    assert positions[("links", 0)] == 1
    assert positions[("links", 1)] == 3
    assert positions[("links", 1, "over", "b")] == 5
    assert positions[("links", 1, "over", "rows", 1, "c")] == 9


def test_items_of_an_array_and_keys_of_an_inline_table_have_lines_of_their_own():
    text = "map = [\n  { match = 'a', to = 'b' }, # one\n\n  { match = '''\n.*''',\n    deny = true },\n]\nx = 1\n"
    positions = find_positions(text)
    assert positions[("map", 0, "to")] == 2
    assert positions[("map", 1)] == 4
    assert positions[("map", 1, "deny")] == 6
    assert positions[("x",)] == 8


def test_a_text_without_keys_has_no_positions():
    assert find_positions("") == {}
    assert find_positions("# only a comment") == {}


def test_nesting_is_bounded_for_keys_headers_and_brackets():
    deep = ".".join("a" * (DEPTH_MAX + 1))
    for text in (
        f"x = 1\n{deep} = 1",
        f"x = 1\n[{deep}]",
        f"x = 1\ny = {'[' * (DEPTH_MAX + 1)}{']' * (DEPTH_MAX + 1)}",
    ):
        with pytest.raises(NestedTooDeep) as caught:
            find_positions(text + "\n")
        assert caught.value.line == 2


@pytest.mark.slow  # a text of the largest size that the config accepts
def test_a_large_text_costs_time_in_proportion_to_its_size():
    row = "[[links]]\nsource = 'a' # x\ntargets = ['b', 'c']\nname = { a = 1, b = [1, 2] }\n"
    text = row * (1024 * 1024 // len(row))
    positions = find_positions(text)
    assert positions[("links", 5000, "targets", 1)] == 5000 * 4 + 3
