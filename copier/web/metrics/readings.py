"""What a principal may see of the service as samples, in parts: each is read in one go, and so is of one moment."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from copier.telling.histogram import Histogram
from copier.telling.tally import OUTCOMES
from copier.web.metrics import table as of
from copier.web.metrics.process import disk_samples, process_samples
from copier.web.metrics.table import Sample
from copier.web.principal import Principal
from copier.web.rest.limits import shown_limits
from copier.web.rest.links import sees_copy, waits_for_approval
from copier.web.rest.status import sees_mismatch
from copier.web.surface import Surface
from rules.alerts.kinds import AlertKind
from rules.model.severity import Severity
from rules.model.values import AccountId, plain


def parts(surface: Surface, principal: Principal) -> Iterator[list[Sample]]:
    """Yield what is shown: of accounts those of the principal; sums over all accounts only to who sees all of them.

    Between two parts others may run: with a hundred accounts all of it takes as long as some orders do.
    """
    yield list(_service(surface))
    for name in surface.views:
        if principal.sees(name):
            yield [
                *_account(surface, name),
                *_orders(surface, name),
                *_copies(surface, principal, name),
                *_limits(surface, name),
            ]
    yield list(_mismatches(surface, principal))
    yield list(_denials(surface, principal))
    if principal.accounts is None:
        yield list(_whole(surface))
        yield list(_alerts(surface))
        yield [*process_samples(), *disk_samples(surface.ledger_path)]


def _service(surface: Surface) -> Iterator[Sample]:
    health = surface.health()
    yield of.INFO, (surface.version, "dry_run" if surface.dry_run else "live"), 1
    yield of.STARTED, (), round(surface.started_at.timestamp())
    yield of.ALIVE, (), int(not health.alive)
    yield of.READY, (), int(not health.ready)
    yield of.LEDGER_STUCK, (), int(surface.is_stuck)
    yield of.LOOP_LAG, (), round(surface.loop_lag.worst_s, 6)


def _account(surface: Surface, name: AccountId) -> Iterator[Sample]:
    session, view, tally = surface.session(name), surface.views[name], surface.tally
    for state in ("ready", "starting", "lost", "refused"):
        yield of.SESSION_STATE, (name, state), int(session.state == state)
    since = session.since or surface.started_at
    yield of.SESSION_AGE, (name,), max(round((surface.utc_now() - since).total_seconds(), 3), 0)
    yield of.SESSIONS_LOST, (name,), tally.lost[name]
    yield of.RECONNECTS, (name,), tally.regained[name]
    yield of.ORPHANS, (name,), tally.orphans[name]
    yield of.POSITIONS, (name,), len(view.positions)
    if view.status is not None:
        for metric, figure in ((of.BALANCE, view.status.balance), (of.EQUITY, view.status.equity)):
            if figure is not None:
                yield metric, (name, view.status.currency or ""), plain(figure)


def _orders(surface: Surface, name: AccountId) -> Iterator[Sample]:
    histograms = surface.histograms_of(name)
    sent = histograms.get("durable_to_sent", Histogram())
    yield of.INTENTS, (name,), surface.tally.intents[name]
    yield of.SENT, (name,), sent.total
    yield of.ORDERS_WAITING, (name,), surface.orders_waiting(name)
    yield of.DURABLE_TO_SENT, (name,), sent
    yield of.SENT_TO_REPORT, (name,), histograms.get("sent_to_report", Histogram())
    for outcome in OUTCOMES.values():
        yield of.OUTCOMES, (name, outcome), surface.tally.outcomes[name, outcome]


def _limits(surface: Surface, name: AccountId) -> Iterator[Sample]:
    for limit in shown_limits(surface, name):
        if limit.stage is not None:
            yield of.LIMIT_STAGE, (name, limit.limit, limit.kind, limit.stage), 1
        if limit.headroom_percent is not None:
            left = plain(Decimal(limit.headroom_percent) / 100)
            yield of.HEADROOM, (name, limit.limit, limit.kind), left


def _copies(surface: Surface, principal: Principal, name: AccountId) -> Iterator[Sample]:
    held = [copy for copy in surface.book.of_target(name) if sees_copy(principal, copy)]
    waiting = [copy for copy in surface.book.waiting_at(name) if sees_copy(principal, copy)]
    approvals = sum(map(waits_for_approval, waiting))
    pending = [leg.pending for copy in held for leg in copy.legs if leg.pending is not None]
    yield of.COPIES, (name, "holding"), len(held)
    yield of.COPIES, (name, "waiting"), len(waiting) - approvals
    yield of.COPIES, (name, "approval"), approvals
    yield of.UNDER_WAY, (name,), len(pending)
    yield of.UNKNOWN, (name,), sum(each.unknown for each in pending)


def _mismatches(surface: Surface, principal: Principal) -> Iterator[Sample]:
    """Yield how many there are, zeros included: else a rule would not see the first one."""
    names = [name for name in surface.views if principal.sees(name)]
    found = Counter({(name, severity.value): 0 for name in names for severity in Severity})
    found.update(
        (each.target, each.severity.value) for each in surface.mismatches if sees_mismatch(surface, principal, each)
    )
    yield from ((of.MISMATCHES, labels, count) for labels, count in found.items())


def _denials(surface: Surface, principal: Principal) -> Iterator[Sample]:
    denials: Counter[tuple[str, str]] = Counter()
    for (link_id, code), count in surface.tally.denials.items():
        link = surface.links.get(link_id)
        if link is not None and principal.sees_link(link):
            denials[link.target, code] += count
    yield from ((of.DENIALS, labels, count) for labels, count in denials.items())


def _whole(surface: Surface) -> Iterator[Sample]:
    histograms, traffic = surface.histograms, surface.traffic
    yield of.FRAME_TO_INTENT, (), histograms.get("frame_to_intent", Histogram())
    yield of.INTENT_TO_DURABLE, (), histograms.get("intent_to_durable", Histogram())
    yield of.INPUTS_WAITING, (), surface.inputs_waiting
    yield of.LEDGER_ROWS, (), surface.ledger_seq
    yield of.COMMITS, (), surface.commits
    yield of.CONNECTIONS, (), traffic.connections
    yield of.SOCKETS, (), traffic.sockets
    yield of.SESSIONS, (), surface.sessions.count
    yield of.ACCEPTED, (), traffic.accepted
    yield of.REFUSED, (), traffic.refused
    yield of.READERS_CUT, (), traffic.readers_cut
    yield of.WEB_BUGS, (), traffic.bugs


def _alerts(surface: Surface) -> Iterator[Sample]:
    if surface.alerter is None:
        return
    yield from ((of.ALERTS, (kind.value,), surface.alerter.raised[kind]) for kind in AlertKind)
    sums: Counter[tuple[of.Metric, str]] = Counter()
    for delivery in surface.alerter.deliveries:  # two of them may have one name
        sums[of.ALERTS_SENT, delivery.name] += delivery.delivered
        sums[of.ALERTS_TRIED, delivery.name] += delivery.failed_tries
        sums[of.ALERTS_LOST, delivery.name] += delivery.lost
        sums[of.ALERTS_WAITING, delivery.name] += delivery.waiting
    yield from ((metric, (name,), count) for (metric, name), count in sums.items())
