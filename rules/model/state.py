"""What the engine knows of an account right now. Only the engine changes it; decisions only read it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from operator import attrgetter

from attrs import define, field, fields

from rules.limits.policy import Cap
from rules.model.beginnings import Beginning, Beginnings
from rules.model.events import Origin, PositionClosed, PositionReported, SnapshotReceived
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Position, Quote, WorkingOrder
from rules.model.trace import Denied
from rules.model.values import AccountId, OmsType, PositionId, Price, Side, Symbol, VenueOrderId, Volume
from rules.model.waiting_orders import TOMBSTONES_MAX, YOUNG, WaitingOrders
from rules.times.news import News
from rules.times.schedule import Schedule

_BUT_PRICE = attrgetter(*(each.name for each in fields(Position) if each.name != "current_price"))
"""What makes another position of it."""

SAME_LIFE = timedelta(seconds=1)
"""A venue's stream and its books may tell the opening of one position this far apart (another resolution, a rounding).
An id that is used again so soon is taken for the same life, which reopens nothing."""


@frozen
class Tombstone:
    """A closed source position: when it had been opened, and when we learned that it was closed.

    `heard` says that the stream told it, so that the venue's books may not show it yet.
    """

    opened_at: datetime | None
    closed_at: datetime
    heard: bool = False

    def is_of(self, position: Position) -> bool:
        """Tell whether `position` is the one that was closed, rather than a later life of its id."""
        return self.opened_at is None or position.opened_at <= self.opened_at + SAME_LIFE


@frozen
class Change:
    """One source position that is not what it was; `position` is None when it was closed."""

    position_id: PositionId
    position: Position | None
    price: Price | None = None
    """The close price where the venue told it."""


@frozen
class OrderChange:
    """One pending order that is not what it was, or works no more."""

    order_id: VenueOrderId


@frozen
class Doubt:
    """A message contradicts what we know and may be an old one: the venue must be asked."""

    text: str


@define
class AccountView:
    """Positions, figures, instruments and quotes of one account, as last seen.

    `known` says that its positions have been seen whole once; before that nothing missing means closed. `ready` says
    that it can be asked and traded now. `instruments` holds None for a symbol that the account does not have.
    """

    account: AccountId
    oms: OmsType = OmsType.HEDGING
    volumes_grow: bool = False
    keeps_take_profit: bool = True
    """The venue keeps a take-profit with a position."""
    stop_loss_lasts: bool = True
    """A position's stop-loss stays as long as the position. Where False, it is an order that ends with the session."""
    takes_orders: bool = False
    """The venue takes pending orders from us."""
    orders_expire: bool = False
    """It ends them by itself at the time that they name."""
    looked_at: datetime | None = None
    """When its books were asked, the last time that they were read."""
    known: bool = False
    known_at: datetime | None = None
    """When it was first seen whole, by this run."""
    ready: bool = False
    lagging: bool = False
    status: AccountStatus | None = None
    positions: dict[PositionId, Position] = field(factory=dict)
    seen_at: dict[PositionId, datetime] = field(factory=dict)
    heard: set[PositionId] = field(factory=set)
    """Open positions of which the stream told the latest: the venue's books may lag behind it."""
    reborn: set[PositionId] = field(factory=set)
    """Open positions that took the place of an earlier life of their id whose close the stream has not told."""
    tombstones: dict[PositionId, Tombstone] = field(factory=dict)
    waiting: WaitingOrders = field(factory=WaitingOrders)
    beginnings: Beginnings = field(factory=Beginnings)
    instruments: dict[Symbol, Instrument | None] = field(factory=dict)
    quotes: dict[Symbol, Quote] = field(factory=dict)
    denied: Denied | None = None
    """Set while a limit of the account forbids new risk."""
    spent: Denied | None = None
    """Set while a budget of the account is used up: what was decided before still leaves."""
    halted: str | None = None
    """Why an operator lets it take no new risk; None: it may."""
    caps: tuple[Cap, ...] = ()
    min_hold: timedelta | None = None
    """How long a position must be open at least before it is closed after its source, by a rule of the account."""
    maintenance: tuple[Schedule, ...] = ()
    """When its venue or broker is worked on."""
    news: dict[str, News] = field(factory=dict)
    """By the name of the news policy, with its calendar as last read."""
    foreign: int = 0
    """Positions that no copy owns, as of the last books."""
    foreign_volume: Volume = field(factory=Volume)
    """Lots that no copy owns, as of the last books."""
    foreign_lots: dict[tuple[Symbol, Side], Volume] = field(factory=dict)
    """The same by symbol and side."""
    counts_foreign: bool = False
    """Somebody asks for what no copy owns."""
    copies: int = 0
    """Copies that hold something here, over all links."""
    volume: Volume = field(factory=Volume)
    """Lots that they hold or will hold; those whose closing has no answer although it should count as held."""
    lots: dict[tuple[Symbol, Side], Volume] = field(factory=dict)
    """The same by symbol and side, at most: lots whose closing has no answer yet included."""

    def report(self, event: PositionReported) -> Change | Doubt | None:
        """Take one streamed position; None when it says nothing new."""
        position = event.position
        stone = self.tombstones.get(position.position_id)
        if stone is not None:
            if stone.is_of(position):
                return Doubt(f"position {position.position_id} was reported open after it was reported closed")
            del self.tombstones[position.position_id]
        doubt = self._grown(position)
        return doubt if doubt is not None else self._upsert(position, event.received_at, heard=True)

    def close(self, event: PositionClosed) -> Change | Doubt | None:
        """Take one streamed close; a close of something unknown is remembered, since its opening may come late.

        Where another life of the id was told before the close of the one before, that close may come yet.
        """
        known = self.positions.get(event.position_id)
        reborn = event.position_id in self.reborn
        self.reborn.discard(event.position_id)
        if reborn and known is not None and event.closed_at is not None and event.closed_at <= known.opened_at:
            return Doubt(f"position {event.position_id} was closed no later than it was opened, or an earlier one was")
        self.positions.pop(event.position_id, None)
        self.seen_at.pop(event.position_id, None)
        self.heard.discard(event.position_id)
        if known is None and event.position_id in self.tombstones:
            return None
        self._bury(event.position_id, known.opened_at if known else None, event.received_at, heard=True)
        return Change(event.position_id, None, event.close_price)

    def sync(self, event: SnapshotReceived) -> list[Change | OrderChange | Doubt]:
        """Take a complete list: what is missing is closed, except where we learned of it after the list was asked for.

        Where the books were asked shortly after the stream told of a position and contradict that, they may lag behind
        it: a doubt. A list that the venue pushed carries no time of asking. Where it contradicts something quite new
        it may be an old one, and where the venue cannot vouch for it an absence proves nothing: both are doubts. So is
        a pushed list without anything where several positions were: a venue that lost its broker looks just like that.
        """
        if (
            event.requested_at is None
            and event.origin is Origin.LIVE
            and not event.positions
            and len(self.positions) > 1
        ):
            return [Doubt(f"{len(self.positions)} positions are gone at once")]
        self.looked_at = event.requested_at or self.looked_at
        found: list[Change | OrderChange | Doubt] = []
        present = {position.position_id: position for position in event.positions}
        for position_id in [known for known in self.positions if known not in present]:
            seen_at = self.seen_at[position_id]
            if event.requested_at is not None and seen_at > event.requested_at:
                continue
            if self._may_be_older(event, seen_at, position_id in self.heard):
                found.append(Doubt(f"position {position_id} is missing in a list that may be old or incomplete"))
                continue
            gone = self.positions.pop(position_id)
            del self.seen_at[position_id]
            self.heard.discard(position_id)
            self.reborn.discard(position_id)
            self._bury(position_id, gone.opened_at, event.received_at)
            found.append(Change(position_id, None, gone.current_price))
        for position in event.positions:
            found.extend(self._present(position, event))
        if event.orders is not None:
            found.extend(map(OrderChange, self.waiting.sync(event, event.orders)))
        return found

    def missed(self, position_id: PositionId, opened_at: datetime, at: datetime) -> None:
        """Note at the first list that a position of an earlier run is gone: an older list may still show it."""
        self._bury(position_id, opened_at, at)

    @property
    def orders(self) -> dict[VenueOrderId, WorkingOrder]:
        """Pending orders; empty where the venue does not tell of them."""
        return self.waiting.working

    def began(self, position: Position, now: datetime) -> Beginning | None:
        """Return how one of its positions began; None while that is not known yet."""
        return self.beginnings.of(position, self.positions.values(), self.waiting, self.looked_at, now)

    def _present(self, position: Position, event: SnapshotReceived) -> Iterable[Change | Doubt]:
        """Take one position of a list."""
        position_id = position.position_id
        stone = self.tombstones.get(position_id)
        learned_at = stone.closed_at if stone is not None else self.seen_at.get(position_id)
        if _newer(learned_at, event.requested_at):
            return
        if event.requested_at is None:  # also a new session's first list may have been made before we last asked
            change = self.report(PositionReported(self.account, event.received_at, position))
        else:
            change = self._asked(position, stone, event)
        if change is not None:
            yield change

    def _asked(self, position: Position, stone: Tombstone | None, event: SnapshotReceived) -> Change | Doubt | None:
        """Take one position of a list that was asked for: the books, unless they may not show yet what we heard."""
        position_id = position.position_id
        if stone is not None:
            if stone.is_of(position) and self._may_be_older(event, stone.closed_at, stone.heard):
                return Doubt(f"position {position_id} is in the books although it was reported closed")
            del self.tombstones[position_id]
        known = self.positions.get(position_id)
        changed = known is not None and known.volume != position.volume
        if changed and self._may_be_older(event, self.seen_at[position_id], position_id in self.heard):
            return Doubt(f"position {position_id} has another volume in the books than was reported")
        return self._upsert(position, event.received_at)

    @staticmethod
    def _may_be_older(event: SnapshotReceived, learned_at: datetime, heard: bool) -> bool:
        """Tell whether a list that contradicts what we learned at `learned_at` may have been made before that."""
        if event.requested_at is None:
            return not event.certain or event.received_at - learned_at < YOUNG
        return heard and event.requested_at - learned_at < YOUNG

    def fresh_quote(self, symbol: Symbol, now: datetime, age_max: timedelta) -> Quote | None:
        """Return the quote of `symbol` if it is not older than `age_max`."""
        quote = self.quotes.get(symbol)
        return quote if quote is not None and now - quote.at <= age_max else None

    def _grown(self, position: Position) -> Doubt | None:
        """Doubt a volume that this venue cannot have grown: it is an older message."""
        known = self.positions.get(position.position_id)
        if known is None or self.volumes_grow or position.volume <= known.volume:
            return None
        return Doubt(f"position {position.position_id} grew from {known.volume} to {position.volume} lots")

    def _upsert(self, position: Position, at: datetime, *, heard: bool = False) -> Change | None:
        """Keep `position`; None when nothing but its price is new."""
        known = self.positions.get(position.position_id)
        self.positions[position.position_id] = position
        if known is not None and _BUT_PRICE(known) == _BUT_PRICE(position):
            return None
        if known is not None and _is_another_life(known, position):
            self.reborn.add(position.position_id)
        self.seen_at[position.position_id] = at
        (self.heard.add if heard else self.heard.discard)(position.position_id)
        return Change(position.position_id, position)

    def _bury(self, position_id: PositionId, opened_at: datetime | None, at: datetime, *, heard: bool = False) -> None:
        self.tombstones.pop(position_id, None)
        self.tombstones[position_id] = Tombstone(opened_at, at, heard)
        if len(self.tombstones) > TOMBSTONES_MAX:
            del self.tombstones[next(iter(self.tombstones))]


def _is_another_life(known: Position, position: Position) -> bool:
    another = known.side is not position.side or known.symbol != position.symbol
    return another or position.opened_at > known.opened_at + SAME_LIFE


def stops_follow(source: AccountView, target: AccountView) -> bool:
    """Tell whether the target's positions get stops of their own.

    On a netting account one position stands for many copies, of which each would set stops on all; where the source
    nets too, it stands for one source position.
    """
    return target.oms is OmsType.HEDGING or source.oms is OmsType.NETTING


def _newer(learned_at: datetime | None, requested_at: datetime | None) -> bool:
    return learned_at is not None and requested_at is not None and learned_at >= requested_at
