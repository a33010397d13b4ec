"""All subscriptions of one socket of a simulated MetaApi: the requests about the stream, and what is due of it."""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import trio
from attrs import define, field

from adapters.base import UtcNow
from adapters.metaapi.simulator_desk import Desk
from adapters.metaapi.simulator_errors import ProcessingError, invalid, too_many
from adapters.metaapi.simulator_reads import Reads, Request, instant, instrument, text
from adapters.metaapi.simulator_subscription import Stamps, Subscription
from adapters.metaapi.simulator_words import Json
from adapters.simulation.faults import Faults
from rules.model.frozen import frozen
from rules.model.values import Symbol

Place = tuple[str, int]
"""Account id and instance index."""


@frozen
class Venue:
    """What all sockets share.

    Args:
        desks: the accounts by id, at this moment.
        subscriptions_max: of one socket.
        update_type, records_a_packet: see `Subscription`.
        trade_errors: refuse trades by `processingError` instead of by a code in the response.
        doubts: tell lost requests and answers by a code of unknown outcome instead of cutting the socket.
    """

    desks: Callable[[], Mapping[str, Desk]]
    faults: Faults
    now: UtcNow
    token: str = field(repr=False)
    stamps: Stamps
    reads: Reads
    subscriptions_max: int
    update_type: str
    records_a_packet: int
    trade_errors: bool
    doubts: bool
    error_ids: "count[int]" = field(factory=lambda: count(1))


@define(eq=False)
class Subscriptions:
    """One socket's subscriptions by account and instance index.

    Args:
        wake: called when a packet may have become due.
    """

    venue: Venue
    wake: Callable[[], None]
    _by_place: dict[Place, list[Subscription]] = field(factory=dict, init=False)

    def close(self) -> None:
        """End all of them."""
        for place in tuple(self._by_place):
            self._unsubscribe(place)

    def has(self, place: Place) -> bool:
        """Tell whether this socket gets the packets of that place."""
        return place in self._by_place

    def due_packets(self) -> list[Json]:
        """Return what is due now, at most one packet of each subscription."""
        at = trio.current_time()
        packets = [subscription.next_packet(at) for subscription in self._all()]
        return [packet for packet in packets if packet is not None]

    def due_at(self) -> float:
        """Return when the next packet is due if nothing changes until then."""
        return min((subscription.due_at() for subscription in self._all()), default=float("inf"))

    def take(self, desk: Desk, kind: str, request: Request) -> None:
        """Do what a request about the stream asks for.

        Raises:
            ProcessingError: it cannot be done, or there is no such request.
        """
        place = (desk.account_id, instance_index(request))
        match kind:
            case "subscribe":
                self._subscribe(desk, place, request)
            case "unsubscribe":
                self._unsubscribe(place)
            case "waitSynchronized":
                if not desk.is_up:
                    raise ProcessingError("TimeoutError", "Account is not connected to broker")
            case "saveUptime" | "removeApplication":
                pass
            case "synchronize":
                since = [instant(request, name) for name in ("startingHistoryOrderTime", "startingDealTime")]
                name = text(request, "requestId")
                self._on_host(place, request.get("host")).synchronize(name, since[0], since[1])
            case "refreshMarketDataSubscriptions":
                symbols = _symbols(desk, request)
                for subscription in self._up(place):
                    subscription.watch(symbols)
            case "subscribeToMarketData":
                for subscription in self._up(place):
                    subscription.watch_also(instrument(desk, request).symbol)
            case "unsubscribeFromMarketData":
                for subscription in self._up(place):
                    subscription.watch_no_more(instrument(desk, request).symbol)
            case _:
                raise invalid("type", kind[:40], "must be one of the documented request types")

    def _subscribe(self, desk: Desk, place: Place, request: Request) -> None:
        venue = self.venue
        if place not in self._by_place:
            if len(self._by_place) >= venue.subscriptions_max:
                raise too_many("LIMIT_ACCOUNT_SUBSCRIPTIONS_PER_USER_PER_SERVER", venue.now())
            self._by_place[place] = [
                Subscription(
                    desk,
                    place[1],
                    host,
                    venue.stamps,
                    self.wake,
                    at=trio.current_time(),
                    update_type=venue.update_type,
                    records_a_packet=venue.records_a_packet,
                )
                for host in desk.hosts
            ]
        session_id = request.get("sessionId")
        for subscription in self._by_place[place]:
            subscription.authenticate(session_id if isinstance(session_id, str) else None)

    def _unsubscribe(self, place: Place) -> None:
        for subscription in self._by_place.pop(place, ()):
            subscription.close()

    def _all(self) -> list[Subscription]:
        return [subscription for each in self._by_place.values() for subscription in each]

    def _up(self, place: Place) -> list[Subscription]:
        """Return the subscriptions of a place whose terminal is up, at least one."""
        up = [subscription for subscription in self._by_place.get(place, ()) if subscription.is_up]
        if not up:
            raise ProcessingError("NotAuthenticatedError", "Account is not connected to the terminal yet")
        return up

    def _on_host(self, place: Place, host: object) -> Subscription:
        """Return the subscription of a place on the host that is named; where none is, the first that is up."""
        named = [subscription for subscription in self._up(place) if host in (None, subscription.host)]
        if not named:
            raise ProcessingError("NotAuthenticatedError", "Account is not connected to the terminal of that host yet")
        return named[0]


def instance_index(request: Request) -> int:
    """Return which of the account's two servers a request is for.

    Raises:
        ProcessingError: neither.
    """
    index = request.get("instanceIndex", 0)
    if type(index) is not int or index not in (0, 1):
        raise invalid("instanceIndex", str(index)[:40], "must be 0 or 1")
    return index


def _symbols(desk: Desk, request: Request) -> set[Symbol]:
    wanted: Any = request.get("subscriptions", [])
    if not isinstance(wanted, list) or not all(isinstance(each, Mapping) for each in wanted):
        raise invalid("subscriptions", None, "a list of objects is required")
    return {instrument(desk, each).symbol for each in wanted}
