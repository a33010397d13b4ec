"""The operator's levers in the engine: who set what and why is in the ledger before it has any effect outside."""

from collections.abc import Callable, Iterable

from attrs import evolve

from copier.engine.desk import Desk
from copier.engine.limit_watch import LimitWatch
from copier.ledger.kept_alerts import KeptAlert
from copier.ledger.records import AcknowledgedRecord, LeverRecord
from rules.alerts.kinds import AlertKind
from rules.limits.state import LimitStage
from rules.model.copies import Copy
from rules.model.levers import Acknowledge, Approve, ResetLimit, SetAccount, SetLink, TradingState
from rules.model.reasons import Reason
from rules.model.values import AccountId, PositionId
from rules.policy.links import LinkState

Answer = Callable[[str], None]
"""Takes one sentence on what a lever did, once it is durable."""


REFUSED = "refused: "
"""How an answer begins where nothing was done."""


class Operator:
    """Pulls levers on the desk, and keeps those in force that the last run left."""

    def __init__(
        self, desk: Desk, limits: LimitWatch, levers: Iterable[LeverRecord], enforce: Callable[[AccountId], None]
    ) -> None:
        """`enforce` puts in force what an account's limits say now."""
        self._desk = desk
        self._limits = limits
        self._enforce = enforce
        self._answers: list[tuple[Answer, str]] = []
        for record in levers:
            desk.in_force.put(record)
            if isinstance(record.lever, SetAccount) and record.lever.state is TradingState.FLAT:
                self._flatten(record.lever.account)  # it may have been set while no service ran

    @property
    def in_force(self) -> tuple[LeverRecord, ...]:
        """The levers that stay as they are until somebody changes them."""
        return tuple(self._desk.in_force.levers.values())

    def pull(self, record: LeverRecord, answer: Answer) -> None:
        """Do what an operator asks for; what has no subject here is refused in the answer and not written."""
        self._answers.append((answer, self._pull(record)))

    def say(self) -> None:
        """Answer what the last commit made durable."""
        answers, self._answers = self._answers, []
        for answer, text in answers:
            answer(text)

    def _pull(self, record: LeverRecord) -> str:
        match record.lever:
            case SetLink():
                return self._set_link(record, record.lever)
            case SetAccount():
                return self._set_account(record, record.lever)
            case Approve():
                return self._approve(record, record.lever)
            case ResetLimit():
                return self._reset_limit(record, record.lever)
            case Acknowledge():
                return self._acknowledge(record, record.lever)

    def _set_link(self, record: LeverRecord, lever: SetLink) -> str:
        link = self._desk.in_force.links.get(lever.link_id)
        if link is None:
            return f"{REFUSED}there is no link {lever.link_id}"
        self._write(record, link.target)
        if lever.state is LinkState.ACTIVE and link.state is not LinkState.ACTIVE:
            return f"link {lever.link_id}: lifted, but the config has it {link.state.value}"
        return f"link {lever.link_id}: {lever.state.value}"

    def _set_account(self, record: LeverRecord, lever: SetAccount) -> str:
        if lever.account not in self._desk.views:
            return f"{REFUSED}there is no account {lever.account}"
        self._write(record, lever.account)
        if lever.state is not TradingState.FLAT:
            return f"account {lever.account}: {lever.state.value}"
        return f"account {lever.account}: flat, {self._flatten(lever.account)} copies are closed"

    def _approve(self, record: LeverRecord, lever: Approve) -> str:
        waiting = [
            copy
            for copy in self._desk.book.all()
            if _waits_for_approval(copy, lever.source_position_id) and lever.source in (None, copy.source)
        ]
        if not waiting:
            return f"{REFUSED}no copy of position {lever.source_position_id} waits for an approval"
        sources = sorted({copy.source for copy in waiting})
        if len(sources) > 1:  # nobody has approved of what he does not know of
            return f"{REFUSED}position {lever.source_position_id} waits on {', '.join(sources)}: name one of them"
        self._desk.journal.lever(record)
        for copy in waiting:
            self._desk.correct(evolve(copy, approved=True), "approved")
        return f"position {lever.source_position_id}: approved on {', '.join(copy.link_id for copy in waiting)}"

    def _reset_limit(self, record: LeverRecord, lever: ResetLimit) -> str:
        account = self._limits.account_of(lever.limit_id)
        if account is None:
            return f"{REFUSED}there is no limit {lever.limit_id}"
        if not self._limits.lift(lever.limit_id, self._desk.now):
            return f"{lever.limit_id}: nothing was in force"
        self._desk.journal.lever(record)
        self._desk.journal.alert(AlertKind.LIMIT_RESET, account, reset_words(record, lever))
        self._enforce(account)
        stage = self._limits.stage(lever.limit_id)
        again = "" if stage in (LimitStage.OK, LimitStage.WARN) else f", but by its last figures it is {stage.value}"
        return f"{lever.limit_id}: lifted{again}"

    def _acknowledge(self, record: LeverRecord, lever: Acknowledge) -> str:
        rows, said = acknowledging(record, lever, self._desk.journal.raised)
        for row in rows:
            self._desk.journal.acknowledged(row)
        return said

    def _write(self, record: LeverRecord, target: AccountId) -> None:
        """Put a lever in force, and decide again about what waits there."""
        self._desk.journal.lever(record)
        self._desk.in_force.put(record)
        for copy in (*self._desk.book.waiting_at(target), *self._desk.book.mirroring_at(target)):
            self._desk.reconsider(copy, "operator")

    def _flatten(self, account: AccountId) -> int:
        copies = self._desk.book.of_target(account)
        for copy in copies:
            self._desk.flatten(copy, "operator")
        return len(copies)


def acknowledging(
    record: LeverRecord, lever: Acknowledge, find: Callable[[int], KeptAlert | None]
) -> tuple[list[AcknowledgedRecord], str]:
    """Return what is to be written for alerts that somebody has seen, and what is said of it; one wrong: nothing.

    Args:
        find: returns the alert at a place in the ledger, where there is one to acknowledge.
    """
    found = {seq: find(seq) for seq in lever.alerts}
    rows: list[AcknowledgedRecord] = []
    for seq, kept in found.items():
        if kept is None:
            return [], f"{REFUSED}there is no alert {seq} to acknowledge"
        if kept.is_open:
            alert = kept.record
            rows.append(AcknowledgedRecord(seq, alert.code, alert.account, kept.at, record.by, record.why))
    before = len(found) - len(rows)
    said = f"{len(rows)} alert{'' if len(rows) == 1 else 's'} acknowledged"
    return rows, f"{said}, {before} had been before" if before else said


def reset_words(record: LeverRecord, lever: ResetLimit) -> str:
    """Return what is told of a limit that somebody lifted."""
    return f"{lever.limit_id} was lifted by hand, by {record.by}: {record.why}"


def _waits_for_approval(copy: Copy, position_id: PositionId) -> bool:
    waits = copy.wait_until is not None and copy.reason is Reason.APPROVAL_NEEDED
    return waits and copy.source_position_id == position_id
