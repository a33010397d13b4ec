"""Stops of netted positions that stand for several copies: set at each look at a target's books, where policies ask.

The order is of no copy, so only the books show what became of it.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from attrs import evolve

from copier.engine.desk import Desk
from rules.alerts.kinds import AlertKind
from rules.books.targets import same_price
from rules.deciding.settling import STOPS_TRIES
from rules.model.copies import ZERO, Copy, LegStage, SetStops
from rules.model.events import SnapshotReceived
from rules.model.frozen import frozen
from rules.model.observed import Position
from rules.model.state import stops_follow
from rules.model.values import AccountId, OmsType, Side, Symbol, plain
from rules.policy.links import CopyPolicy
from rules.policy.stops import Aggregate
from rules.stops.day import REFUSED_PAUSE
from rules.stops.net import Share, net_stops, shares_of, without_profit

AGAIN: Final = timedelta(seconds=30)
"""Stops that the books do not show are asked for again after this: longer than an answer and its settling take."""

Place: TypeAlias = tuple[AccountId, Symbol]


@frozen
class Asked:
    """What was last asked for; `seen` says that the books have shown it, so that another price is a person's."""

    side: Side
    stops: SetStops
    at: datetime
    tries: int = 1
    seen: bool = False
    step: int = 0
    """The first step of its ids that may not be used up yet."""


class NetStopWatch:
    """Looks at the netted positions whose copies' policies have an `aggregate`.

    A position is left alone while an order of one of its copies is under way, and where it is not all ours: its stop
    would close lots of others.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._asked: dict[Place, Asked] = {}
        links = desk.in_force.links.values()
        self._targets = frozenset(link.target for link in links if link.policy.aggregates)

    def compare(self, event: SnapshotReceived) -> None:
        """Take one polled snapshot of a target, after the records were corrected by it."""
        desk, account = self._desk, event.account
        if account not in self._targets or desk.views[account].oms is not OmsType.NETTING:
            return
        copies: dict[Symbol, list[Copy]] = defaultdict(list)
        for copy in desk.book.of_target(account):
            for symbol in {leg.symbol for leg in copy.legs if leg.live}:
                copies[symbol].append(copy)
        shown = {position.symbol: position for position in event.positions}
        for place in [place for place in self._asked if place[0] == account and place[1] not in copies]:
            del self._asked[place]
        for symbol, ours in copies.items():
            position = shown.get(symbol)
            if position is not None and _all_ours(position, ours, event):
                self._look(position, ours, account)

    def _look(self, position: Position, copies: list[Copy], account: AccountId) -> None:
        view, place = self._desk.views[account], (account, position.symbol)
        instrument, shares = view.instruments.get(position.symbol), self._shares(copies)
        if instrument is None or shares is None:
            return
        wanted = net_stops(shares, position.side, instrument)
        wanted = wanted if view.keeps_take_profit else without_profit(wanted)
        asked = self._asked.get(place)
        if asked is None and wanted == SetStops():
            return
        tick = instrument.tick_size or ZERO
        same = same_price(wanted.stop_loss, position.stop_loss, tick)
        same = same and same_price(wanted.take_profit, position.take_profit, tick)
        now = self._desk.now
        if asked is None or (asked.side, asked.stops) != (position.side, wanted):
            asked = Asked(position.side, wanted, now, step=0 if asked is None else asked.step)
        elif same:
            self._asked[place] = evolve(asked, seen=True, tries=0)
            return
        elif self._may_ask_again(asked, position, account):
            asked = evolve(asked, at=now, tries=asked.tries % STOPS_TRIES + 1, seen=False)
        else:
            return
        if not same:
            asked = self._ask(position, asked, account)
        self._asked[place] = asked

    def _ask(self, position: Position, asked: Asked, account: AccountId) -> Asked:
        step = self._desk.loose.set_stops(account, position, asked.stops, asked.step)
        if asked.tries == STOPS_TRIES and asked.stops.stop_loss is not None:
            what = f"the netted position of {position.symbol} shows no stop-loss at {plain(asked.stops.stop_loss)}"
            self._desk.journal.alert(AlertKind.STOP_LOSS, account, f"{what}, asked for {STOPS_TRIES} times")
        return evolve(asked, step=step)

    def _may_ask_again(self, asked: Asked, position: Position, account: AccountId) -> bool:
        """Tell whether the position still lacks what was asked for; what a person changed since is not fought."""
        lasts = self._desk.views[account].stop_loss_lasts
        if asked.seen and (lasts or position.stop_loss is not None):
            return False
        if asked.tries >= STOPS_TRIES and lasts:
            return False
        return self._desk.now - asked.at >= (AGAIN if asked.tries < STOPS_TRIES else REFUSED_PAUSE)

    def _shares(self, copies: list[Copy]) -> list[Share] | None:
        """Return what the copies ask for; None while that cannot be told of one of them."""
        desk, found = self._desk, list[Share]()
        for copy in copies:
            policy = self._policy(copy)
            if policy.aggregate is Aggregate.NONE:
                continue
            source = desk.views.get(copy.source)
            position = None if source is None else source.positions.get(copy.source_position_id)
            instrument = desk.views[copy.target].instruments.get(copy.legs[0].symbol)
            if source is None or position is None or instrument is None or not copy.is_of(position):
                return None
            if not stops_follow(source, desk.views[copy.target]):
                found.extend(shares_of(copy, position, policy, instrument))
        return found

    def _policy(self, copy: Copy) -> CopyPolicy:
        return self._desk.in_force.policy_of(copy)


def _all_ours(position: Position, copies: list[Copy], event: SnapshotReceived) -> bool:
    """Tell whether the books show just the lots of our copies, none of which has an order under way or not seen yet."""
    net = ZERO
    for copy in copies:
        for leg in copy.legs:
            if leg.symbol != position.symbol or not leg.live:
                continue
            if leg.stage is LegStage.OPENING or leg.pending is not None:
                return False
            if leg.settled_at is None or event.requested_at is None or leg.settled_at >= event.requested_at:
                return False
            net += leg.held * leg.side.sign
    return net == position.volume * position.side.sign
