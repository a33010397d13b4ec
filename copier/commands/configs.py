"""A config file as every command reads it."""

import os
from pathlib import Path
from typing import cast

from attrs import AttrsInstance, asdict

from adapters.base import Capabilities
from adapters.registry import CONFIGS, open_account
from adapters.secret import Secret
from adapters.transport.network import connect_tcp
from copier.clock import utc_now
from copier.config import AccountConfig, Configuration, load_config
from copier.telling.logs import keep_secrets
from rules.model.values import AccountId


def read_config(file: Path) -> Configuration:
    """Return what `file` says; from then on no log line shows a secret of it.

    Raises:
        ConfigError: with every problem of the file.
    """
    config = load_config(file, os.environ, CONFIGS, able=_capabilities, today=utc_now().date())
    for account in config.accounts.values():
        keep_secrets(_secrets(account.settings))
    for alerts in config.alerts:
        keep_secrets(alerts.secrets())
    return config


def capabilities_of(config: Configuration) -> dict[AccountId, Capabilities]:
    """Return what each account's venue can; nothing is connected for that."""
    return {name: _capabilities(account) for name, account in config.accounts.items()}


def _capabilities(account: AccountConfig) -> Capabilities:
    made = open_account(account.venue, account.account, account.settings, connect=connect_tcp, now=utc_now)
    return made.capabilities


def _secrets(settings: object) -> list[Secret]:
    values = asdict(cast("AttrsInstance", settings), recurse=False).values()
    return [value for value in values if isinstance(value, Secret)]
