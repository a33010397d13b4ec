"""Books of both kinds: fills, refusals, stops, netting, and what auditors read."""

from decimal import Decimal

import pytest
from attrs import evolve

from adapters.simulation.broker import (
    Book,
    OrderRefused,
    PositionChanged,
    PositionGone,
    Purpose,
    Result,
    StatusChanged,
)
from rules.model.values import OmsType, PositionId, Side, Symbol
from tests.adapters.simulation.worlds import EURGBP, EURUSD, START, BusyClock, make_broker, quote

LOT = Decimal("0.10")


def make_book(oms: OmsType = OmsType.HEDGING, balance: str = "10000") -> Book:
    return make_broker().add_account("a", oms, Decimal(balance))


def netting() -> Book:
    return make_book(OmsType.NETTING)


def only(book: Book):
    [position] = book.positions.values()
    return position


def refusal(book: Book, **changes) -> str:
    order = {"symbol": EURUSD, "side": Side.BUY, "volume": LOT, **changes}
    before = (book.balance, dict(book.positions))
    with pytest.raises(OrderRefused) as refused:
        book.open(order.pop("symbol"), order.pop("side"), order.pop("volume"), **order)
    assert (book.balance, book.positions) == before
    assert book.orders[-1].status is Result.REJECTED
    assert book.orders[-1].text == str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "1.16008"), (Side.SELL, "1.16000")])
def test_a_buy_fills_at_the_ask_and_a_sell_at_the_bid(side: Side, price: str):
    book = make_book()
    order = book.open(EURUSD, side, LOT, tag="t", magic="7", comment="hello")
    assert (order.price, order.status, order.purpose) == (Decimal(price), Result.FILLED, Purpose.OPEN)
    held = only(book)
    assert (held.position_id, held.side, held.volume, held.open_price) == (order.position_id, side, LOT, Decimal(price))
    assert (held.tag, held.magic, held.comment, held.contract_size) == ("t", "7", "hello", Decimal(100000))
    assert book.status().equity == Decimal("9999.20")  # the spread of 8 points


def test_a_given_price_is_the_fill_price():
    assert make_book().open(EURUSD, Side.BUY, LOT, price=Decimal("1.5")).price == Decimal("1.5")


def test_hedging_keeps_both_sides_apart():
    book = make_book()
    book.open(EURUSD, Side.BUY, LOT)
    book.open(EURUSD, Side.SELL, LOT)
    assert [held.side for held in book.positions.values()] == [Side.BUY, Side.SELL]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"symbol": Symbol("NOPE")}, "Unknown symbol"),
        ({"volume": Decimal("0.001")}, "Invalid volume"),
        ({"volume": Decimal("0.105")}, "Invalid volume"),
        ({"volume": Decimal("100.01")}, "Invalid volume"),
        ({"volume": Decimal(0)}, "Invalid volume"),
        ({"volume": Decimal("-0.1")}, "Invalid volume"),
        ({"price": Decimal(0)}, "Invalid price"),
        ({"price": Decimal(10**12)}, "Invalid price"),
        ({"stop_loss": Decimal("1.16001")}, "Invalid stops"),
        ({"take_profit": Decimal("1.15999")}, "Invalid stops"),
        ({"stop_loss": Decimal("1.150001")}, "Invalid stops"),
        ({"side": Side.SELL, "stop_loss": Decimal("1.16007")}, "Invalid stops"),
        ({"side": Side.SELL, "take_profit": Decimal("1.16009")}, "Invalid stops"),
        ({"stop_loss": Decimal(-1)}, "Invalid stops"),
        ({"volume": Decimal(10)}, "Not enough money"),  # 11,600 of margin
    ],
)
def test_what_the_venue_refuses_changes_nothing_and_is_in_the_books(changes, text: str):
    assert refusal(make_book(), **changes) == text


def test_without_a_quote_there_is_no_fill_unless_a_price_is_given():
    book = make_book()
    del book.market.quotes[EURUSD]
    assert refusal(book) == "Off quotes"
    book.open(EURUSD, Side.BUY, LOT, price=Decimal("1.2"))
    with pytest.raises(OrderRefused, match="Off quotes"):
        book.close(only(book).position_id)
    assert book.status().equity == Decimal(10000)
    assert book.close(only(book).position_id, price=Decimal("1.3")).realized_pnl == Decimal(1000)


def test_closing_the_whole_books_the_result_and_tells_how_it_ended():
    book = make_book()
    opened = book.open(EURUSD, Side.BUY, LOT, tag="t")
    book.market.set_quote(quote(EURUSD, "1.17008", "1.17016"))
    order = book.close(opened.position_id, tag="c")
    assert (order.purpose, order.side, order.price) == (Purpose.CLOSE, Side.SELL, Decimal("1.17008"))
    assert order.realized_pnl == Decimal(100)
    assert book.balance == Decimal(10100)
    assert book.positions == {}
    [closed] = book.closed
    assert (closed.position.tag, closed.close_price, closed.realized_pnl) == ("t", Decimal("1.17008"), Decimal(100))
    status = book.status()
    assert (status.equity, status.margin_used) == (Decimal(10100), Decimal(0))


def test_a_partial_close_keeps_id_and_price_and_counts_in_the_whole_result():
    book = make_book()
    opened = book.open(EURUSD, Side.SELL, LOT)
    book.market.set_quote(quote(EURUSD, "1.14990", "1.15000"))
    part = book.close(opened.position_id, Decimal("0.04"))
    assert (part.purpose, part.realized_pnl) == (Purpose.REDUCE, Decimal(40))
    held = only(book)
    assert (held.position_id, held.volume, held.open_price) == (opened.position_id, Decimal("0.06"), Decimal("1.16"))
    assert book.status().margin_used == Decimal("69.60")
    book.close(opened.position_id)
    assert (book.closed[0].realized_pnl, book.closed[0].last_pnl) == (Decimal(100), Decimal(60))


@pytest.mark.parametrize("volume", ["0.11", "0", "-0.01", "0.005", "0.055"])
def test_a_partial_close_off_the_grid_or_beyond_the_position_is_refused(volume: str):
    book = make_book()
    opened = book.open(EURUSD, Side.BUY, LOT)
    with pytest.raises(OrderRefused, match="Invalid volume"):
        book.close(opened.position_id, Decimal(volume))
    assert only(book).volume == LOT


def test_closing_what_is_not_there_is_refused_and_recorded():
    book = make_book()
    with pytest.raises(OrderRefused, match="Position not found"):
        book.close(PositionId("9"), tag="c")
    assert book.orders_with_tag("c")[0].status is Result.REJECTED


def test_the_whole_can_be_closed_where_the_instrument_takes_no_orders():
    book = make_book()
    opened = book.open(EURUSD, Side.BUY, LOT)
    book.market.instruments[EURUSD] = evolve(book.market.instruments[EURUSD], tradable=False)
    assert refusal(book) == "Trade is disabled"
    assert book.close(opened.position_id).status is Result.FILLED


# Netting


def test_the_same_side_adds_at_the_average_price():
    book = netting()
    first = book.open(EURUSD, Side.BUY, LOT, tag="a", stop_loss=Decimal("1.1"), price=Decimal("1.10"))
    second = book.open(EURUSD, Side.BUY, Decimal("0.30"), tag="b", price=Decimal("1.20"))
    held = only(book)
    assert held.position_id == first.position_id == second.position_id
    assert (held.volume, held.open_price, held.tag, held.stop_loss) == (
        Decimal("0.40"), Decimal("1.175"), "a", Decimal("1.1"),
    )  # fmt: skip
    assert book.position_of_tag("a") == book.position_of_tag("b") == held


def test_the_other_side_reduces_then_closes():
    book = netting()
    opened = book.open(EURUSD, Side.BUY, LOT)
    reduced = book.open(EURUSD, Side.SELL, Decimal("0.04"), tag="r")
    assert (reduced.purpose, reduced.position_id) == (Purpose.REDUCE, opened.position_id)
    assert only(book).volume == Decimal("0.06")
    assert book.position_of_tag("r") is None  # it opened none
    assert book.open(EURUSD, Side.SELL, Decimal("0.06")).purpose is Purpose.CLOSE
    assert book.positions == {}


def test_more_than_is_held_turns_the_position_around_under_a_new_id():
    book = netting()
    heard: list[object] = []
    opened = book.open(EURUSD, Side.BUY, LOT, tag="a")
    book.listen(heard.append)
    turned = book.open(EURUSD, Side.SELL, Decimal("0.25"), tag="b")
    held = only(book)
    assert (held.side, held.volume, held.tag) == (Side.SELL, Decimal("0.15"), "b")
    assert turned.position_id == held.position_id != opened.position_id
    assert (turned.volume, turned.realized_pnl) == (Decimal("0.25"), Decimal("-0.80"))
    assert len(book.orders_with_tag("b")) == 1
    gone, changed, status = heard
    assert isinstance(gone, PositionGone)
    assert gone.closed.position.position_id == opened.position_id
    assert changed == PositionChanged(held)
    assert status == StatusChanged()


def test_what_an_order_does_has_the_time_of_the_order():
    book = make_broker(BusyClock()).add_account("a", OmsType.NETTING, Decimal(10000))
    opened = book.open(EURUSD, Side.BUY, LOT)
    assert only(book).opened_at == opened.at
    turned = book.open(EURUSD, Side.SELL, Decimal("0.25"))
    assert only(book).opened_at == turned.at
    closing = book.close(turned.position_id)
    assert [closed.closed_at for closed in book.closed] == [turned.at, closing.at]


def test_a_turn_around_needs_margin_for_what_it_opens_only():
    book = make_book(OmsType.NETTING, "1200")
    book.open(EURUSD, Side.BUY, Decimal(1))
    book.open(EURUSD, Side.SELL, Decimal(2))  # frees 1160, needs 1160
    assert only(book).side is Side.SELL
    assert refusal(book, side=Side.BUY, volume=Decimal("2.1")) == "Not enough money"


def test_stops_of_an_order_that_only_reduces_are_not_looked_at():
    book = netting()
    book.open(EURUSD, Side.BUY, LOT)
    order = book.open(EURUSD, Side.SELL, Decimal("0.05"), stop_loss=Decimal(1))
    assert order.status is Result.FILLED


# Marking and telling


def test_a_quote_touches_only_positions_of_its_symbol():
    book = make_book()
    euro = book.open(EURUSD, Side.BUY, LOT)
    other = book.open(EURGBP, Side.BUY, LOT)
    before = book.positions[other.position_id]
    book.market.set_quote(quote(EURUSD, "1.17000", "1.17008"))
    assert book.positions[euro.position_id].current_price == Decimal("1.17000")
    assert book.positions[other.position_id] is before
    assert book.floating_pnl(euro.position_id) == Decimal("99.20")


def test_listeners_see_the_order_already_in_the_books():
    book = make_book()
    seen: list[int] = []
    book.listen(lambda _change: seen.append(len(book.orders)))
    book.close(book.open(EURUSD, Side.BUY, LOT).position_id)
    assert seen == [1, 1, 2, 2]


def test_a_deposit_changes_balance_and_tells():
    book = make_book()
    heard: list[object] = []
    book.listen(heard.append)
    book.deposit(Decimal("-500.50"))
    assert book.status().balance == Decimal("9499.50")
    assert heard == [StatusChanged()]
    assert [(each.at, each.amount) for each in book.deposits] == [(START, Decimal("-500.50"))]


def test_a_refusal_that_was_asked_for_is_in_the_books():
    book = make_book()
    with pytest.raises(OrderRefused, match="market maker asleep"):
        book.refuse(EURUSD, Side.BUY, LOT, "market maker asleep", tag="t")
    assert book.orders_with_tag("t")[0].text == "market maker asleep"


# Another life


def test_a_restored_book_goes_on_where_the_old_one_was():
    old = make_book()
    opened = old.open(EURUSD, Side.BUY, LOT, tag="t", stop_loss=Decimal("1.15"))
    old.close(opened.position_id, Decimal("0.04"))
    new = make_book()
    new.restore(old.balance, list(old.positions.values()), old.orders)
    assert (new.positions, new.orders, new.status()) == (old.positions, old.orders, old.status())
    for book in (old, new):
        book.market.set_quote(quote(EURUSD, "1.15000", "1.15008"))
    assert (new.balance, new.closed[0].realized_pnl) == (old.balance, old.closed[0].realized_pnl)
    with pytest.raises(ValueError, match="new book"):
        new.restore(Decimal(0), [], [])


def test_what_a_turn_around_realized_is_not_counted_for_its_new_position_after_a_restore():
    old = netting()
    old.open(EURUSD, Side.BUY, LOT)
    turned = old.open(EURUSD, Side.SELL, Decimal("0.25"))
    assert turned.realized_pnl == Decimal("-0.80")
    new = netting()
    new.restore(old.balance, list(old.positions.values()), old.orders)
    assert turned.position_id is not None
    new.close(turned.position_id, price=Decimal("1.16000"))
    assert new.closed[0].realized_pnl == Decimal(0)


def test_a_position_of_an_unknown_symbol_cannot_be_restored():
    old = make_book()
    old.open(EURUSD, Side.BUY, LOT)
    new = make_book()
    del new.market.instruments[EURUSD]
    with pytest.raises(ValueError, match="'EURUSD'"):
        new.restore(old.balance, list(old.positions.values()), old.orders)
    assert new.positions == {}
