"""Performance as it is shown: what was copied within some time, what it won and lost, and how near limits came."""

from typing import Annotated, Literal

from copier.web.dto.accounts import Currency
from copier.web.dto.words import Amount, Count, Time, about
from rules.model.frozen import frozen

Percent = Annotated[Amount, about("Percent, to two digits.")]


@frozen
class TradeCounts:
    """How many trades there were. A trade is a copy, from its first opening until nothing of it is held any more."""

    opened: Annotated[Count, about("Copies that began within the time.")]
    over: Annotated[Count, about("Trades that were over within the time; those below are among them.")]
    won: Count
    lost: Count
    even: Count
    unknown: Annotated[Count, about("Nobody told a price of them.")]
    win_rate: Annotated[Percent | None, about("Of those that won, lost or were even, in percent; null: none were.")]
    holding_s: Annotated[Count | None, about("How long they were held on the mean; null: not known of any.")]


@frozen
class MoneyFigures:
    """What trades won and lost in one currency. Means are to the cent; sums are exact."""

    currency: str
    basis: Annotated[
        Literal["booked", "prices"],
        about("`booked`: as the venue booked it, costs included; `prices`: by the prices, before costs."),
    ]
    trades: Count
    net: Annotated[Amount, about("What was won less what was lost.")]
    won: Annotated[Amount, about("The sum of all that won.")]
    lost: Annotated[Amount, about("The sum of all that lost, <= 0.")]
    profit_factor: Annotated[Amount | None, about("Won over lost, to two digits; null: nothing was lost.")]
    expectancy: Annotated[Amount, about("Of a trade, on the mean.")]
    average_win: Amount | None
    average_loss: Annotated[Amount | None, about("<= 0.")]
    best: Amount
    worst: Amount
    costs: Annotated[Amount | None, about("Commission and swap as booked, within `net`; null: not known.")]


@frozen
class SymbolFigures:
    """What was traded of one instrument. Lots are the target's."""

    account: Annotated[str, about("The target.")]
    symbol: str
    opened: Annotated[Amount, about("Lots that were opened.")]
    trades: Annotated[Count, about("Trades that were over.")]
    closed: Annotated[Amount, about("Their lots.")]
    net: Annotated[Amount | None, about("What they made; null: none was over, or not all of it is known.")]
    currency: str | None


@frozen
class SlippageBar:
    """How many openings slipped by `low` points or more and less than `high`."""

    low: Amount
    high: Amount
    count: Count


@frozen
class Slippage:
    """How much worse than the source's price copies began, in points (the target's tick size); < 0: better."""

    count: Count
    unknown: Annotated[Count, about("Openings of which a price or the tick size is not known.")]
    mean: Amount
    median: Amount
    p90: Annotated[Amount, about("Nine of ten were no worse.")]
    best: Amount
    worst: Amount
    bars: list[SlippageBar]


@frozen
class AnswerTimes:
    """From an order's going out until its execution was known, in milliseconds."""

    count: Count
    p50_ms: Amount
    p90_ms: Amount
    worst_ms: Amount


@frozen
class DenialCount:
    """How many copies were denied for good by one code."""

    code: str
    meaning: str
    count: Count


@frozen
class AlertCount:
    """How many alerts of one kind were raised."""

    kind: str
    meaning: str
    count: Count


@frozen
class PastMismatch:
    """A mismatch that lasted within the time."""

    link: str
    target: str
    symbol: str
    kind: str
    severity: Annotated[str, about("The worst that it was.")]
    began: Annotated[Time | None, about("Null: before what was read.")]
    ended: Annotated[Time | None, about("Null: it lasts.")]
    lasted_s: Annotated[Count, about("Within the time.")]
    says: str


@frozen
class EquityFigures:
    """How an account's equity went, by the minute where it is younger than a week, else by the hour."""

    account: str
    currency: Currency
    first: Amount
    last: Amount
    change: Annotated[Amount, about("`last` less `first`; what came or went counts as well.")]
    highest: Amount
    lowest: Amount
    drawdown: Annotated[Amount, about("The most that it fell from a height within the time, >= 0.")]
    drawdown_percent: Annotated[Percent | None, about("The largest fall in percent of the height that it fell from.")]
    fell_from: Annotated[Time | None, about("When that height was; null: it never fell.")]
    fell_to: Time | None
    flows: Annotated[Amount | None, about("Deposits less withdrawals that the venue's history told; null: none were.")]


@frozen
class LowestHeadroom:
    """How near an account came to a limit: by its states as they are kept, and by what was sampled between them."""

    limit: str
    account: str
    kind: str | None
    stage: Annotated[str, about("The worst that it was at; `unknown`: it never was at any other.")]
    headroom: Annotated[
        Amount | None, about("Of a profit target what was missing to it. Null: not known; `missing` says why.")
    ]
    headroom_percent: Annotated[Percent | None, about("Of the limit's whole amount.")]
    floor: Amount | None
    value: Annotated[Amount | None, about("The figure that the limit counts.")]
    currency: str | None
    at: Time | None


@frozen
class Performance:
    """What was copied within some time and what became of it. What is not known is absent, and `missing` says why."""

    account: Annotated[str | None, about("Whose; null: the link's, or everybody's.")]
    link: str | None
    since: Time | None
    until: Annotated[Time | None, about("Exclusive.")]
    trades: TradeCounts
    money: Annotated[list[MoneyFigures], about("A row for each currency.")]
    symbols: list[SymbolFigures]
    slippage: Slippage | None
    answers: AnswerTimes | None
    denials: Annotated[list[DenialCount], about("The most frequent first.")]
    alerts: list[AlertCount]
    mismatches: list[PastMismatch]
    equity: Annotated[list[EquityFigures], about("Of the accounts that it is about.")]
    limits: Annotated[list[LowestHeadroom], about("The nearest first, profit targets last.")]
    missing: Annotated[list[str], about("What is not known, and why.")]
