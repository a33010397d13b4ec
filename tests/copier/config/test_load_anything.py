"""Whatever a file holds, it is read or refused with lines: no text of it crashes the reading."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.registry import CONFIGS
from copier.config import ConfigError, load_config
from tests.copier.config.test_examples import ENV
from tests.copier.config.test_load import TEN_MISTAKES

EXAMPLE = Path("examples/two-prop-accounts.toml").read_text()
PIECES = [
    *("", "[", "]", "{", "}", "=", '"', "'", "\n", ".", ",", "0", "-1", "nan", "1e999", "true", "{}", "[]", "[[x]]\n"),
    *("off", '"off"', "${env:X}", '"${env:NONE}"', "2026-01-01", "extends", "size", "\x00", "\u202e", "é", "9" * 30),
    *('"""', "# "),
]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Return a config with some of its words replaced, removed or exchanged."""
    words = draw(st.sampled_from([EXAMPLE, TEN_MISTAKES])).split(" ")
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(words) - 1))
        words[at] = draw(st.one_of(st.sampled_from(PIECES), st.sampled_from(words), st.text(max_size=5)))
    return " ".join(words)


@pytest.mark.slow  # some hundred whole configs
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(damaged())
def test_a_damaged_config_is_read_or_refused(tmp_path: Path, text: str):
    file = tmp_path / "copier.toml"
    file.write_text(text, encoding="utf-8", errors="replace", newline="")
    lines = text.count("\n") + 1
    try:
        configuration = load_config(file, ENV, CONFIGS)
    except ConfigError as error:
        problems = error.problems
        refused = True
    else:
        problems = configuration.warnings
        refused = False
        assert configuration.summary()
    assert problems or not refused
    for problem in problems:
        assert problem.line is None or 1 <= problem.line <= lines
        assert problem.expected
        assert problem.found
        assert not {ENV["TL_PASSWORD"], ENV["TL_EMAIL"]} & set(problem.found.split())
