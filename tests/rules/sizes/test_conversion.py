"""Rates between currencies by what accounts quote."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.model.instruments import Instrument
from rules.model.look_ups import LookUp
from rules.model.observed import Quote
from rules.model.reasons import Reason
from rules.model.state import AccountView
from rules.model.trace import Denied
from rules.model.values import AccountId, Symbol
from rules.policy.symbols import SymbolMap, SymbolRow
from rules.sizes.conversion import RATE_AGE_FRESH, RATE_AGE_MAX, Rates, lot_worth

D = Decimal
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Nowhere(dict[Symbol, "Instrument | None"]):
    """Instruments of an account that was asked for everything: it has what it has and nothing else."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: Symbol) -> None:
        return None


def account(name: str = "target", asked: bool = True, **prices: str) -> AccountView:
    """Return an account that quotes pairs at a mid price, a tenth of a percent wide."""
    view = AccountView(AccountId(name), instruments=Nowhere() if asked else {})
    for pair, price in prices.items():
        symbol = Symbol(pair)
        view.instruments[symbol] = Instrument(symbol, D("0.01"), D(50), D("0.01"), profit_currency=pair[3:6])
        view.quotes[symbol] = Quote(symbol, D(price) - D("0.001"), D(price) + D("0.001"), NOW)
    return view


def reason(found: Fraction | Denied) -> Reason:
    assert isinstance(found, Denied)
    return found.reason


def test_one_currency_is_itself_without_any_quote():
    assert Rates(NOW).rate("USD", "USD") == 1


@pytest.mark.parametrize(
    ("prices", "held", "wanted", "expected"),
    [
        ({"EURUSD": "1.25"}, "EUR", "USD", Fraction(5, 4)),
        ({"EURUSD": "1.25"}, "USD", "EUR", Fraction(4, 5)),
        ({"EURUSD": "1.25", "USDJPY": "150"}, "EUR", "JPY", Fraction(375, 2)),
        ({"EURUSD": "1.25", "USDJPY": "150"}, "JPY", "EUR", Fraction(2, 375)),
        ({"GBPUSD": "1.5", "EURUSD": "1.25"}, "GBP", "EUR", Fraction(6, 5)),
        ({"EURCZK": "25", "EURPLN": "4"}, "PLN", "CZK", Fraction(25, 4)),
        ({}, "USC", "USD", Fraction(1, 100)),
        ({}, "USD", "USC", Fraction(100)),
        ({"EURUSD": "1.25"}, "EUC", "USC", Fraction(5, 4)),
    ],
)
def test_a_pair_its_inverse_or_a_way_over_a_third_converts(prices, held, wanted, expected):
    assert Rates(NOW, (account(**prices),)).rate(held, wanted) == expected


def test_a_pair_of_its_own_goes_before_a_way_over_a_third():
    view = account(EURJPY="160", EURUSD="1.25", USDJPY="150")
    assert Rates(NOW, (view,)).rate("EUR", "JPY") == 160


def test_the_source_quotes_what_the_target_does_not():
    views = (account(), account("source", EURUSD="1.25"))
    assert Rates(NOW, views).rate("EUR", "USD") == Fraction(5, 4)


@pytest.mark.parametrize(("held", "wanted"), [(None, "USD"), ("USD", None), (None, None), ("USD", "EUR")])
def test_what_no_quote_tells_is_not_guessed(held, wanted):
    assert reason(Rates(NOW, (account(),)).rate(held, wanted)) is Reason.CURRENCY_RATE_UNKNOWN


def test_pairs_that_nobody_asked_for_are_asked_for_the_direct_ones_first():
    rates = Rates(NOW, (account(asked=False),))
    assert reason(rates.rate("GBP", "JPY")) is Reason.QUOTE_UNKNOWN
    assert [look_up.symbol for look_up in rates.look_ups] == ["GBPJPY", "JPYGBP"]
    assert all(look_up.quote and look_up.awaited for look_up in rates.look_ups)


def test_the_symbol_map_names_the_pair_as_the_target_does():
    named = SymbolMap((SymbolRow("([A-Z]{6})", to=r"\1.r"),))
    view = account(**{"EURUSD.r": "1.25"})
    assert Rates(NOW, (view,), named).rate("EUR", "USD") == Fraction(5, 4)
    assert reason(Rates(NOW, (view,)).rate("EUR", "USD")) is Reason.CURRENCY_RATE_UNKNOWN


def test_a_name_is_not_enough_where_the_venue_tells_another_currency():
    view = account(EURUSD="1.25")
    view.instruments[Symbol("EURUSD")] = evolve(view.instruments[Symbol("EURUSD")], profit_currency="CHF")
    assert reason(Rates(NOW, (view,)).rate("EUR", "USD")) is Reason.CURRENCY_RATE_UNKNOWN


def test_an_older_rate_converts_while_a_newer_one_is_asked_for_and_a_too_old_one_does_not():
    view = account(EURUSD="1.25")
    later = Rates(NOW + RATE_AGE_FRESH + timedelta(seconds=1), (view,))
    assert later.rate("EUR", "USD") == Fraction(5, 4)
    assert later.look_ups == [LookUp(AccountId("target"), Symbol("EURUSD"), quote=True, awaited=False)]
    too_late = Rates(NOW + RATE_AGE_MAX + timedelta(seconds=1), (view,))
    assert reason(too_late.rate("EUR", "USD")) is Reason.QUOTE_UNKNOWN
    assert too_late.look_ups[0].awaited


@given(st.decimals("0.01", "500", places=4), st.decimals("0.01", "500", places=4))
def test_there_and_back_is_where_one_was(one, other):
    rates = Rates(NOW, (account(EURUSD=str(one), USDJPY=str(other)),))
    there, back = rates.rate("EUR", "JPY"), rates.rate("JPY", "EUR")
    assert isinstance(there, Fraction)
    assert isinstance(back, Fraction)
    assert there * back == 1


def test_a_lot_is_worth_its_contract_size_in_the_accounts_money():
    gold = Instrument(Symbol("XAUUSD"), D("0.01"), D(50), D("0.01"), contract_size=D(100), profit_currency="USD")
    rates = Rates(NOW, (account(EURUSD="1.25"),))
    assert lot_worth(gold, "USD", lambda: rates, ignore_currency=False) == 100
    assert lot_worth(gold, "EUR", lambda: rates, ignore_currency=False) == 80
    assert lot_worth(gold, None, lambda: rates, ignore_currency=True) == 100
    unknown = lot_worth(evolve(gold, contract_size=None), "USD", lambda: rates, ignore_currency=False)
    assert reason(unknown) is Reason.CONTRACT_SIZE_UNKNOWN
