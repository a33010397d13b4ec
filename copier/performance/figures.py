"""The figures of some time, out of what was gathered of it and of the equity curves. Nothing is guessed: what is not
known is absent, and said to be."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from copier.performance.gathering import Entry, Gathering, Lasting
from copier.performance.headroom import Headroom, LimitPast
from copier.performance.missing import missing, missing_headroom
from copier.performance.numbers import bars, cents, largest_fall, mean, percentile, share, total
from copier.performance.trades import Trade
from copier.telling.wording import mismatch_words
from copier.web.dto.performance import (
    AlertCount,
    AnswerTimes,
    DenialCount,
    EquityFigures,
    LowestHeadroom,
    MoneyFigures,
    PastMismatch,
    Performance,
    Slippage,
    SlippageBar,
    SymbolFigures,
    TradeCounts,
)
from copier.web.dto.words import amount
from copier.web.store import Sample
from rules.alerts.kinds import KINDS
from rules.model.frozen import frozen
from rules.model.values import AccountId, Symbol, plain

_SECOND: Final = timedelta(seconds=1)
_HALF, _MOST = Decimal("0.5"), Decimal("0.9")

Samples = Sequence[Sample] | None
Curve = Sequence[tuple[datetime, Decimal]]
"""Instants with the equity that was sampled then, oldest first."""


@frozen
class Sum:
    """What a trade made, in which currency, and by what that is known."""

    amount: Decimal
    currency: str
    basis: Literal["booked", "prices"]
    costs: Decimal | None


def performance_of(gathered: Gathering, samples: Mapping[AccountId, Samples], now: datetime) -> Performance:
    """Return the figures.

    Args:
        samples: of the accounts that it is about, oldest first; None: they cannot be read.
        now: what still lasts has lasted until then.
    """
    trades, scope = gathered.trades(), gathered.scope
    sums = sums_of(trades, gathered.currencies)
    curves = {account: _curve(each) for account, each in samples.items()}
    nearest, bases = _nearest(gathered, samples), [None if each is None else each.basis for each in sums]
    return Performance(
        account=scope.account,
        link=scope.link,
        since=scope.since,
        until=scope.until,
        trades=_counts(trades, gathered.entries, sums),
        money=_money(sums),
        symbols=_symbols(trades, gathered.entries, sums),
        slippage=_slippage(gathered.entries),
        answers=_answers(gathered.answers_ms),
        denials=[
            DenialCount(reason.value, reason.meaning, count)
            for reason, count in sorted(gathered.denials.items(), key=lambda each: (-each[1], each[0].value))
        ],
        alerts=_alerts(record.code for _, record in gathered.alerts),
        mismatches=_mismatches(gathered, now),
        equity=[
            _equity(account, curve, gathered)
            for account, curve in curves.items()
            if curve is not None and len(curve) > 0
        ],
        limits=_limits(nearest),
        missing=[*missing(trades, bases, gathered, curves), *missing_headroom(nearest, gathered)],
    )


def sums_of(trades: Sequence[Trade], currencies: Mapping[AccountId, str]) -> list[Sum | None]:
    """Return what each trade made: as booked where all trades of its target were, else by its prices, before costs.

    Some as booked and some by prices would be a sum of unlike things.
    """
    unbooked = {trade.copy.target for trade in trades if trade.booked is None}
    found: list[Sum | None] = []
    for trade in trades:
        currency = currencies.get(trade.copy.target)
        if trade.copy.target not in unbooked and trade.booked is not None and currency is not None:
            found.append(Sum(trade.booked, currency, "booked", trade.costs))
        elif trade.result.amount is not None and trade.result.currency is not None:
            found.append(Sum(trade.result.amount, trade.result.currency, "prices", None))
        else:
            found.append(None)
    return found


def _counts(trades: Sequence[Trade], entries: Sequence[Entry], sums: Sequence[Sum | None]) -> TradeCounts:
    signs = [_sign(trade, made) for trade, made in zip(trades, sums, strict=True)]
    won, lost, even = signs.count(1), signs.count(-1), signs.count(0)
    held = [trade.over_at - trade.begun_at for trade in trades if trade.begun_at is not None]
    return TradeCounts(
        opened=sum(entry.is_first for entry in entries),
        over=len(trades),
        won=won,
        lost=lost,
        even=even,
        unknown=signs.count(None),
        win_rate=_percent(share(won, won + lost + even)),
        holding_s=sum(held, timedelta(0)) // len(held) // _SECOND if held else None,
    )


def _sign(trade: Trade, made: Sum | None) -> int | None:
    """Return whether a trade won (1), lost (-1) or neither (0); its prices tell without its worth in money."""
    gained = trade.result.gained if made is None else made.amount
    return None if gained is None else (gained > 0) - (gained < 0)


def _money(sums: Iterable[Sum | None]) -> list[MoneyFigures]:
    groups: dict[tuple[str, Literal["booked", "prices"]], list[Sum]] = {}
    for each in sums:
        if each is not None:
            groups.setdefault((each.currency, each.basis), []).append(each)
    rows = [_money_of(currency, basis, group) for (currency, basis), group in groups.items()]
    return sorted(rows, key=lambda row: (-row.trades, row.currency, row.basis))


def _money_of(currency: str, basis: Literal["booked", "prices"], group: list[Sum]) -> MoneyFigures:
    amounts = [each.amount for each in group]
    wins, losses = [each for each in amounts if each > 0], [each for each in amounts if each < 0]
    won, lost, costs = total(wins), total(losses), [each.costs for each in group if each.costs is not None]
    expectancy = mean(amounts)
    assert expectancy is not None  # a group has a trade
    return MoneyFigures(
        currency=currency,
        basis=basis,
        trades=len(amounts),
        net=plain(total(amounts)),
        won=plain(won),
        lost=plain(lost),
        profit_factor=None if not lost else plain(cents(won / -lost)),
        expectancy=plain(expectancy),
        average_win=amount(mean(wins)),
        average_loss=amount(mean(losses)),
        best=plain(max(amounts)),
        worst=plain(min(amounts)),
        costs=plain(total(costs)) if costs else None,
    )


def _symbols(trades: Sequence[Trade], entries: Iterable[Entry], sums: Sequence[Sum | None]) -> list[SymbolFigures]:
    opened: dict[tuple[AccountId, Symbol], Decimal] = {}
    for entry in entries:
        key = (entry.account, entry.symbol)
        opened[key] = opened.get(key, Decimal(0)) + entry.lots
    over: dict[tuple[AccountId, Symbol], list[tuple[Trade, Sum | None]]] = {}
    for trade, made in zip(trades, sums, strict=True):
        over.setdefault((trade.copy.target, trade.symbol), []).append((trade, made))
    rows = []
    for account, symbol in {**opened, **over}:
        pairs = over.get((account, symbol), [])
        known = [made for _, made in pairs if made is not None]
        currencies = {made.currency for made in known}
        is_known = len(known) == len(pairs) and len(currencies) == 1
        rows.append(
            SymbolFigures(
                account=account,
                symbol=symbol,
                opened=plain(opened.get((account, symbol), Decimal(0))),
                trades=len(pairs),
                closed=plain(total([trade.result.closed for trade, _ in pairs])),
                net=plain(total([made.amount for made in known])) if is_known else None,
                currency=currencies.pop() if is_known else None,
            )
        )
    return sorted(rows, key=lambda row: (-row.trades, -Decimal(row.opened), row.account, row.symbol))


def _slippage(entries: Iterable[Entry]) -> Slippage | None:
    beginnings = [entry.points for entry in entries if entry.is_first]
    known = [points for points in beginnings if points is not None]
    average = mean(known)
    if average is None:
        return None
    return Slippage(
        count=len(known),
        unknown=len(beginnings) - len(known),
        mean=plain(average),
        median=plain(cents(percentile(known, _HALF))),
        p90=plain(cents(percentile(known, _MOST))),
        best=plain(cents(min(known))),
        worst=plain(cents(max(known))),
        bars=[SlippageBar(plain(bar.low), plain(bar.high), bar.count) for bar in bars(known)],
    )


def _answers(answers_ms: Sequence[Decimal]) -> AnswerTimes | None:
    if not answers_ms:
        return None
    half, most = percentile(answers_ms, _HALF), percentile(answers_ms, _MOST)
    return AnswerTimes(len(answers_ms), plain(half), plain(most), plain(max(answers_ms)))


def _alerts(codes: Iterable[str]) -> list[AlertCount]:
    counts: dict[str, int] = {}
    for code in codes:
        counts[code] = counts.get(code, 0) + 1
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return [AlertCount(code, KINDS[code].meaning if code in KINDS else "", count) for code, count in ordered]


def _mismatches(gathered: Gathering, now: datetime) -> list[PastMismatch]:
    end = now if gathered.scope.until is None else min(now, gathered.scope.until)
    return [_mismatch(each, gathered.scope.since, end) for each in gathered.lasting()]


def _mismatch(each: Lasting, since: datetime | None, end: datetime) -> PastMismatch:
    starts = [at for at in (each.began, since) if at is not None]
    lasted = (each.ended or end) - max(starts) if starts else timedelta(0)
    return PastMismatch(
        link=each.mismatch.link_id,
        target=each.mismatch.target,
        symbol=each.mismatch.symbol,
        kind=each.mismatch.kind.value,
        severity=each.worst.value,
        began=each.began,
        ended=each.ended,
        lasted_s=max(lasted // _SECOND, 0),
        says=mismatch_words(each.mismatch),
    )


def _equity(account: AccountId, curve: Curve, gathered: Gathering) -> EquityFigures:
    fall, values = largest_fall(curve), [value for _, value in curve]
    return EquityFigures(
        account=account,
        currency=gathered.currencies.get(account),
        first=plain(values[0]),
        last=plain(values[-1]),
        change=plain(values[-1] - values[0]),
        highest=plain(max(values)),
        lowest=plain(min(values)),
        drawdown=plain(fall.amount),
        drawdown_percent=_percent(fall.percent),
        fell_from=fall.fell_from,
        fell_to=fall.fell_to,
        flows=amount(gathered.flows(account)),
    )


def _nearest(gathered: Gathering, samples: Mapping[AccountId, Samples]) -> list[tuple[LimitPast, Headroom | None]]:
    """Return each limit that was told of within the time, and how it stood at its nearest."""
    since = gathered.scope.since
    return [
        (past, past.lowest(samples.get(past.account) or (), since))
        for past in gathered.limit_pasts.values()
        if past.worst is not None
    ]


def _limits(nearest: Iterable[tuple[LimitPast, Headroom | None]]) -> list[LowestHeadroom]:
    def nearness(pair: tuple[LimitPast, Headroom | None]) -> tuple[bool, bool, Decimal, str]:
        past, found = pair  # to be near to a profit target is no danger
        share = None if found is None else found.share
        return past.limit is not None and past.limit.is_target, share is None, share or Decimal(0), past.limit_id

    return [
        LowestHeadroom(
            limit=past.limit_id,
            account=past.account,
            kind=None if past.limit is None else past.limit.kind.value,
            stage=past.worst or "unknown",
            headroom=None if found is None else plain(found.headroom),
            headroom_percent=None if found is None or found.share is None else _percent(cents(found.share * 100)),
            floor=None if found is None else amount(found.floor),
            value=None if found is None else amount(found.metric),
            currency=past.currency,
            at=None if found is None else found.at,
        )
        for past, found in sorted(nearest, key=nearness)
    ]


def _curve(samples: Samples) -> Curve | None:
    """Return the samples that tell an equity."""
    return None if samples is None else [(each.at, each.equity) for each in samples if each.equity is not None]


def _percent(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:.2f}"
