"""The paper account's file: all or nothing, exact, and refusing what is not its own."""

from decimal import Decimal
from pathlib import Path

import apsw
import pytest

from adapters.base import SignInRefused
from adapters.paper.store import Figures, Store, StoreFailed
from adapters.simulation.broker import BookOrder
from rules.observed import Position
from rules.values import ClOrdId, OmsType, Side
from tests.adapters.simulation.worlds import EURUSD, make_broker

FIGURES = Figures("10000.10", "hedging", "USD", 1000003)


def dealt() -> tuple[Position, BookOrder]:
    book = make_broker().add_account("a", OmsType.HEDGING, Decimal(10000))
    order = book.open(
        EURUSD, Side.BUY, Decimal("0.10"), tag="t", magic="7", comment="ünïcode", stop_loss=Decimal("1.1")
    )
    return book.positions[order.position_id], order


def test_what_was_saved_is_loaded_exactly(tmp_path: Path):
    position, order = dealt()
    store = Store(str(tmp_path / "state"), "a")
    assert store.load() is None
    store.save(FIGURES, [position], [], [order], [(ClOrdId("s"), "no")])
    store.close()
    saved = Store(str(tmp_path / "state"), "a").load()
    assert saved is not None
    assert (saved.figures, saved.positions, saved.orders) == (FIGURES, [position], [order])
    assert saved.replacements == {"s": "no"}
    assert str(saved.positions[0].volume) == "0.10"  # exact to the last zero


def test_a_position_that_is_gone_is_gone(tmp_path: Path):
    position, order = dealt()
    store = Store(str(tmp_path / "state"), "a")
    store.save(FIGURES, [position], [], [order], [])
    store.save(FIGURES, [], [position.position_id], [], [])
    saved = store.load()
    assert saved is not None
    assert (saved.positions, saved.orders) == ([], [order])


def test_a_tag_is_saved_once_and_a_failed_save_leaves_nothing(tmp_path: Path):
    position, order = dealt()
    store = Store(str(tmp_path / "state"), "a")
    store.save(FIGURES, [], [], [order], [])
    with pytest.raises(StoreFailed):
        store.save(Figures("0", "hedging", "USD", 9), [position], [], [order], [])
    saved = store.load()
    assert saved is not None
    assert (saved.figures, saved.positions, saved.orders) == (FIGURES, [], [order])


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path):
    path = str(tmp_path / "other")
    with apsw.Connection(path) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    with pytest.raises(SignInRefused, match="must be a paper account's file"):
        Store(path, "a")
    connection = apsw.Connection(path)
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("theirs",)]
    connection.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path):
    path = tmp_path / "text"
    path.write_text("no database at all " * 100)
    with pytest.raises(SignInRefused, match="cannot be read"):
        Store(str(path), "a")


def test_a_file_that_cannot_be_made_is_refused(tmp_path: Path):
    with pytest.raises(SignInRefused, match="cannot be opened"):
        Store(str(tmp_path / "no" / "such" / "folder"), "a")


def test_a_damaged_row_is_refused_and_not_guessed(tmp_path: Path):
    path = str(tmp_path / "state")
    store = Store(path, "a")
    store.save(FIGURES, *([[]] * 4))
    store.close()
    connection = apsw.Connection(path)
    connection.execute("UPDATE account SET body = ?", (b'{"balance": 1',))
    connection.close()
    with pytest.raises(SignInRefused, match="cannot be read"):
        Store(path, "a").load()
