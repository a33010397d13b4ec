import re
import runpy
from pathlib import Path

import pytest


def test_the_files_that_the_architecture_names_exist() -> None:
    root = Path(__file__).parents[1]
    text = (root / "docs/architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:rules|adapters|copier)/[\w/<>]+\.py)`", text)
    assert len(named) > 20
    files = [name.replace("<venue>", "tradelocker") for name in named]
    assert [name for name in files if not (root / name).exists()] == []


def test_the_example_decides_without_a_network(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(Path(__file__).parents[1] / "examples/decide.py"))
    printed = capsys.readouterr().out
    assert "OpenPosition(" in printed
    assert "volume=Decimal('0.49')" in printed
