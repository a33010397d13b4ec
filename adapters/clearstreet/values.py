"""Single values of Clear Street, each checked: the only way from the numbers, times and names in its words to ours."""

from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from adapters.base import RemoteProtocolError
from adapters.numbers import number

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_MS_MAX: Final = 253_402_000_000_000
"""Days before the end of the calendar (year 9999), so that a time has a date in every zone."""

NAME_LENGTH_MAX: Final = 256
"""Characters of an id; a symbol has 32 at most (Studio OpenAPI 2.0.0), and is not held to that."""

NameT = TypeVar("NameT", bound=str)

_SIDES: Final = {"buy": 1, "sell": -1, "sell-short": -1}


def instant(written: object, what: str) -> datetime:
    """Return a time given as epoch milliseconds as UTC, or raise RemoteProtocolError."""
    return _EPOCH + timedelta(milliseconds=epoch_ms(written, what))


def epoch_ms(written: object, what: str) -> int:
    """Return a time as whole milliseconds since 1970, within the calendar, or raise RemoteProtocolError."""
    if type(written) is int and 0 <= written <= _MS_MAX:  # as all are
        return written
    milliseconds = number(written, what)
    if milliseconds != milliseconds.to_integral_value() or not 0 <= milliseconds <= _MS_MAX:
        raise RemoteProtocolError(f"{what} must be epoch milliseconds, was {milliseconds}")
    return int(milliseconds)


def date_at(at_ms: int, zone: ZoneInfo) -> date:
    """Return the date in `zone` at a time since 1970."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone).date()


def name(text: NameT | None, what: str) -> NameT:
    """Return an id or symbol of sane length, or raise RemoteProtocolError."""
    if not text or len(text) > NAME_LENGTH_MAX:
        raise RemoteProtocolError(f"expected {what} of 1 to {NAME_LENGTH_MAX} characters, found {len(text or '')}")
    return text


def sign_of(side: str, what: str) -> int:
    """Return +1 for buy, -1 for sell and sell-short, or raise RemoteProtocolError."""
    sign = _SIDES.get(side)
    if sign is None:
        raise RemoteProtocolError(f"{what} must be buy, sell or sell-short, was {side[:40]!r}")
    return sign
