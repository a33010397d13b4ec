"""The shipped presets against names that brokers really use, and against the traps among them."""

from pathlib import Path
from typing import Any

import pytest
import tomli

from copier.config.symbol_presets import FOLDER, symbol_preset, symbol_preset_names
from rules.model.reasons import Reason
from rules.model.trace import Denied
from rules.model.values import Symbol
from rules.policy.symbols import Mapped, PresetRow, SymbolMap, SymbolRow

NAMES: list[dict[str, str]] = tomli.loads(Path("tests/data/symbols/broker_names.toml").read_text())["symbols"]
CANONICAL = ("crypto", "energies", "forex", "futures", "indices", "metals", "shares")
"""The presets that keep an instrument what it is; the others trade a future of another size in its place."""


def map_of(*presets: str, **more: Any) -> SymbolMap:
    rows = (PresetRow(name, symbol_preset(name).symbols, **more) for name in presets)
    return SymbolMap((*rows, SymbolRow(".*", deny=True)))


EVERYTHING = map_of(*CANONICAL)


def test_there_are_170_names():
    assert len({row["name"] for row in NAMES}) == len(NAMES) == 170


@pytest.mark.parametrize("row", NAMES, ids=lambda row: row["name"])
def test_a_broker_s_name_leads_where_it_must(row: dict[str, str]):
    found = EVERYTHING.resolve(Symbol(row["name"]))
    if "to" in row:
        assert isinstance(found, Mapped), found
        assert (found.symbol, found.preset) == (row["to"], row["preset"])
    else:
        assert isinstance(found, Denied), found
        assert found.reason is Reason.SYMBOL_DENIED
        assert dict(found.numbers).get("preset") == row.get("denied")


@pytest.mark.parametrize("row", NAMES, ids=lambda row: row["name"])
def test_no_two_presets_claim_one_name(row: dict[str, str]):
    claimed = {name: symbol_preset(name).symbols.resolve(Symbol(row["name"])) for name in CANONICAL}
    mapping = [name for name, found in claimed.items() if isinstance(found, Mapped) and found.row is not None]
    assert mapping == ([row["preset"]] if "to" in row else [])


@pytest.mark.parametrize(
    ("name", "never"),
    [
        ("EURUSDT", "EURUSD"),  # a price in Tether
        ("EURUSDM", "EURUSD"),  # case matters
        ("eurusd", "EURUSD"),
        ("EURUSD2", "EURUSD"),
        ("XEURUSD", "EURUSD"),
        ("USDEUR", "EURUSD"),
        ("BTCUSDT", "BTCUSD"),
        ("BTCUSDTm", "BTCUSD"),
        ("GOLDm", "XAUUSD"),
        ("GOLDM", "XAUUSD"),
        ("GOLDMINE", "XAUUSD"),
        ("GOLD24-7.i#", "XAUUSD"),
        ("US300", "US30"),
        ("US3000", "US30"),
        ("US30M", "US30"),
        ("US500M", "US500"),
        ("US5000", "US500"),
        ("US1000", "NAS100"),
        ("US100-SEP26", "NAS100"),
        ("NQ1!", "NAS100"),
        ("#DOW", "US30"),
        ("UK1000", "UK100"),
        ("WTIG6", "USOIL"),
        ("NATGAS.f", "NATGAS"),
        ("#AAPL.m", "AAPL"),
        ("BRK.", "BRK.B"),
        ("BRKxB", "BRK.B"),
        ("MNQ13-26", "MNQZ6"),
        ("ESA6", "ESH6"),
    ],
)
def test_a_trap_leads_nowhere_else(name: str, never: str):
    found = EVERYTHING.resolve(Symbol(name))
    assert isinstance(found, Denied) or found.symbol != never


# A future's name has digits of its own: MNQZ6 and MNQZ66 may well be one.
SPOT = [row for row in NAMES if row.get("preset", "futures") != "futures"]


@pytest.mark.parametrize("more", ["0", "1", "5", "00", "T", "X", "M", ".f", "-DEC26", " "])
def test_a_name_that_goes_on_is_another_instrument(more: str):
    for row in SPOT:
        for longer in (row["name"] + more, more + row["name"]):
            found = EVERYTHING.resolve(Symbol(longer))
            assert isinstance(found, Denied) or found.symbol != row["to"], longer


@pytest.mark.parametrize("name", ["GOLDm", "SILVERm", "#DOW", "DOW", "US500M", "OIL", "TDAX"])
def test_a_name_that_means_two_things_is_refused_with_the_reason(name: str):
    found = EVERYTHING.resolve(Symbol(name))
    assert isinstance(found, Denied)
    assert "row of your own says which" in dict(found.numbers)["why"]
    own = SymbolMap((SymbolRow(name, to="X"), *EVERYTHING.rows))
    assert own.resolve(Symbol(name)) == Mapped(Symbol("X"), 1)


@pytest.mark.parametrize("preset", symbol_preset_names())
def test_canonical_names_stay_what_they_are(preset: str):
    symbols = symbol_preset(preset).symbols
    written = [row.to for row in symbols.rows if isinstance(row, SymbolRow) and row.to and "\\" not in row.to]
    for name in written:
        found = symbols.resolve(Symbol(name))
        assert isinstance(found, Mapped)
        assert found.symbol == name


def test_canonical_names_that_a_pattern_makes_stay_too():
    for name in ("EURNOK", "XAUEUR", "XPTUSD", "ETHUSDT", "MSFT", "M2KZ6", "6EH7", "RTY1!"):
        found = EVERYTHING.resolve(Symbol(name))
        assert isinstance(found, Mapped)
        assert found.symbol == name


@pytest.mark.parametrize(
    ("name", "micro", "mini"),
    [
        ("ESZ6", "MESZ6", "ESZ6"),
        ("MNQU2025", "MNQU5", "NQU5"),
        ("MNQ 12-26", "MNQZ6", "NQZ6"),
        ("RTY 03-27", "M2KH7", "RTYH7"),
        ("M2KH27", "M2KH7", "RTYH7"),
        ("SIZ6", "SILZ6", "SIZ6"),
        ("BTCG7", "MBTG7", "BTCG7"),
        ("6EM7", "M6EM7", "6EM7"),
        ("GC1!", "MGC1!", "GC1!"),
    ],
)
def test_futures_are_traded_as_micros_or_as_minis(name: str, micro: str, mini: str):
    assert map_of("futures-as-micros").resolve(Symbol(name)) == Mapped(Symbol(micro), 1, None, "futures-as-micros")
    assert map_of("futures-as-minis").resolve(Symbol(name)) == Mapped(Symbol(mini), 1, None, "futures-as-minis")


def test_the_target_s_spelling_is_put_around_the_canonical_name():
    symbols = map_of("indices", names=(("NAS100", "USTEC"),), prefix="#", suffix=".cash")
    assert symbols.resolve(Symbol("US100")) == Mapped(Symbol("USTEC"), 1, None, "indices")
    assert symbols.resolve(Symbol("DE40")) == Mapped(Symbol("#GER40.cash"), 1, None, "indices")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_a_preset_says_when_and_where_it_was_looked_at(path: Path):
    preset = symbol_preset(path.stem)
    assert preset.as_of.year >= 2026
    assert min(map(len, (preset.about, preset.source, preset.confidence))) > 20
    assert tomli.loads(path.read_text()).keys() <= {"about", "as_of", "source", "confidence", "parts", "rows"}


def test_the_page_on_symbols_tells_of_every_preset():
    page = Path("docs/symbols.md").read_text()
    assert all(f"| `{name}` |" in page for name in symbol_preset_names())
