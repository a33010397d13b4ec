"""`copier presets`."""

import json

import pytest

from copier.commands.presets import presets
from copier.config.prop_presets import FOLDER, prop_preset_names


def test_list_names_every_preset_with_its_date_and_doubt(capsys: pytest.CaptureFixture[str]) -> None:
    assert presets(json_=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["preset"] for each in found] == prop_preset_names()
    topstep = next(each for each in found if each["preset"] == "topstep-combine-50k")
    assert topstep["copying"] == "restricted"
    assert topstep["gaps"]


def test_table_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert presets() == 0
    assert "ftmo-2-step" in capsys.readouterr().out


def test_one_is_printed_as_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert presets("apteros") == 0
    assert capsys.readouterr().out == (FOLDER / "apteros.toml").read_text(encoding="utf-8")


def test_unknown_one_is_the_person_s_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert presets("ftmo-2-steps") == 2
    assert "did you mean `ftmo-2-step`?" in capsys.readouterr().err
