"""Which accounts are out of sight: told once when that begins, and once when it is over."""

from datetime import datetime
from enum import Enum

from attrs import define, field

from copier.journal import Journal
from rules.alert_text import duration_words
from rules.alerts import AlertKind
from rules.values import AccountId


class Eye(Enum):
    """What an account is seen by."""

    STREAM = "its stream broke off"
    BOOKS = "its books cannot be asked"


@define
class Loss:
    """An account is out of sight."""

    since: datetime
    why: str
    refused: bool = False
    """The venue refused it for good."""
    eyes: set[Eye] = field(factory=set)


class SessionWatch:
    """Tells of lost sessions through the journal; an account is back when nothing of it is lost any more."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lost: dict[AccountId, Loss] = {}
        self._back_at: dict[AccountId, datetime] = {}
        self._refused: set[AccountId] = set()

    def loss(self, account: AccountId) -> Loss | None:
        """Return how an account is out of sight; None while it is seen."""
        return self._lost.get(account)

    def lost_since(self, account: AccountId) -> datetime | None:
        """Return since when an account is out of sight; None while it is seen."""
        loss = self._lost.get(account)
        return None if loss is None else loss.since

    def back_at(self, account: AccountId) -> datetime | None:
        """Return since when an account is seen again; None where it was never lost."""
        return self._back_at.get(account)

    def lose(self, account: AccountId, eye: Eye, reason: str, now: datetime, *, refused: bool) -> None:
        """Note that an account is lost, for good where the venue refused it."""
        if refused and account not in self._refused:
            self._refused.add(account)
            self._journal.alert(AlertKind.ACCOUNT_REFUSED, account, reason)
        loss = self._lost.get(account)
        if loss is None:
            loss = self._lost[account] = Loss(now, f"{eye.value}: {reason}")
            if not refused:
                self._journal.alert(AlertKind.SESSION_LOST, account, f"{eye.value}: {reason}")
        if refused:
            loss.refused, loss.why = True, reason
        loss.eyes.add(eye)

    def regain(self, account: AccountId, eye: Eye, now: datetime) -> None:
        """Note that an account is seen again."""
        loss = self._lost.get(account)
        if loss is None:
            return
        loss.eyes.discard(eye)
        if not loss.eyes:
            del self._lost[account]
            self._back_at[account] = now
            self._journal.alert(
                AlertKind.SESSION_LOST, account, f"back after {duration_words(now - loss.since)}", over=True
            )
