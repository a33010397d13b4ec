"""Pages of lists: a cursor is the key of the last thing shown, so that what comes and goes meanwhile shifts nothing."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from copier.web.dto.words import Page
from copier.web.rest.endpoints import Call
from copier.web.rest.refusals import bad_field

T = TypeVar("T")
Key = tuple[str, ...]


def page(call: Call, things: Iterable[T], key: Callable[[T], Key], show: Callable[[T], Any]) -> Page:
    """Return the part of a list that was asked for, in the order of its keys, which are unique."""
    after = read_cursor(call, str)
    ordered = sorted(((key(thing), thing) for thing in things), key=lambda pair: pair[0])
    rest = [pair for pair in ordered if after is None or pair[0] > after]
    limit = call.query["limit"]
    shown = rest[:limit]
    more = write_cursor(shown[-1][0]) if len(rest) > limit else None
    return Page([show(thing) for _, thing in shown], more)


def write_cursor(key: tuple[Any, ...]) -> str:
    """Return a key as a cursor."""
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def read_cursor(call: Call, kind: type) -> tuple[Any, ...] | None:
    """Return the key of the request's cursor, whose parts are of that kind; None without one.

    Raises:
        Refused: it is no cursor of ours.
    """
    text = call.query["cursor"]
    if text is None:
        return None
    try:
        key = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        key = None
    if not isinstance(key, list) or not key or any(type(part) is not kind for part in key):
        raise bad_field("query", "cursor", "`next` of the page before", text)
    return tuple(key)
