"""What a person wants of the accounts: links and limits, as a config reads them and the service obeys them."""

from collections.abc import Mapping

from attrs import field, frozen

from rules.conduct_policy import Conduct
from rules.limits_policy import Cap, Limit
from rules.policy import CopyLink
from rules.results_policy import Results
from rules.schedule import Schedule
from rules.values import AccountId


@frozen
class Rulebook:
    """Everything that decisions obey. `maintenance` are the times of an account's venue, by account."""

    links: tuple[CopyLink, ...] = ()
    limits: tuple[Limit, ...] = ()
    caps: tuple[Cap, ...] = ()
    conduct: tuple[Conduct, ...] = ()
    results: tuple[Results, ...] = ()
    maintenance: Mapping[AccountId, tuple[Schedule, ...]] = field(factory=dict)
