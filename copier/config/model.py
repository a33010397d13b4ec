"""A config that was read and found good: what the service runs by."""

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from zoneinfo import ZoneInfo

from attrs import field

from copier.config.alerts import AlertConfig
from copier.config.cases import Case
from copier.config.errors import ConfigProblem
from copier.config.listen import Listen, read_listen, read_names, read_origins, read_sessions
from copier.config.news import CalendarSource
from copier.config.policy_book import PolicySum
from copier.config.prop import PropKeys
from copier.config.summary import summary_lines
from copier.rulebook import Rulebook
from rules.limits.conduct_policy import Conduct
from rules.limits.policy import Cap, Limit
from rules.limits.results_policy import Results
from rules.model.frozen import frozen
from rules.model.values import AccountId, LinkId
from rules.policy.links import CopyLink, CopyPolicy
from rules.times.schedule import Schedule


class LogLevel(Enum):
    """The least severe line that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@frozen
class ServiceConfig:
    """The service itself."""

    ledger: Path = field(
        default=Path("copier.db"),
        metadata={"doc": 'Where the ledger is: `"sqlite:FILE"`. A relative FILE lies beside the config file.'},
    )
    timezone: ZoneInfo = field(
        default=ZoneInfo("UTC"), metadata={"doc": "IANA zone of schedules and limits that name none."}
    )
    close_orphans: bool = field(
        default=False,
        metadata={"doc": "Close a target's position that carries our tag and that no source position accounts for."},
    )
    reconcile_every: timedelta = field(
        default=timedelta(seconds=10),
        metadata={"doc": "How often an account's books are asked for and compared; from 1 s to 1 h."},
    )
    drain: timedelta = field(
        default=timedelta(seconds=10),
        metadata={"doc": "How long orders under way may take to be answered when the service ends; up to 10 min."},
    )
    listen: Listen | None = field(
        default=None,
        metadata={
            "read": read_listen,
            "doc": 'Where the dashboard and the APIs are served, such as `"127.0.0.1:8377"`; port 0 for any free one. '
            '`"off"` serves nothing. Where others reach it, it needs `tls_certificate` or `behind_proxy`, and a key.',
        },
    )
    tls_certificate: Path | None = field(
        default=None,
        metadata={
            "doc": "File with the certificate to serve with, and those that vouch for it (PEM); goes with `tls_key`. "
            "A relative one lies beside the config file. Read at the start."
        },
    )
    tls_key: Path | None = field(
        default=None, metadata={"doc": "File with the certificate's private key (PEM, without a password)."}
    )
    behind_proxy: bool = field(
        default=False,
        metadata={
            "doc": "A proxy of yours stands before the service and does TLS: its last `X-Forwarded-For` and its "
            "`X-Forwarded-Proto` are believed. Nobody but the proxy may be able to reach `listen`."
        },
    )
    allowed_hosts: tuple[str, ...] = field(
        default=(),
        metadata={
            "read": read_names,
            "doc": "Names that the service is reached by, beside `localhost`, `127.0.0.1` and `[::1]`, without port. "
            "Requests to any other name are refused (421).",
        },
    )
    allowed_origins: tuple[str, ...] = field(
        default=(),
        metadata={
            "read": read_origins,
            "doc": 'Pages of other sites that may ask here, such as `"https://panel.lan"`. Requests that browsers send '
            "for any other page are refused (403).",
        },
    )
    sessions_per_key: int = field(
        default=100,
        metadata={"read": read_sessions, "doc": "Streams and sockets that one API key may have open; from 1 to 10000."},
    )
    sessions_per_ip: int = field(
        default=100,
        metadata={
            "read": read_sessions,
            "doc": "The same for one address, but not for this machine's own; from 1 to 10000.",
        },
    )
    log_level: LogLevel = field(default=LogLevel.INFO, metadata={"doc": "The least severe line that is logged."})


@frozen
class AccountConfig:
    """One account: where it is, how to sign in (`settings` is the venue's own `Config`), how often it is compared."""

    account: AccountId
    venue: str
    settings: object
    reconcile_every: timedelta
    prop: PropKeys | None = None
    broker: str | None = None


@frozen
class Configuration:
    """All of one file. `links` has one entry for each pair of source and target, in the order of the file."""

    file: Path
    service: ServiceConfig
    accounts: Mapping[AccountId, AccountConfig]
    policies: Mapping[str, CopyPolicy]
    links: tuple[CopyLink, ...]
    limits: tuple[Limit, ...]
    sums: Mapping[LinkId, PolicySum]
    """What each link obeys, and where it was written."""
    caps: tuple[Cap, ...] = ()
    conduct: tuple[Conduct, ...] = ()
    results: tuple[Results, ...] = ()
    cases: tuple[Case, ...] = ()
    alerts: tuple[AlertConfig, ...] = ()
    calendars: Mapping[str, CalendarSource] = field(factory=dict)
    """By the name of the news policy, of those that a policy names."""
    maintenance: Mapping[AccountId, tuple[Schedule, ...]] = field(factory=dict)
    """Of the accounts that have any."""
    warnings: tuple[ConfigProblem, ...] = ()

    @property
    def rulebook(self) -> Rulebook:
        """Return what of it decisions obey."""
        return Rulebook(self.links, self.limits, self.caps, self.conduct, self.results, self.maintenance)

    def summary(self) -> tuple[str, ...]:
        """Return lines that say what would run: accounts, links, limits and each policy's effective sum."""
        return summary_lines(self)
