"""Alerts of the ledger and who acknowledged them: durable, the first one counts, and nobody else's rows are touched."""

from datetime import timedelta

import pytest

from copier.ledger.codec import decode, encode
from copier.ledger.journal import Journal
from copier.ledger.kept_alerts import kept_alerts, raised
from copier.ledger.ledger import DuplicateKey, Entry, Ledger
from copier.ledger.records import KINDS, AcknowledgedRecord, AlertRecord
from copier.ledger.recovery import recover
from rules.alerts.kinds import AlertKind
from rules.model.values import AccountId
from tests.rules.playbook import T0

ACCOUNT = AccountId("small")


def seen(alert: int, by: str = "anna", note: str = "") -> AcknowledgedRecord:
    return AcknowledgedRecord(alert, "orphan", ACCOUNT, T0, by, note)


@pytest.fixture
async def journal() -> Journal:
    """A journal whose ledger holds an alert (row 1), the end of one (row 2), and something else (row 3)."""
    ledger = Ledger.in_memory()
    journal = Journal(ledger, threads=False)
    journal.alert(AlertKind.ORPHAN, ACCOUNT, "position 7 is nobody's")
    journal.alert(AlertKind.SESSION_LOST, ACCOUNT, "back after 3 s", over=True)
    await journal.commit(T0)
    ledger.append([Entry("lever", "", b"{}")], T0)
    return journal


def ledger_of(journal: Journal) -> Ledger:
    return journal._ledger


async def test_an_alert_is_open_until_somebody_has_seen_it(journal: Journal) -> None:
    ledger = ledger_of(journal)
    over, alert = kept_alerts(ledger)
    assert (alert.seq, alert.record.text, alert.is_open, alert.acknowledged) == (
        1,
        "position 7 is nobody's",
        True,
        None,
    )
    assert (over.seq, over.is_open, over.acknowledged) == (2, False, None), "an end needs nobody"
    journal.acknowledged(seen(1, note="closed it"))
    await journal.commit(T0 + timedelta(hours=1))
    _, alert = kept_alerts(ledger)
    assert alert.acknowledged is not None
    assert (alert.is_open, alert.acknowledged.at) == (False, T0 + timedelta(hours=1))
    assert (alert.acknowledged.record.by, alert.acknowledged.record.note) == ("anna", "closed it")


async def test_only_an_alert_that_was_raised_can_be_acknowledged(journal: Journal) -> None:
    ledger = ledger_of(journal)
    found = raised(ledger, 1)
    assert found is not None
    assert found.record == AlertRecord("orphan", "position 7 is nobody's", ACCOUNT)
    assert [raised(ledger, seq) for seq in (2, 3, 4, 0, -1, 2**63, 2**80)] == [None] * 7


async def test_the_first_who_has_seen_it_counts(journal: Journal) -> None:
    ledger = ledger_of(journal)
    journal.acknowledged(seen(1, by="anna"))
    journal.acknowledged(seen(1, by="boris"))  # in the same round: neither is in the ledger yet
    await journal.commit(T0)
    found = raised(ledger, 1)
    assert found is not None
    assert found.acknowledged is not None
    assert found.acknowledged.record.by == "anna"
    with pytest.raises(DuplicateKey):
        ledger.append([Entry(KINDS[AcknowledgedRecord], ACCOUNT, encode(seen(1)), seen(1).key)], T0)


async def test_a_row_is_read_as_it_was_written(journal: Journal) -> None:
    journal.acknowledged(seen(1, note="it's me: \x00 <b>\u202e"))
    await journal.commit(T0)
    [entry] = ledger_of(journal).entries(kinds=("acknowledged",))
    assert (entry.account, entry.key) == (ACCOUNT, "acknowledged 1")
    assert decode(AcknowledgedRecord, entry.body) == seen(1, note="it's me: \x00 <b>\u202e")


async def test_what_is_recovered_is_the_same_with_and_without_it(journal: Journal) -> None:
    """Also for a program that knows nothing of these rows: they are of a kind that it does not ask for."""
    ledger = Ledger.in_memory()
    before = recover(ledger)
    ledger.append([Entry(KINDS[AcknowledgedRecord], ACCOUNT, b"of a later version", "acknowledged 1")], T0)
    assert recover(ledger) == before
