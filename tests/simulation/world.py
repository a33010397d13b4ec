"""The outside world of a simulation: two simulated brokers with two accounts each, on one network in memory."""

from collections.abc import Mapping
from decimal import Decimal
from random import Random

import trio
from attrs import evolve, field

from adapters.base import Account, UtcNow
from adapters.registry import open_account
from adapters.simulation.broker import Book, Broker
from adapters.simulation.faults import Faults
from adapters.simulation.instruments import DEFAULT_INSTRUMENTS, start_quotes
from adapters.simulation.market import Market
from adapters.transport.network import Connect, MemoryNetwork
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.observed import Quote
from rules.model.values import AccountId, Symbol, Volume
from tests.simulation.kinds import KINDS, Settings
from tests.simulation.scenario import ACCOUNTS, SITES, SUFFIXES, Scenario, site_of

SYMBOLS = ("EURUSD", "XAUUSD", "US100", "BTCUSD")
"""Enough to differ in grid, tick and contract size; each further one costs time at every tick."""

TICKS_A_MOVE_MAX = 150
BALANCE = Decimal(1_000_000)
PORT = 80


@frozen
class Site:
    """One broker: its market and books, its weather, and how its accounts are configured."""

    broker: Broker
    faults: Faults
    settings: Settings


@frozen
class World:
    """Everything that exists besides the service."""

    scenario: Scenario
    network: MemoryNetwork
    sites: Mapping[str, Site]
    now: UtcNow
    cuts: dict[str, trio.Event] = field(factory=dict)
    """The sites whose next order loses its connection once it is sent; the event tells that it has."""

    def takes_cut(self, site: str) -> bool:
        """Tell whether this order's connection is to be cut, and use that up."""
        cut = self.cuts.pop(site, None)
        if cut is None:
            return False
        cut.set()
        return True

    @classmethod
    def built(cls, nursery: trio.Nursery, now: UtcNow, scenario: Scenario) -> "World":
        """Build and serve both brokers."""
        network = MemoryNetwork(nursery)
        sites = {}
        for site in SITES:
            kind = KINDS[scenario.venues[site]]
            broker, faults = Broker(_market(site, now, scenario), now), Faults()
            for number, account in enumerate(ACCOUNTS, 1):
                if site_of(account) == site:
                    broker.add_account(kind.account_names.format(number), scenario.oms[account], BALANCE)
            service, settings = kind.serve(broker, now, faults, f"http://{site}:{PORT}")
            network.listen(site, PORT, service.serve_stream)
            sites[site] = Site(broker, faults, settings)
        return cls(scenario, network, sites, now)

    def book(self, account: AccountId) -> Book:
        name = self.scenario.kind(account).account_names.format(ACCOUNTS.index(account) + 1)
        return self.sites[site_of(account)].broker.books[name]

    def accounts(self, connect: Connect) -> dict[AccountId, Account]:
        """Return the real adapters of all accounts, over `connect`, as one process would make them."""
        return {account: self._account(account, connect) for account in ACCOUNTS}

    def _account(self, account: AccountId, connect: Connect) -> Account:
        site = site_of(account)
        settings = self.sites[site].settings(self.book(account), self.scenario.books_late_s)
        return open_account(self.scenario.venues[site], account, settings, connect=connect, now=self.now)

    def smallest(self, book: Book, symbol: Symbol) -> Volume:
        """Return the least that a person trades of `symbol`: the usual least lot, in this venue's units."""
        usual = next(each for each in _instruments(self.scenario.coarse) if symbol.startswith(each.symbol))
        instrument = book.market.instruments[symbol]
        assert usual.contract_size is not None
        assert instrument.contract_size is not None
        return max(instrument.volume_min, usual.volume_min * usual.contract_size / instrument.contract_size)

    def tick(self, random: Random) -> None:
        """Move one symbol, at both brokers alike: they show the same world, whatever prices their orders may have."""
        symbol = random.choice(SYMBOLS)
        ticks = random.randint(-TICKS_A_MOVE_MAX, TICKS_A_MOVE_MAX)
        usual = next(each for each in _instruments(self.scenario.coarse) if each.symbol == symbol)
        shift = ticks * (usual.tick_size or Decimal(1))
        for name, site in self.sites.items():
            market = site.broker.market
            suffixed = Symbol(symbol + SUFFIXES[name])
            quote = market.quotes[suffixed]
            market.set_quote(Quote(suffixed, quote.bid + shift, quote.ask + shift, self.now()))


def _market(site: str, now: UtcNow, scenario: Scenario) -> Market:
    suffix, kind = SUFFIXES[site], KINDS[scenario.venues[site]]
    instruments = _instruments(scenario.coarse)
    quotes = [each for each in start_quotes(now()) if each.symbol in SYMBOLS]
    return Market(
        [evolve(kind.shape(each), symbol=Symbol(each.symbol + suffix)) for each in instruments],
        [evolve(each, symbol=Symbol(each.symbol + suffix)) for each in quotes],
    )


def _instruments(coarse: bool) -> list[Instrument]:
    """Return the usual venues' instruments."""
    instruments = [each for each in DEFAULT_INSTRUMENTS if each.symbol in SYMBOLS]
    return [_coarse(each) for each in instruments] if coarse else instruments


def _coarse(instrument: Instrument) -> Instrument:
    """Return the instrument with a minimum of five steps, and a maximum that a multiplied volume can pass."""
    volume_min = instrument.volume_step * 5
    return evolve(instrument, volume_min=volume_min, volume_max=volume_min * 61)
