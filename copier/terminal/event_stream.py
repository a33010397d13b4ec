"""Server-sent events out of the bytes of an answer."""

from typing import Final

from adapters.base import RemoteProtocolError
from rules.model.frozen import frozen

EVENT_BYTES_MAX: Final = 4 * 1024 * 1024
"""The positions of an account with ten thousand of them."""


@frozen
class SentEvent:
    """One event: what it is called, the id to go on after, and its data."""

    event: str
    id: str
    data: bytes


class EventParser:
    """Takes bytes as they come, gives events when they are whole. Lines end with LF, as our service writes them."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, part: bytes) -> list[SentEvent]:
        """Return the events that `part` completes; comments and the pause before a new try are passed over.

        Raises:
            RemoteProtocolError: an event is too large.
        """
        *blocks, self._rest = (self._rest + part).split(b"\n\n")
        if len(self._rest) > EVENT_BYTES_MAX:
            raise RemoteProtocolError(f"expected an event of at most {EVENT_BYTES_MAX} bytes, found more")
        return [found for block in blocks if (found := _event(block)) is not None]


def _event(block: bytes) -> SentEvent | None:
    fields: dict[bytes, bytes] = {}
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        fields[name] = value.removeprefix(b" ")
    if b"event" not in fields or b"data" not in fields:
        return None
    event, event_id = (fields.get(name, b"").decode("utf-8", "replace") for name in (b"event", b"id"))
    return SentEvent(event, event_id, fields[b"data"])
