"""Whether all is well: the worst thing first, and the counts behind it."""

from typing import Annotated, Literal

from copier.web.dto.accounts import Latency
from copier.web.dto.words import Count, Time, about
from rules.model.frozen import frozen


@frozen
class Concern:
    """Something that is not as it should be."""

    severity: Literal["info", "warning", "critical"]
    kind: Annotated[str, about("session, limit, mismatch, outcome_unknown, lagging, lever, approval")]
    account: str | None
    link: str | None
    says: str


@frozen
class AccountCounts:
    """Accounts by what is known of them."""

    total: Count
    ready: Count
    lost: Count


@frozen
class LinkCounts:
    """Links by what they may do."""

    total: Count
    active: Count
    paused: Count
    close_only: Count


@frozen
class CopyCounts:
    """Copies by how they stand; `orders_under_way` have left, or may have left, and are not answered."""

    holding: Count
    waiting: Count
    approvals: Annotated[Count, about("Those among the waiting that wait for a person.")]
    orders_under_way: Count


@frozen
class Status:
    """The service at a glance, as far as the key may see."""

    status: Annotated[Literal["ok", "warning", "critical"], about("The worst severity of `concerns`; info is ok.")]
    concerns: Annotated[list[Concern], about("The worst first, fifty at most.")]
    version: str
    mode: Annotated[Literal["live", "dry_run"], about("`dry_run`: everything but orders.")]
    started_at: Time
    now: Time
    uptime_s: Count
    ledger_seq: Annotated[Count, about("The last entry of the ledger.")]
    accounts: AccountCounts
    links: LinkCounts
    copies: CopyCounts
    mismatches: Count
    limits: Annotated[dict[str, int], about("Limits by their stage.")]
    latency: Annotated[dict[str, Latency], about("By stage of a copied trade.")]
