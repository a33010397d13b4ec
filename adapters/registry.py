"""Every venue by its name in the config: the only place outside a venue's folder that names one."""

from collections.abc import Callable, Mapping
from typing import Any

from adapters.base import Account, UtcNow
from adapters.clearstreet.config import Config as ClearStreetConfig
from adapters.clearstreet.driver import ClearStreetAccount
from adapters.clearstreet.simulator import Simulator as ClearStreetSimulator
from adapters.metaapi.config import Config as MetaApiConfig
from adapters.metaapi.driver import MetaApiAccount
from adapters.metaapi.simulator import Simulator as MetaApiSimulator
from adapters.metacopier.config import Config as MetaCopierConfig
from adapters.metacopier.driver import MetaCopierAccount
from adapters.metacopier.simulator import Simulator as MetaCopierSimulator
from adapters.paper.config import Config as PaperConfig
from adapters.paper.driver import PaperAccount
from adapters.signals.config import Config as SignalsConfig
from adapters.signals.driver import SignalsAccount
from adapters.tradelocker.config import Config as TradeLockerConfig
from adapters.tradelocker.driver import TradeLockerAccount
from adapters.tradelocker.simulator import Simulator as TradeLockerSimulator
from adapters.transport.network import Connect
from rules.model.frozen import frozen
from rules.model.values import AccountId


@frozen
class Venue:
    """What there is of a venue: its accounts' settings, its account, and its simulator where it has one."""

    config: type
    account: Callable[..., Account]
    simulator: Callable[..., Any] | None = None
    told: bool = False
    """Nobody keeps its accounts but us: what they hold is what programs tell us."""


VENUES: Mapping[str, Venue] = {
    "clearstreet": Venue(ClearStreetConfig, ClearStreetAccount, ClearStreetSimulator),
    "metaapi": Venue(MetaApiConfig, MetaApiAccount, MetaApiSimulator),
    "metacopier": Venue(MetaCopierConfig, MetaCopierAccount, MetaCopierSimulator),
    "paper": Venue(PaperConfig, PaperAccount),
    "signals": Venue(SignalsConfig, SignalsAccount, told=True),
    "tradelocker": Venue(TradeLockerConfig, TradeLockerAccount, TradeLockerSimulator),
}

CONFIGS: Mapping[str, type] = {name: venue.config for name, venue in VENUES.items()}


def open_account(venue: str, account: AccountId, settings: object, *, connect: Connect, now: UtcNow) -> Account:
    """Return the account of that venue; nothing is connected yet.

    Raises:
        KeyError: there is no such venue.
    """
    return VENUES[venue].account(account, settings, connect=connect, now=now)
