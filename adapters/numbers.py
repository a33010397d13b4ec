"""Exact numbers out of venues' words: one that is none, or of absurd size, breaks the protocol."""

from decimal import Decimal

from adapters.base import RemoteProtocolError
from rules.model.values import exact


def number(written: object, what: str) -> Decimal:
    """Return an exact number, written as a JSON number or as a string.

    Raises:
        RemoteProtocolError: it is none, or of absurd size.
    """
    try:
        return exact(written, what)
    except ValueError as error:
        raise RemoteProtocolError(str(error)) from None


def positive(written: object, what: str) -> Decimal:
    """Return an exact number > 0, or raise RemoteProtocolError."""
    value = number(written, what)
    if value <= 0:
        raise RemoteProtocolError(f"{what} must be > 0, was {value}")
    return value
