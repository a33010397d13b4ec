"""Simulated venues on loopback, for the demo and for `copier simulate`: markets, accounts, servers."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

import trio
from attrs import evolve, frozen

from adapters.metacopier.simulator import Simulator as MetaCopierSimulator
from adapters.metacopier.simulator_words import account_id as metacopier_id
from adapters.serving import serve_tcp
from adapters.simulation.broker import Broker
from adapters.simulation.instruments import DEFAULT_INSTRUMENTS, start_quotes
from adapters.simulation.market import Market
from adapters.tradelocker.simulator import Simulator as TradeLockerSimulator
from copier.clock import utc_now
from rules.values import OmsType, Symbol

MOVE_EVERY_S = 0.3
"""The market's pace: three moves a second, as `adapters.simulation.market` reckons with."""

API_KEY = "simulated-key"
BALANCE = Decimal(100_000)


@frozen
class SimulatedVenue:
    """A venue that is served: its books, its weather, and where it listens."""

    venue: str
    broker: Broker
    simulator: Any
    origin: str

    def account_toml(self, account: str) -> str:
        """Return the keys of that account's table in a config."""
        return _TOML[self.venue](self, account)


def _tradelocker_toml(venue: SimulatedVenue, account: str) -> str:
    config = venue.simulator.config(account, venue.origin)
    keys = {
        "server": config.server,
        "account_id": account,
        "email": config.email,
        "password": config.password.reveal(),
        "developer_api_key": config.developer_api_key.reveal(),
        "environment": config.environment,
        "rest_url": venue.origin,
        "streams_url": venue.origin,
    }
    return _table("tradelocker", keys)


def _metacopier_toml(venue: SimulatedVenue, account: str) -> str:
    socket = venue.origin.replace("http", "ws", 1) + "/ws/api/v1"
    keys = {
        "account_id": metacopier_id(account),
        "api_key": API_KEY,
        "rest_url": venue.origin,
        "socket_url": socket,
        "books_late": "2s",
    }
    return _table("metacopier", keys)


def _table(venue: str, keys: dict[str, str]) -> str:
    return "\n".join([f'venue = "{venue}"', *(f'{key} = "{value}"' for key, value in keys.items())])


_TOML: dict[str, Callable[[SimulatedVenue, str], str]] = {
    "tradelocker": _tradelocker_toml,
    "metacopier": _metacopier_toml,
}

VENUE_NAMES = tuple(_TOML)


def make_market(suffix: str = "") -> Market:
    """Return the default market; `suffix` is added to each symbol's name, as many brokers do."""
    instruments = [evolve(each, symbol=Symbol(each.symbol + suffix)) for each in DEFAULT_INSTRUMENTS]
    quotes = [evolve(each, symbol=Symbol(each.symbol + suffix)) for each in start_quotes(utc_now())]
    return Market(instruments, quotes)


async def serve_venue(
    nursery: trio.Nursery,
    venue: str,
    accounts: Iterable[str],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    suffix: str = "",
) -> SimulatedVenue:
    """Start a simulated venue with those accounts (hedging, 100,000 USD each) and return it.

    Raises:
        OSError: the port cannot be bound.
    """
    broker = Broker(make_market(suffix), utc_now)
    for account in accounts:
        broker.add_account(account, OmsType.HEDGING, BALANCE)
    simulator: Any
    if venue == "tradelocker":
        simulator = TradeLockerSimulator(broker, now=utc_now)
    else:
        simulator = MetaCopierSimulator(broker, now=utc_now, api_keys={API_KEY: None})
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
    """Return the name of a simulated account: TradeLocker's are numbers behind a letter."""
    return f"L#{700001 + index}" if venue == "tradelocker" else f"{venue}-{index + 1}"
