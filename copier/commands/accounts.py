"""The accounts of a config, opened; and of the config that takes its place."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import trio

from adapters.base import Account
from adapters.registry import open_account
from adapters.transport.network import connect_tcp
from copier.clock import utc_now
from copier.config.model import AccountConfig, Configuration
from rules.model.values import AccountId

GOODBYE_S_MAX = 1.0
"""For the goodbyes of all connections together: a venue that does not answer them keeps nobody."""


class OpenAccounts:
    """Accounts with their connections, of one config after the other.

    An account that the next config names alike is the same one: its tokens, its pace and, on paper, its positions last.
    """

    def __init__(self) -> None:
        self._opened: dict[AccountId, tuple[AccountConfig, Account]] = {}

    async def of(self, config: Configuration) -> dict[AccountId, Account]:
        """Return a config's accounts; close those that it does not have, or has otherwise."""
        kept = {name: pair for name, pair in self._opened.items() if _is_alike(pair[0], config.accounts.get(name))}
        await _close(account for name, (_, account) in self._opened.items() if name not in kept)
        self._opened = {name: kept.get(name) or (each, _opened(each)) for name, each in config.accounts.items()}
        return {name: account for name, (_, account) in self._opened.items()}

    async def aclose(self) -> None:
        """Close all connections."""
        await _close(account for _, account in self._opened.values())
        self._opened = {}


@asynccontextmanager
async def open_accounts(config: Configuration) -> AsyncIterator[dict[AccountId, Account]]:
    """Make the accounts of a config, and close their connections at the end."""
    accounts = OpenAccounts()
    try:
        yield await accounts.of(config)
    finally:
        await accounts.aclose()


def _opened(account: AccountConfig) -> Account:
    return open_account(account.venue, account.account, account.settings, connect=connect_tcp, now=utc_now)


def _is_alike(account: AccountConfig, other: AccountConfig | None) -> bool:
    return other is not None and (account.venue, account.settings) == (other.venue, other.settings)


async def _close(accounts: Iterable[Account]) -> None:
    with trio.CancelScope(shield=True), trio.move_on_after(GOODBYE_S_MAX):
        for account in accounts:
            await account.aclose()
