"""`copier presets`."""

import json
from pathlib import Path

import pytest

from copier.commands.presets import presets
from copier.config.prop_presets import FOLDER, prop_preset_names
from copier.config.symbol_presets import symbol_preset, symbol_preset_names
from tests.copier.config.files import ACCOUNTS, LINK, load


def test_list_names_every_preset_with_its_date_and_doubt(capsys: pytest.CaptureFixture[str]) -> None:
    assert presets(json_=True) == 0
    found = json.loads(capsys.readouterr().out)
    of_kind = {kind: [each["preset"] for each in found if each["kind"] == kind] for kind in ("prop", "symbols")}
    assert of_kind == {"prop": prop_preset_names(), "symbols": symbol_preset_names()}
    topstep = next(each for each in found if each["preset"] == "topstep-combine-50k")
    assert topstep["copying"] == "restricted"
    assert topstep["gaps"]


def test_table_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert presets() == 0
    shown = capsys.readouterr().out
    assert "ftmo-2-step" in shown
    assert "futures-as-micros" in shown


def test_one_is_printed_as_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert presets("apteros") == 0
    assert capsys.readouterr().out == (FOLDER / "apteros.toml").read_text(encoding="utf-8")


def test_unknown_one_is_the_person_s_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert presets("ftmo-2-steps") == 2
    assert "did you mean `ftmo-2-step`?" in capsys.readouterr().err


@pytest.mark.parametrize("name", symbol_preset_names())
def test_one_of_symbols_is_printed_as_rows_of_a_map(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert presets(name) == 0
    rows = capsys.readouterr().out
    text = f'{ACCOUNTS}{LINK}[policies.default]\nsymbols = "m"\n[symbols.m]\n{rows}'
    config = load(tmp_path, text)
    assert config.warnings == ()
    assert config.links[0].policy.symbols == symbol_preset(name).symbols


def test_no_symbol_preset_has_the_name_of_a_firm_s() -> None:
    assert not set(symbol_preset_names()) & set(prop_preset_names())
