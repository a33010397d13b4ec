"""The answer "no" of the gates, and which codes may clear by themselves, as docs/denials.md has them."""

WAITING = frozenset(
    {
        "TARGET_NOT_READY",
        "TARGET_LAGGING",
        "BEGINNING_UNKNOWN",
        "FILTER_STOPS",
        "INSTRUMENT_UNKNOWN",
        "QUOTE_UNKNOWN",
        "NEWS_UNKNOWN",
        "MAINTENANCE",
        "DELAYED",
        "APPROVAL_NEEDED",
        "LIMIT_UNKNOWN",
        "FLAT_BY",
        "REFERENCE_UNKNOWN",
        "STOP_MISSING",
        "RISK_UNBOUNDED",
    }
)
OF_STOPS = frozenset({"FILTER_STOPS", "STOP_MISSING"})
"""These wait no longer than `guard.wait_for_stop`."""


class No(Exception):
    """New risk is denied; `code` is why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
