"""Exact values: ids, sides, and the one door through which every number from outside must pass."""

import re
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import NewType, TypeAlias

from rules.model.frozen import frozen

AccountId = NewType("AccountId", str)
"""An account's alias in the config, never a login."""
LinkId = NewType("LinkId", str)
"""`source->target`, unique in a config."""
Symbol = NewType("Symbol", str)
"""A venue's own name for an instrument, compared exactly."""
PositionId = NewType("PositionId", str)
"""A venue's id of a position; 64-bit ids stay text from wire to wire."""
VenueOrderId = NewType("VenueOrderId", str)
ClOrdId = NewType("ClOrdId", str)
"""The id that we give an order: a pure function of what the order is for (see `rules.model.identity`)."""

Volume: TypeAlias = Decimal
"""Lots, >= 0. Side is never encoded in the sign."""
Price: TypeAlias = Decimal


class Side(Enum):
    """Of an order, a fill or a position's opening order (FIX 54)."""

    BUY = "buy"
    SELL = "sell"

    __hash__ = object.__hash__
    """Members are single, and lots are looked up by side many times a decision: Enum's own asks for the name."""

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """+1 for BUY, -1 for SELL: for exposures only."""
        return 1 if self is Side.BUY else -1


class OrderType(Enum):
    """Of a pending order (FIX 40); a market order never waits."""

    LIMIT = "limit"
    """Fills at its price or better."""
    STOP = "stop"
    """Becomes a market order when the market reaches its price."""
    STOP_LIMIT = "stop_limit"
    """Becomes a limit order when the market reaches its price."""


class OrderStatus(Enum):
    """How an order ended (FIX 39)."""

    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"


class OmsType(Enum):
    """How an account keeps positions."""

    NETTING = "netting"
    """One position per instrument."""
    HEDGING = "hedging"
    """Any number of positions per instrument, also on both sides."""


@frozen
class Money:
    """An amount in one currency; amounts of different currencies never meet without a rate."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


@lru_cache(maxsize=4096)
def shared(text: str) -> str:
    """Return `text`, for equal ones the same object: thousands of positions have few symbols.

    Bounded by more symbols than an account trades; one that was forgotten is only kept twice.
    """
    return text


_DIGITS_MAX = 20

# 20 digits on either side hold every price, volume and balance of any venue that we know; more is an attack or a
# bug. Decimal itself would take "1E+400000" (whose int() needs seconds), "NaN", "1_000" and " 1.5".
_EXACT = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?")


def exact(value: object, what: str = "number") -> Decimal:
    """Return `value` as a finite Decimal of sane size; the only way that a number from outside gets in.

    Args:
        value: an int, a Decimal, or text in plain or scientific notation. A float is refused: it has lost digits.
        what: names the number in the error.
    Raises:
        ValueError: not a number, not finite, more than 20 digits on either side of the point, or an absurd exponent.
    """
    if type(value) is str and len(value) <= _DIGITS_MAX and (known := _short(value)) is not None:
        return known
    if type(value) is Decimal and value.is_finite() and len(str(value)) <= _DIGITS_MAX and _is_sane(value):
        return value  # as its text would be judged, without the pattern
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError(f"{what} must be a decimal number, was {type(value).__name__} {str(value)[:40]!r}")
    if isinstance(value, int) and not -(10**20) < value < 10**20:  # before str(): that is quadratic in the digits
        raise ValueError(f"{what} must have at most 20 digits, had more")
    text = str(value)
    if len(text) > 64 or _EXACT.fullmatch(text) is None:
        raise ValueError(f"{what} must be a finite decimal number of at most 20 digits, was {text[:40]!r}")
    number = Decimal(text)
    if number and not _is_sane(number):
        raise ValueError(f"{what} must lie between 1e-20 and 1e20 in size, was {text[:40]!r}")
    return number


@lru_cache(maxsize=4096)
def _short(text: str) -> Decimal | None:
    """Return a number of few digits, None where it is none. Kept: a stream says the same volumes and stops again."""
    if _EXACT.fullmatch(text) is None:
        return None
    number = Decimal(text)
    return number if not number or _is_sane(number) else None


def _is_sane(number: Decimal) -> bool:
    return bool(number) and -_DIGITS_MAX <= number.adjusted() <= _DIGITS_MAX


@lru_cache(maxsize=4096)
def plain(number: Decimal) -> str:
    """Return `number` as text without exponent and without trailing zeros: 0.30 -> '0.3', 1E+2 -> '100'.

    Kept: one event tells the same prices and volumes on every link. Equal numbers have the same text.
    """
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text
