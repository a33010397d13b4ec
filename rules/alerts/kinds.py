"""What a person is told of: the kinds of alerts, each with what it means and what to do, and the alert itself."""

from datetime import datetime
from enum import Enum

from rules.model.frozen import frozen
from rules.model.severity import Severity
from rules.model.values import AccountId


class AlertKind(Enum):
    """A kind of alert; its value is the code that `when` names. `severity` is the usual one.

    `meaning`, `look` and `do` are for the person who is told: what happened, what to look at, and what to do about it.
    """

    severity: Severity
    meaning: str
    look: str
    do: str

    def __new__(cls, code: str, severity: Severity, meaning: str, look: str, do: str) -> "AlertKind":
        member = object.__new__(cls)
        member._value_ = code
        member.severity = severity
        member.meaning = meaning
        member.look = look
        member.do = do
        return member

    MISMATCH = (
        "mismatch",
        Severity.WARNING,
        "A target holds something else than its link wants there, for longer than `mismatch.grace`. Info below a tenth"
        " of what the link holds of the instrument, critical from a half on or without its stop-loss.",
        "`copier mismatches`, or the dashboard's Mismatches: which link, which lots, since when, and what is known of"
        " the reason. `copier explain POSITION` for each source position that it names.",
        "Run `copier mismatches`, then `copier explain` with the source position. Correct it by hand at the target, or"
        " let it be: it ends with the source position. What is missing is never opened again by itself.",
    )
    LIMIT_WARNING = (
        "limit.warning",
        Severity.WARNING,
        "An account has used up much of a loss limit (`warn_at`), or the limit cannot be judged because figures are"
        " missing; without figures no new risk is taken.",
        "`copier limits`: what is left, at which figure the next stage comes, what would be left if every stop were"
        " hit; or which figure is missing, and since when.",
        "Look at the account's open positions. Close or reduce what should not run into the limit.",
    )
    LIMIT_BREACH = (
        "limit.breach",
        Severity.CRITICAL,
        "A limit takes no new risk, closes what is open, or was breached. Over when its reset has come, or when the"
        " figures are back where they should be.",
        "`copier limits` for the figures that fired it, and when it resets. The account at its broker: is it flat,"
        " where the limit closes what is open?",
        "Look at the account at its broker. After a breach of the firm's own rule the account may be lost; else wait"
        " for the reset, or lift it with `copier reset-limit` once you know why.",
    )
    POSITION_OFFENCE = (
        "position.offence",
        Severity.WARNING,
        "A position broke a rule on single positions: it lost too much, is too large, was open for too long or had no"
        " stop in time; or what it loses cannot be told. The text says whether it is closed.",
        "The position at the broker, and the rule that the text names in `[[limits]]`.",
        "Look at the position. Where the rule only warns, closing it is up to you.",
    )
    KEEP_ALIVE = (
        "keep_alive",
        Severity.INFO,
        "A keep-alive trade was opened because the account had not traded for too long, or was due and not opened.",
        "The account's history: the trade with our tag, or, in the log, why none was made.",
        "Nothing if it was opened; else see why, and trade by hand before the firm's time is over.",
    )
    LIMIT_RESET = (
        "limit.reset",
        Severity.INFO,
        "Somebody lifted a limit by hand.",
        "Who lifted it, and why: it is in the alert and in the ledger.",
        "Nothing, if it was you.",
    )
    APPROVAL = (
        "approval",
        Severity.WARNING,
        "A copy waits for somebody to approve of it, as its policy's `approval` asks for; it is denied when the time"
        " that `guard` lets it wait is over.",
        "The dashboard, or `copier explain POSITION`: what would be opened, how large, with which stops.",
        "Run `copier approve` with the source position if it should be opened; else let it be.",
    )
    DENIED = (
        "denied",
        Severity.WARNING,
        "A source position was not copied, with the code and the rule that said no. Info where the config wants just"
        " that: filters, symbol maps, schedules, paused links.",
        "`copier explain POSITION`: the rule that said no, with its numbers; whether it denies others too.",
        "Look the code up in the page of denial codes; `copier explain` shows the numbers.",
    )
    SESSION_LOST = (
        "session.lost",
        Severity.WARNING,
        "The stream of an account broke off, or its books cannot be asked. It is tried again by itself; meanwhile"
        " nothing new is opened at that account, and what its sources do is caught up with afterwards.",
        "`copier status` or the dashboard: one account, all accounts of one venue, or all? The venue's own status"
        " page. Whether this machine resolves names and reaches the internet.",
        "Nothing for a minute. If it lasts, see whether the venue is in maintenance and this machine online.",
    )
    ACCOUNT_REFUSED = (
        "account.refused",
        Severity.CRITICAL,
        "The venue refuses the sign-in. It is tried again after 5, 10, 20 and 40 minutes, then each hour: more often"
        " could lock the account.",
        "The venue's words in the alert. Whether you can sign in by hand with the same credentials.",
        "Check password, token and server; renew them in the config and start the service again, at once where"
        " positions are open: the account is looked after by nobody between two tries.",
    )
    CALENDAR_UNREAD = (
        "calendar.unread",
        Severity.WARNING,
        "The calendar of a news policy could not be read several times on end. The last good copy holds until it is"
        " stale; then no new risk is taken where `on_missing` is deny.",
        "The reason in the alert; the age of the last good copy, which lies beside the ledger.",
        "See whether its file or address is right and can be reached; `copier check` reads a file.",
    )
    ACCOUNT_UNNAMED = (
        "account.unnamed",
        Severity.CRITICAL,
        "Copies are open on an account that the config no longer names.",
        "`copier status`: which copies hold something there.",
        "Close them by hand, or put the account back into the config so that they close with their source.",
    )
    ORDER_UNKNOWN = (
        "order.unknown",
        Severity.WARNING,
        "An order left and no answer came: it may have been executed. It is not sent again; the venue's books are asked"
        " until they show what became of it.",
        "The dashboard's account page or the broker's terminal: is there a position or an order with our tag? Whether"
        " the account's session is lost as well.",
        "Nothing at first. If it lasts, look at the target's positions and orders.",
    )
    ORDER_REJECTED = (
        "order.rejected",
        Severity.WARNING,
        "The venue refused an order, in its own words. Critical where it was to close or reduce: that is tried again.",
        "The venue's words; free margin, the market's hours, the symbol's smallest and largest lots.",
        "Read the venue's text: no money, market closed, wrong volume. A refused opening is not tried again.",
    )
    TARGET_CLOSED = (
        "target.closed",
        Severity.INFO,
        "A target closed or reduced a copy by itself: a stop was hit, or a person did it. It is not opened again.",
        "The broker's history: a stop-loss, a take-profit, a margin call, or a hand?",
        "Nothing, if it was meant. The mismatch lasts until the source closes too.",
    )
    TARGET_CHANGED = (
        "target.changed",
        Severity.WARNING,
        "A person changed the lots or the stops of a copy at the target, and the policy's `on_target_change` is alert"
        " or restore. The text says whether they are put back.",
        "The position at the broker, and who else works on that account.",
        "Nothing, if it was meant; else change it back by hand. Only restore does so by itself, once.",
    )
    ORPHAN = (
        "orphan",
        Severity.CRITICAL,
        "A target holds a position that carries our tag and that no copy accounts for, or an order was executed after"
        " it was given up; the latter is closed at once.",
        "The position's tag and time at the broker. Whether another copier, or this one with an older ledger, ran on"
        " the account: after a restored backup orphans are what was opened since.",
        "Look at the position. Close it by hand, or set `close_orphans`.",
    )
    OVERTAKEN = (
        "overtaken",
        Severity.WARNING,
        "On a netting account a close of ours came after somebody else's and so opened lots the other way round. They"
        " are closed again at once.",
        "The account's deals of that minute: whose order came first?",
        "Look at the account: somebody else closes there, a person or another program.",
    )
    STOP_LOSS = (
        "stop_loss",
        Severity.WARNING,
        "Where a stop-loss is an order of its own: the venue refuses it, so that the copy has none (critical), or one"
        " was left that protects nothing any more and is canceled. Or a netted position does not show its own.",
        "The venue's words. Whether the position has any stop now.",
        "Read the venue's text. A refused one is tried again every 15 minutes; protect or close the copy by hand.",
    )
    FLATTEN = (
        "flatten",
        Severity.WARNING,
        "Copies of an account are being closed although their source is open: a limit or a schedule wants it.",
        "`copier limits` and `[schedules]`: which of them wants it. The account's open positions.",
        "Watch that the account becomes flat.",
    )
    LEDGER_STUCK = (
        "ledger.stuck",
        Severity.CRITICAL,
        "The ledger cannot be written, as on a full disk: no order leaves, not even a close, until it can.",
        "`df` where the ledger lies, the health of the disk (`dmesg`), whether the file's rights or a foreign"
        " program's lock changed.",
        "Make room on the disk now.",
    )
    SURFACE_FAILED = (
        "surface.failed",
        Severity.WARNING,
        "A bug in what serves the dashboard or an API cost one request or connection; or, after the config was changed,"
        " nothing can be served. Trading goes on.",
        "The log at that minute: the traceback names the request, or a line says why nothing is served.",
        "Reload the page, and tell of the bug, with the traceback that is in the log. Where nothing is served, mend"
        " what the alert names and save the config again.",
    )
    CONFIG_REFUSED = (
        "config.refused",
        Severity.WARNING,
        "The config file was changed while the service ran, and has mistakes: the service goes on by what it read"
        " before.",
        "The lines that the alert names, or `copier check`, which tells all.",
        "Mend the file: it is read again once it is saved. Until then a restart would not start.",
    )
    SERVICE_STARTED = (
        "service.started",
        Severity.INFO,
        "The service runs.",
        "What ended the service before: `journalctl -u copier`.",
        "Nothing. If you did not start it: it was restarted, look into the log.",
    )
    SERVICE_ENDED = (
        "service.ended",
        Severity.WARNING,
        "The service ended, and nothing is copied or closed any more. Critical where it did not end on request.",
        "The alert says why; the last lines of the log say more. The machine: out of memory, restarted, out of disk?",
        "Start it again; it takes up where it was.",
    )
    TEST = (
        "test",
        Severity.INFO,
        "Somebody ran `copier alerts test`.",
        "Nothing.",
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
