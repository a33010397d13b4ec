"""The paper account's file: all or nothing, exact, and refusing what is not its own."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import apsw
import msgspec
import pytest
from attrs import asdict, evolve

from adapters.base import SignInRefused
from adapters.paper.store import Answer, Figures, Store, StoreFailed, What
from adapters.simulation.broker import BookOrder
from rules.model.observed import Position, WorkingOrder
from rules.model.values import ClOrdId, OmsType, OrderType, Side
from tests.adapters.simulation.worlds import EURUSD, START, make_broker

# As the first version wrote it.
FIRST_SCHEMA = """
CREATE TABLE account (one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE orders (seq INTEGER PRIMARY KEY, tag TEXT UNIQUE, body BLOB NOT NULL) STRICT;
CREATE TABLE positions (seq INTEGER PRIMARY KEY, position_id TEXT NOT NULL UNIQUE, body BLOB NOT NULL) STRICT;
CREATE TABLE replacements (cl_ord_id TEXT PRIMARY KEY, refusal TEXT NOT NULL) STRICT;
PRAGMA application_id = 0x50617072;
PRAGMA user_version = 1;
"""

FIGURES = Figures("10000.10", "hedging", "USD", 1000003)


def dealt() -> tuple[Position, BookOrder]:
    book = make_broker().add_account("a", OmsType.HEDGING, Decimal(10000))
    order = book.open(
        EURUSD, Side.BUY, Decimal("0.10"), tag="t", magic="7", comment="ünïcode", stop_loss=Decimal("1.1")
    )
    return book.positions[order.position_id], order


def waiting() -> WorkingOrder:
    book = make_broker().add_account("a", OmsType.HEDGING, Decimal(10000))
    words = {"stop_loss": Decimal("1.10"), "expires_at": START + timedelta(days=1), "tag": "w", "comment": "ünïcode"}
    return book.place_order(EURUSD, Side.BUY, OrderType.LIMIT, Decimal("0.10"), Decimal("1.150"), **words)


def test_what_was_saved_is_loaded_exactly(tmp_path: Path):
    position, order = dealt()
    answers = {ClOrdId(what.value): Answer(what, refusal) for what, refusal in zip(What, ("no", "", "nö"), strict=True)}
    waits = waiting()
    store = Store(str(tmp_path / "state"), "a")
    assert store.load() is None
    store.save(FIGURES, {position.position_id: position}, {waits.order_id: waits}, [order], answers)
    store.close()
    saved = Store(str(tmp_path / "state"), "a").load()
    assert saved is not None
    assert (saved.figures, saved.positions, saved.orders) == (FIGURES, [position], [order])
    assert (saved.working, saved.answers) == ([waits], answers)
    assert str(saved.positions[0].volume) == "0.10"  # exact to the last zero


def test_what_is_gone_is_gone(tmp_path: Path):
    position, order = dealt()
    store = Store(str(tmp_path / "state"), "a")
    waits, changed = waiting(), evolve(waiting(), price=Decimal("1.14"))
    store.save(FIGURES, {position.position_id: position}, {waits.order_id: waits}, [order], {})
    store.save(FIGURES, {position.position_id: None}, {waits.order_id: changed}, [], {})
    saved = store.load()
    assert saved is not None
    assert (saved.positions, saved.working, saved.orders) == ([], [changed], [order])
    store.save(FIGURES, {}, {waits.order_id: None}, [], {})
    saved = store.load()
    assert saved is not None
    assert saved.working == []


def test_a_tag_is_saved_once_and_a_failed_save_leaves_nothing(tmp_path: Path):
    position, order = dealt()
    store = Store(str(tmp_path / "state"), "a")
    store.save(FIGURES, {}, {}, [order], {})
    with pytest.raises(StoreFailed):
        store.save(Figures("0", "hedging", "USD", 9), {position.position_id: position}, {}, [order], {})
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
    store.save(FIGURES, {}, {}, [], {})
    store.close()
    connection = apsw.Connection(path)
    connection.execute("UPDATE account SET body = ?", (b'{"balance": 1',))
    connection.close()
    with pytest.raises(SignInRefused, match="cannot be read"):
        Store(path, "a").load()


def test_an_older_file_is_brought_up_to_date_with_all_that_it_holds(tmp_path: Path):
    path = str(tmp_path / "state")
    position, order = dealt()
    with apsw.Connection(path) as connection:
        connection.execute(FIRST_SCHEMA)
        connection.execute("INSERT INTO account VALUES (1, 'a', ?)", (msgspec.json.encode(FIGURES),))
        held = (position.position_id, msgspec.json.encode(position))
        connection.execute("INSERT INTO positions VALUES (1, ?, ?)", held)
        body = {name: value for name, value in asdict(order).items() if name != "pending"}
        connection.execute("INSERT INTO orders VALUES (1, ?, ?)", (order.tag, msgspec.json.encode(body)))
        connection.execute("INSERT INTO replacements VALUES ('done', ''), ('refused', 'Invalid stops')")
    connection.close()
    store = Store(path, "a")
    saved = store.load()
    assert saved is not None
    assert (saved.figures, saved.positions, saved.working, saved.orders) == (FIGURES, [position], [], [order])
    assert saved.answers == {"done": Answer(What.STOPS, ""), "refused": Answer(What.STOPS, "Invalid stops")}
    waits = waiting()
    store.save(FIGURES, {}, {waits.order_id: waits}, [], {ClOrdId("c"): Answer(What.CANCEL, "")})
    store.close()
    saved = Store(path, "a").load()
    assert saved is not None
    assert (saved.working, saved.answers["c"]) == ([waits], Answer(What.CANCEL, ""))


def test_a_file_of_a_later_version_is_refused(tmp_path: Path):
    path = str(tmp_path / "state")
    Store(path, "a").close()
    connection = apsw.Connection(path)
    connection.pragma("user_version", 3)
    connection.close()
    with pytest.raises(SignInRefused, match="version 3"):
        Store(path, "a")
