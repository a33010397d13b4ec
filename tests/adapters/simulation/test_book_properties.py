"""Laws of the books that hold whatever is dealt: money and volume are neither made nor lost."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.simulation.broker import Book, OrderRefused, Purpose, Result
from adapters.simulation.checks import reached
from adapters.simulation.money import margin, result
from rules.model.values import OmsType, OrderType, PositionId, Side, Symbol, VenueOrderId
from tests.adapters.simulation.worlds import EURGBP, EURUSD, make_broker, quote

# 0.3 s for a hundred random days each: the marker's reason.
pytestmark = pytest.mark.slow

BALANCE = Decimal(100_000)
SYMBOLS = (EURUSD, EURGBP)

volumes = st.integers(0, 60).map(lambda hundredths: Decimal(hundredths) / 100)
stops = st.none() | st.integers(100, 135).map(lambda hundredths: Decimal(hundredths) / 100)
opens = st.tuples(st.just("open"), st.sampled_from(SYMBOLS), st.sampled_from(Side), volumes, stops, stops)
closes = st.tuples(st.just("close"), st.integers(0, 3), st.none() | volumes)
replacements = st.tuples(st.just("replace"), st.integers(0, 3), stops, stops)
prices = st.integers(11_000, 12_500).map(lambda points: Decimal(points) / 10_000)
pendings = st.tuples(
    st.just("place"), st.sampled_from(Side), st.sampled_from(OrderType), volumes, prices, prices, stops, stops
)
cancels = st.tuples(st.just("cancel"), st.integers(0, 3))
quotes = st.tuples(st.just("quote"), st.integers(11_000, 12_500))
days = st.lists(st.one_of(opens, closes, replacements, pendings, cancels, quotes), max_size=25)


def live(book: Book, day) -> None:
    """Deal all of a day; what the venue refuses is part of it."""
    for what, *words in day:
        try:
            if what == "open":
                symbol, side, volume, stop_loss, take_profit = words
                book.open(symbol, side, volume, stop_loss=stop_loss, take_profit=take_profit)
            elif what == "close":
                book.close(_any_position(book, words[0]), words[1])
            elif what == "replace":
                book.replace_stops(_any_position(book, words[0]), words[1], words[2])
            elif what == "place":
                side, order_type, volume, price, limit, stop_loss, take_profit = words
                limit_price = limit if order_type is OrderType.STOP_LIMIT else None
                wanted = {"limit_price": limit_price, "stop_loss": stop_loss, "take_profit": take_profit}
                book.place_order(EURUSD, side, order_type, volume, price, **wanted)
            elif what == "cancel":
                book.cancel_order(_any_order(book, words[0]))
            else:
                bid = Decimal(words[0]) / 10_000
                book.market.set_quote(quote(EURUSD, str(bid), str(bid + Decimal("0.00010"))))
        except OrderRefused:
            continue


def _any_position(book: Book, number: int) -> PositionId:
    ids = list(book.positions)
    return ids[number % len(ids)] if ids else PositionId("0")


def _any_order(book: Book, number: int) -> VenueOrderId:
    ids = list(book.working)
    return ids[number % len(ids)] if ids else VenueOrderId("0")


def signed(side: Side, volume: Decimal) -> Decimal:
    return volume if side is Side.BUY else -volume


def make_book(oms: OmsType) -> Book:
    return make_broker().add_account("a", oms, BALANCE)


both = pytest.mark.parametrize("oms", OmsType)


@both
@settings(max_examples=100)
@given(day=days)
def test_signed_fills_of_a_symbol_add_up_to_what_is_held(oms: OmsType, day):
    book = make_book(oms)
    live(book, day)
    for symbol in SYMBOLS:
        filled = sum(signed(o.side, o.volume) for o in book.orders if o.status is Result.FILLED and o.symbol == symbol)
        held = sum(signed(p.side, p.volume) for p in book.positions.values() if p.symbol == symbol)
        assert filled == held


@both
@settings(max_examples=100)
@given(day=days)
def test_balance_is_the_deposit_and_all_that_orders_realized(oms: OmsType, day):
    book = make_book(oms)
    live(book, day)
    assert book.balance == BALANCE + sum(order.realized_pnl for order in book.orders)
    open_ids = set(book.positions)
    # What closed positions booked in their lives, and what the open ones booked by partial closes.
    of_lives = sum(closed.realized_pnl for closed in book.closed)
    of_parts = sum(
        o.realized_pnl for o in book.orders if o.purpose is Purpose.REDUCE and o.position_id in open_ids
    )  # fmt: skip
    assert book.balance == BALANCE + of_lives + of_parts


@settings(max_examples=100)
@given(day=days)
def test_a_flat_netting_account_has_gained_what_its_fills_paid(day):
    """Checked against the cash of the fills alone, which knows nothing of positions or averages."""
    book = make_book(OmsType.NETTING)
    live(book, [step for step in day if step[0] != "open" or step[1] == EURUSD])
    for position_id in list(book.positions):
        book.close(position_id)
    fills = [order for order in book.orders if order.status is Result.FILLED]
    cash = sum(-signed(order.side, order.volume) * order.price * 100_000 for order in fills)
    # Each order rounds its result to the cent, and averaging a price to ten places costs far less than one.
    assert abs(book.balance - BALANCE - cash) <= Decimal("0.006") * len(fills)


@both
@settings(max_examples=100)
@given(day=days)
def test_running_sums_agree_with_counting_anew(oms: OmsType, day):
    book = make_book(oms)
    live(book, day)
    status = book.status()
    positions = book.positions.values()
    assert status.margin_used == sum(margin(book.market, p.symbol, p.volume, p.open_price, "USD") for p in positions)
    floating = sum(result(book.market, p, p.volume, p.current_price, "USD") for p in positions)
    assert status.equity == book.balance + floating
    assert sum(book.floating_pnl(position_id) for position_id in book.positions) == floating


@settings(max_examples=100)
@given(day=days)
def test_a_netting_account_holds_one_position_a_symbol(day):
    book = make_book(OmsType.NETTING)
    live(book, day)
    symbols: list[Symbol] = [position.symbol for position in book.positions.values()]
    assert len(symbols) == len(set(symbols))


@both
@settings(max_examples=100)
@given(day=days)
def test_no_open_position_has_a_stop_that_the_quote_has_reached(oms: OmsType, day):
    book = make_book(oms)
    live(book, day)
    for position in book.positions.values():
        ahead = 1 if position.side is Side.BUY else -1
        price = book.market.quotes[position.symbol].entry(position.side.opposite)
        assert position.stop_loss is None or (price - position.stop_loss) * ahead > 0
        assert position.take_profit is None or (position.take_profit - price) * ahead > 0


@both
@settings(max_examples=100)
@given(day=days)
def test_no_pending_order_waits_whose_price_the_quote_has_reached_and_each_ends_once(oms: OmsType, day):
    book = make_book(oms)
    live(book, day)
    assert not any(reached(order, book.market.quotes[order.symbol]) for order in book.working.values())
    ended = [order.order_id for order in book.orders if order.pending is not None]
    assert len(ended) == len(set(ended))
    assert not set(ended) & set(book.working)
