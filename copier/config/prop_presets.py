"""The firms' rules that come with the package: dated data in copier/presets/prop/, or a file of one's own."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, TypeAlias

import tomli
from attrs import evolve, field

from copier.config import conduct, results
from copier.config.caps import CapKeys, is_cap
from copier.config.checks import TEXT_READINGS
from copier.config.errors import ConfigProblem, Fault, format_problem, nearest, one_of, shown_value
from copier.config.limit_keys import LimitKeys
from copier.config.positions import find_positions
from copier.config.reader import Reader
from copier.config.structure import make_converter
from rules.model.frozen import frozen
from rules.model.values import Money

FOLDER = Path(__file__).parent.parent / "presets" / "prop"

NAME = "prop"
"""What tells the limits of a preset from those that a person wrote: `ACCOUNT/daily_loss/prop`."""

STALE_AFTER = timedelta(days=180)
"""Firms change their rules by the month: a preset that nobody looked at for half a year is a guess."""

FILE_BYTES_MAX = 64 * 1024
"""Twenty times the longest preset of the package."""


class Copying(Enum):
    """What the firm says of copied trades."""

    ALLOWED = "allowed"
    OWN_ACCOUNTS = "own_accounts"
    """Between accounts of one's own."""
    MASTER_ONLY = "master_only"
    """The account may be copied from, not onto."""
    RESTRICTED = "restricted"
    """Allowed under conditions that a copier can break."""
    FORBIDDEN = "forbidden"
    UNKNOWN = "unknown"


class Confidence(Enum):
    """Where the numbers were seen."""

    OFFICIAL = "official"
    """On the firm's own pages, except where `gaps` say otherwise."""
    REVIEWED = "reviewed"
    """On a page that others keep and review."""
    THIRD_PARTY = "third_party"
    UNVERIFIED = "unverified"


def _read_rows(value: object) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(value, list) or any(not isinstance(row, dict) for row in value):
        raise Fault("rows of [[limits]]", shown_value(value))
    return tuple(value)


@frozen
class PresetKeys:
    """A firm's rules for one plan. The rows of `limits` are written as in a config, without account and balances; with
    `phase`, a list, they are for these phases only."""

    firm: str
    plan: str
    as_of: date = field(metadata={"read": results.read_date})
    confidence: Confidence
    sources: tuple[str, ...]
    limits: tuple[Mapping[str, Any], ...] = field(metadata={"read": _read_rows})
    copying: Copying = Copying.UNKNOWN
    copying_note: str = ""
    gaps: tuple[str, ...] = ()
    """What the rows do not say: what was not found, what sources disagree on, what other parts of a config must do."""
    phases: tuple[str, ...] = ()
    initial_balances: tuple[Money, ...] = ()
    """The accounts that the amounts are of; none means any."""


RowKeys: TypeAlias = LimitKeys | conduct.Keys | results.Keys | CapKeys
"""The keys of a row, whatever its kind."""


@frozen
class PropPreset:
    """A preset that was read: what it says of itself, and its rows, each with the phases that it is for (none: all)."""

    about: PresetKeys
    rows: tuple[tuple[RowKeys, tuple[str, ...]], ...]

    def stale(self, today: date) -> bool:
        """Tell whether nobody looked at the firm's pages for too long."""
        return today - self.about.as_of > STALE_AFTER


def prop_preset_names() -> list[str]:
    """Return the names of the presets in the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def prop_preset_text(name: str) -> str:
    """Return a preset of the package as it is written, to be printed, copied and edited.

    Raises:
        Fault: no such preset.
    """
    names = prop_preset_names()
    if name not in names:
        raise Fault(one_of(names), f'the unknown preset "{name[:60]}"', nearest(name, names))
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def prop_preset(name: str, folder: Path) -> PropPreset:
    """Return a preset of the package, or of a file of one's own.

    Args:
        name: one of `prop_preset_names`, or the path of a TOML file; a relative one starts from `folder`.
    Raises:
        Fault: no such preset, or one with mistakes.
    """
    if not name.endswith(".toml"):
        return _parsed(FOLDER / f"{name}.toml", prop_preset_text(name))
    file = folder / name
    try:
        with file.open("rb") as opened:
            data = opened.read(FILE_BYTES_MAX + 1)
        text = data.decode()
    except (OSError, UnicodeDecodeError):
        raise Fault("a readable file of UTF-8 text", shown_value(name)) from None
    if len(data) > FILE_BYTES_MAX:
        raise Fault(f"a file of at most {FILE_BYTES_MAX} bytes", "a larger one")
    return _parsed(file, text)


def _parsed(file: Path, text: str) -> PropPreset:
    try:
        document = tomli.loads(text, parse_float=Decimal)
        reader = Reader(file, find_positions(text))
    except (ValueError, ArithmeticError, RecursionError) as error:  # what bytes that we did not write can raise
        raise Fault("a preset in TOML", f"{file.name}: {str(error)[:120]}") from None
    about = reader.structure(make_converter(), PresetKeys, document, ())
    rows = [] if about is None else [_row(reader, about, number) for number in range(len(about.limits))]
    if about is None or reader.problems:
        raise Fault("a preset without mistakes", _first(reader.problems))
    return PropPreset(about, tuple(row for row in rows if row is not None))


def _row(reader: Reader, about: PresetKeys, number: int) -> tuple[RowKeys, tuple[str, ...]] | None:
    raw, path = about.limits[number], ("limits", number)
    phases = raw.get("phase", [])
    if not isinstance(phases, list) or any(phase not in about.phases for phase in phases):
        reader.fault((*path, "phase"), Fault(f"an array of some of {', '.join(about.phases)}", shown_value(phases)))
    for key in ("account", "initial_balance", "scope", "since"):
        if key in raw:
            reader.fault((*path, key), Fault("a row without it: `prop` says it", f"`{key}`"))
    row = {key: value for key, value in raw.items() if key != "phase"}
    name = f"{NAME}-{row['name']}" if "name" in row else NAME
    kind = row.get("kind")
    row |= {"account": ""} if is_cap(row) else {"account": "", "name": name}
    of_results = results.results_keys(kind)
    if of_results is not None:
        row["since"] = about.as_of  # `prop` says the real one
    cls: type[Any] = of_results or conduct.conduct_keys(kind) or (CapKeys if is_cap(row) else LimitKeys)
    keys: RowKeys | None = reader.structure(make_converter(texts=TEXT_READINGS), cls, row, path)
    return None if keys is None else (keys, tuple(phases))


def _first(problems: list[ConfigProblem]) -> str:
    more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
    return format_problem(evolve(problems[0], path=Path(problems[0].path.name)))[:400] + more
