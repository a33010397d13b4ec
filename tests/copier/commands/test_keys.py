"""`copier keys`: made once, listed, revoked."""

import json
from pathlib import Path

import pytest

from copier.commands.exits import FINE, WRONG_INPUT
from copier.commands.keys import add, list_, revoke
from copier.web.key_file import hash_of, keys_path, read_keys
from copier.web.principal import KeyScope
from tests.copier.commands.shell import PAPER


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "copier.toml"
    file.write_text(PAPER, encoding="utf-8")
    return file


def test_a_key_is_shown_once_and_only_its_hash_is_kept(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert add("phone", file, scope=(KeyScope.OPERATE,), accounts=("small", "small")) == FINE
    text = capsys.readouterr().out.strip()
    path = keys_path(file.with_name("copier.db"))
    [key] = read_keys(path).keys
    assert key.hash == hash_of(text)
    assert text not in path.read_text()
    assert (key.name, key.scopes, key.accounts) == ("phone", (KeyScope.READ, KeyScope.OPERATE), ("small",))
    assert list_(file) == FINE
    shown = capsys.readouterr().out
    assert text not in shown
    assert "phone" in shown
    assert "read, operate" in shown


def test_a_key_reads_and_sees_everything_unless_told_otherwise(file: Path) -> None:
    add("phone", file)
    [key] = read_keys(keys_path(file.with_name("copier.db"))).keys
    assert (key.scopes, key.accounts) == ((KeyScope.READ,), None)


def test_a_revoked_key_stays_listed_with_its_end(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add("phone", file)
    assert revoke("phone", file) == FINE
    capsys.readouterr()
    list_(file, json_=True)
    [shown] = json.loads(capsys.readouterr().out)
    assert shown["name"] == "phone"
    assert shown["revoked_at"] > shown["created_at"]
    assert "hash" not in shown


@pytest.mark.parametrize("name", ["", "local", "a b", "-x", "x" * 41, "naïve", "a\nb"])
def test_a_name_that_cannot_stand_in_the_ledger_is_refused(
    file: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(name, file) == WRONG_INPUT
    assert "expected a name" in capsys.readouterr().err
    assert not keys_path(file.with_name("copier.db")).exists()


def test_an_account_that_the_config_does_not_have_is_refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert add("phone", file, accounts=("smal",)) == WRONG_INPUT
    assert "did you mean `small`?" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["phone", "tablet"])
def test_what_cannot_be_done_is_told_in_one_line(file: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    add("phone", file)
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        add(name, file) if name == "phone" else revoke(name, file)
    assert ended.value.code == WRONG_INPUT
    assert capsys.readouterr().err.count("\n") == 1


def test_without_keys_it_is_said_what_that_means(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert list_(file) == FINE
    assert "nobody else anything" in capsys.readouterr().out
