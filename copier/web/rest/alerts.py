"""Alerts over REST: what the ledger says that a person should know, the latest first."""

from typing import Final

from copier.ledger.codec import decode
from copier.ledger.ledger import Ledger
from copier.ledger.records import AlertRecord
from copier.web.dto.events import Alert
from copier.web.dto.words import Page
from copier.web.rest.decisions import SCANNED_MAX, reading
from copier.web.rest.endpoints import Call, Endpoint
from copier.web.rest.pages import read_cursor, write_cursor
from copier.web.rest.params import Param, Text


async def _alerts(call: Call) -> Page:
    account, principal, limit = call.query["account"], call.principal, call.query["limit"]
    cursor = read_cursor(call, int)

    def read(ledger: Ledger) -> Page:
        found: list[Alert] = []
        last: int | None = None
        for scanned, entry in enumerate(ledger.latest("alert", None if cursor is None else cursor[0])):
            if len(found) == limit or scanned == SCANNED_MAX:
                return Page(found, None if last is None else write_cursor((last,)))
            last, record = entry.seq, decode(AlertRecord, entry.body)
            sees = principal.sees(record.account) if record.account else principal.accounts is None
            if sees and account in (None, record.account):
                found.append(Alert(entry.at, record.code, record.account, record.text, record.over))
        return Page(found, None)

    return await reading(call, read)


ENDPOINTS: Final = (
    Endpoint(
        "GET",
        "/alerts",
        "What a person should know, the latest first",
        _alerts,
        Alert,
        paged=True,
        query=(Param("account", Text(), "Only about that account."),),
    ),
)
