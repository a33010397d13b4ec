"""Reads [accounts.*]: the service's own keys here, all others by the venue's Config class."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

import attrs
from attrs import AttrsInstance, field
from cattrs import Converter

from adapters.secret import Secret
from copier.config.checks import duration_within
from copier.config.errors import Fault, one_of, shown_value
from copier.config.model import AccountConfig
from copier.config.positions import KeyPath
from copier.config.prop import PropKeys
from copier.config.reader import Reader
from copier.config.secrets import Outside, is_reference
from copier.config.structure import IN_MEMORY, make_converter, toml_key, toml_keys
from rules.model.frozen import frozen
from rules.model.values import AccountId

# Below a second the venues' request budgets are gone; above an hour a lost close stays open too long.
RECONCILE_EVERY = duration_within(timedelta(seconds=1), timedelta(hours=1))


@frozen
class AccountKeys:
    """The keys that every account has, besides those of its venue."""

    venue: str = field(metadata={"doc": "Which system keeps the account."})
    reconcile_every: timedelta | None = field(
        default=None,
        metadata={
            "doc": "How often its books are compared; the service's `reconcile_every` where none is given.",
            "read": RECONCILE_EVERY,
        },
    )
    broker: str | None = field(
        default=None, metadata={"doc": "The company behind it: a label, which `brokers` of [maintenance.NAME] match."}
    )
    prop: PropKeys | None = field(
        default=None, metadata={"doc": "The prop firm's rules that the account is under; see below."}
    )


def read_accounts(
    reader: Reader,
    tables: Mapping[str, Mapping[str, Any]],
    venues: Mapping[str, type[Any]],
    outside: Outside,
    reconcile_every: timedelta,
) -> dict[AccountId, AccountConfig]:
    """Return the accounts without faults.

    Args:
        venues: each venue's Config class by the venue's name.
        reconcile_every: of accounts that name none.
    """
    converter = make_converter(outside)
    found = (
        _account(reader, AccountId(name), raw, venues, converter, outside, reconcile_every)
        for name, raw in tables.items()
    )
    return {account.account: account for account in found if account is not None}


def same_accounts(accounts: Mapping[AccountId, AccountConfig]) -> dict[AccountId, AccountId]:
    """Return, for each account that another one before it is too, the name of that one.

    What tells a venue's accounts apart is marked in its Config class.
    """
    first: dict[object, AccountId] = {}
    same: dict[AccountId, AccountId] = {}
    for name, account in accounts.items():
        marked = [
            each
            for each in attrs.fields(cast("type[AttrsInstance]", type(account.settings)))
            if each.metadata.get("identity")
        ]
        identity = (account.venue, *(getattr(account.settings, each.name) for each in marked))
        if not marked or IN_MEMORY in identity:
            continue
        if first.setdefault(identity, name) != name:
            same[name] = first[identity]
    return same


def _account(
    reader: Reader,
    name: AccountId,
    raw: Mapping[str, Any],
    venues: Mapping[str, type[Any]],
    converter: Converter,
    outside: Outside,
    reconcile_every: timedelta,
) -> AccountConfig | None:
    path: KeyPath = ("accounts", name)
    common = {key: value for key, value in raw.items() if key in toml_keys(AccountKeys)}
    keys = reader.structure(converter, AccountKeys, common, path, outside.hide)
    venue = raw.get("venue")
    if not isinstance(venue, str):
        return None
    if venue not in venues:
        reader.fault((*path, "venue"), Fault(f"{one_of(venues)} (the venues of this version)", shown_value(venue)))
        return None
    own = {key: value for key, value in raw.items() if key not in common}
    settings = reader.structure(converter, venues[venue], own, path, outside.hide)
    if settings is None or keys is None:
        return None
    _warn_of_literal_secrets(reader, settings, own, path)
    return AccountConfig(name, venue, settings, keys.reconcile_every or reconcile_every, keys.prop, keys.broker)


def _warn_of_literal_secrets(reader: Reader, settings: Any, raw: Mapping[str, Any], path: KeyPath) -> None:
    for attribute in attrs.fields(type(settings)):
        key = toml_key(attribute)
        written = raw.get(key)
        value = getattr(settings, attribute.name)
        if isinstance(value, Secret) and isinstance(written, str) and not is_reference(written):
            reader.warn((*path, key), "`${env:NAME}` or `${file:/path}`", "a secret written into the file")
        elif attrs.has(type(value)) and isinstance(written, dict):
            _warn_of_literal_secrets(reader, value, written, (*path, key))
