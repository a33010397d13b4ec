"""Alerts over REST: what the ledger says that a person should know, the latest first, and that somebody has seen it."""

from typing import Any, Final

from copier.ledger.kept_alerts import KeptAlert, kept_alerts, raised
from copier.ledger.ledger import Ledger
from copier.web.dto.events import Alert, alert_of
from copier.web.dto.levers import Acknowledge, Done
from copier.web.dto.words import Page
from copier.web.principal import Principal
from copier.web.rest.commands import pull
from copier.web.rest.decisions import SCANNED_MAX, reading
from copier.web.rest.endpoints import Call, Endpoint
from copier.web.rest.once import IDEMPOTENCY_KEY
from copier.web.rest.pages import read_cursor, write_cursor
from copier.web.rest.params import OneOf, Param, Text
from copier.web.rest.refusals import not_found
from rules.model import levers


async def _alerts(call: Call) -> Page:
    account, principal, limit = call.query["account"], call.principal, call.query["limit"]
    wanted = call.query["acknowledged"]
    cursor = read_cursor(call, int)

    def takes(kept: KeptAlert) -> bool:
        if not _sees(principal, kept) or account not in (None, kept.record.account):
            return False
        return wanted is None or (kept.acknowledged is not None if wanted == "true" else kept.is_open)

    def read(ledger: Ledger) -> Page:
        found: list[Alert] = []
        last: int | None = None
        for scanned, kept in enumerate(kept_alerts(ledger, None if cursor is None else cursor[0])):
            if len(found) == limit or scanned == SCANNED_MAX:
                return Page(found, None if last is None else write_cursor((last,)))
            last = kept.seq
            if takes(kept):
                found.append(alert_of(kept.seq, kept.at, kept.record, kept.acknowledged))
        return Page(found, None)

    return await reading(call, read)


async def _acknowledge(call: Call) -> Any:
    wanted, principal = tuple(dict.fromkeys(call.body.alerts)), call.principal

    def all_seen(ledger: Ledger) -> bool:
        found = [raised(ledger, seq) for seq in wanted]
        return all(kept is not None and _sees(principal, kept) for kept in found)

    if not await reading(call, all_seen):
        raise not_found("alert to acknowledge")
    return await pull(call, levers.Acknowledge(wanted), call.body.note)


def _sees(principal: Principal, kept: KeptAlert) -> bool:
    account = kept.record.account
    return principal.sees(account) if account else principal.accounts is None


ENDPOINTS: Final = (
    Endpoint(
        "GET",
        "/alerts",
        "What a person should know, the latest first",
        _alerts,
        Alert,
        paged=True,
        query=(
            Param("account", Text(), "Only about that account."),
            Param(
                "acknowledged",
                OneOf(("true", "false")),
                "`false`: only what nobody has acknowledged, without what tells that something is over.",
            ),
        ),
    ),
    Endpoint(
        "POST",
        "/alerts/acknowledge",
        "Say that somebody has seen some alerts; all of them or, where one is not there, none",
        _acknowledge,
        Done,
        headers=(IDEMPOTENCY_KEY,),
        body=Acknowledge,
        operates=True,
        refusals=(409,),
    ),
)
