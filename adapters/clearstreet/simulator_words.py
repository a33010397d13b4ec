"""How the simulated venue writes: times, numbers, JSON, and RFC 9457 problems."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Final, TypeAlias

import msgspec

from adapters.transport.http import HttpResponse
from rules.model.values import plain

Json: TypeAlias = dict[str, object]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_JSON: Final[Mapping[str, str]] = {"content-type": "application/json"}


class Refused(Exception):
    """The request is refused at once, with an HTTP status and a problem's detail."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def millis(at: datetime) -> int:
    """Return an instant as whole milliseconds since the epoch."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def numeral(number: Decimal) -> Decimal:
    """Return a number that JSON shows without exponent and trailing zeros (average prices are JSON numbers)."""
    return Decimal(plain(number))


def encode(value: object) -> bytes:
    """Return `value` as JSON, Decimals as exact numbers."""
    return _ENCODER.encode(value)


def as_json(status: int, value: object) -> HttpResponse:
    """Return an answer."""
    return HttpResponse(status, _JSON, encode(value))


def problem(status: int, detail: str, instance: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Return a refusal as RFC 9457 has it; served as plain application/json, as the venue does."""
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": instance}
    return HttpResponse(status, {**_JSON, **(headers or {})}, encode(body))
