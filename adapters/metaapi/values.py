"""Single values of MetaApi's messages, each checked: the only way from its numbers, times and ids into ours."""

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal

from adapters import numbers
from adapters.base import RemoteProtocolError
from rules.model.values import Price

# Ids are tickets of at most 20 digits, symbols of MetaTrader at most 32 characters.
_NAME_LENGTH_MAX = 100

# The venue keeps numbers as doubles, of which 15 digits are sure: 0.30000000000000004 lots are 0.3.
_DIGITS_SURE = 15
_WHOLE_MAX = 10**_DIGITS_SURE
_DOUBLE = Context(prec=_DIGITS_SURE, rounding=ROUND_HALF_EVEN)

# How JavaScript writes years of more than four digits.
_LONG_YEAR = re.compile(r"\+[0-9]{5,6}-")
_LAST = datetime.max.replace(tzinfo=UTC)


def number(value: object, what: str) -> Decimal:
    """Return a number of sane size without the noise of a double, or raise RemoteProtocolError."""
    if type(value) is Decimal and value.is_finite():  # nearly all are so: the long way costs a snapshot dearly
        text = str(value)
        if len(text) <= _DIGITS_SURE and "E" not in text:
            return value
    if type(value) is int and -_WHOLE_MAX < value < _WHOLE_MAX:
        return Decimal(value)
    found = numbers.number(value, what)
    return found if len(found.as_tuple().digits) <= _DIGITS_SURE else _DOUBLE.plus(found).normalize()


def number_or_none(value: object, what: str) -> Decimal | None:
    """Return None for None, else as `number`."""
    return None if value is None else number(value, what)


def positive(value: object, what: str) -> Decimal:
    """Return a number above zero, or raise RemoteProtocolError."""
    found = number(value, what)
    if found <= 0:
        raise RemoteProtocolError(f"{what} must be > 0, was {found}")
    return found


def price_or_none(value: object, what: str) -> Price | None:
    """Return a price; MetaTrader writes "none" as 0, MetaApi leaves the field out."""
    found = None if value is None else number(value, what)
    if not found:
        return None
    return found if found > 0 else positive(found, what)  # which refuses it


def instant(text: str, what: str) -> datetime:
    """Return an ISO 8601 time with a zone as UTC. A year beyond 9999, which some brokers mean by "never", is the last.

    Raises:
        RemoteProtocolError: it is no time, or has no zone.
    """
    if text[:1] == "+" and _LONG_YEAR.match(text):
        return _LAST
    try:
        at = datetime.fromisoformat(text) if len(text) <= 40 else None
        if at is not None and at.tzinfo is not UTC:
            at = None if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        return _LAST
    except ValueError:
        at = None
    if at is None:
        raise RemoteProtocolError(f"{what} must be an ISO 8601 time with a zone, was {text[:40]!r}")
    return at


def expiry(text: str | None, what: str) -> datetime | None:
    """Return when something ends, None for never, which some brokers write as the end of time."""
    at = None if text is None else instant(text, what)
    return None if at == _LAST else at


def iso(at: datetime) -> str:
    """Return an instant as MetaApi wants it: UTC, milliseconds, `Z`."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def name(value: str | int | None, what: str) -> str:
    """Return an id or symbol as text of sane length, or raise RemoteProtocolError."""
    text = "" if value is None else str(value)
    if not 0 < len(text) <= _NAME_LENGTH_MAX:
        raise RemoteProtocolError(f"expected {what} of 1 to {_NAME_LENGTH_MAX} characters, found {len(text)}")
    return text
