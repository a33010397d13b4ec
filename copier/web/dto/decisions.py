"""Decisions as they are shown: what was decided about a copy, why, with which numbers; and a position's whole story."""

from datetime import datetime
from typing import Annotated, Literal

from copier.ledger.records import DecisionRecord
from copier.telling.story import Line
from copier.telling.wording import because_words, copy_words, known_words, trace_words
from copier.web.dto.words import Amount, Time, about
from rules.model.copies import CopyStatus
from rules.model.frozen import frozen
from rules.model.trace import Denied, Note
from rules.model.values import plain


@frozen
class Step:
    """What one rule said, with its numbers in the order in which a person reads them."""

    rule: str
    outcome: Annotated[str, about("In a few words; of a denial its meaning.")]
    code: Annotated[str | None, about("The denial code; null: the rule let it pass, or changed it.")]
    numbers: dict[str, str]
    says: str


@frozen
class Decision:
    """One decision about one copy."""

    seq: Annotated[int, about("Its place in the ledger; later decisions have higher ones.")]
    at: Time
    link: str
    source: str
    target: str
    source_position: str
    symbol: str
    side: Literal["buy", "sell"]
    kind: Annotated[
        Literal["ordered", "denied", "waiting", "noted"],
        about("`ordered`: orders follow; `denied`: no, for good; `waiting`: no, for now; `noted`: nothing to do."),
    ]
    code: Annotated[str | None, about("The denial code, where it was denied or waits.")]
    meaning: str | None
    because: Annotated[str, about("What set it off.")]
    state: Annotated[str, about("How the copy stands after it.")]
    volume: Annotated[Amount, about("Lots of the target that it will hold.")]
    orders: Annotated[list[str], about("The ids of the orders that it led to.")]
    steps: list[Step]
    known: Annotated[str | None, about("The prices and figures that it met.")]


@frozen
class StoryLine:
    """One thing that happened: when, on which link or account, what, and the steps behind it."""

    at: Time
    seq: int
    who: str
    what: str
    steps: list[str]


@frozen
class Story:
    """Everything that the ledger holds about a source position, oldest first."""

    id: Annotated[str, about("What was asked for: the id of a source position, a target position or an order.")]
    headline: str
    outcomes: Annotated[list[str], about("What became of it on each link.")]
    lines: list[StoryLine]


def decision_of(seq: int, at: datetime, record: DecisionRecord) -> Decision:
    """Return a decision as it is shown."""
    copy = record.copy
    denied = next((item for item in reversed(record.trace) if isinstance(item, Denied)), None)
    waits = copy.status is CopyStatus.WAITING or copy.wait_until is not None
    kind: Literal["ordered", "denied", "waiting", "noted"] = "noted"
    if record.orders:
        kind = "ordered"
    elif denied is not None:
        kind = "waiting" if waits else "denied"
    return Decision(
        seq=seq,
        at=at,
        link=copy.link_id,
        source=copy.source,
        target=copy.target,
        source_position=copy.source_position_id,
        symbol=copy.source_symbol,
        side=copy.side.value,
        kind=kind,
        code=None if denied is None else denied.reason.value,
        meaning=None if denied is None else denied.reason.meaning,
        because=because_words(record.because),
        state=copy_words(copy),
        volume=plain(copy.expected),
        orders=list(record.orders),
        steps=[_step_of(item) for item in record.trace],
        known=None if record.known is None else known_words(record.known, at),
    )


def _step_of(item: Note | Denied) -> Step:
    denied = isinstance(item, Denied)
    return Step(
        rule=item.rule,
        outcome=item.reason.meaning if isinstance(item, Denied) else item.outcome,
        code=item.reason.value if denied and isinstance(item, Denied) else None,
        numbers=dict(item.numbers),
        says=trace_words(item),
    )


def line_of(line: Line) -> StoryLine:
    """Return a line of a story as it is shown."""
    return StoryLine(at=line.at, seq=line.seq, who=line.who, what=line.what, steps=list(line.steps))
