"""What a policy or a limit needs and a venue never gives: told before every copy is denied for it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from adapters.base import Capabilities
from copier.config.limit_keys import KINDS_ON_MONEY, InactivityKind
from copier.config.links import LinkBook
from copier.config.policy_book import nearest_place
from copier.config.positions import KeyPath
from copier.config.reader import Reader
from copier.config.results import is_results
from rules.limits.conduct_policy import PositionRuleKind
from rules.model.frozen import frozen
from rules.model.values import AccountId, OmsType
from rules.policy.curve import CurveOf
from rules.policy.guard import OnDeviation
from rules.policy.limits import NoStop
from rules.policy.links import CopyPolicy
from rules.policy.pending import PendingOrders
from rules.policy.size import RiskOf, SizeMode
from rules.policy.stops import Aggregate, StopsMode

_RATIOS = (SizeMode.BALANCE_RATIO, SizeMode.EQUITY_RATIO, SizeMode.MARGIN_RATIO)
_FIGURES = ("balance", "equity", "margin_free")

_OPEN_RISK = ("max_risk_per_symbol", "max_total_risk")
_DENIES = "every copy is denied"


@frozen
class Lack:
    """A key of a policy, or of a limit, whose need is never met: what it needs, and what follows."""

    at: KeyPath
    needs: str
    follows: str


def warn_of_lacks(
    reader: Reader,
    links: LinkBook,
    rows: Sequence[Any],
    firms: Collection[AccountId],
    known: Mapping[AccountId, Capabilities],
) -> None:
    """Warn of what policies and limits need and the venues of their accounts never give.

    Args:
        reader: takes the warnings.
        links: those without faults.
        rows: of [[limits]], as written.
        firms: accounts that a firm's limits hold for.
        known: what accounts can, of those where that is known.
    """
    for link in links.links:
        source, target = known.get(link.source), known.get(link.target)
        if source is None or target is None:
            continue
        total = links.sums[link.link_id]
        for each in (total, *total.rows):
            for lack in lacks_of_policy(each.policy, source, target):
                place = _place(lack.at, each.places) or links.target_paths[link.link_id]
                reader.warn(place, lack.needs, f"link {link.link_id}, where there is none: {lack.follows}")
    sources = {link.source for link in links.links}
    for index, row in enumerate(rows):
        account = row.get("account") if isinstance(row, Mapping) else None
        can = known.get(AccountId(account)) if isinstance(account, str) else None
        for lack in () if can is None else lacks_of_limit(row, can, is_source=account in sources):
            reader.warn(("limits", index, *lack.at), lack.needs, f"`{account}`, where it is not so: {lack.follows}")
    for firm in sorted(firms):
        if firm in known and not known[firm].figures:
            found = "a venue that tells none: by the firm's limits the account takes no new risk at all"
            reader.warn(("accounts", firm, "prop"), "balance and equity of the account", found)


def _place(at: KeyPath, places: Mapping[KeyPath, KeyPath]) -> KeyPath | None:
    """Return where a key stands that was written, or the table of the first key below it."""
    below = (place[: len(place) - len(key) + len(at)] for key, place in places.items() if key[: len(at)] == at)
    return nearest_place(at, places) or next(below, None)


def lacks_of_policy(policy: CopyPolicy, source: Capabilities, target: Capabilities) -> Iterator[Lack]:
    """Yield what a policy needs and the venues of a link's source and target never give."""
    if not target.quotes:
        yield from _without_quotes(policy)
    if not target.figures:
        yield from _without_figures(policy)
    yield from _of_size(policy, source, target)
    curve = policy.equity_curve
    if curve is not None and not (source if curve.of is CurveOf.SOURCE else target).figures:
        yield Lack(("equity_curve",), f"balance and equity of the {curve.of.value}", _DENIES)
    both = source.oms is target.oms is OmsType.HEDGING
    if policy.guard.on_deviation is OnDeviation.LIMIT and not (both and target.trades and target.pending_orders):
        needs = "accounts that hedge, and a target that takes pending orders"
        yield Lack(("guard", "on_deviation"), needs, "a copy whose price is too far away is denied")
    if policy.pending is PendingOrders.MIRROR:
        yield from _of_mirror(source, target)
    if policy.exits.ignore_close and not target.keeps_take_profit:
        yield Lack(("exits", "ignore_close"), "a take-profit at the target", "no close is ever ignored")
    if policy.exits.reverse_break_even is not None and not target.keeps_take_profit:
        yield Lack(("exits", "reverse_break_even"), "a take-profit at the target", "it is never set")
    sums = target.oms is OmsType.NETTING and source.oms is OmsType.HEDGING
    if policy.aggregate is not Aggregate.NONE and not sums:
        yield Lack(("aggregate",), "a netting target of a hedging source", "it has no effect")
    if sums and policy.limits.no_stop is NoStop.DENY:
        for name in _OPEN_RISK:
            if getattr(policy.limits, name) is not None:
                yield Lack(("limits", name), "a stop-loss of each copy, where the target nets", _DENIES)
    if sums:
        for key in _managed(policy):
            yield Lack(key, "a position for each copy, where the target nets", "it is never set")


def _of_mirror(source: Capabilities, target: Capabilities) -> Iterator[Lack]:
    follows = "pending orders are denied (`PENDING_UNSUPPORTED`), and their positions copied when they are filled"
    if source.oms is OmsType.NETTING:
        yield Lack(("pending",), "a source that hedges", follows)
    elif not source.pending_orders:
        yield Lack(("pending",), "a source that shows its pending orders", "positions are copied when they are there")
    if target.oms is OmsType.NETTING:
        yield Lack(("pending",), "a target that hedges", follows)
    elif not (target.trades and target.pending_orders):
        yield Lack(("pending",), "a target that takes pending orders", follows)


def _without_quotes(policy: CopyPolicy) -> Iterator[Lack]:
    needs, guard = "quotes of the target", policy.guard
    if guard.max_deviation is not None:
        yield Lack(("guard", "max_deviation"), needs, _DENIES)
    if guard.max_spread is not None:
        yield Lack(("guard", "max_spread"), needs, _DENIES)
    if guard.require_quotes and guard.max_price_ratio is not None:
        yield Lack(("guard", "require_quotes"), needs, _DENIES)
    if policy.on_start.max_deviation is not None:
        yield Lack(("on_start", "max_deviation"), needs, "every copy of what was open at the start is denied")
    if policy.stops.mode is StopsMode.OFFSET:
        yield Lack(("stops", "mode"), needs, "the distance is kept instead")
    for key in _managed(policy):
        yield Lack(key, needs, "it is never set")


def _managed(policy: CopyPolicy) -> Iterator[KeyPath]:
    """Yield the stops of our own that follow the price."""
    names = ("break_even", "reverse_break_even", "trailing")
    return (("exits", name) for name in names if getattr(policy.exits, name) is not None)


def _without_figures(policy: CopyPolicy) -> Iterator[Lack]:
    needs, limits = "balance and equity of the target", policy.limits
    if limits.max_leverage is not None:
        yield Lack(("limits", "max_leverage"), needs, _DENIES)
    if limits.min_free_margin is not None:
        yield Lack(("limits", "min_free_margin"), needs, _DENIES)
    for key in ("max_risk", *_OPEN_RISK):
        if getattr(limits, key) is not None:
            yield Lack(("limits", key), "the currency and equity of the target", _DENIES)


def _of_size(policy: CopyPolicy, source: Capabilities, target: Capabilities) -> Iterator[Lack]:
    for side, can in (("source", source), ("target", target)):
        if not can.figures and _size_asks(policy, side):
            yield Lack(("size", "mode"), f"balance and equity of the {side}", _DENIES)


def _size_asks(policy: CopyPolicy, side: str) -> bool:
    """Tell whether the size follows from a figure of the `source` or the `target`."""
    size = policy.size
    if size.mode in _RATIOS:
        return (size.source_reference if side == "source" else size.target_reference) is None
    if size.mode is SizeMode.EXPRESSION and size.expression is not None:
        return any(f"{side}_{figure}" in size.expression.variables for figure in _FIGURES)
    if size.mode is SizeMode.RISK_PERCENT and side == "target":
        return size.of is not RiskOf.INITIAL
    return size.mode is SizeMode.LEVERAGE


def lacks_of_limit(row: Mapping[str, Any], can: Capabilities, *, is_source: bool) -> Iterator[Lack]:
    """Yield what a [[limits]] row, as written, needs and its account's venue never gives."""
    kind = row.get("kind")
    if kind in KINDS_ON_MONEY and not can.figures:
        yield Lack(("kind",), "balance and equity of the account", "it takes no new risk at all")
    if kind == PositionRuleKind.PER_TRADE_LOSS.value and not (can.quotes and can.figures):
        yield Lack(("kind",), "prices and figures of the account", "no loss is ever seen")
    if row.get("tiers") and not can.figures:
        yield Lack(("tiers",), "balance and equity of the account", "the least of all tiers holds")
    if is_results(row) and not can.history:
        yield Lack(("kind",), "the account's history", "it is never judged")
    if kind == InactivityKind.INACTIVITY.value and row.get("keep_alive"):
        if not can.trades:
            yield Lack(("keep_alive",), "an account that takes orders", "it never trades")
        if is_source:
            yield Lack(("keep_alive",), "an account that nobody copies", "its trade is copied by the links from there")
