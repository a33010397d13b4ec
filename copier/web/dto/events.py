"""What the event stream carries beside the shown things themselves."""

from datetime import datetime
from typing import Annotated, Literal

from copier.ledger.kept_alerts import Acknowledged as Seen
from copier.ledger.records import AcknowledgedRecord, AlertRecord
from copier.web.dto.accounts import Position
from copier.web.dto.words import Time, about
from rules.model.frozen import frozen


@frozen
class Positions:
    """All open positions of an account."""

    account: str
    items: list[Position]


@frozen
class Session:
    """An account came in sight, or went out of it."""

    account: str
    state: Literal["ready", "starting", "lost", "refused"]
    since: Time | None
    why: str | None


@frozen
class Acknowledgement:
    """Somebody has seen an alert."""

    at: Time
    by: Annotated[str, about("Who: the name of an API key, or of a user of the machine.")]
    note: str


@frozen
class Alert:
    """Something that a person should know."""

    seq: Annotated[int, about("Its place in the ledger, by which it is acknowledged.")]
    at: Time
    kind: Annotated[str, about("As in the table of alerts: `mismatch`, `session.lost`.")]
    account: str
    text: str
    over: Annotated[bool, about("It is no longer so: there is nothing to acknowledge.")]
    acknowledged: Annotated[Acknowledgement | None, about("Who has seen it first; null: nobody.")]


def alert_of(seq: int, at: datetime, record: AlertRecord, seen: Seen | None = None) -> Alert:
    """Return an alert as it is shown."""
    acknowledged = None if seen is None else Acknowledgement(seen.at, seen.record.by, seen.record.note)
    return Alert(seq, at, record.code, record.account, record.text, record.over, acknowledged)


@frozen
class Acknowledged:
    """Somebody has seen an alert for the first time."""

    seq: Annotated[int, about("The alert's.")]
    at: Time
    account: str
    by: str
    note: str


def acknowledged_of(at: datetime, record: AcknowledgedRecord) -> Acknowledged:
    """Return that somebody has seen an alert, as it is shown."""
    return Acknowledged(record.alert, at, record.account, record.by, record.note)


@frozen
class MismatchEnded:
    """A mismatch is over."""

    link: str
    target: str
    symbol: str
    kind: str


@frozen
class Reset:
    """What was asked for is too old, or too much was missed: read everything anew."""

    why: str
