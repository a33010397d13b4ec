"""Values from outside the file, and that no message shows one."""

from pathlib import Path

import pytest

from copier.config import ConfigError, load_config
from copier.config.errors import Fault
from copier.config.secrets import FILE_BYTES_MAX, Outside, is_reference
from tests.copier.config.files import ACCOUNTS, ENV, VENUES, load, one_problem, problems_of


def test_references_are_replaced_by_what_they_name(tmp_path: Path):
    (tmp_path / "token").write_text("from-file\n")
    outside = Outside({"A": "1"}, tmp_path)
    assert outside.expand("plain") == "plain"
    assert outside.expand("${env:A}-${file:token}") == "1-from-file"
    assert outside.expand(f"${{file:{tmp_path / 'token'}}}") == "from-file"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("${env:B}", "the environment variable B to be set"),
        ("${env:EMPTY}", "to hold a value"),
        ("${file:none}", "a readable file none"),
        ("${file:.}", "a readable file ."),
        ("${file:a\0b}", "a path that cannot be opened"),
        ("${file:large}", "at most 65536 bytes"),
        ("${file:bytes}", "UTF-8"),
        ("${vault:x}", "another form"),
        ("${env:A", "another form"),
    ],
)
def test_a_reference_that_leads_nowhere_is_a_fault(tmp_path: Path, text: str, told: str):
    (tmp_path / "large").write_bytes(b"x" * (FILE_BYTES_MAX + 1))
    (tmp_path / "bytes").write_bytes(b"\xff")
    with pytest.raises(Fault, match=told):
        Outside({"A": "1", "EMPTY": ""}, tmp_path).expand(text)


def test_a_value_that_looks_like_a_reference_is_not_followed(tmp_path: Path):
    assert Outside({"A": "${env:B}", "B": "b"}, tmp_path).expand("${env:A}") == "${env:B}"


def test_only_whole_references_keep_a_secret_out_of_the_file():
    assert is_reference("${env:A}")
    assert is_reference("${file:/run/secrets/x}")
    assert not is_reference("x${env:A}")
    assert not is_reference("")


def test_a_secret_reaches_the_venue_and_no_repr(tmp_path: Path):
    configuration = load(tmp_path, ACCOUNTS)
    settings = configuration.accounts["master"].settings
    assert settings.token.reveal() == ENV["TOKEN"]
    assert ENV["TOKEN"] not in repr(configuration)
    assert ENV["TOKEN"] not in "\n".join(configuration.summary())


def test_a_secret_in_the_file_draws_a_warning_that_does_not_show_it(tmp_path: Path):
    text = ACCOUNTS.replace('login = "1"\ntoken = "${env:TOKEN}"', 'login = "1"\ntoken = "in-the-clear"')
    (warning,) = load(tmp_path, text).warnings
    assert (warning.line, warning.key) == (5, "accounts.master.token")
    assert "in-the-clear" not in repr(warning)


@pytest.mark.parametrize("value", ["123456789", "[123456789]", "{ a = 123456789 }", "true"])
def test_a_secret_of_another_type_is_refused_without_being_shown(tmp_path: Path, value: str):
    problem = one_problem(
        tmp_path, ACCOUNTS.replace('login = "2"\ntoken = "${env:TOKEN}"', f'login = "2"\ntoken = {value}')
    )
    assert (problem.line, problem.key) == (9, "accounts.small.token")
    assert "123456789" not in repr(problem)


def test_a_venue_that_complains_of_a_secret_does_not_show_it(tmp_path: Path):
    problem = one_problem(tmp_path, ACCOUNTS.replace('login = "2"', 'login = "13"'))
    assert (problem.line, problem.key) == (6, "accounts.small")
    assert problem.found == "login 13 is for demo accounts, its token is ***"


def test_a_reference_in_any_text_of_an_account_is_replaced_and_not_shown(tmp_path: Path):
    problem = one_problem(tmp_path, ACCOUNTS.replace('login = "2"', 'login = "${env:TOKEN}"'))
    assert problem.key == "accounts.small.login"
    assert problem.expected == "a value that must be digits"
    assert problem.found == "'***'"


def test_every_missing_secret_is_told_in_one_run(tmp_path: Path):
    file = tmp_path / "copier.toml"
    file.write_text(ACCOUNTS)
    with pytest.raises(ConfigError) as caught:
        load_config(file, {}, VENUES)
    assert [problem.line for problem in caught.value.problems] == [5, 9]


def test_a_misspelled_secret_key_does_not_show_its_value(tmp_path: Path):
    text = ACCOUNTS.replace('login = "2"\ntoken = "${env:TOKEN}"', 'login = "2"\ntokn = "in-the-clear"')
    problems = problems_of(tmp_path, text)
    assert [problem.key for problem in problems] == ["accounts.small", "accounts.small.tokn"]
    assert problems[1].hint == "did you mean `token`?"
    assert "in-the-clear" not in repr(problems)
