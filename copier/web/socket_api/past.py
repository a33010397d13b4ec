"""What happened on an account, as rows of closed positions and cash operations, and what it came to. Pure."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from copier.web.socket_api.values import iso, number, rounded
from rules.model.frozen import frozen
from rules.model.observed import Booked, CashFlow, Fill
from rules.model.values import PositionId, Side

Row: TypeAlias = dict[str, object | None]
"""None: not known."""

OpenedAt: TypeAlias = Callable[[PositionId], datetime | None]

DAY: Final = timedelta(hours=24)
"""How far back the history goes that is told."""

ENTRIES_MAX: Final = 20_000
"""That are kept of one account, some 10 MB. What a busier one earned this month is not told."""

_DEAL_TYPES: Final = {
    "deposit": "Balance",
    "withdrawal": "Balance",
    "credit": "Credit",
    "charge": "Charge",
    "correction": "Correction",
    "bonus": "Bonus",
    "commission": "Commission",
    "agent commission": "AgentCommission",
    "interest": "InterestRate",
    "dividend": "Dividend",
    "tax": "Tax",
    "stop-out compensation": "SoCompensation",
}
"""The interface's words for cash operations; what it has no word for is a change of the balance."""


@frozen
class Profits:
    """What closed trades came to since a day, a week (Monday) and a month began in UTC; None: not known."""

    today: Decimal | None
    week: Decimal | None
    month: Decimal | None


@frozen
class Past:
    """What a venue's history told from `since` on, oldest first."""

    since: datetime
    entries: tuple[Booked, ...] = ()

    def extended(self, entries: Iterable[Booked], since: datetime, *, keep: datetime) -> "Past":
        """Return it with a later answer, which tells all from its own `since` on; what is before `keep` is dropped."""
        all_ = [*(entry for entry in self.entries if keep <= entry.at < since), *entries]
        kept, begins = all_[-ENTRIES_MAX:], max(self.since, keep)
        if len(kept) < len(all_):
            begins = max(begins, all_[-ENTRIES_MAX - 1].at + timedelta(microseconds=1))
        return Past(begins, tuple(kept))

    def profits(self, now: datetime) -> Profits:
        """Return what was earned, net of the costs that the venue tells; nothing is told from before `since`."""
        day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return Profits(
            *(self._profit(start) for start in (day, day - timedelta(days=day.weekday()), day.replace(day=1)))
        )

    def _profit(self, start: datetime) -> Decimal | None:
        if start < self.since:
            return None
        total = Decimal(0)
        for entry in self.entries:
            if isinstance(entry, Fill) and entry.at >= start:
                if entry.realized_pnl is None and entry.opens is not True:
                    return None
                total += sum((part for part in (entry.realized_pnl, entry.commission, entry.swap) if part), Decimal(0))
        return total


def horizon(now: datetime) -> datetime:
    """Return from when on a history must be known: the last 24 hours, the week and the month."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return min(now - DAY, day - timedelta(days=day.weekday()), day.replace(day=1))


def rows(past: Past, now: datetime, opened_at: OpenedAt) -> Iterator[Row]:
    """Yield the last 24 hours as position rows, oldest first: each close or reduction is one, each cash operation too.

    Args:
        opened_at: tells when a position was opened whose opening the history does not reach back to.
    """
    lives: dict[PositionId, _Life] = {}
    for entry in past.entries:
        told = entry.at >= now - DAY
        if isinstance(entry, CashFlow):
            if told:
                yield _cash(entry)
        elif entry.opens is True:
            _open(entry, lives)
        else:
            life = _close(entry, lives)
            if told:
                yield _closed(entry, life, opened_at)


@frozen
class _Life:
    """A position between its opening and its end: what it holds, and what that was bought or sold for."""

    opened_at: datetime
    volume: Decimal
    value: Decimal


def _open(fill: Fill, lives: dict[PositionId, _Life]) -> None:
    if fill.position_id is not None:
        life = lives.get(fill.position_id, _Life(fill.at, Decimal(0), Decimal(0)))
        volume, value = life.volume + fill.volume, life.value + fill.volume * fill.price
        lives[fill.position_id] = _Life(life.opened_at, volume, value)


def _close(fill: Fill, lives: dict[PositionId, _Life]) -> _Life | None:
    """Take an execution's lots off its position; return the position as it was before. None: not known."""
    life = None if fill.position_id is None else lives.pop(fill.position_id, None)
    if life is not None and fill.position_id is not None and fill.volume < life.volume:
        left = life.volume - fill.volume
        lives[fill.position_id] = _Life(life.opened_at, left, life.value * left / life.volume)
    return life


def _closed(fill: Fill, life: _Life | None, seen_at: OpenedAt) -> Row:
    # What closes a long position sells. An execution that closes one side and opens the other has the lots of both.
    was_long = fill.side is Side.SELL
    opened_at = None if life is None else life.opened_at
    if opened_at is None and fill.position_id is not None:
        opened_at = seen_at(fill.position_id)
    costs = (fill.realized_pnl, fill.swap, fill.commission)
    net = None if None in costs else sum((cost for cost in costs if cost is not None), Decimal(0))
    return {
        "id": fill.position_id or fill.exec_id,
        "symbol": fill.symbol,
        "orderType": "Buy" if was_long else "Sell",
        "dealType": "DealBuy" if was_long else "DealSell",
        "volume": number(fill.volume) if fill.opens is False else None,
        "openPrice": None if life is None else number(_mean_price(life, fill)),
        "closePrice": number(fill.price),
        "openTime": iso(opened_at),
        "closeTime": iso(fill.at),
        "profit": number(fill.realized_pnl),
        "swap": number(fill.swap),
        "commission": number(fill.commission),
        "netProfit": number(net),
    }


def _mean_price(life: _Life, fill: Fill) -> Decimal:
    """Return the mean price of what is held, to the digits of the price at which it was closed and two more."""
    exponent = fill.price.as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    return rounded(life.value / life.volume, digits + 2)


def _cash(flow: CashFlow) -> Row:
    at = iso(flow.at)
    return {
        "id": flow.exec_id,
        "dealType": _DEAL_TYPES.get(flow.kind, "Balance"),
        "openTime": at,
        "closeTime": at,
        "profit": number(flow.amount),
        "comment": flow.comment,
    }
