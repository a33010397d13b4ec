"""Copying by an equity curve: the samples that a link remembers, and the gate that compares with their mean."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from attrs import evolve

from rules.gates.market import Market
from rules.model.memory import Curve, LinkMemory, Sample
from rules.model.reasons import Reason
from rules.model.trace import Denied
from rules.model.values import plain
from rules.policy.curve import CurveOf, EquityCurve, WhileShort
from rules.sizes.volumes import shown

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def with_sample(
    memory: LinkMemory, curves: Iterable[EquityCurve], of: CurveOf, equity: Decimal, now: datetime
) -> LinkMemory:
    """Return the memory after figures of an account; the same where each curve has its sample of this time already.

    Args:
        curves: those of the link's policy and its rows.
        of: whose figures they are.
    """
    for curve in curves:
        if curve.of is not of:
            continue
        began = _piece(now, curve.every)
        known = _curve(memory, curve)
        if known.samples and known.samples[-1].at >= began:
            continue  # this piece of time has its sample; a clock that was set back takes none twice
        kept = (*known.samples, Sample(began, equity))[-longest(curves, curve) :]
        rest = tuple(each for each in memory.curves if (each.of, each.every) != (known.of, known.every))
        memory = evolve(memory, curves=(*rest, evolve(known, samples=kept)))
    return memory


def longest(curves: Iterable[EquityCurve], like: EquityCurve) -> int:
    """Return how many samples are kept for all curves of one account and one time between two."""
    return max(each.samples for each in curves if (each.of, each.every) == (like.of, like.every))


def equity_curve(market: Market) -> Denied | None:
    """Refuse while the account's equity is not above the mean of its last samples."""
    curve, question = market.policy.equity_curve, market.question
    if curve is None:
        return None
    view = question.source if curve.of is CurveOf.SOURCE else question.target
    equity = None if view.status is None else view.status.equity
    if equity is None:
        return Denied("equity_curve", Reason.REFERENCE_UNKNOWN, ((f"{curve.of.value}_equity", "unknown"),))
    samples = _curve(question.memory, curve).samples[-curve.samples :]
    if len(samples) < curve.samples:
        numbers = (("samples", str(len(samples))), ("needed", str(curve.samples)))
        if curve.while_short is WhileShort.ALLOW:
            market.finding.note("equity_curve", "could not be judged yet", *numbers)
            return None
        return Denied("equity_curve", Reason.EQUITY_CURVE_SHORT, numbers)
    mean = sum((Fraction(each.equity) for each in samples), Fraction(0)) / len(samples)
    if Fraction(equity) > mean:
        return None
    shown_mean = (("mean", shown(mean)), ("samples", str(len(samples))))
    since = ("since", samples[0].at.isoformat(timespec="minutes"))
    return Denied(
        "equity_curve", Reason.EQUITY_CURVE, ((f"{curve.of.value}_equity", plain(equity)), *shown_mean, since)
    )


def _curve(memory: LinkMemory, curve: EquityCurve) -> Curve:
    found = (each for each in memory.curves if (each.of, each.every) == (curve.of, curve.every))
    return next(found, Curve(curve.of, curve.every))


def _piece(now: datetime, every: timedelta) -> datetime:
    """Return when the piece of time began that `now` lies in."""
    return now - (now - _EPOCH) % every
