"""The service at a glance: the worst first, then how much of everything."""

from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal

from copier.telling.wording import mismatch_words
from copier.web.dto.accounts import Latency as ShownLatency
from copier.web.dto.levers import lever_of
from copier.web.dto.status import AccountCounts, Concern, CopyCounts, LinkCounts, Status
from copier.web.principal import Principal
from copier.web.rest.accounts import visible_accounts
from copier.web.rest.commands import sees_lever
from copier.web.rest.endpoints import Call, Endpoint
from copier.web.rest.limits import shown_limits
from copier.web.rest.links import visible_copies, waits_for_approval
from copier.web.surface import Surface
from rules.books.mismatch import Mismatch
from rules.limits.state import LimitStage
from rules.model.copies import CopyStatus
from rules.model.values import AccountId
from rules.policy.links import LinkState

CONCERNS_MAX: Final = 50

_SEVERITY: Final = {"critical": 0, "warning": 1, "info": 2}
_MILD: Final = (LimitStage.WARN.value, LimitStage.UNKNOWN.value)


def sees_mismatch(surface: Surface, principal: Principal, mismatch: Mismatch) -> bool:
    """Tell whether a mismatch may be shown: the ends of its link may; of a link that is gone, to who sees all."""
    link = surface.links.get(mismatch.link_id)
    return principal.accounts is None if link is None else principal.sees_link(link)


async def _status(call: Call) -> Status:
    surface, principal, now = call.surface, call.principal, call.surface.utc_now()
    views = visible_accounts(surface, principal)
    sessions = [surface.session(view.account) for view in views]
    links = [link for link in surface.links.values() if principal.sees_link(link)]
    states = Counter(surface.link_state(link.link_id) for link in links)
    copies = list(visible_copies(surface, principal))
    limits = [limit for view in views for limit in shown_limits(surface, view.account)]
    concerns = sorted(_concerns(surface, principal), key=lambda each: _SEVERITY[each.severity])
    worst = concerns[0].severity if concerns else "info"
    return Status(
        status="ok" if worst == "info" else worst,
        concerns=concerns[:CONCERNS_MAX],
        version=surface.version,
        mode="dry_run" if surface.dry_run else "live",
        started_at=surface.started_at,
        now=now,
        uptime_s=max(int((now - surface.started_at).total_seconds()), 0),
        ledger_seq=surface.ledger_seq,
        accounts=AccountCounts(
            total=len(views),
            ready=sum(session.state == "ready" for session in sessions),
            lost=sum(session.state in ("lost", "refused") for session in sessions),
        ),
        links=LinkCounts(
            total=len(links),
            active=states[LinkState.ACTIVE],
            paused=states[LinkState.PAUSED],
            close_only=states[LinkState.CLOSE_ONLY],
        ),
        copies=CopyCounts(
            holding=sum(copy.holds for copy in copies),
            waiting=sum(copy.status is CopyStatus.WAITING or copy.wait_until is not None for copy in copies),
            approvals=sum(waits_for_approval(copy) for copy in copies),
            orders_under_way=sum(leg.pending is not None for copy in copies for leg in copy.legs),
        ),
        mismatches=sum(sees_mismatch(surface, principal, each) for each in surface.mismatches),
        limits=dict(Counter(limit.stage for limit in limits if limit.stage is not None)),
        latency={
            stage: ShownLatency(int(found["count"]), float(found["p50"]), float(found["p99"]))
            for stage, found in surface.latency_ms.items()
        },
    )


def _concerns(surface: Surface, principal: Principal) -> Iterator[Concern]:
    for trouble in surface.health().alive:
        yield Concern("critical", "service", None, None, trouble.says)
    if surface.is_stuck:
        yield Concern("critical", "service", None, None, "the ledger cannot be written: no order leaves")
    for view in visible_accounts(surface, principal):
        yield from _concerns_of(surface, view.account)
    for mismatch in surface.mismatches:
        if sees_mismatch(surface, principal, mismatch):
            yield Concern(
                mismatch.severity.value, "mismatch", mismatch.target, mismatch.link_id, mismatch_words(mismatch)
            )
    for copy in visible_copies(surface, principal):
        if any(leg.pending is not None and leg.pending.unknown for leg in copy.legs):
            what = f"an order of source position {copy.source_position_id} has no answer yet"
            yield Concern("warning", "outcome_unknown", copy.target, copy.link_id, what)
        if waits_for_approval(copy):
            what = f"source position {copy.source_position_id} waits for an approval"
            yield Concern("warning", "approval", copy.target, copy.link_id, what)
    for record in surface.levers:
        lever = lever_of(record)
        if lever is not None and sees_lever(surface, principal, record.lever):
            account, link = (lever.subject, None) if lever.kind == "account" else (None, lever.subject)
            yield Concern("info", "lever", account, link, f"{lever.state} by {record.by}: {record.why}")


def _concerns_of(surface: Surface, name: AccountId) -> Iterator[Concern]:
    session = surface.session(name)
    if session.state == "refused":
        yield Concern("critical", "session", name, None, f"the venue refuses the account: {session.why}")
    elif session.state == "lost":
        yield Concern("warning", "session", name, None, f"out of sight: {session.why}")
    elif session.state == "starting":
        yield Concern("warning", "session", name, None, "not seen whole yet")
    if surface.views[name].lagging:
        yield Concern("warning", "lagging", name, None, "its queue of orders is full")
    for limit in shown_limits(surface, name):
        if limit.stage not in (None, LimitStage.OK.value):
            left = f"{limit.headroom} {limit.currency or ''} of headroom".replace("  ", " ") if limit.headroom else ""
            what = f"{limit.limit} is at {limit.stage}: {left or limit.says or '; '.join(limit.notes)}"
            severity: Literal["warning", "critical"] = "warning" if limit.stage in _MILD else "critical"
            yield Concern(severity, "limit", name, None, what)


ENDPOINTS: Final = (Endpoint("GET", "/status", "Is all well?", _status, Status),)
