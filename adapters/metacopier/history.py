"""A MetaCopier account's past: closed positions as the executions behind them, cash operations as cash flows. Pure.

The venue tells of positions, not of executions: each row of its history is one (partial) close, and says when and at
what price its position was opened. What was opened is the lots of all closes of the position and of what is left.
A row that cannot be read makes the whole answer unreadable: a sum without it would be wrong and look right.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from adapters.base import RemoteProtocolError
from adapters.history import bounded_comment, bounded_kind, kind_of_balance
from adapters.metacopier.translate import is_pending, side_of, tag_of, volume_of
from adapters.metacopier.values import name, number_or_none, positive, utc
from adapters.metacopier.wire import PositionDTO
from rules.model.observed import Booked, CashFlow, Fill
from rules.model.values import PositionId, Side, Symbol, Volume

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_OF_TRADES: Final = frozenset({None, "", "DealBuy", "DealSell"})
"""Deal types of positions."""

_BALANCE: Final = "Balance"
_KINDS: Final = {
    "Credit": "credit",
    "Charge": "charge",
    "Correction": "correction",
    "Bonus": "bonus",
    "Commission": "commission",
    "DailyCommission": "commission",
    "MonthlyCommission": "commission",
    "AgentCommission": "agent commission",
    "DailyAgentCommission": "agent commission",
    "MonthlyAgentCommission": "agent commission",
    "InterestRate": "interest",
    "CanceledBuy": "canceled trade",
    "CanceledSell": "canceled trade",
    "Dividend": "dividend",
    "FrankedDividend": "dividend",
    "Tax": "tax",
    "SoCompensation": "stop-out compensation",
    "SoCreditCompensation": "stop-out compensation",
}


def booked(closed: Iterable[PositionDTO], held: Iterable[PositionDTO]) -> Iterator[Booked]:
    """Yield what the rows of the history come to, together with the open positions, in no order.

    Raises:
        RemoteProtocolError: a row cannot be read.
    """
    lives: dict[PositionId, list[PositionDTO]] = {}
    closings: dict[str, int] = {}
    for row in closed:
        if is_pending(row):
            continue  # it ended unfilled
        with _reading(row):
            if _is_cash(row):
                yield _cash_flow(row)
                continue
            position_id = PositionId(name(row.id, "id"))
            exec_id = f"{position_id}-out-{_milliseconds(row)}"
            # Rows of one position and instant have nothing else to tell them apart by.
            closings[exec_id] = closings.get(exec_id, 0) + 1
            yield _closing(row, position_id, exec_id if closings[exec_id] == 1 else f"{exec_id}-{closings[exec_id]}")
        lives.setdefault(position_id, []).append(row)
    for row in held:
        if not is_pending(row):
            with _reading(row):
                lives.setdefault(PositionId(name(row.id, "id")), []).append(row)
    for position_id, rows in lives.items():
        # The latest row shows what a netted position has become; of others all say the same.
        with _reading(rows[-1]):
            if rows[-1].open_time is not None:
                yield _opening(rows[-1], position_id, sum(map(volume_of, rows), Decimal(0)))


@contextmanager
def _reading(row: PositionDTO) -> Iterator[None]:
    """Name the row in what its fields are refused for."""
    try:
        yield
    except RemoteProtocolError as error:
        raise RemoteProtocolError(f"history of {str(row.id)[:40]}: {error}") from None


def _is_cash(row: PositionDTO) -> bool:
    """Tell whether a row is of a cash operation; one of a type that we do not know is none where it has lots."""
    if row.deal_type in _OF_TRADES:
        return False
    return row.deal_type == _BALANCE or row.deal_type in _KINDS or not number_or_none(row.volume, "volume")


def _opening(row: PositionDTO, position_id: PositionId, volume: Volume) -> Fill:
    assert row.open_time is not None, "looked at before"
    return Fill(
        exec_id=f"{position_id}-in",
        at=utc(row.open_time, "openTime"),
        symbol=Symbol(name(row.symbol, "symbol")),
        side=_side(row),
        volume=volume,
        price=positive(row.open_price, "openPrice"),
        position_id=position_id,
        opens=True,
        tag=tag_of(row),
    )


def _closing(row: PositionDTO, position_id: PositionId, exec_id: str) -> Fill:
    return Fill(
        exec_id=exec_id,
        at=_closed_at(row),
        symbol=Symbol(name(row.symbol, "symbol")),
        side=_side(row).opposite,
        volume=volume_of(row),
        price=positive(row.close_price, "closePrice"),
        position_id=position_id,
        opens=False,
        realized_pnl=number_or_none(row.profit, "profit"),
        commission=number_or_none(row.commission, "commission"),
        swap=number_or_none(row.swap, "swap"),
    )


def _cash_flow(row: PositionDTO) -> CashFlow:
    parts = (row.profit, row.swap, row.commission)
    amounts = [each for each in map(number_or_none, parts, ("profit", "swap", "commission")) if each is not None]
    if not amounts:
        raise RemoteProtocolError(f"expected an amount of a cash operation ({row.deal_type!r:.60}), found none")
    amount, kind = sum(amounts, Decimal(0)), row.deal_type or ""
    return CashFlow(
        exec_id=name(row.id, "id"),
        at=_closed_at(row),
        amount=amount,
        kind=kind_of_balance(amount) if kind == _BALANCE else _KINDS.get(kind) or bounded_kind(kind),
        comment=bounded_comment(row.comment),
    )


def _side(row: PositionDTO) -> Side:
    """Return the side of a row's position, which is never guessed."""
    side = side_of(row)
    if side is None:
        raise RemoteProtocolError(f"expected orderType Buy or Sell, found {row.order_type!r:.60}")
    return side


def _closed_at(row: PositionDTO) -> datetime:
    if row.close_time is None:
        raise RemoteProtocolError("expected closeTime, found none")
    return utc(row.close_time, "closeTime")


def _milliseconds(row: PositionDTO) -> int:
    return (_closed_at(row) - _EPOCH) // timedelta(milliseconds=1)
