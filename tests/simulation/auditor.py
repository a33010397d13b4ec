"""The auditor: judges a simulation by the policies and the venues' own books, not by what the copier believes.

Of the copier's state it gets only the lists of final denials and of mismatches, and takes none of them on trust: each
must be possible.
"""

from collections.abc import Iterator

from rules.model.values import AccountId, plain
from tests.simulation.alarms import false_alarms
from tests.simulation.evidence import Evidence
from tests.simulation.followed import Followed
from tests.simulation.mirrors import mirrored_wrongly
from tests.simulation.netted import netted_wrongly, rested_wrongly
from tests.simulation.openings import Openings
from tests.simulation.pending import orders_mistaken, orders_touched
from tests.simulation.run import SETTLE_S_MAX, Outcome
from tests.simulation.scenario import TARGETS


def audit(outcome: Outcome) -> list[str]:
    """Return what is wrong, in words; nothing when all is well."""
    return list(_findings(Evidence(outcome)))


def _findings(evidence: Evidence) -> Iterator[str]:
    outcome, lives = evidence.outcome, evidence.lives
    openings = Openings(evidence)
    followed = Followed(evidence, openings)
    if not outcome.settled:
        yield f"the service did not settle within {SETTLE_S_MAX:g} s of fine weather"
    for target in TARGETS:
        yield from openings.findings(target)
        if evidence.nets(target):
            yield from netted_wrongly(outcome, target, lives[target], evidence.strays[target], evidence.tags)
        if outcome.scenario.kind(target).rests_stops:
            yield from rested_wrongly(outcome, target, openings.legs_of(target))
    for target in TARGETS:
        yield from _foreign(evidence, target)
        yield from orders_touched(outcome, target, lives[target])
        yield from _count(outcome, openings, target)
    yield from mirrored_wrongly(outcome)
    yield from orders_mistaken(outcome)
    yield from false_alarms(outcome.mismatches)
    for link in outcome.scenario.links:
        for source in lives[link.source].values():
            yield from followed.findings(link, source)


def _foreign(evidence: Evidence, target: AccountId) -> Iterator[str]:
    """What a person opened is theirs."""
    for (account, position_id), volume in evidence.outcome.hand.foreign.items():
        life = evidence.lives[target].get(position_id) if account == target else None
        if life is not None and life.volume != volume:
            yield f"{target}: a person's #{position_id} went from {plain(volume)} to {plain(life.volume)} lots"


def _count(outcome: Outcome, openings: Openings, target: AccountId) -> Iterator[str]:
    cap = outcome.scenario.links[0].policy.limits.max_positions
    peak = openings.peak(target)
    if cap is not None and peak > cap:
        yield f"{target}: held {peak} copies at once, at most {cap} are allowed"
