"""Pending orders of a book: what is refused, at what price they fill, how they end, and who is told."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from adapters.simulation.broker import (
    Book,
    Broker,
    OrderChanged,
    OrderGone,
    OrderRefused,
    PositionChanged,
    PositionGone,
    Purpose,
    Result,
    StatusChanged,
)
from rules.model.observed import WorkingOrder
from rules.model.values import OmsType, OrderType, Side, Symbol, VenueOrderId
from tests.adapters.simulation.worlds import EURGBP, EURUSD, START, USDJPY, make_broker, quote

LOT = Decimal("0.10")
LIMIT, STOP, STOP_LIMIT = OrderType
BUY, SELL = Side


def make_book(oms: OmsType = OmsType.HEDGING, balance: str = "10000") -> Book:
    return make_broker().add_account("a", oms, Decimal(balance))


def place(book: Book, side: Side, order_type: OrderType, price: str, **words: object) -> WorkingOrder:
    """Place an order on EURUSD, which starts at 1.16000/1.16008."""
    return book.place_order(EURUSD, side, order_type, LOT, Decimal(price), **words)  # type: ignore[arg-type]


def move(book: Book, bid: str, spread: str = "0.00008", symbol: Symbol = EURUSD) -> None:
    book.market.set_quote(quote(symbol, bid, str(Decimal(bid) + Decimal(spread))))


def told(book: Book) -> list[type]:
    """Return a list that fills with the kinds of all changes from now on."""
    kinds: list[type] = []
    book.listen(lambda change: kinds.append(type(change)))
    return kinds


# Placing


def test_an_order_waits_as_it_was_placed_and_binds_nothing():
    book = make_book()
    figures = book.status()
    until = START + timedelta(days=1)
    stops = {"stop_loss": Decimal("1.13"), "take_profit": Decimal("1.18")}
    words = {"tag": "t", "magic": "7", "comment": "hello", "expires_at": until}
    order = place(book, BUY, STOP_LIMIT, "1.17", limit_price=Decimal("1.165"), **stops, **words)
    assert order == WorkingOrder(
        order.order_id, EURUSD, BUY, STOP_LIMIT, LOT, Decimal("1.17"), Decimal("1.165"),
        Decimal("1.13"), Decimal("1.18"), START, until, "7", "hello", "t",
    )  # fmt: skip
    assert book.working == {order.order_id: order}
    assert book.working_with_tag("t") == [order]
    assert (book.positions, book.orders, book.status()) == ({}, [], figures)


@pytest.mark.parametrize(
    ("side", "order_type", "right", "wrong"),
    [
        (BUY, LIMIT, "1.16007", "1.16008"),
        (SELL, LIMIT, "1.16001", "1.16000"),
        (BUY, STOP, "1.16009", "1.16008"),
        (SELL, STOP, "1.15999", "1.16000"),
        (BUY, STOP_LIMIT, "1.16009", "1.16008"),
        (SELL, STOP_LIMIT, "1.15999", "1.16000"),
    ],
)
def test_a_price_that_is_reached_already_is_refused(side: Side, order_type: OrderType, right: str, wrong: str):
    book = make_book()
    words = {"limit_price": Decimal("1.16")} if order_type is STOP_LIMIT else {}
    with pytest.raises(OrderRefused, match="Invalid price"):
        place(book, side, order_type, wrong, **words, tag="t")
    [refused] = book.orders_with_tag("t")
    assert (refused.status, refused.text, refused.position_id) == (Result.REJECTED, "Invalid price", None)
    assert refused.pending is not None
    assert refused.pending.price == Decimal(wrong)
    assert book.working == {}
    place(book, side, order_type, right, **words)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({"symbol": Symbol("NOPE")}, "Unknown symbol"),
        ({"volume": Decimal("0.005")}, "Invalid volume"),
        ({"price": Decimal("1.155555")}, "Invalid price"),
        ({"price": Decimal(0)}, "Invalid price"),
        ({"price": Decimal(-1)}, "Invalid price"),
        ({"price": Decimal(10) ** 12, "side": SELL}, "Invalid price"),
        ({"limit_price": Decimal("1.1")}, "Invalid price"),
        ({"order_type": STOP_LIMIT, "price": Decimal("1.2")}, "Invalid price"),
        ({"order_type": STOP_LIMIT, "price": Decimal("1.2"), "limit_price": Decimal("1.123456")}, "Invalid price"),
        ({"stop_loss": Decimal("1.155")}, "Invalid stops"),
        ({"take_profit": Decimal("1.14")}, "Invalid stops"),
        ({"stop_loss": Decimal("1.123456")}, "Invalid stops"),
        ({"expires_at": START}, "Invalid expiration"),
    ],
)
def test_what_makes_no_sense_is_refused_and_recorded(words: dict[str, object], text: str):
    book = make_book()
    order = {"symbol": EURUSD, "side": BUY, "order_type": LIMIT, "volume": LOT, "price": Decimal("1.15"), **words}
    with pytest.raises(OrderRefused, match=text):
        book.place_order(**order)  # type: ignore[arg-type]
    assert (book.working, [each.status for each in book.orders]) == ({}, [Result.REJECTED])


def test_a_symbol_without_a_quote_takes_no_pending_order():
    book = make_book()
    del book.market.quotes[EURUSD]
    with pytest.raises(OrderRefused, match="Off quotes"):
        place(book, BUY, LIMIT, "1.15")


def test_a_price_keeps_the_distance_that_the_instrument_wants():
    book = make_book()
    instruments = book.market.instruments
    instruments[EURUSD] = evolve(instruments[EURUSD], stop_distance_min=Decimal("0.001"))
    with pytest.raises(OrderRefused, match="Invalid price"):
        place(book, BUY, LIMIT, "1.15909")
    place(book, BUY, LIMIT, "1.15908")


# Filling


@pytest.mark.parametrize(
    ("side", "order_type", "price", "before", "bid", "filled_at"),
    [
        (BUY, LIMIT, "1.15", "1.14993", "1.14992", "1.15000"),
        (BUY, LIMIT, "1.15", "1.15001", "1.14", "1.14008"),
        (SELL, LIMIT, "1.17", "1.16999", "1.17", "1.17"),
        (SELL, LIMIT, "1.17", "1.16999", "1.18", "1.18"),
        (BUY, STOP, "1.17", "1.16991", "1.16992", "1.17000"),
        (BUY, STOP, "1.17", "1.16991", "1.18", "1.18008"),
        (SELL, STOP, "1.15", "1.15001", "1.15", "1.15"),
        (SELL, STOP, "1.15", "1.15001", "1.14", "1.14"),
    ],
)
def test_an_order_fills_at_the_first_quote_that_reaches_it(
    side: Side, order_type: OrderType, price: str, before: str, bid: str, filled_at: str
):
    book = make_book()
    placed = place(book, side, order_type, price, tag="t", magic="7", comment="hello", take_profit=None)
    move(book, before)
    assert (book.positions, list(book.working)) == ({}, [placed.order_id])
    move(book, bid)
    [position] = book.positions.values()
    assert (position.side, position.volume, position.open_price) == (side, LOT, Decimal(filled_at))
    assert (position.tag, position.magic, position.comment) == ("t", "7", "hello")
    assert (book.working, book.working_with_tag("t")) == ({}, [])
    [order] = book.orders_with_tag("t")
    assert (order.order_id, order.status, order.purpose) == (placed.order_id, Result.FILLED, Purpose.OPEN)
    assert (order.position_id, order.price, order.pending) == (position.position_id, Decimal(filled_at), placed)
    assert book.position_of_tag("t") == position


def test_quotes_of_other_symbols_reach_nothing():
    book = make_book()
    place(book, BUY, LIMIT, "1.15")
    move(book, "0.5", symbol=EURGBP)
    assert len(book.working) == 1


def test_a_stop_limit_that_is_reached_waits_as_a_limit_under_its_id():
    book = make_book()
    placed = place(book, BUY, STOP_LIMIT, "1.17", limit_price=Decimal("1.165"), take_profit=Decimal("1.19"))
    kinds = told(book)
    move(book, "1.17")
    limit = evolve(placed, order_type=LIMIT, price=Decimal("1.165"), limit_price=None)
    assert book.working == {placed.order_id: limit}
    assert kinds == [OrderChanged, StatusChanged]
    move(book, "1.164")
    [position] = book.positions.values()
    assert (position.open_price, position.take_profit) == (Decimal("1.16408"), Decimal("1.19"))
    assert book.orders[-1].pending == limit


def test_a_stop_limit_fills_at_the_quote_that_reaches_both_its_prices():
    book = make_book()
    place(book, BUY, STOP_LIMIT, "1.17", limit_price=Decimal("1.18"))
    move(book, "1.175")
    [position] = book.positions.values()
    assert position.open_price == Decimal("1.17508")


def test_the_oldest_order_fills_first():
    book = make_book()
    placed = [place(book, BUY, LIMIT, price) for price in ("1.14", "1.15", "1.13")]
    book.replace_order(placed[0].order_id, Decimal("1.145"), stop_loss=None, take_profit=None)
    move(book, "1.12")
    assert [order.order_id for order in book.orders] == [order.order_id for order in placed]


def test_a_position_whose_stop_a_gap_has_passed_is_stopped_at_once():
    book = make_book()
    place(book, BUY, LIMIT, "1.15", stop_loss=Decimal("1.14"))
    kinds = told(book)
    move(book, "1.13")
    assert book.positions == {}
    assert [order.purpose for order in book.orders] == [Purpose.OPEN, Purpose.STOP_OUT]
    assert book.closed[0].close_price == Decimal("1.13")
    assert kinds == [PositionChanged, OrderGone, PositionGone, StatusChanged]


def test_what_cannot_be_paid_for_is_rejected_when_it_is_reached():
    book = make_book(balance="100")
    order = book.place_order(EURUSD, BUY, LIMIT, Decimal(1), Decimal("1.15"))
    changes: list[object] = []
    book.listen(changes.append)
    move(book, "1.14")
    assert (book.working, book.positions) == ({}, {})
    assert [(each.order_id, each.status, each.text) for each in book.orders] == [
        (order.order_id, Result.REJECTED, "Not enough money")
    ]
    assert changes == [OrderGone(order, Result.REJECTED), StatusChanged()]


# Netting


def test_a_netted_position_grows_shrinks_and_turns_by_pending_orders():
    book = make_book(OmsType.NETTING)
    opened = book.open(EURUSD, BUY, LOT)
    changes: list[object] = []
    book.listen(changes.append)

    place(book, BUY, STOP, "1.17", tag="add")
    move(book, "1.16992")
    [position] = book.positions.values()
    assert (position.position_id, position.volume) == (opened.position_id, Decimal("0.20"))
    assert position.open_price == Decimal("1.16504")

    place(book, SELL, LIMIT, "1.18", tag="reduce", stop_loss=Decimal("1.2"))
    move(book, "1.18")
    [position] = book.positions.values()
    assert (position.volume, position.stop_loss) == (LOT, None)
    assert book.orders[-1].purpose is Purpose.REDUCE

    book.place_order(EURUSD, SELL, STOP, Decimal("0.30"), Decimal("1.15"), tag="turn")
    del changes[:]
    move(book, "1.15")
    [position] = book.positions.values()
    assert (position.side, position.volume, position.tag) == (SELL, Decimal("0.20"), "turn")
    gone = [change for change in changes if isinstance(change, OrderGone)]
    assert [(each.status, each.position_id) for each in gone] == [(Result.FILLED, position.position_id)]
    assert [type(change) for change in changes] == [PositionGone, PositionChanged, OrderGone, StatusChanged]


# Replacing and canceling


def test_a_replaced_order_has_the_new_prices_and_its_old_rest():
    book = make_book()
    until = START + timedelta(days=1)
    words = {"stop_loss": Decimal("1.14"), "take_profit": Decimal("1.17"), "tag": "t", "expires_at": until}
    placed = place(book, BUY, LIMIT, "1.15", **words)
    kinds = told(book)
    replaced = book.replace_order(placed.order_id, Decimal("1.155"), stop_loss=None, take_profit=Decimal("1.18"))
    assert replaced == evolve(placed, price=Decimal("1.155"), stop_loss=None, take_profit=Decimal("1.18"))
    assert (book.working, kinds) == ({placed.order_id: replaced}, [OrderChanged, StatusChanged])
    stops = {"stop_loss": None, "take_profit": None}
    other = book.replace_order(placed.order_id, Decimal("1.15"), **stops, volume=Decimal("0.2"))
    assert (other.volume, book.working_with_tag("t")) == (Decimal("0.2"), [other])


def test_a_refused_replacement_leaves_the_order_as_it_was():
    book = make_book()
    placed = place(book, BUY, LIMIT, "1.15")
    for price, stop, text in (("1.17", None, "Invalid price"), ("1.14", Decimal("1.145"), "Invalid stops")):
        with pytest.raises(OrderRefused, match=text):
            book.replace_order(placed.order_id, Decimal(price), stop_loss=stop, take_profit=None)
    assert (book.working, book.orders) == ({placed.order_id: placed}, [])


def test_a_canceled_order_is_gone_and_in_the_log():
    book = make_book()
    placed = place(book, BUY, LIMIT, "1.15", tag="t")
    changes: list[object] = []
    book.listen(changes.append)
    book.cancel_order(placed.order_id)
    assert changes == [OrderGone(placed, Result.CANCELED), StatusChanged()]
    [order] = book.orders_with_tag("t")
    assert (order.status, order.pending, order.price, order.position_id) == (Result.CANCELED, placed, None, None)
    move(book, "1.1")
    assert (book.working, book.positions) == ({}, {})


def test_an_order_that_is_gone_can_be_neither_replaced_nor_canceled():
    book = make_book()
    placed = place(book, BUY, LIMIT, "1.15")
    move(book, "1.14")
    for order_id in (placed.order_id, VenueOrderId("999")):
        with pytest.raises(OrderRefused, match="Order not found"):
            book.replace_order(order_id, Decimal("1.1"), stop_loss=None, take_profit=None)
        with pytest.raises(OrderRefused, match="Order not found"):
            book.cancel_order(order_id)
    assert len(book.orders) == 1


# Expiry


def expiring(broker: Broker) -> tuple[Book, WorkingOrder]:
    book = broker.add_account("a", OmsType.HEDGING, Decimal(10000))
    return book, place(book, BUY, LIMIT, "1.15", expires_at=START + timedelta(seconds=60))


def test_an_order_expires_with_the_first_quote_after_its_time_and_is_not_filled_by_it():
    broker = make_broker()
    book, order = expiring(broker)
    changes: list[object] = []
    book.listen(changes.append)
    broker.now.advance(59)  # type: ignore[attr-defined]
    move(book, "1.155")
    assert list(book.working) == [order.order_id]
    broker.now.advance(1)  # type: ignore[attr-defined]
    move(book, "1.14")
    assert (book.working, book.positions) == ({}, {})
    assert changes == [OrderGone(order, Result.EXPIRED), StatusChanged()]
    assert [(each.status, each.pending) for each in book.orders] == [(Result.EXPIRED, order)]


def test_an_order_expires_when_it_is_looked_at_or_touched():
    for touch in (Book.expire, lambda book: move(book, "156", symbol=USDJPY)):
        broker = make_broker()
        book, order = expiring(broker)
        book.open(USDJPY, BUY, Decimal("0.01"))
        broker.now.advance(60)  # type: ignore[attr-defined]
        touch(book)
        assert book.orders[-1].status is Result.EXPIRED
        with pytest.raises(OrderRefused, match="Order not found"):
            book.cancel_order(order.order_id)


def test_what_was_canceled_does_not_expire():
    broker = make_broker()
    book, order = expiring(broker)
    book.cancel_order(order.order_id)
    broker.now.advance(60)  # type: ignore[attr-defined]
    book.expire()
    assert [each.status for each in book.orders] == [Result.CANCELED]


# Another life, and the work of it


def test_pending_orders_come_back_with_the_book():
    book = make_book()
    until = START + timedelta(seconds=60)
    waits, due = place(book, BUY, LIMIT, "1.15", tag="t"), place(book, SELL, STOP, "1.1", expires_at=until)
    broker = make_broker()
    again = broker.add_account("b", OmsType.HEDGING, Decimal(0))
    again.restore(Decimal(10000), [], [], [waits, due])
    assert again.working == {waits.order_id: waits, due.order_id: due}
    assert again.working_with_tag("t") == [waits]
    broker.now.advance(60)  # type: ignore[attr-defined]
    move(again, "1.14")
    assert [(order.order_id, order.status) for order in again.orders] == [
        (due.order_id, Result.EXPIRED),
        (waits.order_id, Result.FILLED),
    ]


def test_a_pending_order_of_an_unknown_symbol_does_not_come_back():
    order = evolve(place(make_book(), BUY, LIMIT, "1.15"), symbol=Symbol("NOPE"))
    with pytest.raises(ValueError, match="NOPE"):
        make_book().restore(Decimal(0), [], [], [order])


def test_only_books_with_orders_or_positions_of_a_symbol_are_visited(monkeypatch: pytest.MonkeyPatch):
    broker = make_broker()
    for name in ("idle", "waits", "waited"):
        broker.add_account(name, OmsType.HEDGING, Decimal(10000))
    place(broker.books["waits"], BUY, LIMIT, "1.15")
    broker.books["waited"].cancel_order(place(broker.books["waited"], BUY, LIMIT, "1.15").order_id)
    marked: list[str] = []
    monkeypatch.setattr(Book, "mark", lambda book, _: marked.append(book.name))
    broker.on_quote(broker.market.quotes[EURUSD])
    assert marked == ["waits"]


def test_a_listener_that_trades_while_it_is_told_of_a_fill_is_heard_after_it():
    book = make_book()
    place(book, BUY, LIMIT, "1.15")
    kinds = told(book)
    book.listen(lambda change: isinstance(change, OrderGone) and place(book, BUY, LIMIT, "1.10"))
    move(book, "1.14")
    assert kinds == [PositionChanged, OrderGone, StatusChanged, OrderChanged, StatusChanged]
