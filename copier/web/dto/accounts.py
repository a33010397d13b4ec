"""Accounts as they are shown: sessions, figures, positions, pending orders, what was booked, the equity curve."""

from typing import Annotated, Literal

from copier.web.dto.words import Amount, Count, Time, about
from rules.model.frozen import frozen

Currency = Annotated[str | None, about("Of all amounts of the account; null until the venue told.")]


@frozen
class NearestLimit:
    """The limit of an account with the least headroom in money."""

    limit: str
    kind: str
    stage: str
    headroom: Amount
    headroom_percent: Annotated[Amount | None, about("Of the limit's whole amount.")]
    currency: Currency


@frozen
class Denial:
    """Why new risk is refused."""

    code: str
    meaning: str
    numbers: dict[str, str]


@frozen
class Latency:
    """How long something took lately, in milliseconds; the samples are the latest ten thousand at most."""

    count: Count
    p50_ms: float
    p99_ms: float


@frozen
class Account:
    """A configured account as it is known now. Null means that it is not known, never zero."""

    name: str
    venue: str
    broker: str | None
    roles: Annotated[list[Literal["source", "target"]], about("What links use it for; empty: it is only watched.")]
    oms: Annotated[Literal["netting", "hedging"], about("How its venue keeps positions.")]
    state: Annotated[
        Literal["ready", "starting", "lost", "refused"],
        about("`starting`: not seen whole yet; `lost`: out of sight; `refused`: the venue refuses the sign-in."),
    ]
    state_since: Time | None
    state_why: Annotated[str | None, about("What was lost, or how it was refused.")]
    streams: Annotated[bool, about("Its venue pushes changes; else its books are asked.")]
    lagging: Annotated[bool, about("Its queue of orders is full.")]
    books_at: Annotated[Time | None, about("When its books were asked, the last time that they were read.")]
    currency: Currency
    balance: Amount | None
    equity: Amount | None
    floating: Annotated[Amount | None, about("Equity less balance.")]
    margin_used: Amount | None
    margin_free: Amount | None
    margin_level: Annotated[Amount | None, about("Equity over used margin, in percent, to two digits.")]
    high_water_mark: Annotated[Amount | None, about("The highest equity that was sampled, by the minute.")]
    drawdown: Annotated[Amount | None, about("High-water mark less equity, >= 0. A withdrawal counts as well.")]
    drawdown_percent: Annotated[Amount | None, about("Of the high-water mark, to two digits.")]
    positions: Annotated[Count, about("Open positions, whoever opened them.")]
    orders: Annotated[Count, about("Pending orders.")]
    copies: Annotated[Count, about("Copies that hold something here.")]
    copied_volume: Annotated[Amount, about("Lots that they hold or will hold.")]
    latency: Annotated[Latency | None, about("From an order's sending to the venue's answer; null: none yet.")]
    nearest_limit: NearestLimit | None
    denied: Annotated[Denial | None, about("Why the account takes no new risk by its limits now; null: it does.")]
    lever: Annotated[Literal["active", "halted", "flat"], about("What an operator set.")]
    lever_by: str | None
    lever_why: str | None


@frozen
class Position:
    """An open position. What a venue does not tell is null."""

    account: str
    position: Annotated[str, about("The venue's id.")]
    symbol: str
    side: Literal["buy", "sell"]
    volume: Annotated[Amount, about("Lots.")]
    open_price: Amount
    opened_at: Time
    current_price: Amount | None
    stop_loss: Amount | None
    take_profit: Amount | None
    magic: str | None
    comment: str | None
    link: Annotated[str | None, about("The link whose copy holds it; null: nobody copied it here.")]
    source_position: Annotated[str | None, about("What it is a copy of.")]


@frozen
class Order:
    """A pending order at a venue: it waits for its price."""

    account: str
    order: Annotated[str, about("The venue's id.")]
    symbol: str
    side: Literal["buy", "sell"]
    type: Literal["limit", "stop", "stop_limit"]
    volume: Annotated[Amount, about("Lots still to fill.")]
    price: Amount
    limit_price: Amount | None
    stop_loss: Amount | None
    take_profit: Amount | None
    placed_at: Time | None
    expires_at: Time | None
    magic: str | None
    comment: str | None


@frozen
class Booking:
    """Something that was booked at a venue: an execution, or money that came or went."""

    account: str
    id: Annotated[str, about("The venue's id; the same whenever it is asked for.")]
    at: Time
    kind: Annotated[str, about("`fill`, or what money came or went for: `deposit`, `withdrawal`, the venue's word.")]
    symbol: str | None
    side: Annotated[Literal["buy", "sell"] | None, about("The execution's own: what closes a long position sells.")]
    opens: Annotated[bool | None, about("Whether it opened or added; null where one did both, or nobody tells.")]
    volume: Amount | None
    price: Amount | None
    position: str | None
    realized: Annotated[Amount | None, about("Profit or loss, in the account's currency, as the venue signs it.")]
    commission: Amount | None
    swap: Amount | None
    amount: Annotated[Amount | None, about("Money that came (> 0) or went; null for executions.")]
    comment: str | None


@frozen
class EquityPoint:
    """An account's figures at one time."""

    at: Time
    balance: Amount | None
    equity: Amount | None


@frozen
class EquityCurve:
    """How balance and equity went, oldest first; evenly thinned to at most `points`."""

    account: str
    currency: Currency
    every_s: Annotated[Count, about("Seconds between two points, where figures came all the time.")]
    points: list[EquityPoint]
