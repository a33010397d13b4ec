"""`copier init` and `copier schema`, called in this process."""

import json
from pathlib import Path

import pytest

from copier.config.schema import config_schema
from tests.copier.commands.test_read import copier


def test_the_starter_passes_check_and_its_own_cases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "copier.toml"
    assert copier("init", file) == 0
    assert copier("check", file, "--strict") == 0
    assert "fine, 0 warnings" in capsys.readouterr().out
    assert copier("test", file) == 0
    assert "4 cases, 0 failed" in capsys.readouterr().out


def test_what_the_starter_only_shows_is_good_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("METAAPI_TOKEN", "TL_EMAIL", "TL_PASSWORD"):
        monkeypatch.setenv(name, "x.y@example.com")
    file = tmp_path / "copier.toml"
    copier("init", file)
    lines = file.read_text(encoding="utf-8").splitlines()
    begin = lines.index('# timezone = "Europe/London"') - 1
    lines[begin : begin + 4] = [line.removeprefix("# ") for line in lines[begin : begin + 4]]
    text = "\n".join(lines).replace("# schedule =", "schedule =").replace("# limits =", "limits =")
    file.write_text(text.replace("    # { match", "    { match"), encoding="utf-8")
    assert copier("check", file, "--strict") == 0


def test_a_file_that_exists_is_left_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "copier.toml"
    file.write_text("mine", encoding="utf-8")
    assert copier("init", file) == 2
    assert file.read_text(encoding="utf-8") == "mine"
    assert "found one" in capsys.readouterr().err


def test_a_folder_that_does_not_exist_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("init", tmp_path / "no" / "copier.toml") == 1
    assert "cannot be written" in capsys.readouterr().err


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("schema") == 0
    assert json.loads(capsys.readouterr().out) == config_schema()
