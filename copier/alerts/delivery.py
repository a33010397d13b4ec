"""Carries messages to one destination: in order, tried again while it makes sense, and never silently given up."""

from collections import deque
from typing import Protocol

import structlog
import trio

from rules.alerts.routes import Batch
from rules.alerts.text import Message

QUEUE_MAX = 100
"""Messages that wait for one destination. Routes send about one a minute at most; a destination that is down for longer
than that takes is told of by the log."""

GIVE_UP_S = 15 * 60.0
"""An alert that is older than this is history: the ledger has it, and what lasts is told again anyway."""

PAUSE_S_MAX = 60.0
"""Tries of one message come after 1, 2, 4 ... seconds, at most this."""

_log = structlog.get_logger("alerts")


class DeliveryFailed(Exception):
    """A message was not taken, as far as we know. The text says why, without secrets."""


class Destination(Protocol):
    """Somewhere to send messages to."""

    @property
    def name(self) -> str:
        """How a person tells it from others; without secrets."""
        ...

    async def send(self, message: Message, batch: Batch) -> None:
        """Send a message, which has a deadline of its own.

        Raises:
            DeliveryFailed: it was not taken, or nobody knows.
        """
        ...


class Delivery:
    """One destination's queue."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._queue: deque[tuple[Message, Batch]] = deque()
        self._changed = trio.Event()
        self.delivered = 0
        """Messages that were taken."""
        self.failed_tries = 0
        self.lost = 0
        """Messages that were given up."""

    @property
    def name(self) -> str:
        """The destination's name."""
        return self._destination.name

    @property
    def waiting(self) -> int:
        """How many messages are not delivered yet."""
        return len(self._queue)

    def put(self, message: Message, batch: Batch) -> None:
        """Take a message; never waits."""
        if len(self._queue) >= QUEUE_MAX:
            self._lost(message, "too many wait for it")
            return
        self._queue.append((message, batch))
        self._change()

    async def empty(self) -> None:
        """Return when nothing waits any more."""
        while self._queue:
            await self._changed.wait()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            while not self._queue:
                await self._changed.wait()
            message, batch = self._queue[0]
            await self._deliver(message, batch)
            self._queue.popleft()
            self._change()

    def give_up(self) -> None:
        """Say what was not delivered: the service ends."""
        while self._queue:
            self._lost(self._queue.popleft()[0], "the service ended first")

    async def _deliver(self, message: Message, batch: Batch) -> None:
        began, pause_s = trio.current_time(), 1.0
        while True:
            try:
                await self._destination.send(message, batch)
                self.delivered += 1
                return
            except DeliveryFailed as error:
                self.failed_tries += 1
                if trio.current_time() + pause_s - began > GIVE_UP_S:
                    self._lost(message, str(error))
                    return
                if pause_s == 1.0:  # the first try of this message
                    _log.warning("alert not delivered, tried again", to=self._destination.name, reason=str(error))
            await trio.sleep(pause_s)
            pause_s = min(pause_s * 2, PAUSE_S_MAX)

    def _lost(self, message: Message, reason: str) -> None:
        self.lost += 1
        _log.error(
            "alert not delivered", to=self._destination.name, reason=reason, title=message.title, body=message.body
        )

    def _change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
