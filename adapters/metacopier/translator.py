"""The messages of one stream session into events: lists to snapshots, history to closes. Pure, no clock."""

from contextlib import suppress
from datetime import datetime
from decimal import Decimal

from attrs import define, evolve, field

from adapters.base import RemoteProtocolError
from adapters.metacopier.translate import account_status, check_account, listed, volume_of
from adapters.metacopier.values import price_or_none, utc
from adapters.metacopier.wire import (
    Message,
    PositionDTO,
    UpdateAccountInformationDTO,
    UpdateHistoryDTO,
    UpdateOpenPositionsDTO,
)
from rules.model.events import AccountReported, Event, Origin, PositionClosed, SnapshotReceived
from rules.model.values import AccountId, OmsType, PositionId, Volume

# Positions that went and whose history row is still to come (it may be minutes late); beyond these the oldest is
# forgotten, which only costs the close's price.
_GONE_MAX = 1000


@define
class Translator:
    """What one stream session has said so far; a new session takes a new one.

    The venue has no end-of-sync mark: the first list may be empty because nothing is known yet, so an empty one is
    not certain. Later lists are the truth as it changes.
    """

    account: AccountId
    oms: OmsType
    lists: int = field(default=0, init=False)
    """How many lists of open positions came."""
    confirmed: bool = field(default=False, init=False)
    """Set by the driver once the venue was asked: what is pushed from then on is live."""
    holds_positions: bool = field(default=False, init=False)
    """Whether the last list had any."""
    _open: dict[PositionId, Volume] = field(factory=dict, init=False)
    _unexplained: dict[PositionId, Volume] = field(factory=dict, init=False)
    """Lots that lists took off a position and no history row has told of yet; below zero where rows came first."""
    _closed: dict[tuple[PositionId, datetime], Volume] | None = field(default=None, init=False)
    _closing: dict[PositionId, PositionClosed] = field(factory=dict, init=False)
    _gone: dict[PositionId, Volume] = field(factory=dict, init=False)
    """What is not listed any more, with the lots that no history row has told of yet."""

    def events(self, message: Message, now: datetime) -> list[Event]:
        """Return what a message of the session means.

        Raises:
            RemoteProtocolError: a number or a side in it cannot be. SessionLost: the venue has lost the broker.
            SignInRefused: the account cannot be used until a person has seen to it.
        """
        if isinstance(message, UpdateOpenPositionsDTO):
            return self._listed(message, now)
        if isinstance(message, UpdateAccountInformationDTO):
            check_account(message.info, self.oms)
            status = account_status(message.info)
            return [] if status is None else [AccountReported(self.account, now, status)]
        if isinstance(message, UpdateHistoryDTO):
            return self._history(message, now)
        return []

    def _listed(self, message: UpdateOpenPositionsDTO, now: datetime) -> list[Event]:
        held, waiting = listed(message.open_positions)
        present = {position.position_id: position.volume for position in held}
        events: list[Event] = []
        for position_id, volume in present.items():
            if volume < (before := self._open.get(position_id, volume)):
                self._unexplained[position_id] = self._unexplained.get(position_id, Decimal(0)) + before - volume
        for position_id in sorted(self._open.keys() - present.keys()):
            close = self._closing.get(position_id)
            if close is None:
                ahead = min(self._unexplained.get(position_id, Decimal(0)), Decimal(0))
                self._gone[position_id] = self._open[position_id] + ahead
            else:
                events.append(evolve(close, received_at=now))
        for position_id in self._gone.keys() & present.keys():
            del self._gone[position_id]
        while len(self._gone) > _GONE_MAX:
            del self._gone[next(iter(self._gone))]
        self._closing.clear()
        self._open = present
        for position_id in self._unexplained.keys() - present.keys() - self._gone.keys():
            del self._unexplained[position_id]
        first = self.lists == 0 and not self.confirmed
        self.lists += 1
        self.holds_positions = bool(held)
        origin = Origin.RECONCILED if first else Origin.LIVE
        certain = bool(held) or not first
        return [*events, SnapshotReceived(self.account, now, held, origin, certain=certain, orders=waiting)]

    def _history(self, message: UpdateHistoryDTO, now: datetime) -> list[Event]:
        """Return the closes that are new in this list and that the lists of open positions bear out.

        The last 24 hours come whole every time, so only rows that were not there before are news; the first list has
        none. A partial close leaves a row under the id of a position that lives on, so a row alone closes nothing: it
        waits for the list that no longer has the position, or is dropped by the one that still has it. A row that
        explains why lists show fewer lots than before is of a partial close, and its price is not the whole's.
        """
        rows: dict[tuple[PositionId, datetime], list[PositionDTO]] = {}
        for row in message.history:
            if row.close_time is not None and row.close_time.tzinfo is not None:
                rows.setdefault((PositionId(str(row.id)), row.close_time), []).append(row)
        volumes = {key: sum((_closed_volume(row) for row in group), Decimal(0)) for key, group in rows.items()}
        known, self._closed = self._closed, volumes
        if known is None:
            return []
        events: list[Event] = []
        for key in sorted(rows, key=lambda key: (key[1], key[0])):
            position_id, closed_at = key
            if known.get(key) == volumes[key] or not (position_id in self._gone or position_id in self._open):
                continue
            volume = volumes[key] - known.get(key, Decimal(0))
            close = self._close(position_id, closed_at, rows[key], now)
            unexplained = self._unexplained.get(position_id, Decimal(0))
            if unexplained > 0:
                self._unexplained[position_id] = unexplained - volume
                volume -= unexplained
                if volume <= 0:
                    continue
            if position_id in self._gone:
                self._gone[position_id] -= volume
                if self._gone[position_id] <= 0:
                    del self._gone[position_id]
                    events.append(close)
            elif volume >= self._open[position_id]:
                self._closing[position_id] = close
            elif unexplained <= 0:
                self._unexplained[position_id] = unexplained - volume
        return events

    def _close(
        self, position_id: PositionId, closed_at: datetime, rows: list[PositionDTO], now: datetime
    ) -> PositionClosed:
        """Return the close; a price that cannot be is left out, for that it is closed is sure anyway.

        So is one of several that rows of one instant have: which of them was the last nobody could say.
        """
        price = None
        with suppress(RemoteProtocolError):
            if len({str(row.close_price) for row in rows}) == 1:
                price = price_or_none(rows[0].close_price, "closePrice")
        return PositionClosed(self.account, now, position_id, price, utc(closed_at, "closeTime"))


def _closed_volume(row: PositionDTO) -> Volume:
    """Return the lots that a history row closed, zero where it does not say: it then explains nothing."""
    try:
        return volume_of(row)
    except RemoteProtocolError:
        return Decimal(0)
