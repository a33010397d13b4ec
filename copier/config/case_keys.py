"""The keys of [[tests]]: what a case gives, and what it expects. `copier.config.cases` reads them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from attrs import field

from copier.config.checks import above_zero, duration_within
from copier.config.errors import Fault, shown_value
from copier.config.structure import OFF
from copier.config.units import read_number
from rules.model.beginnings import EntryType
from rules.model.frozen import frozen
from rules.model.reasons import Reason
from rules.model.values import OmsType, Side, exact
from rules.times.news import Impact

NOON = datetime(2026, 1, 7, 12, tzinfo=UTC)
"""When a case happens that names no time: a Wednesday at noon."""

_LONG = duration_within(timedelta(0), timedelta(days=366))


class ActionKind(Enum):
    """What an order does."""

    OPEN = "open"
    REDUCE = "reduce"
    CLOSE = "close"
    STOPS = "stops"
    """Sets a position's stops."""
    PLACE = "place"
    """Places a pending order."""
    REPLACE = "replace"
    CANCEL = "cancel"
    NONE = "none"
    """No order leaves."""


def _read_at(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise Fault("a time without quotes, such as 2026-01-07T12:00:00Z", shown_value(value))
    return value


def _read_volume(value: object) -> Decimal:
    return above_zero(_number_of(value))


def _number_of(value: object) -> object:
    """Return the number that a text holds; anything else as it is."""
    try:
        return exact(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _read_exact(value: object) -> Decimal:
    return read_number(_number_of(value))


def _read_stop(value: object) -> Decimal | str:
    return OFF if value == OFF else above_zero(_number_of(value))


_VOLUME = {"read": _read_volume}
_NUMBER = {"read": _read_exact}
_STOP = {"read": _read_stop}


@frozen
class PositionGiven:
    """A position as its venue shows it."""

    symbol: str = field(metadata={"doc": "The account's own name."})
    side: Side = field(metadata={"doc": "Which way it was opened."})
    volume: Decimal = field(metadata={"doc": "Lots, > 0.", **_VOLUME})
    price: Decimal | None = field(
        default=None,
        metadata={
            "doc": "Where it was opened, > 0. Without it: what the account's quote says, else the target's; without"
            " quotes 1 % away from its stop; without a stop 1.",
            **_VOLUME,
        },
    )
    stop_loss: Decimal | None = field(default=None, metadata={"doc": "Price, > 0.", **_VOLUME})
    take_profit: Decimal | None = field(default=None, metadata={"doc": "Price, > 0.", **_VOLUME})
    age: timedelta = field(
        default=timedelta(0), metadata={"doc": "How long before it is seen it was opened.", "read": _LONG}
    )
    contract_size: Decimal | None = field(
        default=None, metadata={"doc": "Units per lot, where the venue tells it with the position.", **_VOLUME}
    )
    magic: str | None = field(default=None, metadata={"doc": "The opening program's number."})
    comment: str | None = field(default=None, metadata={"doc": "The position's comment."})
    opened_by: EntryType = field(default=EntryType.MARKET, metadata={"doc": "What opened it."})


@frozen
class InstrumentGiven:
    """What an account says of a symbol."""

    symbol: str = field(metadata={"doc": "The account's own name."})
    volume_min: Decimal = field(default=Decimal("0.01"), metadata={"doc": "Lots.", **_VOLUME})
    volume_max: Decimal = field(default=Decimal(100), metadata={"doc": "Lots.", **_VOLUME})
    volume_step: Decimal = field(default=Decimal("0.01"), metadata={"doc": "Lots.", **_VOLUME})
    tick_size: Decimal | None = field(default=None, metadata={"doc": "The smallest change of its price.", **_VOLUME})
    contract_size: Decimal | None = field(default=None, metadata={"doc": "Units per lot.", **_VOLUME})
    profit_currency: str | None = field(default=None, metadata={"doc": "What its profits are in."})
    stop_distance_min: Decimal | None = field(
        default=None, metadata={"doc": "How far from the price its stops must be.", **_NUMBER}
    )
    tradable: bool = field(default=True, metadata={"doc": "Whether it takes orders."})


@frozen
class QuoteGiven:
    """What a symbol costs on an account."""

    symbol: str = field(metadata={"doc": "The account's own name."})
    bid: Decimal = field(metadata={"doc": "What a seller gets.", **_VOLUME})
    ask: Decimal = field(metadata={"doc": "What a buyer pays.", **_VOLUME})


@frozen
class FiguresGiven:
    """An account's figures; what is missing is unknown."""

    balance: Decimal | None = field(default=None, metadata={"doc": "In the account's currency.", **_NUMBER})
    equity: Decimal | None = field(default=None, metadata={"doc": "In the account's currency.", **_NUMBER})
    currency: str | None = field(default=None, metadata={"doc": 'Such as `"USD"`.'})
    margin_used: Decimal | None = field(default=None, metadata={"doc": "In the account's currency.", **_NUMBER})
    margin_free: Decimal | None = field(default=None, metadata={"doc": "In the account's currency.", **_NUMBER})


@frozen
class AccountGiven(FiguresGiven):
    """An account at the time of the case. What its venue can and cannot is known from its venue."""

    was: FiguresGiven | None = field(
        default=None, metadata={"doc": "Its figures a minute before, where a loss limit counts from; else the same."}
    )
    equity_before: Decimal | None = field(
        default=None,
        metadata={"doc": "Its equity at every earlier sample of an `equity_curve`; else none was taken.", **_NUMBER},
    )
    oms: OmsType | None = field(default=None, metadata={"doc": "How it keeps positions; else as its venue does."})
    ready: bool = field(default=True, metadata={"doc": "Whether it is signed in and answers."})
    positions: tuple[PositionGiven, ...] = field(
        default=(),
        metadata={"doc": "What it held already. The source's were seen, and copied if the config copies them."},
    )
    instruments: tuple[InstrumentGiven, ...] = field(
        default=(),
        metadata={"doc": "The symbols that it has. Without any, it has every symbol, with this table's defaults."},
    )
    quotes: tuple[QuoteGiven, ...] = field(
        default=(), metadata={"doc": "Prices that it tells; a symbol without any is without."}
    )


@frozen
class ThenGiven:
    """What the source does next, once all that was ordered has been executed as wished."""

    close: bool = field(default=False, metadata={"doc": "It closes the position."})
    volume: Decimal | None = field(default=None, metadata={"doc": "It holds so many lots now.", **_VOLUME})
    stop_loss: Decimal | str | None = field(
        default=None, metadata={"doc": 'The stop is there now; `"off"`: removed.', **_STOP}
    )
    take_profit: Decimal | str | None = field(default=None, metadata={"doc": "Likewise.", **_STOP})
    price: Decimal | None = field(default=None, metadata={"doc": "The source's price by then.", **_VOLUME})
    after: timedelta = field(
        default=timedelta(seconds=10), metadata={"doc": "So long after the copy was asked for.", "read": _LONG}
    )


@frozen
class EventGiven:
    """An event of a calendar."""

    at: datetime | None = field(
        default=None, metadata={"doc": "When; without it: just when the case happens.", "read": _read_at}
    )
    currency: str | None = field(default=None, metadata={"doc": "Whom it concerns; none: everybody."})
    impact: Impact | None = field(default=Impact.HIGH, metadata={"doc": "How much it moves prices."})
    title: str = field(default="event", metadata={"doc": "What it is called."})


@frozen
class Given:
    """What happens in a case."""

    link: str = field(metadata={"doc": 'The link that is asked: `"SOURCE->TARGET"`.'})
    open: PositionGiven = field(metadata={"doc": "The position that the source opens."})
    then: ThenGiven | None = field(
        default=None, metadata={"doc": "What it does with it next; the case is then about what follows from that."}
    )
    at: datetime = field(
        default=NOON,
        metadata={
            "doc": "When it happens: `2026-01-07T12:00:00Z`. A time without a zone is in the service's.",
            "read": _read_at,
        },
    )
    found: bool = field(
        default=False,
        metadata={"doc": "The position was open when the service started, rather than seen to open."},
    )
    news: tuple[EventGiven, ...] | None = field(
        default=(), metadata={"doc": 'What is in every calendar; `"off"`: none could be read.'}
    )
    source: AccountGiven = field(factory=AccountGiven, metadata={"doc": "The link's source."})
    target: AccountGiven = field(factory=AccountGiven, metadata={"doc": "The link's target."})


@frozen
class Expected:
    """What should follow: orders of one kind, or a denial. What is not named is not asked about."""

    action: ActionKind | None = field(default=None, metadata={"doc": "What the orders do."})
    denied: Reason | None = field(default=None, metadata={"doc": "The denial's code, waiting ones included."})
    symbol: str | None = field(default=None, metadata={"doc": "The target's name."})
    side: Side | None = field(default=None, metadata={"doc": "Of the order, or of the position that it changes."})
    volume: Decimal | None = field(default=None, metadata={"doc": "Lots, of all these orders together.", **_VOLUME})
    orders: int | None = field(default=None, metadata={"doc": "How many orders it takes."})
    price: Decimal | None = field(default=None, metadata={"doc": "The price that it reckons with.", **_VOLUME})
    stop_loss: Decimal | str | None = field(default=None, metadata={"doc": 'The stop; `"off"`: none.', **_STOP})
    take_profit: Decimal | str | None = field(default=None, metadata={"doc": "Likewise.", **_STOP})


def _read_expected(value: object) -> list[Any]:
    if not isinstance(value, dict | list):
        raise Fault("a table, or an array of tables", shown_value(value))
    return value if isinstance(value, list) else [value]


@frozen
class CaseKeys:
    """One case: when this is given, that should follow. `copier test` runs it."""

    name: str = field(metadata={"doc": "What it shows, in words."})
    given: Given = field(metadata={"doc": "What happens."})
    expect: Mapping[str, Any] = field(
        metadata={"doc": "What should follow; an array where orders of several kinds do.", "read": _read_expected}
    )
