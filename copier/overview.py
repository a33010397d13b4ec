"""What a ledger adds up to at this moment, for `copier status`."""

from pathlib import Path
from typing import Any

from attrs import frozen

from copier.ledger import Ledger, LedgerBusy
from copier.ledger_codec import decode
from copier.ledger_file import WriterLock
from copier.records import LimitRecord
from copier.recovery import recover
from copier.wording import copy_words
from rules.copies import Copy, CopyStatus
from rules.mismatch import Mismatch
from rules.values import plain


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
            "copies": [_copy_json(copy) for copy in self.copies],
            "limits": [{"limit": limit, "stage": stage} for limit, stage in self.limits],
            "mismatches": [mismatch_json(each) for each in self.mismatches],
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


def mismatch_json(mismatch: Mismatch) -> dict[str, Any]:
    """Return a mismatch for programs: lots as text, > 0 long, < 0 short."""
    return {
        "link": mismatch.link_id,
        "target": mismatch.target,
        "symbol": mismatch.symbol,
        "kind": mismatch.kind.value,
        "severity": mismatch.severity.value,
        "desired": plain(mismatch.desired),
        "observed": plain(mismatch.observed),
        "lots": plain(mismatch.lots),
        "source_positions": list(mismatch.positions),
        "why": mismatch.why,
    }


def _copy_json(copy: Copy) -> dict[str, Any]:
    return {
        "link": copy.link_id,
        "source_position": copy.source_position_id,
        "symbol": copy.source_symbol,
        "side": copy.side.value,
        "state": copy_words(copy),
        "target": copy.target,
        "volume": plain(copy.expected),
        "positions": [leg.position_id for leg in copy.legs if leg.live and leg.position_id is not None],
        "orders_under_way": [leg.pending.cl_ord_id for leg in copy.legs if leg.pending is not None],
    }
