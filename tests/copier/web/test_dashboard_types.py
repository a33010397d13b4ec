"""The dashboard's types are those of what the API shows."""

from tools.dashboard_types import TYPES, types


def test_the_types_that_the_dashboard_is_built_with_are_those_of_the_api() -> None:
    assert TYPES.read_text(encoding="utf-8") == types(), "run `python -m tools.dashboard_types`"


def test_a_field_that_may_be_null_or_one_of_some_words_says_so() -> None:
    text = types()
    assert "readonly balance: string | null;" in text
    assert 'readonly lever: "active" | "flat" | "halted";' in text
    assert "readonly items: readonly Position[];" in text
