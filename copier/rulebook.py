"""What a person wants of the accounts: links and limits, as a config reads them and the service obeys them."""

from collections.abc import Mapping

from attrs import field

from rules.limits.conduct_policy import Conduct
from rules.limits.policy import Cap, Limit
from rules.limits.results_policy import Results
from rules.model.frozen import frozen
from rules.model.values import AccountId
from rules.policy.links import CopyLink
from rules.times.schedule import Schedule


@frozen
class Rulebook:
    """Everything that decisions obey. `maintenance` are the times of an account's venue, by account."""

    links: tuple[CopyLink, ...] = ()
    limits: tuple[Limit, ...] = ()
    caps: tuple[Cap, ...] = ()
    conduct: tuple[Conduct, ...] = ()
    results: tuple[Results, ...] = ()
    maintenance: Mapping[AccountId, tuple[Schedule, ...]] = field(factory=dict)
