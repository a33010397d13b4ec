"""What goes wrong, as RFC 9457 has it: one shape for every error that a client sees, and no more than it may know."""

from collections.abc import Iterable
from typing import Final

import msgspec

from copier.web.dto.problems import FieldFault, Problem

MEDIA_TYPE: Final = "application/problem+json"

_TITLES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    408: "Request Timeout",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    421: "Misdirected Request",
    422: "Unprocessable Content",
    426: "Upgrade Required",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
}
"""As RFC 9110 has them; Python's own differ between its versions."""


def problem(status: int, detail: str = "", errors: Iterable[FieldFault] = ()) -> Problem:
    """Return a problem. `detail` never holds a secret, nor what the one who asked may not see."""
    title = _TITLES.get(status, "Error")
    return Problem(f"/problems/{title.lower().replace(' ', '-')}", title, status, detail, list(errors))


def problem_body(shown: Problem) -> bytes:
    """Return a problem as it is sent."""
    return msgspec.json.encode(shown)
