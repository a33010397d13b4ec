from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.policy.expressions import DEPTH_MAX, TEXT_MAX, Expression, ExpressionError

KNOWN = frozenset({"a", "b"})
F = Fraction


VALUES = {"a": (3, 1), "b": (8, 2)}


def value(text: str) -> Fraction | None:
    found = Expression(text, KNOWN).value(VALUES)
    return None if found is None else F(*found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", F(7)),
        ("(1 + 2) * 3", F(9)),
        ("8 - 4 - 2", F(2)),
        ("8 / 4 / 2", F(1)),
        ("-a + b", F(1)),
        ("--2", F(2)),
        ("a - -b", F(7)),
        ("2 * -a", F(-6)),
        ("1 / 3 * 3", F(1)),
        ("0.1 + 0.2", F(3, 10)),
        (" min( a , b,2.5 ) ", F(5, 2)),
        ("max(a, b) * min(a, b)", F(12)),
        ("min(a)", F(3)),
    ],
)
def test_arithmetic_is_as_on_paper_and_exact(text, expected):
    assert value(text) == expected


def test_division_by_zero_has_no_value():
    assert value("a / (b - 4)") is None


def test_it_tells_which_variables_it_needs():
    assert Expression("b * a + b", KNOWN).variables == ("b", "a")


@pytest.mark.parametrize(
    ("text", "expected", "found"),
    [
        ("", "a number, a bracket or one of a, b as part 1", "its end"),
        ("a +", "a number", "its end"),
        ("a b", "an operator or the end as part 2", "`b`"),
        ("(a", "`)`", "its end"),
        ("a)", "an operator or the end", "`)`"),
        ("c * 2", "one of a, b", "`c`"),
        ("min a", "`(`", "`a`"),
        ("min()", "a number", "`)`"),
        ("a ** 2", "a number", "`*`"),
        ("a ; b", "hold numbers, names", "`;"),
        ("__import__('os')", "hold numbers", "`'os'"),
        ("1e9", "an operator or the end", "`e`"),
        ("a.real", "hold numbers", "`.real`"),
        ("(" * (DEPTH_MAX + 1) + "a", f"at most {DEPTH_MAX}", "more"),
        ("-" * (DEPTH_MAX + 1) + "a", f"at most {DEPTH_MAX}", "more"),
        ("a" + " " * TEXT_MAX, f"at most {TEXT_MAX} characters", str(TEXT_MAX + 1)),
    ],
)
def test_what_is_no_expression_is_told_with_its_place(text, expected, found):
    with pytest.raises(ExpressionError) as caught:
        Expression(text, KNOWN)
    assert expected in str(caught.value)
    assert found in str(caught.value)


@given(st.text(alphabet="ab019.+-*/(), min", max_size=40))
def test_any_text_is_an_expression_or_an_explained_error(text):
    said = ""
    try:
        found = value(text)
    except ExpressionError as error:
        said = str(error)
    assert " must " in said if said else isinstance(found, Fraction | None)


trees = st.recursive(
    st.sampled_from(["a", "b", "1", "2.5"]),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({' '.join(parts)})"),
    max_leaves=12,
)


@given(trees)
def test_what_it_gives_is_what_fractions_give(text):
    spelled = text.replace("2.5", "F(5, 2)").replace("1", "F(1)")
    try:
        expected = eval(spelled, {"F": Fraction, "a": F(3), "b": F(4)})  # the oracle: our own text alone
    except ZeroDivisionError:
        expected = None
    assert value(text) == expected
