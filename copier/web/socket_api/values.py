"""Values as the Socket API writes them: exact JSON numbers, instants in UTC, fields that are absent when not known."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeAlias

import msgspec

from rules.model.values import plain

Json: TypeAlias = dict[str, object]

# Decimal's usual 28 digits hold every figure of a real account; a number of a broken one stays as it is.
_DIGITS_MAX = 28


def number(value: Decimal | None) -> msgspec.Raw | None:
    """Return an exact JSON number."""
    return None if value is None else msgspec.Raw(plain(value).encode())


def rounded(value: Decimal, digits: int) -> Decimal:
    """Return a derived number with so many digits after the point; one of absurd size stays as it is."""
    if value.adjusted() + digits >= _DIGITS_MAX:
        return value
    return value.quantize(Decimal(1).scaleb(-digits))


def iso(at: datetime | None) -> str | None:
    """Return an instant as the interface writes it."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def known(told: Mapping[str, object | None]) -> Json:
    """Return the fields that are known; null is for those that are known to be empty."""
    return {name: value for name, value in told.items() if value is not None}
