"""Copying by an equity curve: the gate, and the samples that a link remembers of it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from tests.checker.asked import Asked
from tests.checker.links import Link, Rules
from tests.checker.refusals import No
from tests.checker.trees import Tree

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def equity_curve(asked: Asked) -> None:
    """Refuse while the account's equity is not above the mean of its last samples."""
    curve = asked.rules.optional("equity_curve")
    if curve is None:
        return
    status = asked.source_status if curve["of"] == "source" else asked.target_status
    if status is None or status["equity"] is None:
        raise No("REFERENCE_UNKNOWN")
    known = [each["equity"] for each in of_kind(asked.memory["curves"], curve["of"], curve["every"])]
    if len(known) < curve["samples"]:
        if curve["while_short"] == "allow":
            return
        raise No("EQUITY_CURVE_SHORT")
    if status["equity"] <= sum(known[-curve["samples"] :], Fraction(0)) / curve["samples"]:
        raise No("EQUITY_CURVE")


def of_kind(curves: list[Tree], of: str, every: timedelta) -> list[Tree]:
    """Return the samples of one account that are so far apart."""
    seconds = int(every.total_seconds())
    for curve in curves:
        if (curve["of"], curve["every"]) == (of, f"PT{seconds}S"):
            return curve["samples"]  # type: ignore[no-any-return]  # a tree of the ledger
    return []


def samples_wrong(link: Link, before: list[Tree], after: list[Tree], at: datetime) -> Iterable[str]:
    """Yield what is wrong with the samples that a link remembers, after those that it remembered."""
    wanted = lengths(link.every_rules())
    told = {(each["of"], each["every"]) for each in after}
    if told - {(of, f"PT{int(every.total_seconds())}S") for of, every in wanted}:
        yield f"{link.link_id} has samples that nothing asks for: {told}"
    taken = 0
    for (of, every), most in wanted.items():
        old, new = of_kind(before, of, every), of_kind(after, of, every)
        if new == old:
            continue
        taken += 1
        begun = at - (at - EPOCH) % every
        if new[-1]["at"] != begun or (old and old[-1]["at"] >= begun):
            yield f"{link.link_id} took a sample of {new[-1]['at']} at {at}, after {old[-1:]}"
        if new != [*old, new[-1]][-most:]:
            yield f"{link.link_id} keeps {new}, after {old}"
    if not taken:
        yield f"{link.link_id} remembers the samples that it had"


def lengths(rules: Iterable[Rules]) -> dict[tuple[str, timedelta], int]:
    """Return the most samples that any rules of a link need, by whose they are and how far apart."""
    found: dict[tuple[str, timedelta], int] = {}
    for each in rules:
        curve = each.optional("equity_curve")
        if curve is not None:
            key = (curve["of"], curve["every"])
            found[key] = max(found.get(key, 0), curve["samples"])
    return found
