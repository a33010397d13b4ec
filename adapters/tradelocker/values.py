"""Single values of TradeLocker, each checked: the only way from the texts that it writes into our numbers and times."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from adapters import numbers
from adapters.base import RemoteProtocolError
from rules.model.values import Side, exact

_SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL, "buy": Side.BUY, "sell": Side.SELL}
"""The Streams API writes BUY and SELL, REST buy and sell; other mixtures are read too."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_SHORT_MAX: Final = 20
"""Characters of a number that is looked up."""


def positive(text: object, what: str) -> Decimal:
    """Return an exact number > 0, or raise RemoteProtocolError."""
    if type(text) is str and len(text) <= _SHORT_MAX and (known := _short_positive(text)) is not None:
        return known
    return numbers.positive(text, what)


def side(text: str | None, what: str) -> Side:
    """Return the side, or raise RemoteProtocolError."""
    found = _SIDES.get(text or "") or _SIDES.get((text or "").upper())
    if found is None:
        raise RemoteProtocolError(f"{what} must be BUY or SELL, was {(text or '')[:40]!r}")
    return found


def instant(text: str, what: str) -> datetime:
    """Return an ISO 8601 time with a zone as UTC."""
    try:
        at = datetime.fromisoformat(text) if len(text) <= 40 else None
        if at is not None and at.tzinfo is not UTC:
            at = None if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        at = None
    if at is None:
        raise RemoteProtocolError(f"{what} must be an ISO 8601 time with a zone, was {text[:40]!r}")
    return at


def instant_of_ms(text: object, what: str) -> datetime:
    """Return a time given as epoch milliseconds (text or number) as UTC."""
    milliseconds = numbers.number(text, what)
    if milliseconds != milliseconds.to_integral_value() or not 0 <= milliseconds < 253_402_300_800_000:
        raise RemoteProtocolError(f"{what} must be epoch milliseconds, was {milliseconds}")
    return _EPOCH + timedelta(milliseconds=int(milliseconds))


def optional(text: object, what: str) -> Decimal | None:
    """Return None where nothing is written, else an exact number."""
    return None if text is None or text == "" else numbers.number(text, what)


def is_zero(text: str) -> bool:
    """Tell whether a number is zero. One that cannot be read is left to be refused."""
    if len(text) <= _SHORT_MAX and _short_positive(text) is not None:
        return False
    try:
        return not exact(text)
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def _short_positive(text: str) -> Decimal | None:
    """Return a number > 0 of few digits, None where it is none. Kept: a stream says the same ones again and again."""
    try:
        value = exact(text)
    except ValueError:
        return None
    return value if value > 0 else None
