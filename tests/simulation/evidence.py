"""What an auditor judges by: the books of all accounts as lives of positions, and which orders can be of which copy."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from attrs import define, field

from rules.model.instruments import Instrument
from rules.model.values import AccountId, OmsType, PositionId, Side, Symbol
from rules.policy.links import CopyLink
from tests.simulation.bounds import CLOSING_S, Bounds
from tests.simulation.history import PositionLife, by_symbol, lives_of, shares_of
from tests.simulation.mirrors import mirrored
from tests.simulation.run import Outcome
from tests.simulation.scenario import SOURCES, TARGETS
from tests.simulation.tags import Tags


@define
class Evidence:
    """Of one simulation, put together once."""

    outcome: Outcome
    bounds: Bounds = field(init=False)
    lives: dict[AccountId, dict[PositionId, PositionLife]] = field(init=False)
    tags: Tags = field(factory=Tags, init=False)
    strays: dict[AccountId, list[PositionLife]] = field(factory=dict, init=False)
    """What is left of lots that closes of ours opened, since a stop was faster."""
    mirrored: dict[str, tuple[CopyLink, PositionLife | None]] = field(factory=dict, init=False)
    """By its tag whose pending order of ours may be; None: of an order of the source that opened nothing."""

    def __attrs_post_init__(self) -> None:
        self.bounds = Bounds(self.outcome)
        self.lives = {account: lives_of(book) for account, book in self.outcome.books.items()}
        for account in SOURCES:
            if self.outcome.scenario.kind(account).by_symbol:
                self.lives[account] = by_symbol(self.lives[account].values())
        for link in self.outcome.scenario.links:
            for source in self.lives[link.source].values():
                times = {*source.openings, *map(_to_milliseconds, source.openings)}
                self.tags.name_orders(link, source, times, nets=self.nets(link.target))
            if link.policy.mirrors:
                self.mirrored |= mirrored(link, self.outcome.books[link.source], self.lives[link.source])
        for tag, (link, source) in self.mirrored.items():
            if source is not None:
                self.tags.openings.setdefault(tag, []).append((link, source))
        for target in TARGETS:
            if self.nets(target):
                in_flight = timedelta(seconds=0 if self.outcome.scenario.calm else CLOSING_S)
                overtaken = partial(self.tags.name_second_closes, target)
                self.lives[target], self.strays[target] = shares_of(
                    self.outcome.books[target], self.tags.opening_of, overtaken, in_flight
                )

    def nets(self, account: AccountId) -> bool:
        """Tell whether an account nets."""
        return self.outcome.books[account].oms is OmsType.NETTING

    def instrument(self, account: AccountId, symbol: Symbol) -> Instrument:
        """Return what an account trades under a symbol."""
        instruments: Mapping[Symbol, Instrument] = self.outcome.books[account].market.instruments
        return instruments[symbol]


def side_of(link: CopyLink, source: PositionLife) -> Side:
    """Return the side of a copy."""
    return source.side.opposite if link.policy.reverse else source.side


def name_of(link: CopyLink, source: PositionLife) -> str:
    """Return how a copy is called in what is found."""
    return f"{link.link_id} of #{source.position_id} ({source.symbol})"


def _to_milliseconds(at: datetime) -> datetime:
    """Return the instant as a venue with millisecond clocks tells it."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
