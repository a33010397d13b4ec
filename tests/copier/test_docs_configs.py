"""The whole configs that the docs show are good ones, and do what their own cases say."""

import re
from pathlib import Path

import pytest
import trio

from copier.cases import play
from copier.commands.configs import capabilities_of, read_config
from copier.expectations import misses

PAGES = [Path("docs/limits.md"), Path("docs/policies.md"), Path("docs/testing.md")]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_config_of_a_page_comes_out_as_it_says(page: Path, tmp_path: Path) -> None:
    [text] = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    file = tmp_path / "copier.toml"
    file.write_text(text, encoding="utf-8")
    config = read_config(file)
    ages = [each for each in config.warnings if each.expected.startswith("a preset of the last")]
    assert list(config.warnings) == ages, "a preset may have become old since the page was written"
    assert len(config.cases) >= 3
    for case in config.cases:
        outcome = trio.run(play, case, config, capabilities_of(config))
        assert misses(case, outcome) == (), case.name
