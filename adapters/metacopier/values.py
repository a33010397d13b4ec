"""Single values of MetaCopier's messages, each checked: the only way from its numbers, times and names into ours."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal

from adapters import numbers
from adapters.base import RemoteProtocolError
from rules.model.values import Price

# The venue's own limit for a symbol is 20 characters; ids are shorter still.
_NAME_LENGTH_MAX = 100

# The venue keeps numbers as doubles, of which 15 digits are sure: 0.30000000000000004 lots are 0.3.
_DIGITS_SURE = 15
_DOUBLE = Context(prec=_DIGITS_SURE, rounding=ROUND_HALF_EVEN)


def number(value: Decimal, what: str) -> Decimal:
    """Return a number of sane size without the noise of a double, or raise RemoteProtocolError."""
    if type(value) is Decimal and value.is_finite():  # nearly all are so: the long way costs a long list dearly
        text = str(value)
        if len(text) <= _DIGITS_SURE and "E" not in text:
            return value
    found = numbers.number(value, what)
    sure = _DOUBLE.plus(found)
    return found if sure == found else sure.normalize()


def number_or_none(value: Decimal | None, what: str) -> Decimal | None:
    """Return None for None, else as `number`."""
    return None if value is None else number(value, what)


def positive(value: Decimal | None, what: str) -> Decimal:
    """Return a number above zero, or raise RemoteProtocolError."""
    found = number_or_none(value, what)
    if found is None or found <= 0:
        raise RemoteProtocolError(f"expected {what} > 0, found {found}")
    return found


def price_or_none(value: Decimal | None, what: str) -> Price | None:
    """Return a price; the venue writes "none" as 0, null or nothing at all."""
    found = number_or_none(value, what)
    if found is not None and found < 0:
        raise RemoteProtocolError(f"expected {what} >= 0, found {found}")
    return found or None


def utc(at: datetime, what: str) -> datetime:
    """Return an instant in UTC, or raise RemoteProtocolError for one without a zone."""
    if at.tzinfo is None:
        raise RemoteProtocolError(f"expected {what} with a zone, found none")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise RemoteProtocolError(f"expected {what} within the calendar, found year {at.year}") from None


def name(value: str | int | None, what: str) -> str:
    """Return an id or symbol as text of sane length, or raise RemoteProtocolError."""
    text = "" if value is None else str(value)
    if not 0 < len(text) <= _NAME_LENGTH_MAX:
        raise RemoteProtocolError(f"expected {what} of 1 to {_NAME_LENGTH_MAX} characters, found {len(text)}")
    return text
