"""What MetaApi sends, for tests of the session: frames, packets, and a conversation that keeps the time."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from adapters.metaapi.session import StreamSession
from adapters.metaapi.tickets import Tickets
from adapters.secret import Secret
from rules.model.events import Event
from rules.model.observed import Position, WorkingOrder
from rules.model.values import AccountId, OmsType, OrderType, PositionId, Side, Symbol, VenueOrderId

ALIAS = AccountId("ma")
ACCOUNT = "865d3a4d-3803-486d-bdf3-a85679d9fad2"
SESSION_ID = "s" * 32
TOKEN = Secret("token-of-nobody")
AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
OPENED_AT = datetime(2026, 11, 20, 10, 30, 0, 123000, tzinfo=UTC)
HOST = "ps-mpa-0"
_ENCODER = msgspec.json.Encoder(decimal_format="number")
OPEN = '0{"sid":"x","upgrades":[],"pingTimeout":60000,"pingInterval":25000}'


def row(ticket="46214692", volume="0.30", **fields):
    """Return a position as the venue writes it."""
    return {
        "id": ticket,
        "platform": "mt5",
        "type": "POSITION_TYPE_BUY",
        "symbol": "EURUSD",
        "magic": 1000,
        "time": "2026-11-20T10:30:00.123Z",
        "brokerTime": "2026-11-20 12:30:00.123",
        "updateTime": "2026-11-20T10:30:00.123Z",
        "openPrice": Decimal("1.26101"),
        "currentPrice": Decimal("1.24883"),
        "currentTickValue": 1,
        "volume": Decimal(volume),
        "profit": Decimal("-85.25"),
        "swap": 0,
        "commission": Decimal("-0.25"),
        "clientId": "TE_GBPUSD_7hyINWqAlE",
        "reason": "POSITION_REASON_EXPERT",
        "updateSequenceNumber": 1763634600123000001,
        **fields,
    }


def held(ticket="46214692", volume="0.30", **fields) -> Position:
    """Return what `row` means."""
    return Position(
        **{
            "position_id": PositionId(ticket),
            "symbol": Symbol("EURUSD"),
            "side": Side.BUY,
            "volume": Decimal(volume),
            "open_price": Decimal("1.26101"),
            "opened_at": OPENED_AT,
            "current_price": Decimal("1.24883"),
            "magic": "1000",
            "tag": "TE_GBPUSD_7hyINWqAlE",
            **fields,
        }
    )


def waiting(order_id="70", **fields):
    """Return a pending order as the venue writes it."""
    return {
        "id": order_id,
        "platform": "mt5",
        "type": "ORDER_TYPE_BUY_LIMIT",
        "state": "ORDER_STATE_PLACED",
        "symbol": "EURUSD",
        "magic": 1000,
        "time": "2026-11-20T10:30:00.123Z",
        "openPrice": Decimal("1.15"),
        "currentPrice": Decimal("1.16"),
        "volume": Decimal("0.3"),
        "currentVolume": Decimal("0.3"),
        "fillingMode": "ORDER_FILLING_RETURN",
        "expirationType": "ORDER_TIME_GTC",
        **fields,
    }


def waits(order_id="70", **fields) -> WorkingOrder:
    """Return what `waiting` means."""
    return WorkingOrder(
        **{
            "order_id": VenueOrderId(order_id),
            "symbol": Symbol("EURUSD"),
            "side": Side.BUY,
            "order_type": OrderType.LIMIT,
            "volume": Decimal("0.3"),
            "price": Decimal("1.15"),
            "placed_at": OPENED_AT,
            "magic": "1000",
            **fields,
        }
    )


INFORMATION = {
    "platform": "mt5",
    "broker": "True ECN Trading Ltd",
    "currency": "USD",
    "server": "ICMarketsSC-Demo",
    "balance": Decimal("7319.9"),
    "equity": Decimal("7306.649913200001"),
    "margin": Decimal("184.1"),
    "freeMargin": Decimal("7120.22"),
    "leverage": 100,
    "marginLevel": Decimal("3967.58"),
    "tradeAllowed": True,
    "marginMode": "ACCOUNT_MARGIN_MODE_RETAIL_HEDGING",
    "login": 50194988,
    "credit": 0,
}


def text(value) -> str:
    """Return JSON with numbers exactly as given."""
    return _ENCODER.encode(value).decode()


def event(name, data) -> str:
    return "42" + text([name, data])


def packet(kind, **fields) -> str:
    """Return a frame of the `synchronization` event."""
    envelope = {"type": kind, "accountId": ACCOUNT, "instanceIndex": 0, "host": HOST}
    return event("synchronization", {**envelope, **fields})


class Talk:
    """A session, its clock, and the server's numbering of packets."""

    def __init__(self, oms=OmsType.HEDGING, gap_s=1.5, tickets=None) -> None:
        self.now_s = 0.0
        self.session = StreamSession(
            ALIAS,
            ACCOUNT,
            oms,
            TOKEN,
            session_id=SESSION_ID,
            tickets=Tickets() if tickets is None else tickets,
            gap_s=gap_s,
            now_s=self.now_s,
        )
        self.sent: list[dict] = []
        self.number = -1
        self.stamp = 1_700_000_000_000

    @property
    def at(self) -> datetime:
        return AT + timedelta(seconds=self.now_s)

    def feed(self, *frames: str) -> list[Event]:
        """Give frames to the session and keep what it sends."""
        events: list[Event] = []
        for frame in frames:
            events += self.session.receive(frame, self.at, self.now_s)
            self._keep()
        return events

    def wait(self, seconds: float) -> list[Event]:
        """Let time pass, with everything that is due on the way."""
        events: list[Event] = []
        end = self.now_s + seconds
        while (due := self.session.due_s) <= end:
            self.now_s = max(due, self.now_s)
            events += self.session.elapse(self.at, self.now_s)
            self._keep()
        self.now_s = end
        return events

    def numbered(self, kind, **fields) -> str:
        """Return the next packet in the server's order."""
        self.number += 1
        self.stamp += 7
        return packet(kind, sequenceNumber=self.number, sequenceTimestamp=self.stamp, **fields)

    def synchronization(self, *rows, orders=(), restart=True, before_end=(), **fields) -> list[str]:
        """Return the packets of a whole synchronization that answers the latest request."""
        sync = {"synchronizationId": self.synchronization_id, **fields}
        if restart:
            self.number = -1
        frames = [
            self.numbered("synchronizationStarted", **sync),
            self.numbered("accountInformation", accountInformation=INFORMATION, **sync),
            self.numbered("positions", positions=list(rows), **sync),
            self.numbered("orders", orders=list(orders), **sync),
        ]
        frames += [self.numbered(kind, **more) for kind, more in before_end]
        frames.append(self.numbered("orderSynchronizationFinished", **sync))
        frames.append(self.numbered("dealSynchronizationFinished", **sync))
        return frames

    @property
    def synchronization_id(self) -> str:
        return next(each for each in reversed(self.sent) if each["type"] == "synchronize")["requestId"]

    def requests(self, kind) -> list[dict]:
        return [each for each in self.sent if each["type"] == kind]

    def _keep(self) -> None:
        for frame in self.session.take_outbox():
            name, data = json.loads(frame[2:])
            assert (frame[:2], name) == ("42", "request")
            self.sent.append(data)


def authenticated(**fields) -> str:
    return packet("authenticated", replicas=1, sessionId=SESSION_ID, **fields)


def subscribed(**settings) -> Talk:
    """Return a conversation in which a synchronization has been asked for."""
    talk = Talk(**settings)
    talk.feed(OPEN, "40", authenticated())
    return talk


def live(*rows, **settings) -> Talk:
    """Return a conversation whose state is whole."""
    talk = subscribed(**settings)
    talk.feed(*talk.synchronization(*rows))
    return talk
