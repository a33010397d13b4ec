"""The book's indexes and totals follow each record, whatever replaces what."""

from datetime import timedelta
from decimal import Decimal
from random import Random

from attrs import evolve

from copier.engine.book import CopyBook
from rules.model.copies import NO_TIME, Copy, CopyStatus, Leg, LegStage, Pending, Purpose
from rules.model.events import Origin
from rules.model.state import AccountView
from rules.model.values import AccountId, ClOrdId, LinkId, PositionId, Side, Symbol
from tests.rules.playbook import T0

SOURCE, TARGET = AccountId("source"), AccountId("target")


def leg(name: str, held: str = "1", stage: LegStage = LegStage.OPEN, pending: Pending | None = None) -> Leg:
    return Leg(0, ClOrdId(name), Symbol("X"), Side.BUY, Decimal(held), stage=stage, held=Decimal(held), pending=pending)


def copy(position_id: str = "p1", *legs: Leg, status: CopyStatus = CopyStatus.ACTIVE) -> Copy:
    return Copy(
        LinkId("l"),
        SOURCE,
        TARGET,
        PositionId(position_id),
        T0,
        Symbol("X"),
        Side.BUY,
        T0,
        Origin.LIVE,
        status,
        legs=legs,
    )


def new_book() -> tuple[CopyBook, AccountView]:
    view = AccountView(TARGET)
    return CopyBook({TARGET: view}), view


def test_totals_count_what_is_held_and_what_is_under_way_once() -> None:
    book, view = new_book()
    book.store(copy("p1", leg("a", "2")))
    book.store(copy("p2", leg("b", "3", LegStage.OPENING)))
    assert (view.copies, view.volume) == (2, 5)
    closing = Pending(Purpose.CLOSE, ClOrdId("c"), Decimal(2))
    book.store(copy("p1", leg("a", "2", pending=closing)))
    assert (view.copies, view.volume) == (2, 3)
    book.store(copy("p1", leg("a", "0", LegStage.CLOSED)))
    assert (view.copies, view.volume) == (1, 3)
    book.forget(copy("p2"))
    assert (view.copies, view.volume) == (0, 0)


def test_lots_are_counted_by_side_until_their_closing_is_answered() -> None:
    book, view = new_book()
    closing = Pending(Purpose.CLOSE, ClOrdId("c"), Decimal(2))
    book.store(copy("p1", leg("a", "2", pending=closing)))
    book.store(copy("p2", evolve(leg("b", "3"), side=Side.SELL)))
    assert view.lots == {("X", Side.BUY): 2, ("X", Side.SELL): 3}
    book.store(copy("p1", leg("a", "0", LegStage.CLOSED)))
    book.forget(copy("p2"))
    assert view.lots == {("X", Side.BUY): 0, ("X", Side.SELL): 0}


def test_an_order_finds_its_copy_by_its_opening_and_by_what_is_under_way() -> None:
    book, _ = new_book()
    closing = Pending(Purpose.CLOSE, ClOrdId("c"), Decimal(1))
    book.store(copy("p1", leg("a", pending=closing)))
    assert book.by_order(ClOrdId("a")) is book.by_order(ClOrdId("c")) is book.get((LinkId("l"), PositionId("p1")))
    book.store(copy("p1", leg("a")))
    assert book.by_order(ClOrdId("c")) is None
    book.forget(copy("p1"))
    assert book.by_order(ClOrdId("a")) is None


def test_it_knows_when_the_youngest_was_opened_of_what_it_forgot() -> None:
    book, _ = new_book()
    old, young = evolve(copy("p1"), opened_at=T0 - timedelta(days=1)), copy("p2")
    for each in (young, old):
        book.store(each)
    assert book.forgotten_until == NO_TIME
    for each in (young, old):
        book.forget(each)
    assert book.forgotten_until == T0


def test_a_life_that_gave_way_to_an_older_one_counts_as_forgotten() -> None:
    book, _ = new_book()
    book.store(copy("p1"))
    book.store(evolve(copy("p1"), opened_at=T0 - timedelta(hours=1)))
    assert book.forgotten_until == T0


def test_forgetting_what_is_not_there_changes_nothing() -> None:
    book, view = new_book()
    book.forget(copy("p1", leg("a")))
    assert (len(book), view.copies) == (0, 0)


def test_a_target_that_the_config_no_longer_names_has_no_totals_and_keeps_its_copies() -> None:
    book = CopyBook({})
    book.store(copy("p1", leg("a")))
    assert [each.source_position_id for each in book.of_target(TARGET)] == ["p1"]


def test_waiting_copies_and_increases_are_found_by_their_target() -> None:
    book, _ = new_book()
    waiting = copy("p1", status=CopyStatus.WAITING)
    growing = evolve(copy("p2", leg("a")), wait_until=T0)
    for each in (waiting, growing, copy("p3", leg("b"))):
        book.store(each)
    assert book.waiting_at(TARGET) == [waiting, growing]
    book.store(evolve(waiting, status=CopyStatus.ENDED))
    assert book.waiting_at(TARGET) == [growing]


def test_the_indexes_are_right_after_any_sequence() -> None:
    random = Random(7)
    book, view = new_book()
    kept: dict[str, Copy] = {}
    for step in range(500):
        name = f"p{random.randrange(12)}"
        if random.random() < 0.2:
            book.forget(copy(name))
            kept.pop(name, None)
            continue
        pending = random.choice((None, Pending(Purpose.REDUCE, ClOrdId(f"c{step}"), Decimal("0.1"))))
        new = copy(name, leg(f"o-{name}", "0.5", random.choice(tuple(LegStage)), pending))
        book.store(new)
        kept[name] = new
    assert {each.source_position_id: each for each in book.all()} == kept
    holding = [each for each in kept.values() if each.holds]
    assert view.copies == len(holding)
    assert view.volume == sum(each.expected for each in holding)
    assert {each.key for each in book.of_target(TARGET)} == {each.key for each in holding}
    assert {each.key for each in book.of_source(SOURCE)} == {each.key for each in kept.values()}
    assert book.of_source(SOURCE, frozenset({PositionId("none")})) == []
    for each in kept.values():
        for one in each.legs:
            assert book.by_order(one.cl_ord_id) == each
            assert one.pending is None or book.by_order(one.pending.cl_ord_id) == each
