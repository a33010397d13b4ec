"""Frames of the activity channel, and a session brought to a given point."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from adapters.clearstreet import wire
from adapters.clearstreet.net import Books, Lives, Trail
from adapters.clearstreet.sequence import Gaps
from adapters.clearstreet.session import StreamSession
from adapters.clearstreet.translate import Holding
from rules.model.events import Event, PositionClosed, PositionReported, SnapshotReceived
from rules.model.values import AccountId, Symbol

DATA = Path(__file__).parents[2] / "data" / "clearstreet"
ALIAS = AccountId("cs")
ACCOUNT_ID = "100000"
AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)  # 10:00 in New York, a Friday
NEXT_DAY = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
AAPL, MSFT = Symbol("AAPL"), Symbol("MSFT")
NEW_YORK = ZoneInfo("America/New_York")


def ms(at):
    return int(at.timestamp() * 1000)


def sample(name):
    """Return a published sample message as text; where the page shows `{...}`, data in its documented shape."""
    return (DATA / f"{name}.json").read_text()


def frame(kind, sequence=None, at=AT, **payload):
    numbered = {} if sequence is None else {"sequence": sequence}
    return json.dumps({"timestamp": ms(at), **numbered, "payload": {"type": kind, **payload}})


def ack(**fields):
    return frame("subscribe-activity-ack", success=True, details="Subscribed successfully", **fields)


def trade_data(running, quantity, side="buy", trade_id="t", at=AT, price="100.00", **fields):
    return {
        "created_at": ms(at),
        "trade_id": trade_id,
        "order_id": "o",
        "side": side,
        "quantity": str(quantity),
        "price": price,
        "running_position": str(running),
        "symbol": "AAPL",
        **fields,
    }


def trade(sequence, running, quantity, side="buy", sent_at=AT, **fields):
    return frame("trade-notice", sequence, at=sent_at, data=trade_data(running, quantity, side, **fields))


def position(sequence, quantity, cost="100.00", symbol="AAPL", sent_at=AT, **fields):
    data = {"account_id": ACCOUNT_ID, "symbol": symbol, "quantity": str(quantity), **fields}
    text = frame("position-update", sequence, at=sent_at, data=data)
    return text.replace('"quantity"', f'"average_cost": {cost}, "quantity"')  # a JSON number, digit by digit


def order(sequence, order_id="o", state="open", **fields):
    data = {"order_id": order_id, "state": state, "quantity": "10", "symbol": "AAPL", "side": "buy", **fields}
    return frame("order-update", sequence, data=data)


def books(asked_at=AT, opened=None, **quantities):
    """Return books with these signed quantities at a cost of 100, opened where `opened` says so."""
    held = {Symbol(symbol): Decimal(quantity) for symbol, quantity in quantities.items()}
    trails = {}
    for symbol, at in (opened or {}).items():
        trails[Symbol(symbol)] = Trail(held.get(Symbol(symbol), Decimal(0)), Decimal(100), at, at)
    holdings = {symbol: Holding(symbol, quantity, Decimal(100)) for symbol, quantity in held.items()}
    return Books(asked_at, holdings, trails)


class Talk:
    """A session and what it told."""

    def __init__(self, account_id=ACCOUNT_ID, lives=None, gaps=None):
        self.lives = Lives() if lives is None else lives
        self.gaps = Gaps() if gaps is None else gaps
        self.session = StreamSession(ALIAS, account_id, self.lives, self.gaps, NEW_YORK)
        self.events: list[Event] = []
        self.now = AT

    def feed(self, *texts):
        """Feed frames; returns the events of these."""
        told = [event for text in texts for event in self.session.receive(text, self.now)]
        self.events += told
        return told

    def learn(self, known):
        assert self.session.needs_books
        is_told = self.session.learn(known, self.session.mark)
        told = [self.session.snapshot(self.now)] if is_told else []
        self.events += told
        return told

    @property
    def positions(self):
        """What a reader of the events believes, by id."""
        believed = {}
        for event in self.events:
            match event:
                case SnapshotReceived():
                    believed = {each.position_id: each for each in event.positions}
                case PositionReported():
                    believed[event.position.position_id] = event.position
                case PositionClosed():
                    believed.pop(event.position_id, None)
        return believed


def live(*replay, known=None, **settings):
    """Return a session that has told its snapshot after this replay."""
    talk = Talk(**settings)
    talk.feed(ack(), *replay, frame("replay-complete"))
    if known is None:  # what the stream itself told
        told = {
            position.symbol: position.volume * position.side.sign for position in talk.session.snapshot(AT).positions
        }
        known = books(**told)
    talk.learn(known)
    assert talk.session.synchronized
    return talk


def decoded(text):
    return wire.frame(text)
