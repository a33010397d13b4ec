"""A config as every command reads it: its secrets are kept from then on."""

from pathlib import Path

import pytest

from copier.commands.configs import read_config
from copier.config import ConfigError
from copier.telling import logs
from rules.model.values import AccountId

CONFIG = """
[accounts.one]
venue = "tradelocker"
server = "BAPIA"
account_id = "L#700001"
email = "somebody@example.com"
password = "${env:PASSWORD}"
developer_api_key = "${file:key}"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(logs, "_secrets", set())
    monkeypatch.setenv("PASSWORD", "hunter2-password")
    (tmp_path / "key").write_text("hunter2-key\n", encoding="utf-8")
    file = tmp_path / "copier.toml"
    file.write_text(CONFIG, encoding="utf-8")
    return file


def test_no_log_line_can_show_a_secret_once_the_config_was_read(file: Path) -> None:
    assert logs.redact("hunter2-password") == "hunter2-password"
    read_config(file)
    assert logs.redact("sent hunter2-password with hunter2-key") == "sent *** with ***"


def test_a_secret_shows_in_no_representation_of_the_config(file: Path) -> None:
    config = read_config(file)
    assert config.accounts[AccountId("one")].venue == "tradelocker"
    assert "hunter2" not in repr(config) + str(config.summary())


def test_a_wrong_config_shows_no_secret_in_its_errors(file: Path) -> None:
    file.write_text(CONFIG.replace('"L#700001"', '"${env:PASSWORD}"'), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_config(file)
    assert "hunter2" not in str(caught.value)
