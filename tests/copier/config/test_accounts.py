"""The accounts' section: the service's keys, the venue's keys."""

from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from adapters.base import Capabilities
from adapters.metacopier.config import Config as MetaCopierConfig
from adapters.tradelocker.config import Config as TradeLockerConfig
from copier.config import AccountConfig, load_config
from rules.model.values import OmsType
from tests.copier.config.files import ACCOUNTS, LINK, load, one_problem, problems_of


def test_the_venues_own_classes_are_read(tmp_path: Path):
    file = tmp_path / "copier.toml"
    file.write_text(
        """
        [accounts.a]
        venue = "tradelocker"
        server = "BAPIA"
        account_id = "L#706984"
        email = "${env:MAIL}"
        password = "${env:PASSWORD}"
        reconcile_every = "30s"
        [accounts.b]
        venue = "metacopier"
        account_id = "865d3a4d-3803-486d-bdf3-a85679d9fad2"
        api_key = "${env:KEY}"
        oms = "netting"
        """
    )
    venues = {"tradelocker": TradeLockerConfig, "metacopier": MetaCopierConfig}
    accounts = load_config(file, {"MAIL": "a@b.example", "PASSWORD": "p", "KEY": "k"}, venues).accounts
    settings = accounts["a"].settings
    assert isinstance(settings, TradeLockerConfig)
    assert (settings.email, settings.password.reveal()) == ("a@b.example", "p")
    assert accounts["a"].reconcile_every.total_seconds() == 30
    assert isinstance(accounts["b"].settings, MetaCopierConfig)
    assert accounts["b"].settings.oms.value == "netting"


def test_every_bad_key_of_an_account_is_told(tmp_path: Path):
    text = '[accounts.a]\nvenue = "toy"\nlogin = "x"\ndemo = "no"\nserver = "y"\nreconcile_every = "2h"\n'
    problems = problems_of(tmp_path, text)
    assert [(problem.line, problem.key) for problem in problems] == [
        (1, "accounts.a"),
        (3, "accounts.a.login"),
        (4, "accounts.a.demo"),
        (5, "accounts.a.server"),
        (6, "accounts.a.reconcile_every"),
    ]
    assert problems[0].expected == "the key `token`"
    assert (problems[1].expected, problems[1].found) == ("a value that must be digits", "'x'")


def test_an_account_without_a_venue_is_told(tmp_path: Path):
    problem = one_problem(tmp_path, '[accounts.a]\nlogin = "1"\n')
    assert (problem.line, problem.key, problem.expected) == (1, "accounts.a", "the key `venue`")


@pytest.mark.parametrize(
    ("venue", "found"),
    [('"toi"', '"toi"'), ('"metaapi"', '"metaapi"'), ("3", "3")],
)
def test_an_unknown_venue_is_told(tmp_path: Path, venue: str, found: str):
    problem = one_problem(tmp_path, f'[accounts.a]\nvenue = {venue}\nlogin = "1"\n')
    assert (problem.line, problem.key, problem.found) == (2, "accounts.a.venue", found)


@pytest.mark.parametrize("name", ['"a b"', '"a->b"', '""', "a" * 65, '"é"'])
def test_a_name_must_be_fit_for_logs_and_link_ids(tmp_path: Path, name: str):
    assert "a name of at most 64" in problems_of(tmp_path, f'[accounts.{name}]\nvenue = "toy"\n')[0].expected


def test_an_account_that_is_no_table_is_told(tmp_path: Path):
    assert one_problem(tmp_path, "[accounts]\nmaster = 3\n").key == "accounts.master"


def reader(name: str) -> Callable[[AccountConfig], Capabilities]:
    """Return venues that can everything, of which that of one account takes no orders."""
    can = Capabilities(OmsType.HEDGING, streams=True, trades=True, volumes_grow=False)
    return lambda account: evolve(can, trades=account.account != name)


def test_a_target_must_take_orders(tmp_path: Path):
    problem = one_problem(tmp_path, ACCOUNTS + LINK, able=reader("small"))
    assert (problem.key, problem.found) == ("links[0].targets[0]", "`small` at toy")
    assert load(tmp_path, ACCOUNTS + LINK, able=reader("master")).links
