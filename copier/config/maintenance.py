"""Reads [maintenance.*]: when venues and brokers are worked on, and which accounts that concerns."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from attrs import field

from copier.config.checks import TEXT_READINGS, Pattern
from copier.config.errors import Fault, nearest, one_of
from copier.config.model import AccountConfig
from copier.config.reader import Reader
from copier.config.schedules import WindowKeys, windows_of
from copier.config.structure import make_converter
from rules.model.frozen import frozen
from rules.model.values import AccountId
from rules.policy.patterns import PatternSet
from rules.times.schedule import Schedule


@frozen
class MaintenanceKeys:
    """When no new risk is taken on the accounts of some venue or broker, whatever the links' policies say.

    It concerns an account that all of `venues`, `brokers` and `accounts` fit, of which an empty one fits every account.
    A copy that arrives meanwhile waits within the guard's age. Closing is never gated.
    """

    windows: tuple[WindowKeys, ...] = field(metadata={"doc": "When it is worked on."})
    venues: tuple[str, ...] = field(default=(), metadata={"doc": "Names of venues."})
    brokers: tuple[Pattern, ...] = field(
        default=(), metadata={"doc": "Patterns of accounts' `broker`; an account without one fits none."}
    )
    accounts: tuple[str, ...] = field(default=(), metadata={"doc": "Names of accounts."})
    timezone: ZoneInfo | None = field(default=None, metadata={"doc": "IANA zone; the service's where none is given."})


def read_maintenance(
    reader: Reader,
    tables: Mapping[str, Mapping[str, Any]],
    accounts: Mapping[AccountId, AccountConfig],
    venues: Mapping[str, type[Any]],
    timezone: ZoneInfo,
) -> dict[AccountId, tuple[Schedule, ...]]:
    """Return the maintenance of each account that has any.

    Args:
        accounts: those without faults.
        venues: that this version knows.
        timezone: of tables that name none.
    """
    found: dict[AccountId, tuple[Schedule, ...]] = {}
    for name, raw in tables.items():
        path = ("maintenance", name)
        keys = reader.structure(make_converter(texts=TEXT_READINGS), MaintenanceKeys, raw, path)
        if keys is None:
            continue
        known: dict[str, list[str]] = {"venues": list(venues), "accounts": list(accounts)}
        for key, names in (("venues", keys.venues), ("accounts", keys.accounts)):
            for index, each in enumerate(names):
                if each not in known[key]:
                    fault = Fault(one_of(known[key]), f'the unknown name "{each[:60]}"', nearest(each, known[key]))
                    reader.fault((*path, key, index), fault)
        if not keys.windows:
            reader.fault((*path, "windows"), Fault("at least one window", "an empty array"))
            continue
        schedule = Schedule(name, (keys.timezone or timezone).key, closed=windows_of(keys.windows))
        fitting = [account for account in accounts.values() if _fits(keys, account)]
        if not fitting:
            reader.warn(path, "an account that it concerns", "none: it has no effect")
        for account in fitting:
            found[account.account] = (*found.get(account.account, ()), schedule)
    return found


def _fits(keys: MaintenanceKeys, account: AccountConfig) -> bool:
    if keys.venues and account.venue not in keys.venues:
        return False
    if keys.accounts and account.account not in keys.accounts:
        return False
    if not keys.brokers:
        return True
    return account.broker is not None and PatternSet(keys.brokers, "maintenance.brokers").matches(account.broker)
