"""What copies won and lost, read twice from the ledgers of simulated days with faults, by two ways that share nothing.

`TradeBook` adds up the deals that reports tell; `CopyHistory` takes what the last record of each copy counts.
"""

import pytest

from copier.ledger.codec import decode
from copier.ledger.ledger import Ledger
from copier.ledger.records import CheckpointRecord
from copier.ledger.recovery import TYPES, Recovered
from copier.performance.copied import Copied, CopyHistory, Result, result_of
from copier.replay.trades import TradeBook, TradeKey
from tests.simulation.run import simulate

SEEDS = (0, 2, 3, 4, 5, 6, 7, 8)
"""Days on which something was copied and closed."""


def results(ledger: Ledger, checkpoint_at: int = 0) -> dict[TradeKey, list[Result]]:
    """Return what each copy made, reading from a checkpoint that would have been written after that many rows on."""
    book, found, state = CopyHistory(), dict[TradeKey, list[Result]](), Recovered()
    for entry in ledger.entries():
        record = decode(TYPES[entry.kind], entry.body)
        if entry.seq <= checkpoint_at:
            state.fold(record)
            if entry.kind == "observed":
                list(book.take(record, entry.at))
            if entry.seq == checkpoint_at:
                list(book.take(CheckpointRecord(tuple(state.copies.values()), (), entry.at), entry.at))
            continue
        for each in book.take(record, entry.at):
            if isinstance(each, Copied) and each.has_traded:
                key = (*each.copy.key, each.copy.opened_at)
                found.setdefault(key, []).append(result_of(each.copy, each.legs, book.instrument_of))
    return found


@pytest.mark.slow  # simulated days, of some hundred requests each
@pytest.mark.parametrize("seed", SEEDS)
def test_two_readings_of_a_day_with_faults_find_the_same_results(seed: int) -> None:
    ledger = simulate(seed).ledger
    trades, instruments = TradeBook(), CopyHistory()
    for entry in ledger.entries(kinds=("observed", "decision", "intent", "report")):
        record = decode(TYPES[entry.kind], entry.body)
        trades.take(record, entry.at)
        list(instruments.take(record, entry.at))
    found = results(ledger)
    assert found
    for key, trade in trades.trades.items():
        if trade.copy.reopened and trade.copy.holds:
            continue  # the records have told what was closed before it was opened again, the deals tell all at its end
        by_deals = trade.result(instruments.instrument_of)
        amounts = [each.amount for each in found.get(key, [])]
        by_records = (
            sum(amount for amount in amounts if amount is not None) if amounts and None not in amounts else None
        )
        assert (by_deals and by_deals[0]) == by_records, key


@pytest.mark.slow  # as above
@pytest.mark.parametrize("seed", SEEDS)
def test_a_reading_that_begins_at_a_checkpoint_finds_what_was_over_after_it(seed: int) -> None:
    ledger = simulate(seed).ledger
    whole = results(ledger)
    for part in (1, 2, 3):
        late = results(ledger, ledger.last_seq * part // 4)
        assert {key: whole[key][-len(found) :] for key, found in late.items()} == late
