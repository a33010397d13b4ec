"""From a source's symbol to the target's name for it: the first row that matches wins."""

from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypeAlias

from attrs import evolve, field

from rules.model.frozen import frozen
from rules.model.reasons import Reason
from rules.model.trace import Denied, Numbers
from rules.model.values import Symbol
from rules.policy.patterns import PatternError, Template, compile_pattern, parse_template, remember, well_formed

__all__ = ["Contract", "Mapped", "PatternError", "PresetRow", "SymbolMap", "SymbolRow", "map_symbol"]


@frozen
class Contract:
    """One month of a roll: from `since` on, what is opened is opened in `to`, a name as in a row."""

    since: datetime
    to: str


@frozen
class SymbolRow:
    """One row of a map.

    `match` is an RE2 pattern of the whole source name, case-sensitive. `to` is the target's name, with `\\g<name>`,
    `\\1` or `\\0` (the whole name) for what matched; None keeps the name. `deny` refuses the symbol, and `why` is told
    with it. `max_price_ratio` (a fraction, > 0) stands in for the guard's. `roll`, in place of `to`, are the contracts
    that follow each other, the earliest first; from `until` on nothing is opened in the last one.
    """

    match: str
    to: str | None = None
    deny: bool = False
    max_price_ratio: Decimal | None = None
    why: str | None = None
    roll: tuple[Contract, ...] = ()
    until: datetime | None = None


@frozen
class PresetRow:
    """A row that stands for many: brokers' names of some instruments, each led to one canonical name.

    The target's name is what `names` (pairs) says for the canonical one, else that between `prefix` and `suffix`.
    """

    preset: str
    symbols: "SymbolMap"
    names: tuple[tuple[str, str], ...] = ()
    prefix: str = ""
    suffix: str = ""
    max_price_ratio: Decimal | None = None

    def resolve(self, symbol: Symbol) -> "Mapped | Denied | None":
        """Return the target's name; None where no row of the preset matches."""
        found = self.symbols.resolve(symbol)
        if isinstance(found, Denied):
            return evolve(found, numbers=(*found.numbers, ("preset", self.preset)))
        if found.row is None:
            return None
        name = dict(self.names).get(found.symbol, f"{self.prefix}{found.symbol}{self.suffix}")
        ratio = self.max_price_ratio if found.max_price_ratio is None else found.max_price_ratio
        return Mapped(Symbol(name), found.row, ratio)


Row: TypeAlias = SymbolRow | PresetRow


@frozen
class Mapped:
    """The target's name of a symbol, and the number of the row (from 1) that gave it; None: no row did.

    Where contracts follow each other it is the last one's, unless a time was asked for.
    """

    symbol: Symbol
    row: int | None = None
    max_price_ratio: Decimal | None = None
    preset: str | None = None
    """The preset of that row, if it is one."""
    contracts: tuple[tuple[datetime, Symbol], ...] = ()
    """Each with the time from which on it is opened in, the earliest first; none: the name is the same at any time."""
    until: datetime | None = None

    def at(self, now: datetime) -> "Mapped | Denied":
        """Return what is opened in now."""
        if not self.contracts:
            return self
        current = [name for since, name in self.contracts if since <= now]
        if not current:
            return self._denied(("begins", _time(self.contracts[0][0])))
        if self.until is not None and now >= self.until:
            return self._denied(("contract", current[-1]), ("ended", _time(self.until)))
        return evolve(self, symbol=current[-1])

    def in_contract(self, held: Symbol | None) -> "Mapped":
        """Return it with the contract that is held, if that is one of its own: what is held stays in its month."""
        if held is None or all(name != held for _, name in self.contracts):
            return self
        return evolve(self, symbol=held)

    def _denied(self, *numbers: tuple[str, str]) -> Denied:
        return Denied("symbol map", Reason.CONTRACT_UNKNOWN, (("row", str(self.row)), *numbers))


@frozen
class _Compiled:
    """A row of one pattern, ready to be asked."""

    row: SymbolRow
    pattern: Any
    template: Template
    contracts: tuple[tuple[datetime, Template], ...] = ()

    def resolve(self, symbol: Symbol) -> Mapped | Denied | None:
        match = self.pattern.fullmatch(well_formed(symbol))
        if match is None:
            return None
        if self.row.deny:
            why: Numbers = () if self.row.why is None else (("why", self.row.why),)
            return Denied("symbol map", Reason.SYMBOL_DENIED, (("symbol", symbol), ("match", self.row.match), *why))
        ratio = self.row.max_price_ratio
        if not self.contracts:
            return Mapped(_filled(self.template, match), None, ratio)
        contracts = tuple((since, _filled(template, match)) for since, template in self.contracts)
        return Mapped(contracts[-1][1], None, ratio, contracts=contracts, until=self.row.until)


@frozen
class SymbolMap:
    """Rows tried in order; compiled once. Equal when the rows are; the memo changes no answer.

    Raises:
        PatternError: a pattern that RE2 does not take, a template that names an unknown group, or a row that both
            maps and denies; the text holds the row's number.
    """

    rows: tuple[Row, ...]
    _compiled: tuple[_Compiled | PresetRow, ...] = field(init=False, eq=False, repr=False)
    _memo: dict[str, Mapped | Denied] = field(init=False, eq=False, repr=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        compiled = (_compile(row, f"symbol map, row {number}") for number, row in enumerate(self.rows, 1))
        object.__setattr__(self, "_compiled", tuple(compiled))

    def resolve(self, symbol: Symbol) -> Mapped | Denied:
        """Return the target's name, or the denial of the row that refuses; without any row the name stays."""
        known = self._memo.get(symbol)
        if known is None:
            known = self._resolve(symbol)
            remember(self._memo, symbol, known)
        return known

    def _resolve(self, symbol: Symbol) -> Mapped | Denied:
        for number, row in enumerate(self._compiled, 1):
            found = row.resolve(symbol)
            if isinstance(found, Denied):
                return evolve(found, numbers=(*_without_row(found.numbers), ("row", str(number))))
            if found is not None:
                return evolve(found, row=number, preset=row.preset if isinstance(row, PresetRow) else None)
        return Mapped(symbol)


def map_symbol(symbols: SymbolMap | None, symbol: Symbol, now: datetime | None = None) -> Mapped | Denied:
    """Return the target's name of a source's symbol.

    Args:
        symbols: the policy's map; None keeps every name.
        symbol: the source's name, compared as it is.
        now: chooses among contracts that follow each other; None: the last one.
    Returns:
        The name (that the target has it is for the caller to see), or the denial of a row with `deny`, or of one that
        names no contract for now.
    """
    if symbols is None:
        return Mapped(symbol)
    found = symbols.resolve(symbol)
    return found if now is None or isinstance(found, Denied) else found.at(now)


def _compile(row: Row, where: str) -> _Compiled | PresetRow:
    if row.max_price_ratio is not None and row.max_price_ratio <= 0:
        raise PatternError(f"{where}: max_price_ratio must be > 0, was {row.max_price_ratio}")
    if isinstance(row, PresetRow):
        return row
    if row.deny and row.to is not None:
        raise PatternError(f"{where}: `to` and `deny` exclude each other, found both")
    _check_roll(row, where)
    pattern = compile_pattern(row.match, where)
    contracts = tuple((each.since, parse_template(each.to, pattern, where)) for each in row.roll)
    return _Compiled(row, pattern, parse_template("\\0" if row.to is None else row.to, pattern, where), contracts)


def _check_roll(row: SymbolRow, where: str) -> None:
    if row.until is not None and not row.roll:
        raise PatternError(f"{where}: `until` ends a `roll`, and there is none")
    if not row.roll:
        return
    if row.deny or row.to is not None:
        raise PatternError(f"{where}: `roll` excludes `{'deny' if row.deny else 'to'}`, found both")
    times = [each.since for each in row.roll]
    times += [] if row.until is None else [row.until]
    for earlier, later in pairwise(times):
        if later <= earlier:
            what = "`until`" if later is row.until else "each `from`"
            raise PatternError(f"{where}: {what} must be later than the one before, was {_time(later)}")


def _filled(template: Template, match: Any) -> Symbol:
    """Return the name; a group that took no part in the match stands for nothing."""
    return Symbol("".join(piece if isinstance(piece, str) else match.group(piece) or "" for piece in template))


def _time(at: datetime) -> str:
    return at.isoformat(timespec="minutes")


def _without_row(numbers: Numbers) -> Numbers:
    """Return the numbers of a preset's denial without the number of its own row, which stands in no config."""
    return tuple(number for number in numbers if number[0] != "row")
