"""Each size mode by worked numbers, and what it says when something is unknown."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.model.instruments import Instrument
from rules.model.look_ups import LookUp
from rules.model.observed import AccountStatus, Position, Quote
from rules.model.reasons import Reason
from rules.model.state import AccountView
from rules.model.trace import Denied, Note
from rules.model.values import AccountId, Money, PositionId, Side, Symbol
from rules.policy.distances import Distance, DistanceUnit
from rules.policy.expressions import Expression
from rules.policy.size import SIZE_VARIABLES, RiskOf, Size, SizeMode
from rules.sizes.modes import FORMULAS, wanted_volume
from rules.sizes.variables import VARIABLES, Basis

D = Decimal
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
EURUSD = Instrument(
    Symbol("EURUSD"), D("0.01"), D(50), D("0.01"), D("0.00001"), contract_size=D(100_000), profit_currency="USD"
)
BOUGHT = Position(PositionId("1"), Symbol("EURUSD"), Side.BUY, D(1), D("1.10"), NOW, contract_size=D(100_000))


def account(name: str, balance: str, currency: str = "USD", margin_free: str | None = None) -> AccountView:
    free = None if margin_free is None else D(margin_free)
    status = AccountStatus(D(balance), D(balance), currency, None, free)
    return AccountView(AccountId(name), status=status, instruments={Symbol("EURUSD"): EURUSD})


def basis(**changes: object) -> Basis:
    """Return a EURUSD bought at 1.10 on an account of 20000 USD; the target has 10000 USD and would pay 1.10."""
    base = Basis(BOUGHT, account("source", "20000"), account("target", "10000"), EURUSD, NOW, D("1.10"), D("1.0950"))
    return evolve(base, **changes)


def alone(given: Basis) -> Basis:
    """Return a basis that shares nothing with the sizes of other policies."""
    return evolve(given, commons={})


def wanted(size: Size, given: Basis | None = None) -> Fraction:
    found = wanted_volume(size, alone(given or basis()), [])
    assert not isinstance(found, Denied), found
    return Fraction(*found.ratio)


def reason(size: Size, given: Basis | None = None) -> Reason:
    found = wanted_volume(size, alone(given or basis()), [])
    assert isinstance(found, Denied), found
    assert found.numbers, "a denial carries its numbers"
    return found.reason


PERCENT = Size(SizeMode.RISK_PERCENT, percent=D("0.01"))
AMOUNT = Size(SizeMode.RISK_AMOUNT, amount=Money(D(250), "USD"))


def test_every_mode_has_a_formula_and_every_documented_name_a_value():
    assert set(FORMULAS) == set(SizeMode) - {SizeMode.EXPRESSION}
    assert set(SIZE_VARIABLES) <= set(VARIABLES)
    for name in SIZE_VARIABLES:
        given = basis(
            source=account("source", "20000", margin_free="1"), target=account("target", "1", margin_free="1")
        )
        assert wanted(Size(SizeMode.EXPRESSION, expression=formula(f"{name} + 1")), given) > 0


# Ratios


def test_free_margin_is_a_reference_like_balance():
    given = basis(source=account("source", "1", margin_free="3000"), target=account("target", "1", margin_free="1000"))
    assert wanted(Size(SizeMode.MARGIN_RATIO), given) == Fraction(1, 3)
    assert reason(Size(SizeMode.MARGIN_RATIO)) is Reason.REFERENCE_UNKNOWN


def test_a_ratio_between_currencies_converts_by_the_targets_quotes():
    target = account("target", "8000", "EUR")
    target.quotes[Symbol("EURUSD")] = Quote(Symbol("EURUSD"), D("1.2499"), D("1.2501"), NOW)
    given = basis(target=target)
    # 8000 EUR are 10000 USD, against 20000 USD.
    assert wanted(Size(SizeMode.BALANCE_RATIO), given) == Fraction(1, 2)
    assert wanted(Size(SizeMode.BALANCE_RATIO, ignore_currency=True), given) == Fraction(2, 5)


# Value


def index(price: str, contract_size: str, currency: str = "USD") -> tuple[Instrument, Decimal]:
    made = evolve(EURUSD, symbol=Symbol("IDX"), contract_size=D(contract_size), profit_currency=currency)
    return made, D(price)


def test_notional_keeps_the_value():
    instrument, price = index("2000", "1")
    position = evolve(BOUGHT, open_price=D(20_000), contract_size=D(1))
    assert wanted(Size(SizeMode.NOTIONAL), basis(position=position, instrument=instrument, entry=price)) == 10
    doubled = Size(SizeMode.NOTIONAL, multiplier=D(2))
    assert wanted(doubled, basis(position=position, instrument=instrument, entry=price)) == 20


def test_notional_converts_what_the_instruments_are_priced_in():
    instrument, price = index("2500", "1", "EUR")
    position = evolve(BOUGHT, open_price=D(25_000), contract_size=D(1))
    target = account("target", "1")
    target.quotes[Symbol("EURUSD")] = Quote(Symbol("EURUSD"), D("1.2499"), D("1.2501"), NOW)
    given = basis(position=position, instrument=instrument, entry=price, target=target)
    assert wanted(Size(SizeMode.NOTIONAL), given) == 8  # 25000 USD are 20000 EUR
    assert wanted(Size(SizeMode.NOTIONAL, ignore_currency=True), given) == 10


def test_notional_asks_for_the_sources_instrument_and_denies_unknown_contract_sizes():
    given = basis(source=AccountView(AccountId("source")))
    assert reason(Size(SizeMode.NOTIONAL), given) is Reason.INSTRUMENT_UNKNOWN
    assert given.look_ups == [LookUp(AccountId("source"), Symbol("EURUSD"))]
    blind = basis(instrument=evolve(EURUSD, contract_size=None))
    assert reason(Size(SizeMode.NOTIONAL), blind) is Reason.CONTRACT_SIZE_UNKNOWN


def test_leverage_is_in_proportion_to_equity():
    # 110000 USD on 20000 USD of equity are 5.5 times; 5.5 times 10000 USD are half a lot.
    assert wanted(Size(SizeMode.LEVERAGE)) == Fraction(1, 2)
    cheaper = basis(entry=D("0.55"))
    assert wanted(Size(SizeMode.LEVERAGE), cheaper) == 1
    assert wanted(Size(SizeMode.LEVERAGE, multiplier=D("0.5"))) == Fraction(1, 4)


def test_leverage_reckons_in_each_accounts_own_money():
    target = account("target", "8000", "EUR")
    target.quotes[Symbol("EURUSD")] = Quote(Symbol("EURUSD"), D("1.2499"), D("1.2501"), NOW)
    # A lot at 1.25 is 100000 EUR to the target: 5.5 times 8000 EUR are 0.44 of it.
    assert wanted(Size(SizeMode.LEVERAGE), basis(target=target, entry=D("1.25"))) == Fraction(44, 100)


# Risk


def test_risk_is_lost_on_the_way_to_the_stop():
    # 50 pips of a lot are 500 USD; 1 % of 10000 USD is 100.
    assert wanted(PERCENT) == Fraction(1, 5)
    assert wanted(AMOUNT) == Fraction(1, 2)


def test_risk_counts_what_a_lot_costs():
    assert wanted(evolve(PERCENT, cost_per_lot=D(500))) == Fraction(1, 10)


def test_risk_is_of_equity_unless_of_balance_or_of_what_it_began_with():
    status = AccountStatus(D(10_000), D(5_000), "USD")
    given = basis(target=evolve(basis().target, status=status))
    assert wanted(PERCENT, given) == Fraction(1, 10)
    assert wanted(evolve(PERCENT, of=RiskOf.BALANCE), given) == Fraction(1, 5)
    assert wanted(evolve(PERCENT, of=RiskOf.INITIAL, initial=D(20_000)), given) == Fraction(2, 5)


def test_an_amount_in_another_currency_is_converted():
    given = basis()
    given.target.quotes[Symbol("EURUSD")] = Quote(Symbol("EURUSD"), D("1.2499"), D("1.2501"), NOW)
    assert wanted(evolve(AMOUNT, amount=Money(D(200), "EUR")), given) == Fraction(1, 2)


def test_without_a_stop_there_is_no_risk_to_size_by_unless_by_a_default():
    stopless = basis(stop_loss=None)
    assert reason(PERCENT, stopless) is Reason.STOP_MISSING
    assert Reason.STOP_MISSING.waits
    default = evolve(PERCENT, default_stop=Distance(D(100), DistanceUnit.PIPS))
    assert wanted(default, stopless) == Fraction(1, 10)
    assert wanted(default) == Fraction(1, 5), "the stop that is there goes before the default"


def test_risk_needs_a_quote_of_now_and_asks_for_it():
    given = basis(entry=None)
    assert reason(PERCENT, given) is Reason.QUOTE_UNKNOWN
    assert given.look_ups == [LookUp(AccountId("target"), Symbol("EURUSD"), quote=True)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"target": AccountView(AccountId("target"))}, Reason.REFERENCE_UNKNOWN),
        ({"target": account("target", "-1")}, Reason.REFERENCE_NOT_POSITIVE),
        ({"instrument": evolve(EURUSD, contract_size=None)}, Reason.CONTRACT_SIZE_UNKNOWN),
        ({"instrument": evolve(EURUSD, profit_currency=None)}, Reason.CURRENCY_RATE_UNKNOWN),
        ({"stop_loss": D("1.10")}, Reason.STOP_MISSING),
    ],
)
def test_what_risk_needs_and_nobody_tells_denies(changes, expected):
    assert reason(PERCENT, basis(**changes)) is expected


@given(
    st.decimals("0.001", "0.05", places=4),
    st.decimals("100", "100000", places=2),
    st.decimals("1.0001", "1.0999", places=4),
    st.decimals("0", "20", places=2),
)
def test_what_is_risked_is_never_more_than_was_said(percent, balance, stop_loss, cost):
    size = evolve(PERCENT, percent=percent, cost_per_lot=cost)
    lots = wanted(size, basis(target=account("target", str(balance)), stop_loss=stop_loss))
    lost = lots * (Fraction(D("1.10") - stop_loss) * 100_000 + Fraction(cost))
    assert lost == Fraction(balance) * Fraction(percent)


# Expressions


def formula(text: str) -> Expression:
    return Expression(text, frozenset(SIZE_VARIABLES))


def by(text: str) -> Size:
    return Size(SizeMode.EXPRESSION, expression=formula(text))


def test_an_expression_reckons_with_what_it_names():
    assert wanted(by("min(source_volume * target_equity / source_equity, 0.3)")) == Fraction(3, 10)
    assert wanted(by("target_equity / 10000 * 0.02")) == Fraction(1, 50)


def test_an_expression_asks_for_nothing_that_it_does_not_name():
    blind = Basis(BOUGHT, AccountView(AccountId("s")), AccountView(AccountId("t")), EURUSD, NOW)
    assert wanted(by("source_volume / 2"), blind) == Fraction(1, 2)
    assert reason(by("source_volume * target_equity"), blind) is Reason.REFERENCE_UNKNOWN


@pytest.mark.parametrize(
    "text", ["source_volume - 1", "-source_volume", "1 / (source_volume - 1)", "9999999999 * 99999999999"]
)
def test_a_formula_without_a_volume_is_denied(text):
    assert reason(by(text)) is Reason.SIZE_UNUSABLE


def test_the_trace_shows_each_number_and_the_result():
    notes: list[Note] = []
    wanted_volume(PERCENT, basis(), notes)
    assert notes == [
        Note(
            "size",
            "risk_percent",
            (
                ("at_risk", "10000"),
                ("percent", "0.01"),
                ("stop_distance", "0.005"),
                ("lot_worth", "100000"),
                ("cost_per_lot", "0"),
                ("wanted", "0.2"),
            ),
        )
    ]
