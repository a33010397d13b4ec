"""Records as sentences: exact numbers, and no character that a terminal would obey."""

from decimal import Decimal

import pytest
from attrs import evolve

from copier.telling.wording import (
    action_words,
    copy_words,
    lots_words,
    mismatch_words,
    printable,
    report_words,
    trace_words,
)
from rules.books.mismatch import Mismatch, MismatchKind
from rules.model.actions import (
    Action,
    CancelOrder,
    ClosePosition,
    OpenPosition,
    PlaceOrder,
    ReducePosition,
    ReplaceOrder,
    ReplaceStops,
)
from rules.model.copies import Copy, CopyStatus, Ending, Leg, LegStage
from rules.model.events import Origin
from rules.model.reasons import Reason
from rules.model.reports import (
    Accepted,
    Canceled,
    Filled,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Placed,
    Rejected,
    Replaced,
    Report,
    StopsReplaced,
)
from rules.model.severity import Severity
from rules.model.trace import Denied, Note
from rules.model.values import AccountId, ClOrdId, LinkId, OrderType, PositionId, Side, Symbol, VenueOrderId
from tests.rules.playbook import T0

ID, TARGET, EURUSD, POSITION = ClOrdId("cp1"), AccountId("target"), Symbol("EURUSD"), PositionId("7")
ORDER = VenueOrderId("99")
COPY = Copy(
    LinkId("l"), TARGET, TARGET, POSITION, T0, EURUSD, Side.BUY, T0, Origin.LIVE, CopyStatus.ACTIVE,
    legs=(Leg(0, ID, EURUSD, Side.BUY, Decimal(1), stage=LegStage.OPEN, held=Decimal("0.50")),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (OpenPosition(ID, TARGET, EURUSD, Side.SELL, Decimal("0.30")), "open sell 0.3 EURUSD"),
        (
            OpenPosition(ID, TARGET, EURUSD, Side.BUY, Decimal(1), Decimal("1.05"), Decimal("1.2")),
            "open buy 1 EURUSD sl 1.05 tp 1.2",
        ),
        (
            ReducePosition(ID, TARGET, POSITION, EURUSD, Side.BUY, Decimal("0.4"), Decimal("0.6")),
            "reduce EURUSD by 0.4 to 0.6",
        ),
        (ClosePosition(ID, TARGET, POSITION, EURUSD, Side.BUY, Decimal("1.00")), "close 1 EURUSD"),
        (ReplaceStops(ID, TARGET, POSITION, EURUSD, Decimal("1.05"), None), "set stops of EURUSD sl 1.05"),
        (ReplaceStops(ID, TARGET, POSITION, EURUSD, None, None), "set stops of EURUSD to none"),
        (
            PlaceOrder(ID, TARGET, EURUSD, Side.SELL, OrderType.LIMIT, Decimal("0.30"), Decimal("1.20"), expires_at=T0),
            f"place pending order: sell 0.3 EURUSD limit 1.2 until {T0.isoformat()}",
        ),
        (
            ReplaceOrder(
                ID,
                TARGET,
                ORDER,
                EURUSD,
                Side.BUY,
                OrderType.STOP_LIMIT,
                Decimal("1.2"),
                Decimal("1.19"),
                Decimal("1.1"),
                None,
            ),
            "replace pending order 99 of EURUSD: stop-limit 1.2 limit 1.19 sl 1.1",
        ),
        (CancelOrder(ID, TARGET, ORDER, EURUSD), "cancel pending order 99 of EURUSD"),
    ],
)
def test_an_order_in_words(action: Action, words: str) -> None:
    assert action_words(action) == words


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (Filled(ID, POSITION, Decimal("1.00"), Decimal("1.10")), "filled 1 at 1.1, position 7"),
        (Filled(ID, POSITION, Decimal(1)), "filled 1, position 7"),
        (Accepted(ID), "accepted, not filled yet"),
        (Rejected(ID, "no money"), "rejected: no money"),
        (NotSent(ID, "no connection"), "not sent: no connection"),
        (OutcomeUnknown(ID, "reset"), "outcome unknown: reset"),
        (NotFound(ID), "never arrived at the venue"),
        (StopsReplaced(ID), "stops set"),
        (Placed(ID, ORDER), "pending order 99 placed"),
        (Replaced(ID), "pending order replaced"),
        (Canceled(ID), "pending order canceled"),
    ],
)
def test_a_report_in_words(report: Report, words: str) -> None:
    assert report_words(report) == words


def test_a_step_of_a_decision_names_its_rule_its_outcome_and_its_numbers() -> None:
    note = Note("size", "rounded down", (("wanted", "0.123"), ("step", "0.01")))
    assert trace_words(note) == "size: rounded down (wanted 0.123, step 0.01)"
    assert trace_words(Note("size", "as is")) == "size: as is"
    denied = Denied("limits", Reason.MAX_POSITIONS, (("held", "5"),))
    assert trace_words(denied) == f"limits: MAX_POSITIONS - {Reason.MAX_POSITIONS.meaning} (held 5)"


@pytest.mark.parametrize(
    ("copy", "words"),
    [
        (COPY, "holds 0.5"),
        (evolve(COPY, status=CopyStatus.WAITING, reason=Reason.TARGET_NOT_READY), "waiting, TARGET_NOT_READY"),
        (evolve(COPY, status=CopyStatus.WAITING), "waiting"),
        (evolve(COPY, status=CopyStatus.ENDED, ending=Ending.DENIED, reason=Reason.TOO_OLD), "denied, TOO_OLD"),
        (evolve(COPY, status=CopyStatus.ENDED, ending=Ending.TARGET_CLOSED), "ended, target closed"),
        (evolve(COPY, status=CopyStatus.ENDED), "ended"),
    ],
)
def test_a_copy_in_words(copy: Copy, words: str) -> None:
    assert copy_words(copy) == words


@pytest.mark.parametrize("character", ["\x1b", "\n", "\r", "\x00", "\x9b", "\u202e", "\u2028"])
def test_what_a_terminal_would_obey_is_replaced(character: str) -> None:
    assert printable(f"a{character}b") == "a\N{REPLACEMENT CHARACTER}b"
    hostile = f"x{character}y"
    for text in (
        report_words(Rejected(ID, hostile)),
        report_words(Filled(ID, PositionId(hostile), Decimal(1))),
        report_words(NotSent(ID, hostile)),
        report_words(OutcomeUnknown(ID, hostile)),
        action_words(ClosePosition(ID, TARGET, POSITION, Symbol(hostile), Side.BUY, Decimal(1))),
        action_words(ReplaceStops(ID, TARGET, POSITION, Symbol(hostile), None, None)),
        report_words(Placed(ID, VenueOrderId(hostile))),
        action_words(CancelOrder(ID, TARGET, VenueOrderId(hostile), Symbol(hostile))),
        trace_words(Note("rule", hostile, (("number", hostile),))),
    ):
        assert character not in text


def test_a_long_text_is_cut() -> None:
    assert len(printable("x" * 10_000)) == 200


@pytest.mark.parametrize(
    ("kind", "desired", "observed", "words"),
    [
        (MismatchKind.MISSING, "0.50", "0", "EURUSD should be long 0.5 and is not there (because)"),
        (MismatchKind.UNEXPECTED, "0", "-2", "EURUSD should be closed and is short 2 (because)"),
        (MismatchKind.SIDE, "1", "-1", "EURUSD should be long 1 and is short 1 (because)"),
        (MismatchKind.VOLUME, "-1", "-0.4", "EURUSD should be short 1 and is short 0.4 (because)"),
        (MismatchKind.STOPS, "1", "1", "EURUSD long 1 has other stops than were asked for (because)"),
        (MismatchKind.PENDING, "1", "0", "EURUSD should have a pending order, long 1, which is not there (because)"),
        (MismatchKind.PENDING, "0", "-2", "EURUSD has a pending order, short 2, which should be gone (because)"),
        (MismatchKind.PENDING, "1", "1", "EURUSD has pending orders of 1 lots that are not as asked for (because)"),
        (MismatchKind.PENDING, "1", "0.4", "EURUSD has pending orders of 0.6 lots that are not as asked for (because)"),
    ],
)
def test_a_mismatch_says_what_should_be_and_what_is(
    kind: MismatchKind, desired: str, observed: str, words: str
) -> None:
    lots = abs(Decimal(desired) - Decimal(observed)) or Decimal(1)
    mismatch = Mismatch(
        LinkId("a->b"), TARGET, EURUSD, kind, Decimal(desired), Decimal(observed), lots, Severity.WARNING, (), "because"
    )
    assert mismatch_words(mismatch) == words
    assert mismatch_words(evolve(mismatch, why="")) == words.removesuffix(" (because)")
    assert lots_words(Decimal(0)) == "flat"


def test_a_mismatch_of_both_sides_says_how_many_lots_its_sums_hide() -> None:
    both = Mismatch(
        LinkId("a->b"),
        TARGET,
        EURUSD,
        MismatchKind.MISSING,
        Decimal(-1),
        Decimal(0),
        Decimal(3),
        Severity.WARNING,
        (),
        "because",
    )
    assert mismatch_words(both) == "EURUSD should be short 1 and is not there, 3 lots of both sides (because)"
