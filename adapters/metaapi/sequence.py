"""Puts one terminal host's packets in order by their numbers and timestamps, and tells when one is missing.

Numbers count within one synchronization session of the server and restart with it; timestamps grow for ever. Both are
needed: the number shows a gap, the timestamp tells a packet of an earlier session from one of this.
"""

from decimal import Decimal

from attrs import define, field

from adapters.metaapi.values import number_or_none
from adapters.metaapi.wire import Packet
from rules.model.frozen import frozen

WAITING_MAX = 100
"""Packets behind a gap, as many as the vendor's client keeps. After a hundred nobody hopes for the missing one: the
state is read anew anyway."""


@frozen
class _Waiting:
    packet: Packet
    timestamp: Decimal | None
    since_s: float


@define
class Sequencer:
    """The order of one host's packets.

    Args:
        gap_s: how long a missing packet is waited for, seconds.
    """

    gap_s: float
    _number: int | None = field(default=None, init=False)
    _timestamp: Decimal | None = field(default=None, init=False)
    _waiting: dict[int, _Waiting] = field(factory=dict, init=False)
    _told: bool = field(default=False, init=False)

    def take(self, packet: Packet, now_s: float, *, starts: bool = False) -> list[Packet]:
        """Take the packet that came and return those whose turn it is, in order.

        Args:
            now_s: a clock that never jumps, seconds.
            starts: it begins a new numbering: the `synchronizationStarted` of our own latest request.
        """
        number, timestamp = packet.sequence_number, number_or_none(packet.sequence_timestamp, "sequenceTimestamp")
        if number is None:
            return [packet]
        if starts and (timestamp is None or self._timestamp is None or timestamp > self._timestamp):
            return self._start(packet, number, timestamp)
        if timestamp is not None and self._timestamp is not None and timestamp < self._timestamp:
            return []  # of an earlier session
        if self._number is not None and number in (self._number, self._number + 1):
            self._advance(number, timestamp)
            return [packet, *self._ready()]
        self._waiting.pop(number, None)
        if len(self._waiting) >= WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[number] = _Waiting(packet, timestamp, now_s)
        return []

    @property
    def gap_at_s(self) -> float | None:
        """When the oldest packet that waits has waited too long; None where no gap is known.

        Before the first start a packet that waits is of a session that we never joined.
        """
        if self._told or self._number is None or not self._waiting:
            return None
        return min(waiting.since_s for waiting in self._waiting.values()) + self.gap_s

    def tell_gap(self) -> None:
        """Note that the gap is being healed; until the next start there is no other."""
        self._told = True

    def _start(self, packet: Packet, number: int, timestamp: Decimal | None) -> list[Packet]:
        self._number, self._told = number, False
        self._timestamp = timestamp if timestamp is not None else self._timestamp
        for key, waiting in list(self._waiting.items()):
            older = timestamp is not None and waiting.timestamp is not None and waiting.timestamp < timestamp
            if older or key <= number:
                del self._waiting[key]
        return [packet, *self._ready()]

    def _ready(self) -> list[Packet]:
        """Return the waiting packets that follow without a gap, and forget those that are behind us now."""
        ready = []
        while self._number is not None and (waiting := self._waiting.pop(self._number + 1, None)) is not None:
            self._advance(self._number + 1, waiting.timestamp)
            ready.append(waiting.packet)
        for number, waiting in list(self._waiting.items()):
            if waiting.timestamp is not None and self._timestamp is not None and waiting.timestamp <= self._timestamp:
                del self._waiting[number]
        return ready

    def _advance(self, number: int, timestamp: Decimal | None) -> None:
        self._number = number
        if timestamp is not None:
            self._timestamp = timestamp
