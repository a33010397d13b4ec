"""Frames as the Streams API sends them, and a session brought to a given point."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from adapters.tradelocker.session import Mark, StreamSession
from adapters.tradelocker.stream_book import BookStops
from adapters.tradelocker.wire_rest import StreamToken
from rules.model.events import Event
from rules.model.observed import WorkingOrder
from rules.model.values import AccountId

DATA = Path(__file__).parents[2] / "data" / "tradelocker"
AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ALIAS = AccountId("tl")

OPEN = '0{"sid":"s1","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
CONNECT = '40/streams-api,{"sid":"s2"}'


def sample(name):
    """Return a published sample message."""
    return json.loads((DATA / f"{name}.json").read_text())


def event(name, data):
    return f"42/streams-api,{json.dumps([name, data])}"


def stream(data):
    return event("stream", data)


def ack(session_frames, answer):
    """Return the acknowledgement of the event among `session_frames` that asked for one."""
    ids = [found[1] for frame in session_frames if (found := re.match(r"42/streams-api,(\d+)\[", frame))]
    assert len(ids) == 1
    return f"43/streams-api,{ids[0]}{json.dumps([answer])}"


def position(position_id="7", lots="1.00", **fields):
    """Return a Position message of account L#706984 with all that its sample has, and no stops unless given."""
    message = {**sample("stream-position"), "accountId": "L#706984", "positionId": position_id, "lots": lots}
    return {**message, "stopLossOrderId": None, "takeProfitOrderId": None, **fields}


def order(order_id, price, status="STATUS_NEW", **fields):
    """Return an OpenOrder message of account L#706984."""
    return {**sample("stream-open-order"), "orderId": order_id, "price": price, "status": status, **fields}


class Talk:
    """A session and what it said and told."""

    def __init__(self, account_id="L#706984", brand_id="BAPIA"):
        token = StreamToken(access_token="a.b.c", account_id=account_id, brand_id=brand_id)
        self.session = StreamSession(ALIAS, token)
        self.sent = self.session.take_outbox()
        self.events: list[Event] = []

    def feed(self, *frames) -> list[Event]:
        """Let the session receive frames; returns the events of these."""
        events = [event for frame in frames for event in self.session.receive(frame, AT)]
        self.sent += self.session.take_outbox()
        self.events += events
        return events

    def learn(self, books: BookStops, mark: Mark | None = None, orders: Iterable[WorkingOrder] = ()) -> list[Event]:
        events = self.session.learn(books, orders, self.session.mark if mark is None else mark, AT)
        self.events += events
        return events

    def subscribe(self) -> list[Event]:
        """Bring the session to where the venue has taken the subscription."""
        self.feed(OPEN, CONNECT, event("connection", sample("connection-connected")))
        return self.feed(ack(self.sent, sample("ack-connected")))

    def synchronize(self, *messages, books=None) -> list[Event]:
        """Subscribe, pass the initial state, and confirm it."""
        self.subscribe()
        self.feed(*(stream(message) for message in messages), stream(sample("stream-sync-end")))
        return self.learn({} if books is None else books)


def live(*messages, books=None, **names) -> Talk:
    """Return a synchronized session."""
    talk = Talk(**names)
    talk.synchronize(*messages, books=books)
    return talk
