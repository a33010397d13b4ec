"""One shape for every venue: the same files, settings that explain themselves, and its name nowhere else."""

import ast
import importlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import mypy.api
import pytest

from adapters.base import Account
from adapters.registry import CONFIGS, VENUES, open_account
from rules.model.values import AccountId
from tests.conformance.venues import FOLDERS, KINDS, states

ROOT = FOLDERS.parent
ALWAYS = ("README.md", "__init__.py", "capabilities.py", "config.py", "driver.py")
WITH_A_WIRE = ("wire.py", "session.py", "translate.py", "simulator.py")
PURE = ("wire.py", "session.py", "translate.py")

SIMULATED = ("copier/simulated.py", "copier/demo/", "copier/commands/simulate.py")
"""The demo and the simulated venues, which a person asks for by name. Nothing that copies may import them."""

venues = pytest.mark.parametrize("venue", VENUES)


@cache
def sources(*folders: str) -> list[tuple[str, ast.Module]]:
    """Return every Python file below the folders, by its path from the root."""
    return [
        (path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8")))
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]


@cache
def imported(tree: ast.Module) -> set[str]:
    """Return the names of all modules that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module or ""}
    return found


@cache
def words(tree: ast.Module) -> str:
    """Return all names and texts of a file's code; what docstrings and comments cite is no dependence."""
    prose = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            found.append(node.value)
        found += [str(value) for field in ("id", "name", "attr", "arg") if (value := getattr(node, field, None))]
    return " ".join([*found, *imported(tree)])


def test_the_suite_runs_over_every_venue_of_the_registry() -> None:
    # An account that is told what it holds has no books at a venue that it could be compared with.
    kept = {name for name, venue in VENUES.items() if not venue.told}
    assert {kind.partition("-")[0] for kind in KINDS} == kept
    folders = {path.parent.name for path in FOLDERS.glob("*/driver.py")}
    assert folders == set(VENUES)
    assert set(CONFIGS) == set(VENUES)


@venues
def test_a_venue_has_the_files_that_all_have(venue: str) -> None:
    present = {path.name for path in (FOLDERS / venue).iterdir()}
    assert set(ALWAYS) <= present
    if VENUES[venue].simulator is None:
        states(venue, "There is no connection")
        assert not set(WITH_A_WIRE) & present
    else:
        assert set(WITH_A_WIRE) <= present


@venues
def test_what_a_venue_is_made_of_lives_in_its_folder(venue: str) -> None:
    parts: list[Any] = [VENUES[venue].config, VENUES[venue].account, VENUES[venue].simulator]
    homes = [part.__module__ for part in parts if part is not None]
    names = ("config", "driver", "simulator")
    assert homes == [f"adapters.{venue}.{name}" for name in names[: len(homes)]]
    assert callable(importlib.import_module(f"adapters.{venue}.capabilities").capabilities)
    assert importlib.import_module(f"adapters.{venue}").__doc__


@venues
def test_no_venue_imports_another_nor_the_service(venue: str) -> None:
    others = tuple(f"adapters.{other}" for other in VENUES if other != venue)
    for path, tree in sources(f"adapters/{venue}"):
        wrong = {name for name in imported(tree) if name.startswith((*others, "copier", "adapters.registry"))}
        assert not wrong, f"{path} imports {wrong}"


@venues
def test_words_sessions_and_translations_wait_for_nothing(venue: str) -> None:
    for path, tree in sources(f"adapters/{venue}"):
        if path.rpartition("/")[2] in PURE:
            assert not {name for name in imported(tree) if name.split(".")[0] in ("trio", "trio_websocket", "random")}
            assert not [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.Await)], path


@venues
def test_a_venue_is_named_only_in_its_folder_and_in_the_registry(venue: str) -> None:
    # What programs tell is called signals throughout, as are those of the operating system: there, its folder counts.
    named = rf"adapters\.{venue}" if VENUES[venue].told else venue
    name = re.compile(rf"(?<![a-z]){named}(?![a-z])", re.IGNORECASE)
    for path, tree in sources("rules", "adapters", "copier"):
        if path.startswith((f"adapters/{venue}/", "adapters/registry.py", *SIMULATED)):
            continue
        assert name.search(words(tree)) is None, f"{path} names {venue}"


def test_nothing_that_copies_knows_the_simulated_venues() -> None:
    for path, tree in sources("rules", "adapters", "copier"):
        if not path.startswith((*SIMULATED, "copier/__main__.py", "copier/commands/")):
            wrong = {name for name in imported(tree) if name.startswith(("copier.simulated", "copier.demo"))}
            assert not wrong, f"{path} imports {wrong}"


@venues
def test_every_key_explains_itself_and_stands_in_the_readme(venue: str) -> None:
    readme = (FOLDERS / venue / "README.md").read_text(encoding="utf-8")
    for key in attrs.fields(VENUES[venue].config):
        doc = key.metadata.get("doc")
        assert isinstance(doc, str), key.name
        assert doc.endswith("."), f"the doc of {venue}'s {key.name} must be a sentence, was {doc!r}"
        assert re.search(rf"\b{key.name}\b", readme), f"adapters/{venue}/README.md does not name {key.name}"


@venues
def test_nothing_secret_is_a_plain_text(venue: str) -> None:
    for key in attrs.fields(VENUES[venue].config):
        if re.search("password|secret|token|key", key.name):
            assert "Secret" in str(key.type), f"{venue}'s {key.name} must be a Secret, was {key.type}"


@pytest.mark.slow  # the type checker reads the venues' settings and all that they import
def test_the_type_checker_refuses_to_set_a_setting(tmp_path: Path) -> None:
    program = tmp_path / "setting.py"
    configs = [VENUES[venue].config for venue in VENUES]
    lines = [f"import {kind.__module__}\n" for kind in configs]
    for number, kind in enumerate(configs):
        name = attrs.fields(kind)[0].name
        lines.append(f"def set{number}(it: {kind.__module__}.{kind.__name__}) -> None: it.{name} = it.{name}\n")
    program.write_text("".join(lines), encoding="utf-8")
    said, _, _ = mypy.api.run([str(program), "--cache-dir", str(tmp_path / "cache")])
    for kind in configs:
        assert f'Property "{attrs.fields(kind)[0].name}" defined in "{kind.__name__}" is read-only' in said, said


@venues
def test_an_account_has_every_promise_with_the_same_arguments(venue: str) -> None:
    account: Any = VENUES[venue].account
    for name, promised in vars(Account).items():
        if name.startswith("_"):
            continue
        kept = getattr(account, name)
        if isinstance(promised, property):
            assert isinstance(kept, property)
        else:
            assert _arguments(kept) == _arguments(promised), name


@venues
def test_there_is_no_account_at_a_venue_that_there_is_not(venue: str) -> None:
    with pytest.raises(KeyError):
        open_account(venue + "x", AccountId("a"), None, connect=None, now=None)  # type: ignore[arg-type]


def _arguments(function: Any) -> tuple[str, ...]:
    return function.__code__.co_varnames[: function.__code__.co_argcount]  # type: ignore[no-any-return]
