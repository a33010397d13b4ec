"""Decisions over REST: the log, the latest first, and the whole story of one position."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, TypeVar

import trio

from copier.ledger.codec import decode
from copier.ledger.ledger import Ledger, LedgerFailed, LedgerRefused
from copier.ledger.records import DecisionRecord
from copier.telling.story import find, headline, outcomes, story
from copier.web.dto.decisions import Decision, Story, decision_of, line_of
from copier.web.dto.words import Page
from copier.web.rest.endpoints import Call, Endpoint
from copier.web.rest.links import sees_copy
from copier.web.rest.pages import read_cursor, write_cursor
from copier.web.rest.params import Instant, OneOf, Param, Text
from copier.web.rest.refusals import Refused, not_found
from rules.model.copies import Copy
from rules.model.frozen import frozen
from rules.model.reasons import Reason

T = TypeVar("T")

SCANNED_MAX: Final = 5000
"""Decisions that one request looks at: a quarter of a second in a thread of its own."""

READ_S: Final = 30.0
"""For a story, which reads the whole ledger: a year's takes some seconds."""


@frozen
class _Filter:
    """What of the log is wanted; None: any."""

    account: str | None
    link: str | None
    code: str | None
    kind: str | None
    position: str | None

    def takes(self, shown: Decision) -> bool:
        return (
            self.account in (None, shown.source, shown.target)
            and self.link in (None, shown.link)
            and self.code in (None, shown.code)
            and self.kind in (None, shown.kind)
            and self.position in (None, shown.source_position)
        )


async def _decisions(call: Call) -> Page:
    query, principal = call.query, call.principal
    wanted = _Filter(query["account"], query["link"], query["code"], query["kind"], query["position"])
    cursor = read_cursor(call, int)
    before, since, limit = None if cursor is None else cursor[0], query["since"], query["limit"]

    def read(ledger: Ledger) -> Page:
        found: list[Decision] = []
        last: int | None = None
        for scanned, (seq, at, record) in enumerate(_latest(ledger, before)):
            if since is not None and at < since:
                return Page(found, None)
            if len(found) == limit or scanned == SCANNED_MAX:
                return Page(found, None if last is None else write_cursor((last,)))
            last = seq
            if sees_copy(principal, record.copy) and wanted.takes(shown := decision_of(seq, at, record)):
                found.append(shown)
        return Page(found, None)

    return await reading(call, read)


async def _story(call: Call) -> Story:
    wanted, principal = call.path["id"], call.principal

    def read(ledger: Ledger) -> Story:
        def shows(copy: Copy) -> bool:
            return sees_copy(principal, copy)

        about = find(ledger, wanted, shows)
        lines = [line_of(line) for line in story(about)]
        return Story(wanted, headline(wanted, len(lines)), outcomes(about), lines)

    found = await reading(call, read)
    if not found.lines:
        raise not_found("position or order in the ledger")
    return found


async def reading(call: Call, read: Callable[[Ledger], T]) -> T:
    """Return what is read of the ledger.

    Raises:
        Refused: it cannot be read now.
    """
    try:
        with trio.fail_after(READ_S):
            return await call.surface.read_ledger(read)
    except (LedgerFailed, LedgerRefused, trio.TooSlowError):
        raise Refused(503, "the ledger cannot be read now") from None


def _latest(ledger: Ledger, before: int | None) -> Iterator[tuple[int, datetime, DecisionRecord]]:
    for entry in ledger.latest("decision", before):
        yield entry.seq, entry.at, decode(DecisionRecord, entry.body)


ENDPOINTS: Final = (
    Endpoint(
        "GET",
        "/decisions",
        "The log of decisions, the latest first",
        _decisions,
        Decision,
        paged=True,
        query=(
            Param("account", Text(), "Only those from or to that account."),
            Param("link", Text(), "Only of that link."),
            Param("position", Text(), "Only about that source position."),
            Param("code", OneOf(tuple(reason.value for reason in Reason)), "Only those denied by that code."),
            Param("kind", OneOf(("ordered", "denied", "waiting", "noted")), "Only of that kind."),
            Param("since", Instant(), "From then on."),
        ),
    ),
    Endpoint(
        "GET",
        "/decisions/{id}",
        "All that became of a source position, a target position or an order",
        _story,
        Story,
    ),
)
