"""Every example is a config that can run, with all secrets outside of it."""

import re
from pathlib import Path

import pytest

from adapters.registry import CONFIGS
from copier.config import ConfigError, load_config

EXAMPLES = sorted(Path("examples").glob("*.toml"))

ENV = {
    "MASTER_ACCOUNT_ID": "865d3a4d-3803-486d-bdf3-a85679d9fad2",
    "INTRADAY_ACCOUNT_ID": "865d3a4d-3803-486d-bdf3-a85679d9fad3",
    "METACOPIER_API_KEY": "key",
    "TL_SERVER": "BAPIA",
    "TL_ACCOUNT_ID": "L#706984",
    "TL_EMAIL": "trader@example.com",
    "TL_PASSWORD": "s3cret-of-the-test",
    "TL_DEVELOPER_API_KEY": "key",
    "SWING_SERVER": "BAPIA",
    "SWING_ACCOUNT_ID": "D#706984",
}


def test_the_examples_are_there():
    assert {path.name for path in EXAMPLES} >= {"minimal.toml", "two-prop-accounts.toml", "calm-hours.toml"}


@pytest.mark.parametrize("name", ["minimal.toml", "two-prop-accounts.toml", "calm-hours.toml"])
def test_an_example_is_read_without_a_warning(name: str):
    configuration = load_config(Path("examples") / name, ENV, CONFIGS)
    assert configuration.warnings == ()
    assert configuration.links


@pytest.mark.parametrize("path", EXAMPLES, ids=str)
def test_no_example_holds_a_secret(path: Path):
    secrets = re.findall(r"^(?:token|password|api_key|developer_api_key) *= *(.*)$", path.read_text(), re.MULTILINE)
    assert all(re.fullmatch(r'"\$\{(?:env|file):[^}]+\}"', value) for value in secrets)


def test_the_minimal_example_without_its_variables_names_each_of_them():
    with pytest.raises(ConfigError) as caught:
        load_config(Path("examples/minimal.toml"), {}, CONFIGS)
    assert len(caught.value.problems) == 7


def test_the_prop_accounts_get_what_their_tables_say():
    configuration = load_config(Path("examples/two-prop-accounts.toml"), ENV, CONFIGS)
    swing, intraday = (link.policy for link in configuration.links)
    assert swing.schedule is None
    assert intraday.schedule is not None
    assert intraday.guard.max_deviation == swing.guard.max_deviation
    assert intraday.guard.max_age != swing.guard.max_age
    assert [limit.limit_id for limit in configuration.limits] == [
        "swing/daily_loss",
        "swing/max_loss",
        "intraday/max_loss",
    ]
