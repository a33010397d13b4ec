"""Reports without secrets: their words may be the venue's, which may repeat what it was sent."""

from attrs import evolve

from copier.telling.logs import redact
from rules.model.reports import NotSent, OutcomeUnknown, Rejected, Report


def without_secrets(report: Report) -> Report:
    """Return a report whose words hold no secret of ours."""
    if isinstance(report, Rejected):
        return evolve(report, text=redact(report.text))
    if isinstance(report, NotSent | OutcomeUnknown):
        return evolve(report, reason=redact(report.reason))
    return report
