"""The pages: every config that they show can be read and does what it says, every link leads to something."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import tomli

from rules.model.reasons import Reason
from tests.configs import failing_cases, read

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
BLOCKS = [
    pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    for number, text in enumerate(re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL))
]


def completed(text: str) -> str:
    """Return a config with paper accounts for those that it only names."""
    document = tomli.loads(text)
    given = document.get("accounts", {})
    missing = [name for name in _named(document) if name not in given] or ([] if given else ["any"])
    return text + "".join(f'\n[accounts.{name}]\nvenue = "paper"\nstate = ":memory:"\n' for name in missing)


def _named(document: dict[str, Any]) -> Iterable[str]:
    rows = [row for section in ("links", "limits", "alerts") for row in document.get(section, ())]
    keys = [row.get(key, ()) for row in rows for key in ("source", "targets", "account", "accounts")]
    keys += document.get("groups", {}).values()
    names = [name for value in keys for name in ([value] if isinstance(value, str) else value)]
    return dict.fromkeys(name for name in names if not name.startswith("group:"))


@pytest.mark.slow  # the cases of a page, each an engine of its own
@pytest.mark.parametrize("text", BLOCKS)
def test_a_config_that_a_page_shows_is_read_and_comes_out_as_it_says(text: str, tmp_path: Path):
    file = tmp_path / "copier.toml"
    file.write_text(completed(text), encoding="utf-8")
    config = read(file)
    # A part of a config has no link, or no policy, that would use it.
    doubts = [each for each in config.warnings if config.links and "no effect" not in each.found]
    assert doubts == []
    assert failing_cases(config) == {}


def test_pages_that_show_whole_configs_show_cases():
    shown = [block.values[0] for block in BLOCKS]
    assert sum("[[tests]]" in str(text) for text in shown) >= 8


def _links(page: Path) -> list[str]:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]


def _anchors(page: Path) -> set[str]:
    """Return what headings are called in addresses, as code hosts make it of their text."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_something(page: Path):
    for link in _links(page):
        name, _, anchor = link.partition("#")
        there = page.parent / name if name else page
        assert there.exists(), link
        assert not anchor or anchor in _anchors(there), link


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_denial_code_that_a_page_names_exists(page: Path):
    named = re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", page.read_text(encoding="utf-8"))
    codes = {name for name in named if not name.endswith("_USD")}  # brokers' names of symbols look the same
    assert codes <= {reason.value for reason in Reason}


def test_the_readme_and_the_index_lead_to_pages():
    assert len(_links(ROOT / "README.md")) > 10
    assert len(_links(DOCS / "index.md")) > 20


def test_every_page_is_on_the_index():
    index = DOCS / "index.md"
    named = {index, *((DOCS / link.partition("#")[0]).resolve() for link in _links(index))}
    assert [str(page.relative_to(ROOT)) for page in PAGES[1:] if page.resolve() not in named] == []


def test_the_tests_that_the_page_on_security_names_exist():
    named = re.findall(
        r"`((?:web|config|telling)/[\w/]+\.py|test_\w+\.py)`", (DOCS / "security.md").read_text(encoding="utf-8")
    )
    assert len(named) > 15
    assert [name for name in named if not (ROOT / "tests" / "copier" / name).exists()] == []
