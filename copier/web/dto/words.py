"""The field types that all shown classes share, and how they become JSON."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from rules.model.frozen import frozen
from rules.model.values import plain


def about(text: str) -> Meta:
    """Return a field's meaning, for the API's document."""
    return Meta(description=text)


Amount = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?$", description="An exact decimal number, as text.")]
Time = Annotated[datetime, Meta(tz=True, description="An instant in UTC (RFC 3339).")]
Count = Annotated[int, Meta(ge=0)]


def amount(number: Decimal | None) -> Amount | None:
    """Return an exact number as it is shown; None stays None, which means that it is not known."""
    return None if number is None else plain(number)


def utc(at: datetime | None) -> datetime | None:
    """Return an instant in UTC, however its zone was written."""
    return None if at is None else at.astimezone(UTC)


@frozen
class Page:
    """A part of a list. `next` is what to give as `cursor` for the part after it; null at the end."""

    items: list[Any]
    next: str | None


to_json: Callable[[Any], bytes] = msgspec.json.Encoder().encode
"""Return a shown thing, or a list of them, as JSON."""


def as_builtins(shown: Any) -> Any:
    """Return a shown thing as dictionaries, lists, texts and numbers."""
    return msgspec.to_builtins(shown)
