"""Every recipe of the cookbook is a whole config that does what its own cases say."""

import functools
import re
from decimal import Decimal
from pathlib import Path

import pytest

from copier.commands.configs import capabilities_of
from copier.config.case_keys import NOON, ActionKind
from copier.docs_pages import COOKBOOK_PAGE, RECIPES, cookbook_page
from copier.replay.rehearsal import Rehearsal
from rules.limits.state import LimitStage
from rules.model.events import AccountReported
from rules.model.observed import AccountStatus
from rules.model.values import AccountId
from tests import configs

pytestmark = pytest.mark.slow  # the recipes are read whole, and each of their cases is an engine of its own

read = functools.cache(configs.read)
FILES = sorted(RECIPES.glob("*.toml"))
MONITOR = RECIPES / "monitor-only.toml"
COPYING = [path for path in FILES if path != MONITOR]


def test_there_are_at_least_fifteen_recipes():
    assert len(FILES) >= 15


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recipe_draws_no_warning_and_copies_only_to_venues_that_trade(path: Path):
    config = read(path)
    assert config.warnings == ()
    capabilities = capabilities_of(config)
    assert all(capabilities[link.target].trades for link in config.links)


@pytest.mark.parametrize("path", COPYING, ids=lambda path: path.stem)
def test_the_cases_of_a_recipe_come_out_as_they_say(path: Path):
    assert configs.failing_cases(read(path)) == {}


@pytest.mark.parametrize("path", COPYING, ids=lambda path: path.stem)
def test_the_cases_of_a_recipe_show_a_copy_a_denial_and_what_comes_after(path: Path):
    cases = read(path).cases
    opens = [each for case in cases for each in case.expected if each.action is ActionKind.OPEN]
    assert any(each.volume is not None for each in opens)
    assert any(each.denied is not None for case in cases for each in case.expected)
    assert any(case.given.then is not None for case in cases)


def test_no_case_tells_of_clear_street_what_it_never_tells():
    given = [
        (case.given.target, config.accounts[link.target].venue)
        for config in map(read, COPYING)
        for case in config.cases
        for link in config.links
        if link.link_id == case.link_id
    ]
    silent = [target for target, venue in given if venue == "clearstreet"]
    assert silent
    assert all((target.quotes, target.balance, target.equity) == ((), None, None) for target in silent)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_recipe_holds_a_secret_and_each_has_a_ledger_of_its_own(path: Path):
    text = path.read_text(encoding="utf-8")
    keys = "token|password|api_key|developer_api_key|client_secret|secret"
    secrets = re.findall(rf"\b(?:{keys}) *= *(\"[^\"]*\")", text)
    assert secrets
    assert all(re.fullmatch(r'"\$\{env:\w+\}"', value) for value in secrets)
    assert f'"sqlite:{path.stem}.db"' in text


@pytest.mark.parametrize(
    ("account", "equity", "stage", "flattens"),
    [
        ("desk-1", 98_000, LimitStage.OK, False),
        ("desk-1", 97_700, LimitStage.WARN, False),
        ("desk-1", 97_000, LimitStage.BREACHED, True),
        ("desk-2", 98_500, LimitStage.BREACHED, True),
        ("evaluation", 96_100, LimitStage.WARN, False),
        ("evaluation", 96_000, LimitStage.FLATTEN, True),
    ],
)
async def test_the_monitor_warns_and_then_closes_everything_without_any_link(
    account: str, equity: int, stage: LimitStage, flattens: bool
):
    config = read(MONITOR)
    assert config.links == ()
    name = AccountId(account)
    run = Rehearsal(config, capabilities_of(config), lambda *_: [], NOON)
    for worth in (100_000, equity):
        await run.takes(AccountReported(name, run.now, AccountStatus(Decimal(worth), Decimal(worth), "USD")))
    [daily] = [found for limit, found in run.limits.judgements(name) if "daily_loss" in limit.limit_id]
    assert daily.stage is stage
    assert run.limits.flattens_all(name) is flattens
    run.close()


def test_page_of_recipes_is_not_stale():
    assert COOKBOOK_PAGE.read_text(encoding="utf-8") == cookbook_page(), "run: python -m copier.docs_pages"


def test_every_recipe_has_a_title_a_paragraph_and_what_to_change():
    sections = cookbook_page().split("\n## ")[1:]
    assert len(sections) == len(FILES)
    for section in sections:
        title, link, paragraph, change, shown, *cases = section.strip().split("\n\n")
        assert f"- [{title}](#" in cookbook_page()
        assert link.startswith("[examples/cookbook/")
        assert len(paragraph) > 100
        assert change.startswith("**To change:**")
        assert (shown, len(cases)) in {("Its tests show:", 1), ("It has no cases: nothing is copied.", 0)}
