from decimal import Decimal
from random import Random

import pytest
from attrs import evolve

from adapters.simulation.instruments import DEFAULT_INSTRUMENTS, start_quotes
from adapters.simulation.market import Market
from rules.model.observed import Quote
from rules.model.values import Symbol
from tests.adapters.simulation.worlds import EURUSD, START, quote


def test_every_default_instrument_has_a_start_quote_on_its_grid():
    quotes = {quote.symbol: quote for quote in start_quotes(START)}
    assert set(quotes) == {instrument.symbol for instrument in DEFAULT_INSTRUMENTS}
    for instrument in DEFAULT_INSTRUMENTS:
        assert quotes[instrument.symbol].bid % instrument.tick_size == 0
        assert quotes[instrument.symbol].ask % instrument.tick_size == 0
        assert instrument.volume_min % instrument.volume_step == 0


def test_same_seed_walks_the_same_way_and_another_does_not():
    def walked(seed: int) -> list[Quote]:
        market, random = Market.default(START), Random(seed)
        return [quote for _ in range(5) for quote in market.move(random, START)]

    assert walked(1) == walked(1)
    assert walked(1) != walked(2)


def test_a_walk_stays_on_the_tick_grid_and_keeps_the_spread():
    market, random = Market.default(START), Random(3)
    spreads = {symbol: quote.ask - quote.bid for symbol, quote in market.quotes.items()}
    for _ in range(50):
        for moved in market.move(random, START):
            assert moved.bid % market.instruments[moved.symbol].tick_size == 0
            assert moved.ask - moved.bid == spreads[moved.symbol]


def test_a_walk_never_leaves_the_possible_prices():
    market = Market(DEFAULT_INSTRUMENTS, [quote(EURUSD, "0.00001", "0.00002")])
    random = Random(4)
    for _ in range(200):
        market.move(random, START)
        assert 0 < market.quotes[EURUSD].bid < Decimal("0.01")


def test_a_symbol_without_tick_size_moves_by_the_last_digit_of_its_bid():
    plain = evolve(DEFAULT_INSTRUMENTS[0], tick_size=None)
    market = Market([plain], [quote(EURUSD, "1.25", "1.30")])
    [moved] = market.move(Random(1), START)
    assert moved.bid != Decimal("1.25")
    assert moved.bid % Decimal("0.01") == 0


@pytest.mark.parametrize(("bid", "ask"), [("0", "1"), ("-1", "1"), ("1.2", "1.1"), ("1", "1E+10")])
def test_impossible_prices_are_refused(bid: str, ask: str):
    market = Market.default(START)
    with pytest.raises(ValueError, match="0 < bid <= ask"):
        market.set_quote(quote(EURUSD, bid, ask))
    assert market.quotes[EURUSD].bid == Decimal("1.16000")


def test_a_quote_of_an_unknown_symbol_is_refused():
    with pytest.raises(ValueError, match="'NOPE'"):
        Market.default(START).set_quote(quote(Symbol("NOPE"), "1", "2"))


def test_an_impossible_volume_grid_is_refused():
    with pytest.raises(ValueError, match="volume_min"):
        Market([evolve(DEFAULT_INSTRUMENTS[0], volume_step=Decimal(0))])


def test_a_listener_hears_of_each_quote_until_it_stops():
    market, heard = Market.default(START), []
    stop = market.listen(heard.append)
    first = quote(EURUSD, "1.1", "1.2")
    market.set_quote(first)
    stop()
    market.set_quote(quote(EURUSD, "1.2", "1.3"))
    assert heard == [first]
