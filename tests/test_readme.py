import re
import runpy
from pathlib import Path

import pytest

from adapters.registry import CONFIGS
from copier.config import load_config

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_first_config_of_the_readme_is_a_good_one(tmp_path: Path) -> None:
    [text] = re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)
    file = tmp_path / "copier.toml"
    file.write_text(text, encoding="utf-8")
    env = dict.fromkeys(re.findall(r"\$\{env:(\w+)\}", text), "a-value")
    env["MASTER_ACCOUNT_ID"] = "a44219e9-1019-581e-a7bb-5453c635427a"
    config = load_config(file, env, CONFIGS)
    assert [link.link_id for link in config.links] == ["master->prop"]
    assert config.warnings == ()


def test_the_files_that_the_readme_names_exist() -> None:
    root = Path(__file__).parents[1]
    named = re.findall(r"\]\(([^)#:]+)\)", README)
    assert named
    assert [name for name in named if not (root / name).exists()] == []


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
