"""What a person is told of: the kinds of alerts, each with what it means and what to do, and the alert itself."""

from datetime import datetime
from enum import Enum

from attrs import frozen

from rules.severity import Severity
from rules.values import AccountId


class AlertKind(Enum):
    """A kind of alert; its value is the code that `when` names. `severity` is the usual one.

    `meaning` and `do` are for the person who is told: what happened, and what to do about it.
    """

    severity: Severity
    meaning: str
    do: str

    def __new__(cls, code: str, severity: Severity, meaning: str, do: str) -> "AlertKind":
        member = object.__new__(cls)
        member._value_ = code
        member.severity = severity
        member.meaning = meaning
        member.do = do
        return member

    MISMATCH = (
        "mismatch",
        Severity.WARNING,
        "A target holds something else than its link wants there, for longer than `mismatch.grace`. Info below a tenth"
        " of what the link holds of the instrument, critical from a half on or without its stop-loss.",
        "Run `copier mismatches`, then `copier explain` with the source position. Correct it by hand at the target, or"
        " let it be: it ends with the source position. What is missing is never opened again by itself.",
    )
    LIMIT_WARNING = (
        "limit.warning",
        Severity.WARNING,
        "An account has used up much of a loss limit (`warn_at`), or the limit cannot be judged because figures are"
        " missing; without figures no new risk is taken.",
        "Look at the account's open positions. Close or reduce what should not run into the limit.",
    )
    LIMIT_BREACH = (
        "limit.breach",
        Severity.CRITICAL,
        "A limit takes no new risk, closes what is open, or was breached. Over when its reset has come, or when the"
        " figures are back where they should be.",
        "Look at the account at its broker. After a breach of the firm's own rule the account may be lost; else wait"
        " for the reset, or lift it with `copier reset-limit` once you know why.",
    )
    POSITION_OFFENCE = (
        "position.offence",
        Severity.WARNING,
        "A position broke a rule on single positions: it lost too much, is too large, was open for too long or had no"
        " stop in time; or what it loses cannot be told. The text says whether it is closed.",
        "Look at the position. Where the rule only warns, closing it is up to you.",
    )
    KEEP_ALIVE = (
        "keep_alive",
        Severity.INFO,
        "A keep-alive trade was opened because the account had not traded for too long, or was due and not opened.",
        "Nothing if it was opened; else see why, and trade by hand before the firm's time is over.",
    )
    LIMIT_RESET = (
        "limit.reset",
        Severity.INFO,
        "Somebody lifted a limit by hand.",
        "Nothing, if it was you.",
    )
    APPROVAL = (
        "approval",
        Severity.WARNING,
        "A copy waits for somebody to approve of it, as its policy's `approval` asks for; it is denied when the time"
        " that `guard` lets it wait is over.",
        "Run `copier approve` with the source position if it should be opened; else let it be.",
    )
    DENIED = (
        "denied",
        Severity.WARNING,
        "A source position was not copied, with the code and the rule that said no. Info where the config wants just"
        " that: filters, symbol maps, schedules, paused links.",
        "Look the code up in the page of denial codes; `copier explain` shows the numbers.",
    )
    SESSION_LOST = (
        "session.lost",
        Severity.WARNING,
        "The stream of an account broke off, or its books cannot be asked. It is tried again by itself; meanwhile"
        " nothing new is opened at that account, and what its sources do is caught up with afterwards.",
        "Nothing for a minute. If it lasts, see whether the venue is in maintenance and this machine online.",
    )
    ACCOUNT_REFUSED = (
        "account.refused",
        Severity.CRITICAL,
        "The venue refuses the sign-in for good. It is not tried again, since that could lock the account.",
        "Check password, token and server; renew them in the config and start the service again. Positions of that"
        " account are looked after by nobody meanwhile.",
    )
    CALENDAR_UNREAD = (
        "calendar.unread",
        Severity.WARNING,
        "The calendar of a news policy could not be read several times on end. The last good copy holds until it is"
        " stale; then no new risk is taken where `on_missing` is deny.",
        "See whether its file or address is right and can be reached; `copier check` reads a file.",
    )
    ACCOUNT_UNNAMED = (
        "account.unnamed",
        Severity.CRITICAL,
        "Copies are open on an account that the config no longer names.",
        "Close them by hand, or put the account back into the config so that they close with their source.",
    )
    ORDER_UNKNOWN = (
        "order.unknown",
        Severity.WARNING,
        "An order left and no answer came: it may have been executed. It is not sent again; the venue's books are asked"
        " until they show what became of it.",
        "Nothing at first. If it lasts, look at the target's positions and orders.",
    )
    ORDER_REJECTED = (
        "order.rejected",
        Severity.WARNING,
        "The venue refused an order, in its own words. Critical where it was to close or reduce: that is tried again.",
        "Read the venue's text: no money, market closed, wrong volume. A refused opening is not tried again.",
    )
    TARGET_CLOSED = (
        "target.closed",
        Severity.INFO,
        "A target closed or reduced a copy by itself: a stop was hit, or a person did it. It is not opened again.",
        "Nothing, if it was meant. The mismatch lasts until the source closes too.",
    )
    TARGET_CHANGED = (
        "target.changed",
        Severity.WARNING,
        "A person changed the lots or the stops of a copy at the target, and the policy's `on_target_change` is alert"
        " or restore. The text says whether they are put back.",
        "Nothing, if it was meant; else change it back by hand. Only restore does so by itself, once.",
    )
    ORPHAN = (
        "orphan",
        Severity.CRITICAL,
        "A target holds a position that carries our tag and that no copy accounts for, or an order was executed after"
        " it was given up; the latter is closed at once.",
        "Look at the position. Close it by hand, or set `close_orphans`.",
    )
    OVERTAKEN = (
        "overtaken",
        Severity.WARNING,
        "On a netting account a close of ours came after somebody else's and so opened lots the other way round. They"
        " are closed again at once.",
        "Look at the account: somebody else closes there, a person or another program.",
    )
    STOP_LOSS = (
        "stop_loss",
        Severity.WARNING,
        "Where a stop-loss is an order of its own: the venue refuses it, so that the copy has none (critical), or one"
        " was left that protects nothing any more and is canceled. Or a netted position does not show its own.",
        "Read the venue's text. A refused one is tried again every 15 minutes; protect or close the copy by hand.",
    )
    FLATTEN = (
        "flatten",
        Severity.WARNING,
        "Copies of an account are being closed although their source is open: a limit or a schedule wants it.",
        "Watch that the account becomes flat.",
    )
    LEDGER_STUCK = (
        "ledger.stuck",
        Severity.CRITICAL,
        "The ledger cannot be written, as on a full disk: no order leaves, not even a close, until it can.",
        "Make room on the disk now.",
    )
    SURFACE_FAILED = (
        "surface.failed",
        Severity.WARNING,
        "A bug in what serves the dashboard or an API cost one request or connection. Trading goes on, and so do the"
        " others.",
        "Reload the page. Tell of the bug, with the traceback that is in the log.",
    )
    SERVICE_STARTED = (
        "service.started",
        Severity.INFO,
        "The service runs.",
        "Nothing. If you did not start it: it was restarted, look into the log.",
    )
    SERVICE_ENDED = (
        "service.ended",
        Severity.WARNING,
        "The service ended, and nothing is copied or closed any more. Critical where it did not end on request.",
        "Start it again; it takes up where it was.",
    )
    TEST = (
        "test",
        Severity.INFO,
        "Somebody ran `copier alerts test`.",
        "Be glad.",
    )


KINDS = {kind.value: kind for kind in AlertKind}
"""The kinds by their codes."""


@frozen
class Alert:
    """Something that a person should know now. No text in it holds a secret, and all of it is bounded.

    `topic` tells two alerts of one kind apart: the same topic again is the same cause. `lasts` says that the cause is a
    state that will be over; `over` that it is. `title` is one line that stands for itself; `lines` say more.
    """

    kind: AlertKind
    topic: str
    title: str
    at: datetime
    severity: Severity
    lines: tuple[str, ...] = ()
    accounts: tuple[AccountId, ...] = ()
    lasts: bool = False
    over: bool = False
