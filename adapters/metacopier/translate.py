"""MetaCopier's words into ours: lists to snapshots, figures to status, history to closes. Pure, no clock.

One position that cannot be read makes its whole list unreadable: leaving it out would say that it was closed.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from decimal import Decimal

from attrs import define, evolve, field

from adapters.base import RemoteProtocolError, SessionLost, SignInRefused
from adapters.metacopier.values import name, number, number_or_none, positive, price_or_none, utc
from adapters.metacopier.wire import (
    AccountInformationDTO,
    MarketQuoteDTO,
    Message,
    PositionDTO,
    SymbolDTO,
    UpdateAccountInformationDTO,
    UpdateHistoryDTO,
    UpdateOpenPositionsDTO,
)
from rules.events import AccountReported, Event, Origin, PositionClosed, SnapshotReceived
from rules.identity import is_ours
from rules.instruments import Instrument
from rules.observed import AccountStatus, Position, Quote
from rules.values import AccountId, ClOrdId, OmsType, PositionId, Price, Side, Symbol, Volume

_SIDES = {"Buy": Side.BUY, "Sell": Side.SELL, "DealBuy": Side.BUY, "DealSell": Side.SELL}

_TAG = re.compile(r"(?<![a-z0-9])cp[a-z2-7]{20}(?![a-z0-9])")
_API_PREFIX = re.compile(r"API\|([0-9]{1,3})\|")

# EXCHANGE is MetaTrader's word for a netting account on an exchange.
_OMS = {"HEDGING": OmsType.HEDGING, "NETTING": OmsType.NETTING, "EXCHANGE": OmsType.NETTING}

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
        held = positions(message.open_positions)
        listed = {position.position_id: position.volume for position in held}
        events: list[Event] = []
        for position_id, volume in listed.items():
            if volume < (before := self._open.get(position_id, volume)):
                self._unexplained[position_id] = self._unexplained.get(position_id, Decimal(0)) + before - volume
        for position_id in sorted(self._open.keys() - listed.keys()):
            close = self._closing.get(position_id)
            if close is None:
                ahead = min(self._unexplained.get(position_id, Decimal(0)), Decimal(0))
                self._gone[position_id] = self._open[position_id] + ahead
            else:
                events.append(evolve(close, received_at=now))
        for position_id in listed:
            self._gone.pop(position_id, None)
        while len(self._gone) > _GONE_MAX:
            del self._gone[next(iter(self._gone))]
        self._closing.clear()
        self._open = listed
        for position_id in self._unexplained.keys() - listed.keys() - self._gone.keys():
            del self._unexplained[position_id]
        first = self.lists == 0 and not self.confirmed
        self.lists += 1
        self.holds_positions = bool(held)
        origin = Origin.RECONCILED if first else Origin.LIVE
        return [*events, SnapshotReceived(self.account, now, held, origin, certain=bool(held) or not first)]

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


def check_account(info: AccountInformationDTO, oms: OmsType) -> None:
    """Refuse to go on where the venue itself cannot see the account, or the config is wrong about it.

    Raises:
        SessionLost: the venue is not connected to the broker: what it shows may be old.
        SignInRefused: the broker refuses the login kept at the venue, or the account keeps positions otherwise than
            configured.
    """
    if info.wrong_credentials:
        raise SignInRefused("MetaCopier reports wrongCredentials: the broker refuses the login that is kept there")
    if info.connected is False:
        raise SessionLost("MetaCopier reports connected=false: it has lost the broker, and what it shows may be old")
    mode = _OMS.get(info.account_mode or "")
    if mode is not None and mode is not oms:
        raise SignInRefused(
            f"expected an account with oms = {oms.value!r}, found accountMode {info.account_mode}:"
            f" set oms = {mode.value!r}"
        )


def account_status(info: AccountInformationDTO) -> AccountStatus | None:
    """Return the account's figures, or None where the API key's policy hides the balance.

    Raises:
        RemoteProtocolError: a figure is not a number of sane size.
    """
    if info.balance is None:
        return None
    return AccountStatus(
        balance=number(info.balance, "balance"),
        equity=number_or_none(info.equity, "equity"),
        currency=info.currency,
        margin_used=number_or_none(info.used_margin, "usedMargin"),
        margin_free=number_or_none(info.free_margin, "freeMargin"),
    )


def positions(rows: Iterable[PositionDTO]) -> tuple[Position, ...]:
    """Return the positions among `rows`; pending orders are left out.

    Raises:
        RemoteProtocolError: a row cannot be read, or an id comes twice.
    """
    held = tuple(position(row) for row in rows if not is_pending(row))
    if len({position.position_id for position in held}) != len(held):
        raise RemoteProtocolError("expected each position once, found an id twice in one list")
    return held


def is_pending(row: PositionDTO) -> bool:
    """Tell whether a row is a pending order: BuyLimit, SellStop and whatever kinds the venue may add to these."""
    kind = row.order_type or ""
    return kind not in _SIDES and kind.startswith(("Buy", "Sell"))


def position(row: PositionDTO) -> Position:
    """Return an open position; its side comes from orderType, else from dealType, and is never guessed.

    Raises:
        RemoteProtocolError: something that a position must have is missing or cannot be.
    """
    side = side_of(row)
    if side is None:
        raise RemoteProtocolError(
            f"expected orderType Buy or Sell of position {str(row.id)[:40]!r}, found {row.order_type!r:.60}"
            f" (dealType {row.deal_type!r:.60})"
        )
    if row.open_time is None:
        raise RemoteProtocolError(f"expected openTime of position {str(row.id)[:40]!r}, found none")
    return Position(
        position_id=PositionId(name(row.id, "id")),
        symbol=Symbol(name(row.symbol, "symbol")),
        side=side,
        volume=volume_of(row),
        open_price=positive(row.open_price, "openPrice"),
        opened_at=utc(row.open_time, "openTime"),
        stop_loss=price_or_none(row.stop_loss, "stopLoss"),
        take_profit=price_or_none(row.take_profit, "takeProfit"),
        current_price=price_or_none(row.current_price, "currentPrice"),
        magic=None if row.magic_number is None else str(row.magic_number),
        comment=row.comment,
        tag=tag_of(row),
    )


def side_of(row: PositionDTO) -> Side | None:
    """Return a row's side, or None where it has none that we know."""
    return _SIDES.get(row.order_type or "") or _SIDES.get(row.deal_type or "")


def volume_of(row: PositionDTO) -> Volume:
    """Return a row's volume in lots, > 0, or raise RemoteProtocolError."""
    return positive(row.volume, "volume")


def open_price_of(row: PositionDTO) -> Price | None:
    """Return a row's opening price, None where it has none, or raise RemoteProtocolError."""
    return price_or_none(row.open_price, "openPrice")


def tag_of(row: PositionDTO) -> ClOrdId | None:
    """Return our order id out of a comment such as `API|7|cp...`, wherever in it a broker has left it."""
    found = _TAG.search(row.comment or "")
    return ClOrdId(found[0]) if found is not None and is_ours(found[0]) else None


def request_id_of(row: PositionDTO) -> str | None:
    """Return the number of the request that opened a row, from its own field or from the comment's prefix."""
    if row.request_id is not None:
        return str(row.request_id)
    found = _API_PREFIX.match(row.comment or "")
    return found[1] if found is not None else None


def instrument(symbol: SymbolDTO) -> Instrument:
    """Return an instrument's specification.

    Raises:
        RemoteProtocolError: the volume grid is missing or impossible.
    """
    points = price_or_none(symbol.points, "points")
    if points is None and symbol.digits is not None and 0 <= symbol.digits <= 12:
        points = Decimal(1).scaleb(-symbol.digits)
    specification = Instrument(
        symbol=Symbol(symbol.name),
        volume_min=positive(symbol.minimal_volume, "minimalVolume"),
        volume_max=positive(symbol.maximal_volume, "maximalVolume"),
        volume_step=positive(symbol.step_volume, "stepVolume"),
        tick_size=points,
        contract_size=price_or_none(symbol.lot_size, "lotSize"),
        profit_currency=symbol.quote_currency,
        tradable=not symbol.disabled,
    )
    if specification.volume_min > specification.volume_max:
        found = f"{specification.volume_min} and {specification.volume_max}"
        raise RemoteProtocolError(f"expected minimalVolume <= maximalVolume of {symbol.name[:40]!r}, found {found}")
    return specification


def quote(dto: MarketQuoteDTO, symbol: Symbol, now: datetime) -> Quote | None:
    """Return a quote, or None when there is no price on either side; without a time of its own it is of `now`.

    Raises:
        RemoteProtocolError: a price that cannot be.
    """
    bid, ask = price_or_none(dto.bid, "bid"), price_or_none(dto.ask, "ask")
    if bid is None or ask is None:
        return None
    return Quote(symbol, bid, ask, now if dto.timestamp is None else utc(dto.timestamp, "timestamp"))
