"""From a source's symbol to the target's name for it: the first row that matches wins."""

import re
from decimal import Decimal
from typing import Any, Final, TypeAlias

from attrs import field, frozen

from rules.patterns import PatternError, compile_pattern, remember, well_formed
from rules.reasons import Reason
from rules.trace import Denied
from rules.values import Symbol

__all__ = ["Mapped", "PatternError", "SymbolMap", "SymbolRow", "map_symbol"]


@frozen
class SymbolRow:
    """One row of a map.

    `match` is an RE2 pattern of the whole source name, case-sensitive. `to` is the target's name, with `\\g<name>`,
    `\\1` or `\\0` (the whole name) for what matched; None keeps the name. `deny` refuses the symbol. `max_price_ratio`
    (a fraction, > 0) stands in for the guard's.
    """

    match: str
    to: str | None = None
    deny: bool = False
    max_price_ratio: Decimal | None = None


@frozen
class Mapped:
    """The target's name of a symbol, and the number of the row (from 1) that gave it; None: no row did."""

    symbol: Symbol
    row: int | None = None
    max_price_ratio: Decimal | None = None


# A template's pieces: literal text, or the number of a group.
_Template: TypeAlias = tuple[str | int, ...]
# Patterns of ours, short and linear, may use the standard library.
_REFERENCE: Final = re.compile(r"\\(?:g<(?P<name>\w{1,100})>|(?P<number>0|[1-9]\d?)|(?P<other>.?))", re.DOTALL)


@frozen
class SymbolMap:
    """Rows tried in order; compiled once. Equal when the rows are; the memo changes no answer.

    Raises:
        PatternError: a pattern that RE2 does not take, a template that names an unknown group, or a row that both
            maps and denies; the text holds the row's number.
    """

    rows: tuple[SymbolRow, ...]
    _patterns: tuple[Any, ...] = field(init=False, eq=False, repr=False)
    _templates: tuple[_Template, ...] = field(init=False, eq=False, repr=False)
    _memo: dict[str, Mapped | Denied] = field(init=False, eq=False, repr=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        patterns, templates = [], []
        for number, row in enumerate(self.rows, 1):
            where = f"symbol map, row {number}"
            if row.deny and row.to is not None:
                raise PatternError(f"{where}: `to` and `deny` exclude each other, found both")
            if row.max_price_ratio is not None and row.max_price_ratio <= 0:
                raise PatternError(f"{where}: max_price_ratio must be > 0, was {row.max_price_ratio}")
            pattern = compile_pattern(row.match, where)
            patterns.append(pattern)
            templates.append(_parse_template("\\0" if row.to is None else row.to, pattern, where))
        object.__setattr__(self, "_patterns", tuple(patterns))
        object.__setattr__(self, "_templates", tuple(templates))

    def resolve(self, symbol: Symbol) -> Mapped | Denied:
        """Return the target's name, or the denial of the row that refuses; without any row the name stays."""
        known = self._memo.get(symbol)
        if known is None:
            known = self._resolve(symbol)
            remember(self._memo, symbol, known)
        return known

    def _resolve(self, symbol: Symbol) -> Mapped | Denied:
        subject = well_formed(symbol)
        for number, (row, pattern, template) in enumerate(
            zip(self.rows, self._patterns, self._templates, strict=True), 1
        ):
            match = pattern.fullmatch(subject)
            if match is None:
                continue
            if row.deny:
                numbers = (("symbol", symbol), ("row", str(number)), ("match", row.match))
                return Denied("symbol map", Reason.SYMBOL_DENIED, numbers)
            # A group that took no part in the match stands for nothing.
            name = "".join(piece if isinstance(piece, str) else match.group(piece) or "" for piece in template)
            return Mapped(Symbol(name), number, row.max_price_ratio)
        return Mapped(symbol)


def map_symbol(symbols: SymbolMap | None, symbol: Symbol) -> Mapped | Denied:
    """Return the target's name of a source's symbol.

    Args:
        symbols: the policy's map; None keeps every name.
        symbol: the source's name, compared as it is.
    Returns:
        The name (that the target has it is for the caller to see), or the denial of a row with `deny`.
    """
    return Mapped(symbol) if symbols is None else symbols.resolve(symbol)


def _parse_template(text: str, pattern: Any, where: str) -> _Template:
    """Return the pieces of a `to`.

    Raises:
        PatternError: it names a group that the pattern lacks, or holds a backslash that means nothing.
    """
    pieces: list[str | int] = []
    end = 0
    for reference in _REFERENCE.finditer(text):
        pieces.append(text[end : reference.start()])
        end = reference.end()
        name, number, other = reference.group("name", "number", "other")
        if other == "\\":
            pieces.append("\\")
        elif other is not None:
            raise PatternError(f"{where}: expected a group such as \\1 or \\g<name> in `to`, found '{reference[0]}'")
        else:
            pieces.append(_group_number(name or number, pattern, where, text))
    pieces.append(text[end:])
    return tuple(piece for piece in pieces if piece != "")


def _group_number(name: str, pattern: Any, where: str, template: str) -> int:
    groups: dict[str, int] = pattern.groupindex
    number = int(name) if name.isascii() and name.isdigit() else groups.get(name)
    if number is None or number > pattern.groups:
        named = f", named: {', '.join(groups)}" if groups else ""
        raise PatternError(
            f"{where}: `to` ('{template}') names the group {name}; the pattern has {pattern.groups}{named}"
        )
    return number
