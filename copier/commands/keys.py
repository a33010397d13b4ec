"""`copier keys`: who may use the dashboard and the APIs. A running service minds every change within a second."""

import json
import re
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from copier.clock import utc_now
from copier.commands.configs import read_config
from copier.commands.exits import FINE, WRONG_INPUT, explained
from copier.config.errors import nearest
from copier.telling.wording import printable
from copier.web.key_file import Key, change_keys, hash_of, keys_path, new_secret, read_keys, with_key, without_key
from copier.web.principal import LOCAL_READER, KeyScope
from rules.model.values import AccountId

keys_app = App(name="keys", help="Make, list and revoke the keys of the dashboard and the APIs.")

Name = Annotated[str, Parameter(name="NAME")]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


@keys_app.command
def add(
    name: Name,
    file: Path = Path("copier.toml"),
    /,
    *,
    scope: Annotated[
        tuple[KeyScope, ...],
        Parameter(help="`read` to look, `operate` to pull levers and send signals too.", negative=()),
    ] = (KeyScope.READ,),
    accounts: Annotated[
        tuple[str, ...], Parameter(help="What the key sees; every account where none is given.", negative=())
    ] = (),
) -> int:
    """Make a key of NAME and show it, this once: only its hash is kept."""
    with explained():
        config = read_config(file)
        if _NAME.fullmatch(name) is None or name == LOCAL_READER.name:
            expected = f"a name of letters, digits, `.`, `_` and `-`, at most 40, not {LOCAL_READER.name!r}"
            return _wrong(f"expected {expected}, found {printable(name)!r}")
        for account in accounts:
            if account not in config.accounts:
                hint = nearest(account, config.accounts) or f"the accounts are {', '.join(config.accounts)}"
                return _wrong(f"expected accounts of {file}, found {printable(account)!r} ({hint})")
        secret = new_secret()
        scopes = tuple(each for each in KeyScope if each in {KeyScope.READ, *scope})  # who operates sees what it does
        seen = tuple(map(AccountId, dict.fromkeys(accounts))) or None
        key = Key(name, hash_of(secret.reveal()), scopes, seen, utc_now())
        change_keys(keys_path(config.service.ledger), partial(with_key, key=key))
        print(secret.reveal())
        print("keep it now: it is not shown again", file=sys.stderr)
        return FINE


@keys_app.command(name="list")
def list_(
    file: Path = Path("copier.toml"),
    /,
    *,
    json_: Annotated[bool, Parameter(name="--json", help="Print JSON instead of text.")] = False,
) -> int:
    """Show the keys: what each may do and see, when it was made, last used and revoked."""
    with explained():
        book = read_keys(keys_path(read_config(file).service.ledger))
        if json_:
            print(json.dumps([_as_json(key) for key in book.keys]))
        elif not book.keys:
            print("no keys: programs and browsers on this machine may read, and nobody else anything")
        else:
            Console().print(_table(book.keys))
        return FINE


@keys_app.command
def revoke(name: Name, file: Path = Path("copier.toml"), /) -> int:
    """Let the key of NAME do nothing any more, for good; what is open with it is cut within a second."""
    with explained():
        path = keys_path(read_config(file).service.ledger)
        change_keys(path, partial(without_key, name=name, now=utc_now()))
        print(f"{printable(name)}: revoked")
        return FINE


def _table(keys: tuple[Key, ...]) -> Table:
    table = Table("name", "may", "accounts", "made", "last used", "revoked", box=SIMPLE_HEAD)
    for key in keys:
        accounts = "all" if key.accounts is None else ", ".join(key.accounts)
        days = (key.created_at, key.last_used_at, key.revoked_at)
        shown = ("" if at is None else f"{at:%Y-%m-%d %H:%M}" for at in days)
        row = (key.name, ", ".join(scope.value for scope in key.scopes), accounts, *shown)
        table.add_row(*(Text(printable(cell)) for cell in row), style="dim" if key.revoked_at else None)
    return table


def _as_json(key: Key) -> dict[str, Any]:
    days = {"created_at": key.created_at, "last_used_at": key.last_used_at, "revoked_at": key.revoked_at}
    return {
        "name": key.name,
        "scopes": [scope.value for scope in key.scopes],
        "accounts": None if key.accounts is None else list(key.accounts),
        **{name: None if at is None else at.isoformat() for name, at in days.items()},
    }


def _wrong(text: str) -> int:
    print(text, file=sys.stderr)
    return WRONG_INPUT
