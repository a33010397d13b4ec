"""What in a policy can hardly be meant: filters that let nothing pass, rows that never hold, no time to approve."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from attrs import fields

from copier.config.checks import duration_text
from copier.config.positions import KeyPath
from rules.model.beginnings import EntryType
from rules.model.frozen import frozen
from rules.model.values import Symbol
from rules.policy.links import CopyPolicy, SymbolOf, SymbolPolicy
from rules.policy.literals import CATCH_ALLS, literals_of
from rules.policy.patterns import PatternSet
from rules.policy.pending import Mirror, PendingOrders
from rules.policy.symbols import Mapped, map_symbol


@frozen
class Doubt:
    """One thing to warn of, by its path in the policy."""

    at: KeyPath
    expected: str
    found: str


APPROVAL_LEAST = timedelta(seconds=30)
"""Nobody reads a message, thinks and types sooner."""


def doubts_of(policy: CopyPolicy) -> Iterator[Doubt]:
    """Yield what can hardly be meant in a policy; only what is certain, whatever names a venue has."""
    yield from _dead_filter(policy)
    if policy.pending is PendingOrders.SKIP and EntryType.MARKET not in policy.filter.order_types:
        found = 'only pending orders, which `pending = "skip"` refuses'
        yield Doubt(("filter", "order_types"), "a filter that lets something pass", found)
    for name in () if policy.mirrors else _changed(policy.mirror):
        yield Doubt(("mirror", name), '`pending = "mirror"` beside it', "no order is mirrored: it has no effect")
    if policy.approval and policy.guard.wait_max < APPROVAL_LEAST:
        key = "wait_default" if policy.guard.max_age is None else "max_age"
        expected = f"`guard.{key}` of at least {duration_text(APPROVAL_LEAST)}, as long as somebody needs to approve"
        yield Doubt(("approval",), expected, duration_text(policy.guard.wait_max))
    for index, row in enumerate(policy.per_symbol):
        taken_by = _taken_by(row, policy.per_symbol[:index])
        if taken_by is not None:
            found = f"row {taken_by} takes all that it would"
            yield Doubt(("per_symbol", index), "a row that can match", found)
        elif row.on is SymbolOf.SOURCE and _all_refused(row.match, row.policy):
            found = f"none: the filter, or the symbol map, refuses all that `{row.match[:60]}` matches"
            yield Doubt(("per_symbol", index), "a symbol that the row is for", found)


def _changed(mirror: Mirror) -> Iterator[str]:
    """Yield the keys that are not as they would be unwritten."""
    return (each.name for each in fields(Mirror) if getattr(mirror, each.name) != getattr(Mirror(), each.name))


def _dead_filter(policy: CopyPolicy) -> Iterator[Doubt]:
    allowed, blocked = policy.filter.symbols, policy.filter.not_symbols
    if CATCH_ALLS & set(blocked):
        yield Doubt(("filter", "not_symbols"), "a filter that lets something pass", "one that blocks every symbol")
        return
    dead = [pattern for pattern in allowed if _all_refused(pattern, policy)]
    if dead and len(dead) == len(allowed):
        found = "one whose every symbol `not_symbols`, or the symbol map, refuses"
        yield Doubt(("filter", "symbols"), "a filter that lets something pass", found)
        return
    for pattern in dead:
        found = f"none: `not_symbols`, or the symbol map, refuses all that `{pattern[:60]}` matches"
        yield Doubt(("filter", "symbols"), "patterns of which each lets something pass", found)


def _all_refused(pattern: str, policy: CopyPolicy) -> bool:
    """Tell whether everything that a pattern of the source's names matches is refused, as far as that can be told."""
    if pattern in policy.filter.not_symbols:
        return True
    names = literals_of(pattern)
    if not names:
        return False
    allowed = PatternSet(policy.filter.symbols, "filter.symbols")
    blocked = PatternSet(policy.filter.not_symbols, "filter.not_symbols")
    return all(
        blocked.matches(name)
        or (allowed.patterns and not allowed.matches(name))
        or not isinstance(map_symbol(policy.symbols, Symbol(name)), Mapped)
        for name in names
    )


def _taken_by(row: SymbolPolicy, earlier: Sequence[SymbolPolicy]) -> int | None:
    """Return the number of an earlier row that takes every name that `row` matches, as far as that can be told."""
    names = literals_of(row.match)
    for number, other in enumerate(earlier, 1):
        if other.on is not row.on:
            continue
        takes_all = other.match in CATCH_ALLS or other.match == row.match
        if takes_all or (names and all(other.is_for(Symbol(name)) for name in names)):
            return number
    return None
