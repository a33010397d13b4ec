"""The outside world of a simulation: two simulated venues with two accounts each, on one network in memory."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from random import Random

import trio
from attrs import evolve, field, frozen

from adapters.base import Account, UtcNow
from adapters.metacopier.config import Config as MetaCopierConfig
from adapters.metacopier.driver import MetaCopierAccount
from adapters.metacopier.simulator import Simulator as MetaCopierSimulator
from adapters.metacopier.simulator_words import account_id as metacopier_id
from adapters.network import Connect, MemoryNetwork
from adapters.secret import Secret
from adapters.simulation.broker import Book, Broker
from adapters.simulation.faults import Faults
from adapters.simulation.instruments import DEFAULT_INSTRUMENTS, start_quotes
from adapters.simulation.market import Market
from adapters.tradelocker.driver import TradeLockerAccount
from adapters.tradelocker.simulator import Simulator as TradeLockerSimulator
from rules.instruments import Instrument
from rules.observed import Quote
from rules.values import AccountId, OmsType, Symbol
from tests.simulation.scenario import (
    MC_SOURCE,
    MC_TARGET,
    METACOPIER,
    SUFFIX,
    TL_SOURCE,
    TL_TARGET,
    TRADELOCKER,
    VENUE,
    Scenario,
)

SYMBOLS = ("EURUSD", "XAUUSD", "US100", "BTCUSD")
"""Enough to differ in grid, tick and contract size; each further one costs time at every tick."""

TICKS_A_MOVE_MAX = 150
KEY = "simulated-key"
BALANCE = Decimal(1_000_000)
PORT = 80

NAMES: Mapping[AccountId, str] = {
    TL_SOURCE: "L#700001",
    TL_TARGET: "L#700002",
    MC_SOURCE: "simulated-source",
    MC_TARGET: "simulated-target",
}
"""How the brokers call the accounts."""


@frozen
class World:
    """Everything that exists besides the service."""

    network: MemoryNetwork
    brokers: Mapping[str, Broker]
    faults: Mapping[str, Faults]
    tradelocker: TradeLockerSimulator
    now: UtcNow
    books_late_s: float
    cuts: dict[str, trio.Event] = field(factory=dict)
    """The venues whose next order loses its connection once it is sent; the event tells that it has."""

    def takes_cut(self, venue: str) -> bool:
        """Tell whether this order's connection is to be cut, and use that up."""
        cut = self.cuts.pop(venue, None)
        if cut is None:
            return False
        cut.set()
        return True

    @classmethod
    def built(cls, nursery: trio.Nursery, now: UtcNow, scenario: Scenario) -> "World":
        """Build and serve both venues."""
        network = MemoryNetwork(nursery)
        suffixes = {TRADELOCKER: "", METACOPIER: SUFFIX}
        brokers = {venue: Broker(_market(suffix, now, scenario.coarse), now) for venue, suffix in suffixes.items()}
        oms = dict.fromkeys(NAMES, OmsType.HEDGING)
        if scenario.netting_source:
            oms[MC_SOURCE] = OmsType.NETTING
        for account, name in NAMES.items():
            brokers[VENUE[account]].add_account(name, oms[account], BALANCE)
        faults = {TRADELOCKER: Faults(), METACOPIER: Faults()}
        tradelocker = TradeLockerSimulator(brokers[TRADELOCKER], now=now, faults=faults[TRADELOCKER])
        metacopier = MetaCopierSimulator(brokers[METACOPIER], now=now, faults=faults[METACOPIER], api_keys={KEY: None})
        network.listen(TRADELOCKER, PORT, tradelocker.service.serve_stream)
        network.listen(METACOPIER, PORT, metacopier.service.serve_stream)
        return cls(network, brokers, faults, tradelocker, now, scenario.books_late_s)

    def book(self, account: AccountId) -> Book:
        return self.brokers[VENUE[account]].books[NAMES[account]]

    def accounts(self, connect: Connect) -> dict[AccountId, Account]:
        """Return the real adapters of all accounts, over `connect`, as one process would make them."""
        return {
            account: (
                self._tradelocker_account(account, connect)
                if VENUE[account] == TRADELOCKER
                else self._metacopier_account(account, connect)
            )
            for account in NAMES
        }

    def tick(self, random: Random) -> None:
        """Move one symbol, at both brokers alike: they show the same world."""
        symbol = random.choice(SYMBOLS)
        ticks = random.randint(-TICKS_A_MOVE_MAX, TICKS_A_MOVE_MAX)
        for venue, broker in self.brokers.items():
            market = broker.market
            name = Symbol(symbol + (SUFFIX if venue == METACOPIER else ""))
            quote = market.quotes[name]
            shift = ticks * (market.instruments[name].tick_size or Decimal(1))
            market.set_quote(Quote(name, quote.bid + shift, quote.ask + shift, self.now()))

    def _tradelocker_account(self, account: AccountId, connect: Connect) -> Account:
        config = self.tradelocker.config(NAMES[account], f"http://{TRADELOCKER}:{PORT}")
        return TradeLockerAccount(account, config, connect=connect, now=self.now)

    def _metacopier_account(self, account: AccountId, connect: Connect) -> Account:
        config = MetaCopierConfig(
            account_id=metacopier_id(NAMES[account]),
            api_key=Secret(KEY),
            rest_url=f"http://{METACOPIER}:{PORT}",
            socket_url=f"ws://{METACOPIER}:{PORT}/ws/api/v1",
            oms=self.book(account).oms,
            books_late=timedelta(seconds=self.books_late_s),
        )
        return MetaCopierAccount(account, config, connect=connect, now=self.now)


def _market(suffix: str, now: UtcNow, coarse: bool) -> Market:
    instruments = [each for each in DEFAULT_INSTRUMENTS if each.symbol in SYMBOLS]
    if coarse:
        instruments = [_coarse(each) for each in instruments]
    quotes = [each for each in start_quotes(now()) if each.symbol in SYMBOLS]
    return Market(
        [evolve(each, symbol=Symbol(each.symbol + suffix)) for each in instruments],
        [evolve(each, symbol=Symbol(each.symbol + suffix)) for each in quotes],
    )


def _coarse(instrument: Instrument) -> Instrument:
    """Return the instrument with a minimum of five steps, and a maximum that a multiplied volume can pass."""
    volume_min = instrument.volume_step * 5
    return evolve(instrument, volume_min=volume_min, volume_max=volume_min * 61)
