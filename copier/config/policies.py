"""The keys of a policy, and which of them fit together. `copier.config.policy_book` makes policies of them."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from attrs import field

from copier.config.checks import Pattern, duration_text, least_and_most, some_sides, up_to
from copier.config.errors import Fault, shown_value
from copier.config.positions import KeyPath
from copier.config.sizes import size_misfits
from rules.gates.filters import Filter
from rules.model.beginnings import EntryType
from rules.model.frozen import frozen
from rules.model.values import Side, Volume
from rules.policy.curve import EquityCurve
from rules.policy.exits import Exits
from rules.policy.guard import Guard, StartPolicy
from rules.policy.limits import PolicyLimits
from rules.policy.links import OnTargetChange, SymbolOf
from rules.policy.mismatch import MismatchPolicy
from rules.policy.pacing import Delay, SkipFirst, Throttle
from rules.policy.pending import Mirror, PendingOrders
from rules.policy.series import AfterLosses, Masaniello
from rules.policy.size import Size, VolumePolicy
from rules.policy.stops import Aggregate, Stops


class RequiredStop(Enum):
    """A protective price that a source position must have."""

    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"


@frozen
class FilterKeys:
    """Which of the source's positions are copied at all, judged on the position as it is; no key asks for nothing.

    Patterns are RE2, match the whole text, and are case-sensitive unless they begin with `(?i)`. An array may match by
    any of its patterns. Where `symbols` and `not_symbols` both match, the block wins.
    """

    symbols: tuple[Pattern, ...] = field(default=(), metadata={"doc": "Source symbols that are copied."})
    not_symbols: tuple[Pattern, ...] = field(default=(), metadata={"doc": "Source symbols that are not copied."})
    sides: tuple[Side, ...] = field(default=tuple(Side), metadata={"doc": "Sides that are copied.", "read": some_sides})
    order_types: tuple[EntryType, ...] = field(
        default=(),
        metadata={
            "doc": "What a position must have been opened by (`FILTER_ORDER_TYPE`). What a pending order opened while"
            " nobody looked counts as opened at market."
        },
    )
    magic: tuple[Pattern, ...] = field(
        default=(), metadata={"doc": "Magic numbers that are copied; a position without one is then refused."}
    )
    comment: tuple[Pattern, ...] = field(
        default=(), metadata={"doc": "Comments that are copied; a position without one is then refused."}
    )
    volume: tuple[Volume, Volume] | None = field(
        default=None,
        metadata={"doc": "`[least, most]` lots of the source, both allowed.", "read": least_and_most},
    )
    require: tuple[RequiredStop, ...] = field(
        default=(),
        metadata={"doc": 'Stops that must be set: `"stop_loss"`, `"take_profit"`. A missing one is waited for.'},
    )


def _read_names(value: object) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Fault("a policy's name, or an array of names", shown_value(value))
    return tuple(names)


def _read_rows(value: object) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(value, list):
        raise Fault("an array of tables `[{ match = ... }]`", shown_value(value))
    for index, row in enumerate(value):
        if not isinstance(row, dict):
            raise Fault("a table `{ match = ..., }` with keys of a policy", shown_value(row), below=(index,))
    return tuple(value)


@frozen
class PolicyKeys:
    """What a link obeys. Every key has a default, so that an empty policy copies each position with the same volume.

    A policy is summed up from layers, of which a later one wins: the policies that it extends (each once, those that
    they extend before them), its own keys, a link's `override`, and the row of `per_symbol` that matches. Tables are
    joined key by key, but a `size` with a `mode` begins the size anew; anything else, arrays too, takes the place of
    what was there. `copier check --effective` shows each link's sum and where each value was written.
    """

    extends: tuple[str, ...] = field(
        default=(),
        metadata={
            "doc": "Another policy, or an array of them, whose keys hold where this one has none; of several the later"
            " one wins.",
            "read": _read_names,
        },
    )
    symbols: str | None = field(
        default=None, metadata={"doc": "Name of a symbol map, [symbols.NAME].", "section": "symbols"}
    )
    schedule: str | None = field(
        default=None, metadata={"doc": "Name of a schedule, [schedules.NAME].", "section": "schedules"}
    )
    news: str | None = field(default=None, metadata={"doc": "Name of a news policy, [news.NAME].", "section": "news"})
    reverse: bool = field(
        default=False, metadata={"doc": "Trade against the source: buy where it sells, stop and target exchanged."}
    )
    size: Size = field(factory=Size, metadata={"doc": "How large a copy is."})
    volume: VolumePolicy = field(factory=VolumePolicy, metadata={"doc": "Caps and rounding of a copy's volume."})
    filter: FilterKeys = field(factory=FilterKeys, metadata={"doc": "Which positions are copied at all."})
    guard: Guard = field(factory=Guard, metadata={"doc": "Age and price at which a copy is still opened."})
    stops: Stops = field(factory=Stops, metadata={"doc": "Which protective prices follow."})
    aggregate: Aggregate = field(
        default=Aggregate.NONE,
        metadata={"doc": "On a netting target of a hedging source: the stops of the position that is their sum."},
    )
    on_start: StartPolicy = field(
        factory=StartPolicy, metadata={"doc": "What becomes of positions that were open before we looked."}
    )
    limits: PolicyLimits = field(factory=PolicyLimits, metadata={"doc": "Caps over all copies of the target account."})
    skip_first: SkipFirst | None = field(default=None, metadata={"doc": "Copy only what follows the first few."})
    throttle: Throttle | None = field(default=None, metadata={"doc": "How many copies may be opened in a while."})
    equity_curve: EquityCurve | None = field(
        default=None, metadata={"doc": "Copy only while an account's equity is above its mean."}
    )
    after_losses: AfterLosses | None = field(
        default=None, metadata={"doc": "Larger or smaller copies after losses; not beside `masaniello`."}
    )
    masaniello: Masaniello | None = field(
        default=None, metadata={"doc": "Copies in series that are to win so often; not beside `after_losses`."}
    )
    delay: Delay = field(factory=Delay, metadata={"doc": "How long openings and closings are held back."})
    reopen: int = field(
        default=0,
        metadata={
            "doc": "How often a copy that the target closed by itself (a stop, a person) is opened again while its"
            " source is open, 0 to 100. It passes all gates as new risk; its age counts from then.",
            "read": up_to(100, least=0),
        },
    )
    pending: PendingOrders = field(
        default=PendingOrders.ON_FILL,
        metadata={"doc": "What becomes of the source's pending orders, and of the positions that came of them."},
    )
    mirror: Mirror = field(
        factory=Mirror, metadata={"doc": "What happens where only one of two mirrored pending orders is filled."}
    )
    approval: bool = field(
        default=False,
        metadata={
            "doc": "A new copy waits for `copier approve` (`APPROVAL_NEEDED`), as long as `guard.max_age`, or without"
            " it `guard.wait_default`, lets it wait; the other gates judge it again then."
        },
    )
    on_target_change: OnTargetChange = field(
        default=OnTargetChange.ADOPT, metadata={"doc": "What becomes of lots and stops that a person changed there."}
    )
    exits: Exits = field(factory=Exits, metadata={"doc": "When a copy is closed later than its source, or sooner."})
    mismatch: MismatchPolicy = field(
        factory=MismatchPolicy, metadata={"doc": "When the target's books count as different, and what is done then."}
    )
    per_symbol: tuple[Mapping[str, Any], ...] = field(
        default=(),
        metadata={"doc": "Rows of keys that hold for some symbols; the first that matches wins.", "read": _read_rows},
    )


BEGIN_ANEW: Mapping[str, str] = {"size": "mode"}
"""Tables whose keys depend on one of them: a layer that gives it takes nothing over from the layers before."""


@frozen
class PerSymbolKeys:
    """What holds for the symbols of one pattern: besides these, any key of a policy but `extends` and `per_symbol`.

    The row's keys are joined to the policy's as those of a policy are to what it extends.
    """

    match: Pattern = field(metadata={"doc": "Pattern of the whole name."})
    on: SymbolOf = field(
        default=SymbolOf.SOURCE,
        metadata={"doc": "Whose name. A row on the target's cannot set `symbols`, which makes that name."},
    )


def misfits(keys: PolicyKeys, table: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Fault]]:
    """Yield what does not fit together in a summed-up policy, with the path of the key to blame.

    Args:
        keys: the policy's keys, each good by itself.
        table: the same as written, to tell a key that was given from a default.
    """
    for key, fault in size_misfits(keys.size, table.get("size", {})):
        yield ("size", *key), fault
    for key, fault in _exit_misfits(keys.exits):
        yield ("exits", *key), fault
    series = keys.masaniello
    if series is not None and keys.after_losses is not None:
        yield ("masaniello",), Fault("one of `after_losses` and `masaniello`", "both")
    if series is not None and series.wins >= series.events:
        yield ("masaniello", "wins"), Fault(f"fewer than `events` ({series.events})", str(series.wins))
    if "on_deviation" in table.get("guard", {}) and keys.guard.max_deviation is None:
        found = "`on_deviation` alone: no effect"
        yield ("guard", "on_deviation"), Fault("`max_deviation` beside it", found)
    held_back, max_age = keys.delay.open, keys.guard.max_age
    if held_back is not None and max_age is not None and held_back.most >= max_age:
        expected = f"less than `guard.max_age` ({duration_text(max_age)}), which is judged when the time has come"
        yield ("delay", "open"), Fault(expected, duration_text(held_back.most))


def _exit_misfits(exits: Exits) -> Iterator[tuple[KeyPath, Fault]]:
    if exits.ignore_close_for is not None and not exits.ignore_close:
        yield ("ignore_close_for",), Fault("`ignore_close = true` beside it", "`ignore_close_for` alone: no effect")
    if exits.min_hold is not None and exits.max_open is not None and exits.min_hold > exits.max_open:
        expected = f"no more than `max_open` ({duration_text(exits.max_open)})"
        yield ("min_hold",), Fault(expected, duration_text(exits.min_hold))


def filter_of(keys: FilterKeys) -> Filter:
    """Return the filter that the keys describe."""
    least, most = keys.volume or (None, None)
    return Filter(
        symbols=keys.symbols,
        not_symbols=keys.not_symbols,
        sides=frozenset(keys.sides),
        order_types=frozenset(keys.order_types or EntryType),
        magic=keys.magic,
        comment=keys.comment,
        volume_min=least,
        volume_max=most,
        require_stop_loss=RequiredStop.STOP_LOSS in keys.require,
        require_take_profit=RequiredStop.TAKE_PROFIT in keys.require,
    )
