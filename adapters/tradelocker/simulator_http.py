"""How the simulated REST API reads requests and writes answers."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from adapters.tradelocker.simulator_desk import Desk
from adapters.transport.http import HttpResponse
from adapters.transport.serving import HttpRequest
from rules.model.values import plain

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_JSON: Final[Mapping[str, str]] = {"content-type": "application/json"}


def login_account(desk: Desk) -> dict[str, str]:
    """Return an account as `/auth/jwt/all-accounts` and `/trade/accounts` list it."""
    return {
        "id": desk.rest_id,
        "name": f"{desk.server}#{desk.acc_num}",
        "currency": desk.book.currency,
        "accNum": desk.acc_num,
        "accountBalance": plain(desk.book.balance),
    }


def body(request: HttpRequest) -> Mapping[str, Any]:
    """Return the JSON object in a request; what is none is an empty one, whose fields are then missing."""
    try:
        value = msgspec.json.Decoder(float_hook=Decimal).decode(request.body) if request.body else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError):
        return {}
    return value if isinstance(value, dict) else {}


def bearer(request: HttpRequest) -> str:
    """Return the token in the Authorization header, or nothing."""
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def ok(data: object) -> HttpResponse:
    """Return `data` in the envelope of a good answer."""
    return as_json(200, {"s": "ok", "d": data})


def error(status: int, text: str) -> HttpResponse:
    """Return a refusal with an HTTP status."""
    return as_json(status, {"s": "error", "errmsg": text})


def throttled() -> HttpResponse:
    """Return the rate-limit answer."""
    return HttpResponse(429, {**_JSON, "retry-after": "1"}, b'{"s":"error","errmsg":"Too many requests"}')


def as_json(status: int, value: object) -> HttpResponse:
    """Return `value` as JSON, Decimals as exact numbers."""
    return HttpResponse(status, _JSON, _ENCODER.encode(value))
