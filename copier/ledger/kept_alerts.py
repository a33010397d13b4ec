"""Alerts of the ledger, each with who acknowledged it."""

from collections.abc import Iterator
from datetime import datetime

from copier.ledger.codec import decode
from copier.ledger.ledger import Ledger
from copier.ledger.records import KINDS, AcknowledgedRecord, AlertRecord, acknowledged_key
from copier.ledger.rows import StoredEntry
from rules.model.frozen import frozen


@frozen
class Acknowledged:
    """Who has seen an alert, and when."""

    at: datetime
    record: AcknowledgedRecord


@frozen
class KeptAlert:
    """An alert as it stands in the ledger."""

    seq: int
    at: datetime
    record: AlertRecord
    acknowledged: Acknowledged | None

    @property
    def is_open(self) -> bool:
        """Tell whether nobody has acknowledged it; what tells that something is over needs nobody."""
        return self.acknowledged is None and not self.record.over


def kept_alerts(ledger: Ledger, before: int | None = None) -> Iterator[KeptAlert]:
    """Yield the alerts below a place in the ledger (None: all), the latest first.

    Raises:
        LedgerFailed: the file cannot be read.
    """
    for entry in ledger.latest(KINDS[AlertRecord], before):
        yield kept_alert_of(ledger, entry)


def kept_alert_of(ledger: Ledger, entry: StoredEntry) -> KeptAlert:
    """Return the alert of a row."""
    record = decode(AlertRecord, entry.body)
    row = None if record.over else ledger.by_key(acknowledged_key(entry.seq))
    acknowledged = None if row is None else Acknowledged(row.at, decode(AcknowledgedRecord, row.body))
    return KeptAlert(entry.seq, entry.at, record, acknowledged)


def raised(ledger: Ledger, seq: int) -> KeptAlert | None:
    """Return the alert at a place in the ledger; None where there is none that anybody could acknowledge.

    Raises:
        LedgerFailed: the file cannot be read.
    """
    entry = ledger.by_seq(seq)
    if entry is None or entry.kind != KINDS[AlertRecord]:
        return None
    kept = kept_alert_of(ledger, entry)
    return None if kept.record.over else kept
