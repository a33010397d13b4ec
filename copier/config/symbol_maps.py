"""Reads [symbols.*]: the target's names for the source's symbols, row by row, and finds rows that can never match."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from attrs import field

from copier.config.checks import ratio_above_zero, read_pattern
from copier.config.errors import Fault, nearest, one_of, shown_value
from copier.config.positions import KeyPath
from copier.config.reader import Reader
from copier.config.structure import make_converter
from copier.config.symbol_presets import SymbolPreset, symbol_preset, symbol_preset_names
from rules.model.frozen import frozen
from rules.model.values import Symbol
from rules.policy.literals import CATCH_ALLS, literals_of
from rules.policy.patterns import PatternError
from rules.policy.symbols import Contract, Mapped, PresetRow, Row, SymbolMap, SymbolRow

ENDS_SOON: Final = timedelta(days=14)
"""What nobody opens in any more in two weeks is looked at now."""

QUARTER: Final = timedelta(days=100)
"""Futures that roll each quarter have another contract in front after this."""


def _read_names(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or any(not isinstance(name, str) or not name for name in value.values()):
        raise Fault('a table such as { NAS100 = "US100.cash" }', shown_value(value))
    return value


def _read_day(value: object) -> date | datetime:
    """Return a TOML date, or a date and time with its offset."""
    if type(value) is date or (isinstance(value, datetime) and value.tzinfo is not None):
        return value
    raise Fault("a date such as 2026-12-14, or 2026-12-14T21:00:00Z, without quotes", shown_value(value))


@frozen
class ContractKeys:
    """From a time on, new positions are opened in this contract; what is held stays in its own and closes there."""

    since: date | datetime = field(
        metadata={
            "key": "from",
            "doc": "A date, which begins at midnight in the zone of `[service]`, or a time: `2026-12-14T21:00:00Z`.",
            "read": _read_day,
        }
    )
    to: str = field(metadata={"doc": "The target's name of the contract, as in a row."})


@frozen
class MapRowKeys:
    """One row: either a pattern of source names (`match`), or a `preset`, which stands for many such patterns.

    A preset leads what brokers call an instrument to one canonical name; the target's name is then what `names` says
    for it, else the canonical name between `prefix` and `suffix`. A name that a preset does not know goes on to the
    next row. `docs/symbols.md` lists the presets.
    """

    match: str | None = field(default=None, metadata={"doc": "Pattern of the whole source name.", "read": read_pattern})
    to: str | None = field(
        default=None,
        metadata={
            "doc": "The target's name; `\\g<name>`, `\\1` and `\\0` stand for what matched. Without it the name stays."
        },
    )
    roll: tuple[ContractKeys, ...] = field(
        default=(),
        metadata={
            "doc": "Contracts that follow each other, in place of `to`: `[{ from = 2026-09-14, to = 'MNQZ6' }]`. Before"
            " the first one nothing is opened (`CONTRACT_UNKNOWN`)."
        },
    )
    until: date | datetime | None = field(
        default=None,
        metadata={"doc": "From then on nothing is opened in the last contract of `roll`.", "read": _read_day},
    )
    deny: bool = field(default=False, metadata={"doc": "The symbol is not copied."})
    why: str | None = field(default=None, metadata={"doc": "Shown to people when the row denies a copy."})
    preset: str | None = field(
        default=None, metadata={"doc": 'Rows that come with the package, such as `"forex"`, in place of `match`.'}
    )
    names: Mapping[str, str] = field(
        factory=dict,
        metadata={
            "doc": 'The target\'s names for canonical ones of the preset: `{ NAS100 = "US100.cash" }`.',
            "read": _read_names,
        },
    )
    prefix: str = field(default="", metadata={"doc": "What the target puts before all other names of the preset."})
    suffix: str = field(default="", metadata={"doc": "What the target puts behind them."})
    max_price_ratio: Decimal | None = field(
        default=None,
        metadata={
            "doc": "Takes the place of the guard's for this row; also a percent, > 0.",
            "read": ratio_above_zero,
        },
    )


@frozen
class SymbolsKeys:
    """How the source's symbols are called at the target: rows tried in order, the first that matches wins."""

    map: tuple[MapRowKeys, ...] = field(metadata={"doc": "The rows. A symbol that no row matches keeps its name."})


def read_symbols(
    reader: Reader, tables: Mapping[str, Mapping[str, Any]], zone: ZoneInfo, today: date | None
) -> dict[str, SymbolMap | None]:
    """Return the maps by name; None stands for one with faults.

    Args:
        zone: where the dates of rolls begin.
        today: what the age of presets and of contracts is counted to; None asks for none.
    """
    return {name: _symbol_map(reader, name, raw, zone, today) for name, raw in tables.items()}


def _symbol_map(
    reader: Reader, name: str, raw: Mapping[str, Any], zone: ZoneInfo, today: date | None
) -> SymbolMap | None:
    keys = reader.structure(make_converter(), SymbolsKeys, raw, ("symbols", name))
    if keys is None:
        return None
    rows: list[Row] = []
    good = True
    for index, row_keys in enumerate(keys.map):
        path: KeyPath = ("symbols", name, "map", index)
        try:
            row = _row(row_keys, zone)
            SymbolMap((row,))  # one row at a time, so that each bad one is found, and found in its line
        except Fault as fault:
            reader.fault((*path, *fault.below), fault)
            good = False
        except PatternError as error:
            reader.fault(path, Fault("a row that maps", str(error).removeprefix("symbol map, row 1: ")))
            good = False
        else:
            taken_by = _taken_by(row, rows)
            if taken_by is not None:
                reader.warn(path, "a row that can match", f"{taken_by} all that it would")
            _warn_of_age(reader, row, today, path)
            rows.append(row)
    return SymbolMap(tuple(rows)) if good else None


def _warn_of_age(reader: Reader, row: Row, today: date | None, path: KeyPath) -> None:
    if isinstance(row, SymbolRow) and row.roll and today is not None:
        _warn_of_end(reader, row, today, path)
    preset = symbol_preset(row.preset) if isinstance(row, PresetRow) else None
    if preset is not None and today is not None and preset.stale(today):
        days = (today - preset.as_of).days
        hint = "`copier check --online` shows where each symbol leads"
        reader.warn((*path, "preset"), "a preset that was looked at lately", f"one of {days} days ago", hint)


def _warn_of_end(reader: Reader, row: SymbolRow, today: date, path: KeyPath) -> None:
    last, expected = row.roll[-1], "a roll whose next contract is known"
    if row.until is not None and row.until.date() - today < ENDS_SOON:
        reader.warn((*path, "until"), expected, f"one that ends with {last.to[:60]} on {row.until.date()}")
    elif row.until is None and today - last.since.date() > QUARTER:
        reader.warn(
            (*path, "roll"), expected, f"one that ends with {last.to[:60]}, opened in since {last.since.date()}"
        )


def _instant(day: date | datetime, zone: ZoneInfo) -> datetime:
    """Return the time that was written, or that a date begins in a zone, in UTC: a skipped midnight ends its gap."""
    if isinstance(day, datetime):
        return day.astimezone(UTC)
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _row(keys: MapRowKeys, zone: ZoneInfo) -> Row:
    """Return the row of its keys.

    Raises:
        Fault: keys of both kinds, of none, or names that the preset does not know.
    """
    if (keys.match is None) == (keys.preset is None):
        found = "a table without it" if keys.match is None else "both"
        raise Fault("the key `match` or the key `preset`", found)
    of_other_kind = ("to", "roll", "until", "deny", "why") if keys.match is None else ("names", "prefix", "suffix")
    for key in of_other_kind:
        if getattr(keys, key):
            raise Fault(f"no `{key}` beside `{'preset' if keys.match is None else 'match'}`", f"`{key}`", below=(key,))
    if keys.match is not None:
        roll = tuple(Contract(_instant(each.since, zone), each.to) for each in keys.roll)
        until = None if keys.until is None else _instant(keys.until, zone)
        return SymbolRow(keys.match, keys.to, keys.deny, keys.max_price_ratio, keys.why, roll, until)
    assert keys.preset is not None, "one of the two is there"
    known = symbol_preset_names()
    if keys.preset not in known:
        fault = Fault(one_of(known), f'the unknown preset "{keys.preset[:60]}"', nearest(keys.preset, known))
        raise Fault(fault.expected, fault.found, fault.hint, below=("preset",))
    preset = symbol_preset(keys.preset)
    _check_names(keys.names, preset)
    names = tuple(keys.names.items())
    return PresetRow(preset.name, preset.symbols, names, keys.prefix, keys.suffix, keys.max_price_ratio)


def _check_names(names: Mapping[str, str], preset: SymbolPreset) -> None:
    for name in names:
        led_to = preset.symbols.resolve(Symbol(name))
        if not isinstance(led_to, Mapped) or led_to.row is None or led_to.symbol != name:
            canonical = led_to.symbol if isinstance(led_to, Mapped) and led_to.row is not None else None
            hint = None if canonical is None else f"did you mean `{canonical}`?"
            expected = f"a canonical name of the preset {preset.name}"
            raise Fault(expected, f'"{name[:60]}"', hint, below=("names", name))


def _taken_by(row: Row, earlier: Sequence[Row]) -> str | None:
    """Return which earlier rows take every name that `row` matches, as far as that can be told; None: not all."""
    for number, other in enumerate(earlier, 1):
        if isinstance(other, SymbolRow) and other.match in CATCH_ALLS:
            return f"row {number} (`{other.match}`) takes"
        if isinstance(row, PresetRow) and isinstance(other, PresetRow) and row.preset == other.preset:
            return f"row {number} (preset {other.preset}) takes"
        if isinstance(row, SymbolRow) and isinstance(other, SymbolRow) and row.match == other.match:
            return f"row {number} (`{other.match[:60]}`) takes"
    literals = literals_of(row.match) if isinstance(row, SymbolRow) else None
    if not literals:
        return None
    symbols = SymbolMap(tuple(earlier))
    takers = {_taker(symbols, literal) for literal in literals}
    if None in takers:
        return None
    numbers = ", ".join(str(number) for number in sorted(taker for taker in takers if taker is not None))
    return f"row {numbers} takes" if len(takers) == 1 else f"rows {numbers} together take"


def _taker(symbols: SymbolMap, name: str) -> int | None:
    """Return the number of the row that takes a name."""
    found = symbols.resolve(Symbol(name))
    return found.row if isinstance(found, Mapped) else int(dict(found.numbers)["row"])
