"""What the rows of a ledger tell beyond their words."""

import pytest
from attrs import evolve

from copier.ledger.records import DecisionRecord, IntentRecord, ObservedRecord, Record, ReportRecord
from copier.replay.recorded import Past, turns, was_ready
from rules.model.actions import ClosePosition, OpenPosition
from rules.model.events import InstrumentReported, PositionClosed
from rules.model.reasons import Reason
from rules.model.reports import Accepted, Filled
from rules.model.trace import Denied
from rules.model.values import AccountId, ClOrdId, PositionId, Side, Symbol, Volume
from tests.copier.desk import SOURCE, TARGET, Desk
from tests.copier.fakes import source_position
from tests.copier.telling.test_wording import COPY
from tests.rules.playbook import EURUSD, T0

ORDER = OpenPosition(ClOrdId("o1"), AccountId("t"), Symbol("X"), Side.BUY, Volume(1))
FILLED = Filled(ORDER.cl_ord_id, PositionId("p"), Volume(1))
CLOSED = ObservedRecord(PositionClosed(SOURCE, T0, PositionId("p1")))
LISTED = ObservedRecord(InstrumentReported(TARGET, T0, EURUSD.symbol, EURUSD))
DECIDED = DecisionRecord(COPY, "position")
OTHER = DecisionRecord(evolve(COPY, source_position_id=PositionId("other")), "position")
ANSWERED = ReportRecord(FILLED, COPY)


@pytest.mark.parametrize(
    ("records", "lengths"),
    [
        ([], []),
        ([CLOSED, DECIDED, OTHER], [3]),
        ([LISTED, CLOSED, DECIDED], [1, 2]),
        ([CLOSED, DECIDED, CLOSED, OTHER], [2, 2]),
        ([ANSWERED, DECIDED, ANSWERED, DECIDED], [2, 2]),
        ([DECIDED, OTHER, DECIDED], [2, 1]),
    ],
)
def test_what_was_written_at_one_time_is_cut_where_something_else_happened(records: list[Record], lengths: list[int]):
    cut = list(turns(records))
    assert [len(turn) for turn in cut] == lengths
    assert [record for turn in cut for record in turn] == records


async def test_a_decision_shows_whether_its_target_was_ready() -> None:
    desk = Desk()
    await desk.polls(SOURCE)
    await desk.sees(source_position())
    await desk.polls(TARGET)
    [waiting, opened] = [record for record in desk.records("decision") if isinstance(record, DecisionRecord)]
    assert (was_ready(waiting), was_ready(opened)) == (False, True)


@pytest.mark.parametrize(
    ("denied", "ready"),
    [
        (Denied("link", Reason.LINK_PAUSED), None),
        (Denied("source", Reason.SOURCE_GONE), None),
        (Denied("target", Reason.TARGET_NOT_READY), False),
        (Denied("filter.symbols", Reason.FILTER_SYMBOL), True),
    ],
)
def test_a_denial_behind_the_look_at_the_target_shows_that_it_was_ready(denied: Denied, ready: bool | None):
    assert was_ready(evolve(DECIDED, trace=(denied,))) is ready


def test_a_close_does_not_show_it():
    assert was_ready(DECIDED) is None


def test_answers_are_awaited_until_the_last_has_come_and_for_ever_where_none_came():
    past = Past()
    assert not past.awaits(ORDER), "it was never sent"
    past.take(IntentRecord(ORDER))
    assert past.awaits(ORDER), "it was never answered"
    past.take(ReportRecord(Accepted(ORDER.cl_ord_id), COPY))
    past.take(ANSWERED)
    past.reports[ORDER.cl_ord_id] -= 1
    assert past.awaits(ORDER)
    past.reports[ORDER.cl_ord_id] -= 1
    assert not past.awaits(ORDER)
    assert past.fills == {ORDER.cl_ord_id: FILLED}


def test_an_order_of_another_kind_under_the_same_id_is_another_order():
    past = Past()
    past.take(IntentRecord(ORDER))
    assert past.has(evolve(ORDER, volume=Volume(2)))
    assert not past.has(evolve(ORDER, symbol=Symbol("Y")))
    closing = ClosePosition(ORDER.cl_ord_id, ORDER.account, PositionId("p"), ORDER.symbol, Side.BUY, Volume(1))
    assert not past.has(closing)
