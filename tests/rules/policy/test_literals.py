import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.policy.literals import literals_of
from rules.policy.patterns import compile_pattern


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("A", {"A"}),
        ("A|B|", {"A", "B", ""}),
        ("NAS100|US(?:100|TEC)", {"NAS100", "US100", "USTEC"}),
        (r"XAUUSD(\.m|\.pro|m)?", {"XAUUSD", "XAUUSD.m", "XAUUSD.pro", "XAUUSDm"}),
        ("(?P<x>A|B)[cd]?", {"A", "B", "Ac", "Ad", "Bc", "Bd"}),
        (r"\[NQ100\]", {"[NQ100]"}),
        (r"A[.\]]", {"A.", "A]"}),
    ],
)
def test_a_list_of_names_is_told_whole(pattern: str, texts: set[str]):
    assert literals_of(pattern) == texts


@pytest.mark.parametrize(
    "pattern",
    [".*", "A+", "A*", "A{2}", "(?i)A", "[A-Z]", "[^A]", r"\d", "A.B", "^A$", "A??", "[ABCDEFGH]" * 4, "[[:alpha:]]"],
)
def test_a_family_of_names_is_not_a_list(pattern: str):
    assert literals_of(pattern) is None


pieces = st.recursive(
    st.sampled_from("ABm.#").map(re.escape),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        inner.map(lambda one: f"({one})?"),
    ),
    max_leaves=6,
)


@given(pieces)
def test_every_told_text_matches_and_no_longer_one_does(pattern: str):
    texts = literals_of(pattern)
    assert texts is not None
    compiled = compile_pattern(pattern, "here")
    assert all(compiled.fullmatch(text) for text in texts)
    assert all(compiled.fullmatch(text + "A") is None for text in texts if text + "A" not in texts)
