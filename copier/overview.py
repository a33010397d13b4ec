"""What a ledger adds up to at this moment, for `copier status`."""

from pathlib import Path
from typing import Any

from attrs import frozen

from copier.ledger import Ledger, LedgerBusy
from copier.ledger_codec import decode
from copier.ledger_file import WriterLock
from copier.records import LimitRecord
from copier.recovery import recover
from copier.web.dto.copies import copy_of
from copier.web.dto.mismatches import mismatch_of
from copier.web.dto.words import as_builtins
from rules.copies import Copy, CopyStatus
from rules.mismatch import Mismatch


@frozen
class Overview:
    """The living copies, the limits' stages, the mismatches; `running`: a service writes to the ledger now."""

    running: bool
    entries: int
    copies: tuple[Copy, ...]
    limits: tuple[tuple[str, str], ...]
    mismatches: tuple[Mismatch, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "running": self.running,
            "entries": self.entries,
            "copies": [as_builtins(copy_of(copy)) for copy in self.copies],
            "limits": [{"limit": limit, "stage": stage} for limit, stage in self.limits],
            "mismatches": [as_builtins(mismatch_of(each)) for each in self.mismatches],
        }


def overview(ledger: Ledger, *, running: bool) -> Overview:
    """Fold the ledger into what is alive."""
    recovered = recover(ledger)
    copies = tuple(copy for copy in recovered.copies.values() if copy.status is not CopyStatus.ENDED or copy.holds)
    stages: dict[str, str] = {}
    for entry in ledger.entries(kinds=("limit",)):
        record = decode(LimitRecord, entry.body)
        stages[record.state.limit_id] = record.stage
    mismatches = tuple(recovered.mismatches.values())
    return Overview(running, ledger.last_seq, copies, tuple(sorted(stages.items())), mismatches)


def is_running(path: Path) -> bool:
    """Tell whether a service writes to the ledger at `path` now."""
    try:
        WriterLock.take(path.resolve(), tries=1).release()
    except LedgerBusy:
        return True
    return False
