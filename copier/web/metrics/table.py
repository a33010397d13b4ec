"""Every metric that the service shows: its name, what it means, its labels. The page in the docs is made of this table.

Labels are bounded by the config (accounts, links, limits, destinations) or by enumerations of ours (codes, kinds,
outcomes, stages): no text of a broker or a client ever becomes one.
"""

from typing import Final, Literal

from attrs import field

from copier.telling.histogram import Histogram
from rules.model.frozen import frozen


@frozen
class Metric:
    """One metric. Durations are in seconds, money in the account's currency."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = field(default=())


METRICS: Final[list[Metric]] = []


def _metric(name: str, kind: Literal["counter", "gauge", "histogram"], help_: str, *labels: str) -> Metric:
    METRICS.append(Metric(name, kind, help_, labels))
    return METRICS[-1]


INFO = _metric("copier_info", "gauge", "Always 1; which version runs, and whether orders leave.", "version", "mode")
STARTED = _metric("copier_started_seconds", "gauge", "When the service began, in seconds since 1970.")
ALIVE = _metric("copier_alive", "gauge", "1 while the engine finishes its rounds, as /healthz says.")
READY = _metric("copier_ready", "gauge", "1 while everything can be relied upon, as /readyz says.")

# Accounts
SESSION_STATE = _metric(
    "copier_session_state", "gauge", "1 for the state that an account is in: ready, starting, lost, refused.",
    "account", "state",
)  # fmt: skip
SESSION_AGE = _metric("copier_session_age_seconds", "gauge", "For how long an account is in this state.", "account")
SESSIONS_LOST = _metric("copier_sessions_lost_total", "counter", "How often an account went out of sight.", "account")
RECONNECTS = _metric("copier_reconnects_total", "counter", "How often an account was seen again after that.", "account")
BALANCE = _metric("copier_balance", "gauge", "As the venue reports it.", "account", "currency")
EQUITY = _metric("copier_equity", "gauge", "As the venue reports it.", "account", "currency")
POSITIONS = _metric("copier_positions", "gauge", "Open positions of an account, whosever they are.", "account")

# Orders
INTENTS = _metric("copier_order_intents_total", "counter", "Orders that became durable.", "account")
SENT = _metric("copier_orders_sent_total", "counter", "Orders that left, those sent again included.", "account")
OUTCOMES = _metric(
    "copier_order_reports_total", "counter",
    "What became of orders; one whose answer was lost is first unknown and then something else.", "account", "outcome",
)  # fmt: skip
UNDER_WAY = _metric("copier_orders_under_way", "gauge", "Orders that are not answered yet.", "account")
UNKNOWN = _metric("copier_orders_unknown", "gauge", "Orders among them that may have been executed.", "account")
ORDERS_WAITING = _metric("copier_orders_waiting", "gauge", "Orders that wait for their turn at an account.", "account")

# Copies
COPIES = _metric(
    "copier_copies", "gauge",
    "Copies at a target: holding (it has, or may have, a position), waiting (a denial may clear), approval.",
    "account", "state",
)  # fmt: skip
DENIALS = _metric(
    "copier_denials_total", "counter", "Source positions that are not copied to an account, by code.", "account", "code"
)
ORPHANS = _metric("copier_orphans_total", "counter", "Positions found with our tag that no copy owns.", "account")
MISMATCHES = _metric(
    "copier_mismatches", "gauge", "Where a target lastingly differs from what its links want.", "account", "severity"
)

# Limits
LIMIT_STAGE = _metric(
    "copier_limit_stage", "gauge",
    "1 for the stage that a limit is at: ok, warn, block, unknown, halt, flatten, breached.",
    "account", "limit", "kind", "stage",
)  # fmt: skip
HEADROOM = _metric(
    "copier_limit_headroom_ratio", "gauge",
    "What is left of a limit, as a part of all of it; 0: breached. Absent where it is not known.",
    "account", "limit", "kind",
)  # fmt: skip

# How long it takes
FRAME_TO_INTENT = _metric(
    "copier_frame_to_intent_seconds", "histogram", "From a source's message to the decision about an order."
)
INTENT_TO_DURABLE = _metric(
    "copier_intent_to_durable_seconds", "histogram", "From that decision to its being on the disk."
)
DURABLE_TO_SENT = _metric(
    "copier_durable_to_sent_seconds", "histogram", "From there to the order's leaving, its account's pace included.",
    "account",
)  # fmt: skip
SENT_TO_REPORT = _metric("copier_sent_to_report_seconds", "histogram", "From there to the venue's answer.", "account")

# The service itself
LOOP_LAG = _metric("copier_loop_lag_seconds", "gauge", "How late the loop came at worst within the last 10 s.")
INPUTS_WAITING = _metric("copier_engine_inputs_waiting", "gauge", "Events and reports that wait for the engine.")
LEDGER_ROWS = _metric("copier_ledger_rows", "gauge", "Entries of the ledger.")
LEDGER_BYTES = _metric("copier_ledger_bytes", "gauge", "Size of the ledger with its write-ahead log.")
LEDGER_FREE = _metric("copier_ledger_disk_free_bytes", "gauge", "Room that is left where the ledger lies.")
LEDGER_STUCK = _metric("copier_ledger_stuck", "gauge", "1 while the ledger cannot be written, so that no order leaves.")
COMMITS = _metric("copier_ledger_commit_seconds", "histogram", "How long a commit of the ledger took.")

# Alerts
ALERTS = _metric("copier_alerts_total", "counter", "What people should be told of, whatever routes make of it.", "kind")
ALERTS_SENT = _metric("copier_alert_messages_sent_total", "counter", "Messages that were taken.", "destination")
ALERTS_TRIED = _metric(
    "copier_alert_messages_failed_total", "counter", "Tries that failed; a message is tried again.", "destination"
)
ALERTS_LOST = _metric(
    "copier_alert_messages_lost_total", "counter", "Messages that were given up, and are in the log.", "destination"
)
ALERTS_WAITING = _metric("copier_alert_messages_waiting", "gauge", "Messages that are on their way.", "destination")

# The port
CONNECTIONS = _metric("copier_web_connections", "gauge", "Open connections.")
SOCKETS = _metric("copier_web_sockets", "gauge", "Open WebSockets.")
SESSIONS = _metric("copier_web_sessions", "gauge", "Event streams and signed-in sockets.")
ACCEPTED = _metric("copier_web_connections_total", "counter", "Connections that were served.")
REFUSED = _metric("copier_web_connections_refused_total", "counter", "Connections closed since there were too many.")
READERS_CUT = _metric(
    "copier_web_readers_cut_total", "counter", "Connections cut because the client did not take what it asked for."
)
WEB_BUGS = _metric("copier_web_bugs_total", "counter", "Requests and connections that failed by a bug.")

# The process, by the names that every program has for it
CPU = _metric("process_cpu_seconds_total", "counter", "Processor time, user and system.")
MEMORY = _metric("process_resident_memory_bytes", "gauge", "Memory that is in use.")
FILES = _metric("process_open_fds", "gauge", "Open files and sockets.")
FILES_MAX = _metric("process_max_fds", "gauge", "How many may be open.")


Value = int | float | str | Histogram
"""Text is an exact number."""
Sample = tuple[Metric, tuple[str, ...], Value]
"""A metric, the values of its labels in their order, and its own."""
