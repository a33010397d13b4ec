"""Which accounts are out of sight: told once when that begins, and once when it is over."""

from datetime import datetime
from enum import Enum

from attrs import define, field

from copier.ledger.journal import Journal
from rules.alerts.kinds import AlertKind
from rules.alerts.text import duration_words
from rules.model.values import AccountId


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
    """The venue refuses the sign-in."""
    eyes: set[Eye] = field(factory=set)
    told: list[AlertKind] = field(factory=list)
    """What was told of it, and is told to be over when the account is back."""


class SessionWatch:
    """Tells of lost sessions through the journal; an account is back when nothing of it is lost any more."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lost: dict[AccountId, Loss] = {}
        self._back_at: dict[AccountId, datetime] = {}

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
        """Note that an account is lost; one that the venue refuses is told of once until it is back."""
        loss = self._lost.get(account)
        if loss is None:
            loss = self._lost[account] = Loss(now, f"{eye.value}: {reason}")
            if not refused:
                self._tell(loss, AlertKind.SESSION_LOST, account, f"{eye.value}: {reason}")
        if refused and not loss.refused:
            loss.refused, loss.why = True, reason
            self._tell(loss, AlertKind.ACCOUNT_REFUSED, account, reason)
        loss.eyes.add(eye)

    def _tell(self, loss: Loss, kind: AlertKind, account: AccountId, text: str) -> None:
        loss.told.append(kind)
        self._journal.alert(kind, account, text)

    def regain(self, account: AccountId, eye: Eye, now: datetime) -> None:
        """Note that an account is seen again."""
        loss = self._lost.get(account)
        if loss is None:
            return
        loss.eyes.discard(eye)
        if not loss.eyes:
            del self._lost[account]
            self._back_at[account] = now
            for kind in loss.told:
                self._journal.alert(kind, account, f"back after {duration_words(now - loss.since)}", over=True)
