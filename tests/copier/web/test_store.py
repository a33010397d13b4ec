"""What the surfaces remember: the equity curve, thinned and bounded, and what commands answered."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import apsw
import pytest

from copier.web import store as store_module
from copier.web.store import Answer, Store, StoreFailed, TooMany
from rules.model.values import AccountId
from tests.rules.playbook import T0

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PROP = AccountId("prop")


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store(None)
    yield store
    store.close()


def sample(store: Store, equity: str | None, at: datetime) -> None:
    value = None if equity is None else Decimal(equity)
    store.sample({PROP: (Decimal(100), value)}, at)


def equities(store: Store, since: datetime, until: datetime = NOW, points: int = 500) -> list[str]:
    return [str(each.equity) for each in store.curve(PROP, since, until, points)[1]]


def test_a_curve_is_the_samples_in_order_exactly(store: Store) -> None:
    for minute, equity in enumerate(("100.10", "99.123456789", "101")):
        sample(store, equity, NOW + timedelta(minutes=minute))
    every, samples = store.curve(PROP, NOW, NOW + timedelta(minutes=2), 500)
    assert every == timedelta(minutes=1)
    assert [(each.at, str(each.equity)) for each in samples] == [
        (NOW, "100.1"),
        (NOW + timedelta(minutes=1), "99.123456789"),
        (NOW + timedelta(minutes=2), "101"),
    ]


def test_a_curve_survives_a_restart_with_its_peak(tmp_path: Path) -> None:
    for equity, at in (("120", NOW), ("110", NOW + timedelta(minutes=1))):
        store = Store(tmp_path / "surfaces")
        sample(store, equity, at)
        store.close()
    store = Store(tmp_path / "surfaces")
    assert equities(store, NOW, NOW + timedelta(minutes=5)) == ["120", "110"]
    assert store.peak(PROP) == Decimal(120)
    store.close()


def test_unknown_figures_are_unknown_and_make_no_peak(store: Store) -> None:
    sample(store, None, NOW)
    assert equities(store, NOW) == ["None"]
    assert store.peak(PROP) is None


def test_a_curve_is_thinned_to_the_points_that_are_wanted_keeping_the_last(store: Store) -> None:
    for minute in range(1000):
        sample(store, str(minute + 1), NOW + timedelta(minutes=minute))
    end = NOW + timedelta(minutes=999)
    every, samples = store.curve(PROP, NOW, end, 100)
    assert (every, len(samples), str(samples[-1].equity)) == (timedelta(minutes=10), 100, "1000")
    assert len(equities(store, NOW, end, 2)) == 2


def test_old_samples_become_one_an_hour_and_very_old_ones_none(store: Store) -> None:
    old, ancient = NOW - timedelta(days=8), NOW - timedelta(days=731)
    for minute in range(120):
        sample(store, str(minute), old + timedelta(minutes=minute))
        sample(store, "1", ancient + timedelta(minutes=minute))
        sample(store, "2", NOW - timedelta(minutes=minute))
    store.thin(NOW)
    assert equities(store, old, old + timedelta(hours=3)) == ["59", "119"]
    assert len(equities(store, NOW - timedelta(hours=3))) == 120
    assert equities(store, ancient, ancient + timedelta(hours=3)) == []
    assert store.peak(PROP) == Decimal(119)


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE mine (a)")
    connection.close()
    with pytest.raises(StoreFailed, match="must be a file of the surfaces"):
        Store(path)


def test_a_command_is_known_by_its_key_from_its_beginning_on(tmp_path: Path) -> None:
    store = Store(tmp_path / "surfaces")
    assert store.begin("anna", "k1", b"body", NOW) is None
    assert store.begin("anna", "k1", b"body", NOW) == Answer(b"body", None, b"")
    assert store.begin("otto", "k1", b"other", NOW) is None
    store.end("anna", "k1", 200, b"{}")
    store.close()
    store = Store(tmp_path / "surfaces")
    assert store.begin("anna", "k1", b"body", NOW) == Answer(b"body", 200, b"{}")
    store.close()


def test_a_command_is_forgotten_after_a_day_or_when_it_did_nothing(store: Store) -> None:
    store.begin("anna", "k1", b"body", NOW)
    store.begin("anna", "k2", b"body", NOW)
    store.forget("anna", "k2")
    assert store.begin("anna", "k2", b"body", NOW) is None
    assert store.begin("anna", "k1", b"body", NOW + timedelta(hours=24)) is not None
    assert store.begin("anna", "k1", b"body", NOW + timedelta(hours=24, seconds=1)) is None


def test_more_commands_than_are_remembered_are_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "ANSWERS_MAX", 2)
    store.begin("anna", "k1", b"", NOW)
    store.begin("anna", "k2", b"", NOW)
    with pytest.raises(TooMany):
        store.begin("anna", "k3", b"", NOW)
    assert store.begin("anna", "k1", b"", NOW) is not None
    assert store.begin("anna", "k3", b"", NOW + timedelta(days=2)) is None


def test_a_reader_changes_nothing_and_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed, match="cannot be opened"):
        Store(tmp_path / "none", readonly=True)
    assert not (tmp_path / "none").exists()
    writer = Store(tmp_path / "file")
    writer.sample({AccountId("a"): (Decimal(1), Decimal(2))}, T0)
    reader = Store(tmp_path / "file", readonly=True)
    assert [each.equity for each in reader.curve(AccountId("a"), T0, T0, 10)[1]] == [2]
    with pytest.raises(StoreFailed, match="cannot be written"):
        reader.sample({AccountId("a"): (Decimal(1), Decimal(3))}, T0)
    reader.close()
    writer.close()
