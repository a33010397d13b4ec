"""Writes config files for tests and reads them with a venue of the tests' own."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import Attribute, field

from adapters.secret import Secret
from copier.config import ConfigError, ConfigProblem, Configuration, load_config
from rules.model.frozen import frozen

ACCOUNTS = """
[accounts.master]
venue = "toy"
login = "1"
token = "${env:TOKEN}"
[accounts.small]
venue = "toy"
login = "2"
token = "${env:TOKEN}"
"""
LINK = """
[[links]]
source = "master"
targets = ["small"]
"""


def _digits(_: object, attribute: "Attribute[str]", value: str) -> None:
    if not value.isdigit():
        raise ValueError(f"{attribute.name} must be digits, was {value!r}")


@frozen
class ToyConfig:
    """A venue's keys."""

    login: str = field(validator=_digits, metadata={"identity": True})
    token: Secret
    demo: bool = False

    def __attrs_post_init__(self) -> None:
        if self.login == "13" and not self.demo:
            raise ValueError(f"login 13 is for demo accounts, its token is {self.token.reveal()}")


VENUES: Mapping[str, type] = {"toy": ToyConfig}
ENV = {"TOKEN": "hunter2-token"}


def load(folder: Path, text: str, **more: object) -> Configuration:
    file = folder / "copier.toml"
    file.write_text(text, encoding="utf-8")
    return load_config(file, ENV, VENUES, **more)  # type: ignore[arg-type]


def problems_of(folder: Path, text: str, **more: object) -> tuple[ConfigProblem, ...]:
    """Return the problems of a bad config; every one of them names the file."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text, **more)
    problems = caught.value.problems
    assert {problem.path for problem in problems} == {folder / "copier.toml"}
    assert ENV["TOKEN"] not in str(caught.value)
    return problems


def one_problem(folder: Path, text: str, **more: object) -> ConfigProblem:
    (problem,) = problems_of(folder, text, **more)
    return problem


def line_of(text: str, part: str) -> int:
    """Return the line of the only place where `part` stands."""
    assert text.count(part) == 1, part
    return text[: text.index(part)].count("\n") + 1
