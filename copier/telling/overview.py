"""What is alive at this moment, for `copier status`: out of a ledger, or as a running service tells it."""

from pathlib import Path
from typing import Any

from attrs import field

from copier.ledger.codec import decode
from copier.ledger.file import WriterLock
from copier.ledger.ledger import Ledger, LedgerBusy
from copier.ledger.records import LimitRecord
from copier.ledger.recovery import recover
from copier.web.dto.accounts import Account
from copier.web.dto.copies import Copy, copy_of
from copier.web.dto.mismatches import Mismatch, mismatch_of
from copier.web.dto.status import Status
from copier.web.dto.words import as_builtins
from rules.model.copies import CopyStatus
from rules.model.frozen import frozen


@frozen
class LimitAt:
    """The stage that a limit is at."""

    limit: str
    stage: str | None


@frozen
class Overview:
    """The living copies, the limits' stages, the mismatches; `running`: a service writes to the ledger now.

    Only a running service knows the rest: its `status` and its `accounts`.
    """

    running: bool
    entries: int
    copies: list[Copy]
    limits: list[LimitAt]
    mismatches: list[Mismatch] = field(factory=list)
    status: Status | None = None
    accounts: list[Account] = field(factory=list)

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = as_builtins(self)
        return shown


def overview(ledger: Ledger, *, running: bool) -> Overview:
    """Fold the ledger into what is alive."""
    recovered = recover(ledger)
    copies = [copy for copy in recovered.copies.values() if copy.status is not CopyStatus.ENDED or copy.holds]
    stages: dict[str, str] = {}
    for entry in ledger.entries(kinds=("limit",)):
        record = decode(LimitRecord, entry.body)
        stages[record.state.limit_id] = record.stage
    return Overview(
        running,
        ledger.last_seq,
        [copy_of(copy) for copy in copies],
        [LimitAt(limit, stage) for limit, stage in sorted(stages.items())],
        [mismatch_of(each) for each in recovered.mismatches.values()],
    )


def is_running(path: Path) -> bool:
    """Tell whether a service writes to the ledger at `path` now."""
    try:
        WriterLock.take(path.resolve(), tries=1).release()
    except LedgerBusy:
        return True
    return False
