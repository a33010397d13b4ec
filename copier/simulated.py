"""Simulated venues on loopback, for the demo and for `copier simulate`: markets, accounts, servers."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from random import Random
from typing import Any

import trio
from attrs import evolve, fields

from adapters.clearstreet.simulator import Simulator as ClearStreetSimulator
from adapters.clearstreet.simulator_universe import share_market
from adapters.metaapi.simulator import Simulator as MetaApiSimulator
from adapters.metacopier.config import Config as MetaCopierConfig
from adapters.metacopier.simulator import SOCKET_PATH
from adapters.metacopier.simulator import Simulator as MetaCopierSimulator
from adapters.metacopier.simulator_words import account_id as metacopier_id
from adapters.secret import Secret
from adapters.simulation.broker import Broker
from adapters.simulation.market import Market
from adapters.tradelocker.simulator import Simulator as TradeLockerSimulator
from adapters.transport.serving import serve_tcp
from copier.clock import utc_now
from rules.model.frozen import frozen
from rules.model.values import OmsType, Symbol

MOVE_EVERY_S = 0.3
"""The market's pace: three moves a second, as `adapters.simulation.market` reckons with."""

API_KEY = "simulated-key"
BALANCE = Decimal(100_000)


@frozen
class Kind:
    """How a venue is simulated: its accounts and their market, the server, and what a config needs to reach one."""

    account_name: str
    """Of the account with index {}."""
    serve: Callable[[Broker], Any]
    settings: Callable[[Any, str, str], Any]
    """Returns the settings of an account (by name) of the server that listens at an origin."""
    oms: OmsType = OmsType.HEDGING
    quotes: Callable[[datetime], Market] = Market.default


def _served_settings(simulator: Any, account: str, origin: str) -> object:
    settings: object = simulator.config(account, origin)
    return settings


def _metacopier_settings(_: Any, account: str, origin: str) -> MetaCopierConfig:
    return MetaCopierConfig(
        account_id=metacopier_id(account),
        api_key=Secret(API_KEY),
        rest_url=origin,
        socket_url=origin.replace("http", "ws", 1) + SOCKET_PATH,
        books_late=timedelta(seconds=2),
    )


KINDS: Mapping[str, Kind] = {
    "tradelocker": Kind("L#70000{}", lambda broker: TradeLockerSimulator(broker, now=utc_now), _served_settings),
    "metacopier": Kind(
        "metacopier-{}",
        lambda broker: MetaCopierSimulator(broker, now=utc_now, api_keys={API_KEY: None}),
        _metacopier_settings,
    ),
    "metaapi": Kind("metaapi-{}", lambda broker: MetaApiSimulator(broker, now=utc_now), _served_settings),
    "clearstreet": Kind(
        "10000{}",
        lambda broker: ClearStreetSimulator(broker, now=utc_now),
        _served_settings,
        oms=OmsType.NETTING,
        quotes=share_market,
    ),
}

VENUE_NAMES = tuple(KINDS)


@frozen
class SimulatedVenue:
    """A venue that is served: its books, its weather, and where it listens."""

    venue: str
    broker: Broker
    simulator: Any
    origin: str

    def account_toml(self, account: str) -> str:
        """Return the keys of that account's table in a config."""
        settings = KINDS[self.venue].settings(self.simulator, account, self.origin)
        keys = {"venue": self.venue, **_keys(settings)}
        return "\n".join(f'{key} = "{value}"' for key, value in keys.items())


def _keys(settings: Any) -> dict[str, str]:
    """Return the keys of settings that a config must name, as it words them."""
    keys: dict[str, str] = {}
    for field in fields(type(settings)):
        value = getattr(settings, field.name)
        if value != field.default:
            keys[field.name] = _in_words(value)
    return keys


def _in_words(value: object) -> str:
    match value:
        case Secret():
            return value.reveal()
        case Enum():
            return str(value.value)
        case timedelta():
            return f"{value.total_seconds():g}s"
    return str(value)


def make_market(suffix: str = "", quotes: Callable[[datetime], Market] = Market.default) -> Market:
    """Return a venue's market; `suffix` is added to each symbol's name, as many brokers do."""
    market = quotes(utc_now())
    return Market(
        [evolve(each, symbol=Symbol(each.symbol + suffix)) for each in market.instruments.values()],
        [evolve(each, symbol=Symbol(each.symbol + suffix)) for each in market.quotes.values()],
    )


async def serve_venue(
    nursery: trio.Nursery,
    venue: str,
    accounts: Iterable[str],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    suffix: str = "",
) -> SimulatedVenue:
    """Start a simulated venue with those accounts (100,000 USD each) and return it.

    Raises:
        OSError: the port cannot be bound.
    """
    kind = KINDS[venue]
    broker = Broker(make_market(suffix, kind.quotes), utc_now)
    for account in accounts:
        broker.add_account(account, kind.oms, BALANCE)
    simulator = kind.serve(broker)
    bound = await nursery.start(partial(serve_tcp, simulator.service, host, port), name=f"simulated {venue}")
    return SimulatedVenue(venue, broker, simulator, f"http://{host}:{bound}")


async def move_markets(markets: Iterable[Market], random: Random) -> None:
    """Move the markets until cancelled; all by the same steps, since they show the same world."""
    markets = tuple(markets)
    while True:
        seed = random.getrandbits(64)
        for market in markets:
            market.move(Random(seed), utc_now())
        await trio.sleep(MOVE_EVERY_S)


def account_name(venue: str, index: int) -> str:
    """Return the name of a simulated account; TradeLocker's are numbers behind a letter, Clear Street's are numbers."""
    return KINDS[venue].account_name.format(1 + index)
