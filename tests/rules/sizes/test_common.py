"""What sizes have in common is read once: no target gets another size, or another reason, than it would get alone."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from attrs import evolve

from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Position, Quote
from rules.model.state import AccountView
from rules.model.trace import Note
from rules.model.values import AccountId, Money, Symbol
from rules.policy.distances import Distance, DistanceUnit
from rules.policy.expressions import Expression
from rules.policy.size import SIZE_VARIABLES, RiskOf, Size, SizeMode
from rules.sizes.modes import wanted_volume
from rules.sizes.variables import VARIABLES, Basis
from tests.rules.sizes.test_size_modes import BOUGHT, EURUSD, NOW, basis

D = Decimal
EUR_QUOTE = Quote(Symbol("EURUSD"), D("1.2499"), D("1.2501"), NOW)
EVERY = Expression(" + ".join(SIZE_VARIABLES), frozenset(VARIABLES))
SIZES = [
    Size(),
    Size(ignore_contract_size=True),
    Size(SizeMode.FIXED, volume=D("0.3")),
    Size(SizeMode.BALANCE_RATIO, multiplier=D("0.5")),
    Size(SizeMode.EQUITY_RATIO, source_reference=D(5000)),
    Size(SizeMode.EQUITY_RATIO, ignore_currency=True),
    Size(SizeMode.MARGIN_RATIO, target_reference=D(5000)),
    Size(SizeMode.NOTIONAL),
    Size(SizeMode.LEVERAGE),
    Size(SizeMode.RISK_PERCENT, percent=D("0.01"), cost_per_lot=D(7)),
    Size(SizeMode.RISK_PERCENT, percent=D("0.01"), of=RiskOf.INITIAL, initial=D(30_000)),
    Size(SizeMode.RISK_AMOUNT, amount=Money(D(250), "EUR"), default_stop=Distance(D(50), DistanceUnit.POINTS)),
    Size(SizeMode.EXPRESSION, expression=EVERY),
]


def target(
    name: str,
    money: str,
    currency: str | None = "USD",
    instrument: Instrument = EURUSD,
    quote: Quote | None = EUR_QUOTE,
    **others: object,
) -> Callable[[], Basis]:
    """Return what asks for the size at a target, anew each time."""
    status = AccountStatus(D(money), D(money) * 2, currency, None, D(money) / 2)

    def ask() -> Basis:
        view = AccountView(AccountId(name), status=status, instruments={Symbol("EURUSD"): instrument})
        if quote is not None:
            view.quotes[Symbol("EURUSD")] = quote
        return basis(source=source(), target=view, instrument=instrument, look_ups=[], **others)

    return ask


def source() -> AccountView:
    status = AccountStatus(D(20_000), D(21_000), "EUR", None, D(15_000))
    return AccountView(AccountId("source"), status=status, instruments={Symbol("EURUSD"): EURUSD})


TARGETS = (
    target("poor", "1000"),
    target("rich", "90000", entry=D("1.2501")),
    target("of euros", "8000", "EUR", stop_loss=D("1.09")),
    target("of nobody knows what", "7000", None, stop_loss=None),
    target("of yen", "1000", instrument=evolve(EURUSD, profit_currency="JPY")),
    target("of gains in euros", "1000", instrument=evolve(EURUSD, profit_currency="EUR")),
    target("at another price", "1000", quote=Quote(Symbol("EURUSD"), D("1.3"), D("1.3"), NOW)),
    target("without a price", "1000", quote=None),
    target("broke", "0", entry=None),
    target("of micro lots", "1000", instrument=evolve(EURUSD, contract_size=D(1000))),
    target("of more digits", "1000", instrument=evolve(EURUSD, contract_size=D("1000.00"))),
    target("of lots of unknown units", "1000", instrument=evolve(EURUSD, contract_size=None)),
)


def answer(size: Size, given: Basis) -> str:
    """Return all that is said and asked for, as text: equal numbers of other digits are told apart."""
    notes: list[Note] = []
    return repr((wanted_volume(size, given, notes), notes, given.look_ups))


@pytest.mark.parametrize("position", [BOUGHT, evolve(BOUGHT, contract_size=None)], ids=["told", "not told"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: size.mode.value)
def test_a_target_among_others_is_answered_as_if_it_were_alone(size: Size, position: Position) -> None:
    alone = {ask: answer(size, evolve(ask(), position=position)) for ask in TARGETS}
    for first in range(len(TARGETS)):
        commons: dict = {}
        for ask in (*TARGETS[first:], *TARGETS):
            given = evolve(ask(), position=position, commons=commons)
            assert answer(size, given) == alone[ask]


def test_what_the_policy_and_the_source_say_is_read_once() -> None:
    size, commons = Size(SizeMode.EQUITY_RATIO), {}
    notes: list[Note] = []
    for ask in TARGETS[:2]:
        wanted_volume(size, evolve(ask(), commons=commons), notes)
    first, second = (dict(note.numbers) for note in notes)
    assert first["target_reference"] != second["target_reference"]
    (common,) = commons.values()
    assert common.own == ((3, "target_reference"), (5, "rate"))
    same = [one is other for one, other in zip(notes[0].numbers, notes[1].numbers, strict=True)]
    assert same == [True, True, True, False, True, False, False]
