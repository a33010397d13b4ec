"""What `copier check --online` finds out: each account asked once, and where each source symbol leads on each target.

Nothing here changes anything at a venue.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import trio
from attrs import asdict, evolve

from adapters.base import Account, Capabilities, SessionLost, SignInRefused, Throttled
from rules.model.events import SnapshotReceived
from rules.model.frozen import frozen
from rules.model.observed import AccountStatus, Fill
from rules.model.trace import Denied
from rules.model.values import AccountId, LinkId, Symbol, plain
from rules.policy.links import CopyLink
from rules.policy.symbols import map_symbol

LOOK_S_MAX = 30.0
"""For what an account shows now, and again for its past: a slow venue's list of instruments takes some seconds."""

T = TypeVar("T")


@frozen
class Failure:
    """Why an account could not be asked. `refused`: its credentials or settings are wrong, and stay so."""

    text: str
    refused: bool = False


@frozen
class Look:
    """What an account shows now."""

    capabilities: Capabilities
    snapshot: SnapshotReceived
    status: AccountStatus
    symbols: frozenset[Symbol]
    fills_today: int | Failure | None
    """Since midnight UTC. None: its venue tells nothing of the past; a Failure: it could not be read now."""


@frozen
class SymbolFate:
    """Where one source symbol leads: `to` is None where a row of the map denies it."""

    symbol: Symbol
    to: Symbol | None
    found: bool = False
    """The target has an instrument of that name."""


async def look_at(accounts: Mapping[AccountId, Account], now: datetime) -> dict[AccountId, Look | Failure]:
    """Ask all accounts at once; what fails is said of that account alone. `now` is UTC."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    found: dict[AccountId, Look | Failure] = {}

    async def look(name: AccountId, account: Account) -> None:
        found[name] = await _look(account, midnight)

    async with trio.open_nursery() as nursery:
        for name, account in accounts.items():
            nursery.start_soon(partial(look, name, account))
    return {name: found[name] for name in accounts}


async def _look(account: Account, midnight: datetime) -> Look | Failure:
    async def ask() -> Look:
        snapshot, status = await account.snapshot()
        return Look(account.capabilities, snapshot, status, frozenset(await account.symbols()), None)

    async def count() -> int:
        return sum(isinstance(entry, Fill) for entry in await account.history(midnight))

    look = await _answer(ask)
    if isinstance(look, Failure) or not look.capabilities.history:
        return look
    return evolve(look, fills_today=await _answer(count))


async def _answer(ask: Callable[[], Awaitable[T]]) -> T | Failure:
    try:
        with trio.fail_after(LOOK_S_MAX):
            return await ask()
    except SignInRefused as error:
        return Failure(str(error), refused=True)
    except (SessionLost, Throttled) as error:
        return Failure(str(error))
    except trio.TooSlowError:
        return Failure(f"no answer within {LOOK_S_MAX:.0f} s")


def fates(link: CopyLink, source: Iterable[Symbol], target: frozenset[Symbol], now: datetime) -> tuple[SymbolFate, ...]:
    """Return where each of the source's symbols leads on the link's target now, by name."""
    led: list[SymbolFate] = []
    for symbol in sorted(source):
        mapped = map_symbol(link.policy.for_symbol(symbol).symbols, symbol, now)
        if isinstance(mapped, Denied):
            led.append(SymbolFate(symbol, None))
        else:
            led.append(SymbolFate(symbol, mapped.symbol, mapped.symbol in target))
    return tuple(led)


def absences(look: Look) -> tuple[str, ...]:
    """Return what this account does not give or take, in words."""
    can, status = look.capabilities, look.status
    missing = [
        ("a live stream", not can.streams),
        ("orders from us", not can.trades),
        ("take-profits on positions", not can.keeps_take_profit),
        ("stop-losses beyond the session", not can.stop_loss_lasts),
        ("pending orders", not can.pending_orders),
        ("its past", not can.history),
        ("its balance", status.balance is None),
        ("its equity", status.equity is None),
        ("its margin", status.margin_used is None and status.margin_free is None),
    ]
    return tuple(words for words, absent in missing if absent)


def as_json(looks: Mapping[AccountId, Look | Failure], led: Mapping[LinkId, tuple[SymbolFate, ...]]) -> dict[str, Any]:
    """Return everything that was found, for programs."""
    return {
        "accounts": {name: _account_json(look) for name, look in looks.items()},
        "links": {link: [asdict(fate) for fate in each] for link, each in led.items()},
    }


def _account_json(look: Look | Failure) -> dict[str, Any]:
    if isinstance(look, Failure):
        return {"problem": look.text, "refused": look.refused}
    status = look.status
    figures = (status.balance, status.equity, status.margin_used, status.margin_free)
    names = ("balance", "equity", "margin_used", "margin_free")
    return {
        "keeps_positions": look.capabilities.oms.value,
        "currency": status.currency,
        **{name: None if figure is None else plain(figure) for name, figure in zip(names, figures, strict=True)},
        "positions": len(look.snapshot.positions),
        "pending_orders": None if look.snapshot.orders is None else len(look.snapshot.orders),
        "fills_today": look.fills_today if isinstance(look.fills_today, int) else None,
        "history_problem": look.fills_today.text if isinstance(look.fills_today, Failure) else None,
        "instruments": len(look.symbols),
        "absent": list(absences(look)),
    }
