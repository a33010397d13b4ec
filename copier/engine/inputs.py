"""What the engine is told, and what it asks of the rest of the service."""

from collections.abc import Callable
from datetime import datetime

from copier.ledger.records import LeverRecord
from rules.limits.past import Past
from rules.model.actions import Action
from rules.model.events import Event
from rules.model.frozen import frozen
from rules.model.look_ups import LookUp
from rules.model.reports import Report
from rules.model.values import AccountId
from rules.times.news import Calendar


@frozen
class Reported:
    """A report on an order of `account`."""

    account: AccountId
    report: Report


@frozen
class Polled:
    """The books of `account` could not be asked: it is not ready until they can."""

    account: AccountId
    reason: str
    refused: bool = False
    """The venue refuses the sign-in."""


@frozen
class Remembered:
    """What the history of `account` tells, which its limits asked for."""

    account: AccountId
    past: Past


@frozen
class CalendarRead:
    """The calendar of a news policy was read well."""

    news: str
    calendar: Calendar


@frozen
class Pulled:
    """An operator's lever; `answer` takes a sentence on what it did, once that is durable."""

    record: LeverRecord
    answer: Callable[[str], None]


@frozen
class CalendarUnread:
    """The calendar of a news policy cannot be read, again and again."""

    news: str
    reason: str


Input = Event | Reported | Polled | Remembered | CalendarRead | CalendarUnread | Pulled


@frozen
class Intent:
    """A durable order: it may leave. `durable_at` is when its ledger row was safe."""

    action: Action
    durable_at: datetime
    resend: bool = False


class Outside:
    """What the engine asks of the rest of the service. Nothing of it waits."""

    def __init__(
        self,
        *,
        send: Callable[[AccountId, Intent], None],
        full: Callable[[AccountId], bool],
        look_up: Callable[[LookUp], None],
        poll: Callable[[AccountId], None],
        find: Callable[[Action, datetime], None],
    ) -> None:
        """`find` wants to know what became of a pending order that was sent at that time and works no more."""
        self.send = send
        self.full = full
        self.look_up = look_up
        self.poll = poll
        self.find = find
