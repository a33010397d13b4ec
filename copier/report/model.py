"""What a report shows: the figures, the curves, and each trade and alert behind them."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from copier.performance.curves import accounts_of, samples_of
from copier.performance.figures import Sum, performance_of, sums_of
from copier.performance.gathering import Gathering
from copier.performance.trades import Trade
from copier.telling.wording import copy_words
from copier.web.dto.accounts import Currency, EquityPoint
from copier.web.dto.performance import Performance
from copier.web.dto.words import Amount, Count, Time, about, amount
from copier.web.store import Store
from rules.model.frozen import frozen
from rules.model.values import plain


@frozen
class TradeRow:
    """One trade that was over. What is not known is null."""

    link: str
    source_position: str
    symbol: str
    side: str
    volume: Amount
    open_price: Amount | None
    close_price: Amount | None
    began: Time | None
    ended: Time
    held_s: Count | None
    result: Amount | None
    currency: str | None
    basis: Annotated[str | None, about("`booked` or `prices`, as in the figures.")]
    says: Annotated[str, about("How it ended.")]


@frozen
class AlertRow:
    """Something that a person was to know."""

    at: Time
    kind: str
    account: str
    text: str
    over: Annotated[bool, about("It told that something is over.")]


@frozen
class CurveShown:
    """How an account's balance and equity went."""

    account: str
    currency: Currency
    points: list[EquityPoint]


@frozen
class Report:
    """A whole report."""

    made_at: Time
    timezone: str
    until: Annotated[Time, about("Until when it tells: the end that was asked for, or when it was made.")]
    performance: Performance
    curves: list[CurveShown]
    trades: list[TradeRow]
    alerts: list[AlertRow]
    held: Annotated[Count, about("Copies that held something at the end.")]


def report_of(gathered: Gathering, store: Store | None, zone: ZoneInfo, now: datetime) -> Report:
    """Return the report of what was gathered; `store` None: there is no file of equity curves."""
    until = now if gathered.scope.until is None else min(gathered.scope.until, now)
    samples = {name: samples_of(store, name, gathered.scope.since, until) for name in accounts_of(gathered)}
    trades = gathered.trades()
    return Report(
        made_at=now,
        timezone=zone.key,
        until=until,
        performance=performance_of(gathered, samples, now),
        curves=[
            CurveShown(
                name,
                gathered.currencies.get(name),
                [EquityPoint(point.at, amount(point.balance), amount(point.equity)) for point in each],
            )
            for name, each in samples.items()
            if each
        ],
        trades=[_row(*pair) for pair in zip(trades, sums_of(trades, gathered.currencies), strict=True)],
        alerts=[AlertRow(at, each.code, each.account, each.text, each.over) for at, each in gathered.alerts],
        held=len(gathered.alive),
    )


def _row(trade: Trade, made: Sum | None) -> TradeRow:
    copy, result = trade.copy, trade.result
    side = next((leg.side for leg in trade.legs), copy.side)
    held = None if trade.begun_at is None else trade.over_at - trade.begun_at
    return TradeRow(
        link=copy.link_id,
        source_position=copy.source_position_id,
        symbol=trade.symbol,
        side=side.value,
        volume=plain(result.opened),
        open_price=amount(result.open_price),
        close_price=amount(result.close_price),
        began=trade.begun_at,
        ended=trade.over_at,
        held_s=None if held is None else int(held.total_seconds()),
        result=None if made is None else plain(made.amount),
        currency=None if made is None else made.currency,
        basis=None if made is None else made.basis,
        says=copy_words(copy),
    )
