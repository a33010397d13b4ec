"""The numbers of a stream's messages, which begin anew each day: what is next, what came before, what is missing."""

from collections.abc import Callable
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from adapters.base import RemoteProtocolError
from adapters.clearstreet import values, wire

_RECENT_MAX: Final = 256
"""Messages of which the content is remembered, to tell a doubled one from numbering that begins anew."""

_GAPS_MAX: Final = 1000
"""Places of one day with a gap that are remembered; a venue with more of them is left to its replays."""

_QUARTER_MS: Final = 15 * 60 * 1000
"""Within a quarter of an hour no date changes: since 1972 all zones differ from UTC by whole ones (tz database)."""


class Gap(RemoteProtocolError):
    """Messages are missing. A fresh session gets them by its replay."""


class Gaps:
    """Where gaps were met today; one that is still there in a fresh replay is not filled by any."""

    def __init__(self) -> None:
        self._met: set[tuple[date, int, int]] = set()

    def met_before(self, day: date, last: int, found: int) -> bool:
        """Remember a gap; tell whether it was met before."""
        place = (day, last, found)
        if place in self._met:
            return True
        self._met = {known for known in self._met if known[0] == day}
        if len(self._met) < _GAPS_MAX:
            self._met.add(place)
        return False


class Sequence:
    """How far one session has come.

    Args:
        gaps: the account's gaps, shared with its later sessions.
        zone: where the venue's day begins, at midnight.
        miss: told, in words, of messages that are missing for good.
    """

    def __init__(self, gaps: Gaps, zone: ZoneInfo, miss: Callable[[str], None]) -> None:
        self._gaps = gaps
        self._zone = zone
        self._miss = miss
        self.last: int | None = None
        """The number of the last message that was applied."""
        self._day: date | None = None
        self._today = date.min
        self._dated: tuple[int, date] | None = None
        """The quarter of an hour of the last message, counted from 1970, and its date."""
        self._recent: list[int | None] = [None] * _RECENT_MAX
        """The digests of the last messages, each of which tells its number too, in a ring."""

    @property
    def place(self) -> tuple[date, int]:
        """The venue's day, and the last message of it (-1: none yet)."""
        if self._day == self._today and self.last is not None:
            return (self._today, self.last)
        return (self._today, -1)

    def see(self, frame: wire.Frame) -> date:
        """Return the day on which a frame was sent, and remember the latest."""
        at_ms = values.epoch_ms(frame.timestamp, "timestamp of a message")
        quarter = at_ms // _QUARTER_MS
        if self._dated is not None and self._dated[0] == quarter:
            return self._dated[1]
        day = values.date_at(at_ms, self._zone)
        self._dated = (quarter, day)
        self._today = max(self._today, day)
        return day

    def is_next(self, frame: wire.Frame, replayed: bool) -> bool:
        """Tell whether a message is to be applied: it is the next one, and not one that came before.

        Args:
            replayed: the replay of the day is complete.
        Raises:
            Gap: messages are missing, and the venue has not been asked for them again yet.
        """
        sequence = frame.sequence
        if sequence is None or not 0 <= sequence < 2**63:
            raise RemoteProtocolError(f"expected a sequence from 0 to 2^63 on a sequenced message, found {sequence}")
        day = self.see(frame)
        if sequence - 1 != self.last and not self._is_due(sequence, frame, day, replayed):
            return False
        self.last, self._day = sequence, day
        self._recent[sequence % _RECENT_MAX] = frame.digest
        return True

    def _is_due(self, sequence: int, frame: wire.Frame, day: date, replayed: bool) -> bool:
        """Tell of a message that does not follow the last one whether it is to be applied all the same."""
        last = self.last
        if last is None and replayed and sequence > 1:
            last = 0  # after an empty replay the first message of the day is due
        if last is None or sequence == last + 1:
            return True
        if sequence <= last:
            if self._recent[sequence % _RECENT_MAX] == frame.digest:
                return False
            if self._day is None or day <= self._day or sequence > 1:
                raise Gap(f"expected message {last + 1} of {self._day}, found {sequence}, which is not what it was")
            self._recent = [None] * _RECENT_MAX  # the first message of a new day
        else:
            if not self._gaps.met_before(day, last, sequence):
                raise Gap(f"expected message {last + 1} of {day}, found {sequence}")
            self._miss(f"messages {last + 1} to {sequence - 1} of {day} are missing, also in the replay")
        return True
