"""Which of a source's positions are copied at all, judged on the position as it is."""

from collections.abc import Callable

from attrs import field

from rules.model.beginnings import Beginning, EntryType
from rules.model.frozen import frozen
from rules.model.observed import Position
from rules.model.reasons import Reason
from rules.model.trace import Denied
from rules.model.values import Side, Volume, plain
from rules.policy.patterns import PatternSet

ANY_BEGINNING = frozenset(EntryType)
"""However a position began."""


@frozen
class Filter:
    """What a source position must be like; an empty list asks for nothing.

    Patterns are RE2, of the whole text, case-sensitive. Where `symbols` and `not_symbols` both match, the block wins.
    `magic` and `comment` refuse a position that has none. `volume_min` and `volume_max` (lots of the source) are
    both allowed volumes. A required stop that is missing is waited for.

    Raises:
        PatternError: a pattern that RE2 does not take; the text names the key and the pattern's number.
        ValueError: no side is allowed, or the volumes are no range.
    """

    symbols: tuple[str, ...] = ()
    not_symbols: tuple[str, ...] = ()
    sides: frozenset[Side] = frozenset(Side)
    order_types: frozenset[EntryType] = ANY_BEGINNING
    magic: tuple[str, ...] = ()
    comment: tuple[str, ...] = ()
    volume_min: Volume | None = None
    volume_max: Volume | None = None
    require_stop_loss: bool = False
    require_take_profit: bool = False
    _allowed: PatternSet = field(init=False, eq=False, repr=False)
    _blocked: PatternSet = field(init=False, eq=False, repr=False)
    _magic: PatternSet = field(init=False, eq=False, repr=False)
    _comment: PatternSet = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not self.sides:
            raise ValueError("filter.sides must name a side, was empty: nothing would ever be copied")
        if not self.order_types:
            raise ValueError("filter.order_types must name one, was empty: nothing would ever be copied")
        if self.volume_min is not None and self.volume_max is not None and self.volume_min > self.volume_max:
            raise ValueError(f"filter.volume must be [least, most], was [{self.volume_min}, {self.volume_max}]")
        for name, key in (
            ("_allowed", "symbols"),
            ("_blocked", "not_symbols"),
            ("_magic", "magic"),
            ("_comment", "comment"),
        ):
            object.__setattr__(self, name, PatternSet(getattr(self, key), f"filter.{key}"))


def check_filter(filter: Filter, position: Position) -> Denied | None:
    """Return why the position is not copied, or None when it passes.

    Symbol, side, magic, comment and volume deny for good; a missing required stop may still arrive.
    """
    for check in _CHECKS:
        denied = check(filter, position)
        if denied is not None:
            return denied
    return None


def _check_symbol(rules: Filter, position: Position) -> Denied | None:
    if rules.not_symbols and rules._blocked.matches(position.symbol):
        return Denied("filter.not_symbols", Reason.FILTER_SYMBOL, (("symbol", position.symbol),))
    if rules.symbols and not rules._allowed.matches(position.symbol):
        return Denied("filter.symbols", Reason.FILTER_SYMBOL, (("symbol", position.symbol),))
    return None


def _check_side(rules: Filter, position: Position) -> Denied | None:
    if position.side in rules.sides:
        return None
    allowed = ", ".join(sorted(side.value for side in rules.sides))
    return Denied("filter.sides", Reason.FILTER_SIDE, (("side", position.side.value), ("allowed", allowed)))


def _check_magic(rules: Filter, position: Position) -> Denied | None:
    if not rules.magic or (position.magic is not None and rules._magic.matches(position.magic)):
        return None
    return Denied("filter.magic", Reason.FILTER_MAGIC, (("magic", _shown(position.magic)),))


def _check_comment(rules: Filter, position: Position) -> Denied | None:
    if not rules.comment or (position.comment is not None and rules._comment.matches(position.comment)):
        return None
    return Denied("filter.comment", Reason.FILTER_COMMENT, (("comment", _shown(position.comment)),))


def _check_volume(rules: Filter, position: Position) -> Denied | None:
    least, most = rules.volume_min, rules.volume_max
    if (least is None or position.volume >= least) and (most is None or position.volume <= most):
        return None
    numbers = (
        ("source_volume", plain(position.volume)),
        ("volume_min", "none" if least is None else plain(least)),
        ("volume_max", "none" if most is None else plain(most)),
    )
    return Denied("filter.volume", Reason.FILTER_VOLUME, numbers)


def _check_stops(rules: Filter, position: Position) -> Denied | None:
    missing = []
    if rules.require_stop_loss and position.stop_loss is None:
        missing.append("stop_loss")
    if rules.require_take_profit and position.take_profit is None:
        missing.append("take_profit")
    return Denied("filter.require", Reason.FILTER_STOPS, (("missing", ", ".join(missing)),)) if missing else None


def check_order_type(filter: Filter, beginning: Beginning) -> Denied | None:
    """Return why a position is not copied that began so, or None."""
    if beginning.entry in filter.order_types:
        return None
    allowed = ", ".join(entry.value for entry in EntryType if entry in filter.order_types)
    numbers = (("order_type", beginning.entry.value), ("allowed", allowed))
    return Denied("filter.order_types", Reason.FILTER_ORDER_TYPE, numbers)


def _shown(text: str | None) -> str:
    """Return what a trace shows of a text that somebody else wrote."""
    return "none" if text is None else text[:100]


_CHECKS: tuple[Callable[[Filter, Position], Denied | None], ...] = (
    _check_symbol,
    _check_side,
    _check_magic,
    _check_comment,
    _check_volume,
    _check_stops,
)
