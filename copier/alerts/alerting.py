"""Alerts of a running service: from what the journal tells, through the routes, to the destinations.

Never in the way of trading: taking an alert is a few dictionary steps, everything else happens in tasks of its own.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo

import trio

from adapters.base import UtcNow
from copier.alerts.delivery import Delivery, Destination
from rules.alerts.kinds import Alert, AlertKind
from rules.alerts.routes import AlertRoute, Outbox
from rules.alerts.text import message
from rules.model.frozen import frozen

FINISH_S = 5.0
"""The last messages may take this long when the service ends; what is not delivered by then is in the log."""


@frozen
class Channel:
    """A route and where it leads."""

    route: AlertRoute
    destinations: tuple[Destination, ...]


class Alerter:
    """Tells people. Give it alerts by `take`, run it once, and `finish` it before it is cancelled."""

    def __init__(self, channels: Iterable[Channel], *, now: UtcNow, zone: tzinfo) -> None:
        self._now = now
        self._zone = zone
        self._channels = [
            (Outbox(channel.route), [Delivery(each) for each in channel.destinations]) for channel in channels
        ]
        self._taken = trio.Event()
        self.raised: Counter[AlertKind] = Counter()
        """Alerts that came in since the service began, whatever routes make of them; ends of what lasted are none."""

    @property
    def deliveries(self) -> Iterator[Delivery]:
        """The queues of all routes."""
        return (delivery for _, deliveries in self._channels for delivery in deliveries)

    @property
    def waiting(self) -> int:
        """How many messages are on their way."""
        return sum(delivery.waiting for delivery in self.deliveries)

    def take(self, alert: Alert) -> None:
        """Take an alert; never waits."""
        self.raised[alert.kind] += not alert.over
        for outbox, _ in self._channels:
            outbox.take(alert)
        self._taken.set()

    def acknowledge(self, kind: AlertKind, topic: str, at: datetime) -> None:
        """Take note that somebody has seen the alert that came at that time; never waits."""
        for outbox, _ in self._channels:
            outbox.acknowledge(kind, topic, at)

    async def run(self) -> None:
        """Tell until cancelled."""
        async with trio.open_nursery() as nursery:
            for delivery in self.deliveries:
                nursery.start_soon(delivery.run)
            while True:
                self._taken = trio.Event()
                self._tell()
                due = self._due_at()
                wait_s = float("inf") if due is None else max((due - self._now()).total_seconds(), 0.0)
                with trio.move_on_after(wait_s):
                    await self._taken.wait()

    async def finish(self) -> None:
        """Tell what was not told yet, wait for it within a bound, and log what could not be delivered."""
        self._tell(all_=True)
        with trio.move_on_after(FINISH_S):
            for delivery in self.deliveries:
                await delivery.empty()
        for delivery in self.deliveries:
            delivery.give_up()

    def _due_at(self) -> datetime | None:
        return min((due for outbox, _ in self._channels if (due := outbox.due_at()) is not None), default=None)

    def _tell(self, *, all_: bool = False) -> None:
        for outbox, deliveries in self._channels:
            batch = outbox.tell(self._now(), all_=all_)
            if batch is not None:
                told = message(batch, self._zone)
                for delivery in deliveries:
                    delivery.put(told, batch)
