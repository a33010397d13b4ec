"""A config file as every command reads it."""

import os
from pathlib import Path
from typing import cast

from attrs import AttrsInstance, asdict

from adapters.network import connect_tcp
from adapters.registry import CONFIGS, open_account
from adapters.secret import Secret
from copier.clock import utc_now
from copier.config import AccountConfig, Configuration, load_config
from copier.logs import keep_secrets


def read_config(file: Path) -> Configuration:
    """Return what `file` says; from then on no log line shows a secret of it.

    Raises:
        ConfigError: with every problem of the file.
    """
    config = load_config(file, os.environ, CONFIGS, can_trade=_can_trade)
    for account in config.accounts.values():
        keep_secrets(_secrets(account.settings))
    return config


def _can_trade(account: AccountConfig) -> bool:
    made = open_account(account.venue, account.account, account.settings, connect=connect_tcp, now=utc_now)
    return made.capabilities.trades


def _secrets(settings: object) -> list[Secret]:
    values = asdict(cast("AttrsInstance", settings), recurse=False).values()
    return [value for value in values if isinstance(value, Secret)]
