"""Caps on what all that is open would lose at its stop-losses: of a symbol, of an account, by whose doubt."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.gates.judge import judge_new_risk
from rules.gates.open_risk import AtRisk, at_risk
from rules.gates.question import Grant, Question
from rules.limits.terms import Cash, Percent
from rules.model.copies import ZERO, Copy, LegStage, Pending, Purpose, Waits
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Position, Quote
from rules.model.state import AccountView
from rules.model.trace import Denied
from rules.model.values import AccountId, ClOrdId, OmsType, OrderType, PositionId, Price, Side, Symbol
from rules.policy.limits import NoStop, OnLimit, ShareOf
from tests.rules.books.test_reconcile import copy
from tests.rules.gates.test_gates import code, granted, with_target
from tests.rules.limits.test_limits_of_policies import DOLLARS, OTHER, asked, shrinking
from tests.rules.playbook import EURUSD, T0, position

D = Decimal
POUND = evolve(DOLLARS, symbol=OTHER)


def held(name: str = "a", lots: str = "1", stop: str | None = "1.0950", **changes: object) -> Copy:
    """Return a copy of EURUSD bought at 1.1: at its stop, 50 pips below, a lot loses 500 USD."""
    open_leg = {"open_price": D("1.1"), "stop_loss": None if stop is None else D(stop), "symbol": EURUSD.symbol}
    return copy(name, lots, **(open_leg | changes))


def beside(base: Question, *copies: Copy) -> Question:
    return evolve(with_target(base, instruments={EURUSD.symbol: DOLLARS, OTHER: POUND}), at_target=copies)


def moves(*copies: Copy, oms: OmsType = OmsType.HEDGING, shown: tuple[Position, ...] = (), **more: object) -> AtRisk:
    foreign = bool(more.pop("foreign", False))
    target = AccountView(AccountId("target"), oms, **more)  # type: ignore[arg-type]
    target.positions = {each.position_id: each for each in shown}
    return at_risk(target, copies, foreign=foreign).get(EURUSD.symbol, AtRisk())


PIPS_50 = D("0.0050")

# What is at risk


def test_the_risk_of_what_is_held_is_its_lots_times_the_way_to_its_stop() -> None:
    assert moves() == AtRisk()
    assert moves(held()).moves == PIPS_50
    assert moves(held(lots="0.5"), held("b", "2", "1.0990")).moves == PIPS_50 / 2 + D("0.0020")
    assert moves(held(side=Side.SELL, stop="1.1050")).moves == PIPS_50


def test_a_stop_in_profit_is_no_risk_and_makes_up_for_none() -> None:
    assert moves(held("b", "9", "1.1050"), held()).moves == PIPS_50
    assert moves(held("b", "9", "1.0950", side=Side.SELL)) == AtRisk()


def test_what_is_over_is_no_risk_and_what_is_under_way_is() -> None:
    gone = held(stage=LegStage.GONE, held=ZERO)
    opening = held(stage=LegStage.OPENING, held=ZERO, open_price=None, expected_price=D("1.1010"))
    waiting = held(stage=LegStage.WORKING, held=ZERO, open_price=None, waits=Waits(OrderType.LIMIT, Price("1.0990")))
    closing = held(pending=Pending(Purpose.CLOSE, ClOrdId("c"), D(1), unknown=True))
    assert moves(gone) == AtRisk()
    assert moves(opening).moves == D("0.0060")
    assert moves(waiting).moves == D("0.0040")
    assert moves(closing).moves == PIPS_50


@pytest.mark.parametrize(
    "without",
    [
        held(stop=None),
        held(stops_refused_at=T0),
        held(open_price=None),
        held(pending=Pending(Purpose.STOPS, ClOrdId("s"), stop_loss=None)),
    ],
)
def test_what_has_no_stop_for_sure_is_unbounded(without: Copy) -> None:
    assert moves(without, held("b")) == AtRisk(PIPS_50, D(1))


def test_of_two_stops_that_it_may_have_the_farther_one_counts() -> None:
    farther = held(pending=Pending(Purpose.STOPS, ClOrdId("s"), stop_loss=D("1.09")))
    nearer = held(pending=Pending(Purpose.STOPS, ClOrdId("s"), stop_loss=D("1.099")))
    assert moves(farther).moves == 2 * PIPS_50
    assert moves(nearer).moves == PIPS_50
    waits = Waits(OrderType.LIMIT, Price("1.1"))
    moving = Pending(Purpose.REPLACE, ClOrdId("r"), stop_loss=D("1.095"), waits=evolve(waits, price=Price("1.105")))
    replaced = held(stage=LegStage.WORKING, held=ZERO, open_price=None, waits=waits, pending=moving)
    assert moves(replaced).moves == 2 * PIPS_50


def test_what_the_venue_shows_counts_where_it_is_worse() -> None:
    ours = position("1", position_id=PositionId("t-a"))
    assert moves(held(), shown=(ours,)) == AtRisk(D(0), D(1)), "somebody took the stop off"
    assert moves(held(), shown=(evolve(ours, stop_loss=D("1.09")),)).moves == 2 * PIPS_50
    assert moves(held(), shown=(evolve(ours, stop_loss=D("1.099")),)).moves == PIPS_50
    assert moves(held(), shown=(ours,), stop_loss_lasts=False).moves == PIPS_50, "no position there has one"
    net = evolve(ours, position_id=PositionId("n"), stop_loss=D("1.09"))
    assert moves(held(), oms=OmsType.NETTING, shown=(net,)).moves == 2 * PIPS_50
    assert moves(held(), oms=OmsType.NETTING, shown=(evolve(net, side=Side.SELL),)).moves == PIPS_50


def test_positions_of_others_count_where_they_are_asked_for() -> None:
    ours = evolve(position("1", position_id=PositionId("t-a")), stop_loss=D("1.095"))
    tagged = evolve(ours, position_id=PositionId("t-b"), tag="o-b")
    theirs = evolve(ours, position_id=PositionId("x"), stop_loss=D("1.098"))
    opening = held("b", stage=LegStage.OPENING, held=ZERO, open_price=D("1.1"), position_id=None)
    shown = (ours, tagged, theirs)
    assert moves(held(), opening, shown=shown).moves == 2 * PIPS_50
    assert moves(held(), opening, shown=shown, foreign=True).moves == 2 * PIPS_50 + D("0.0020")
    assert moves(shown=(evolve(theirs, stop_loss=None),), foreign=True).unstopped == 1


def test_lots_beyond_ours_of_a_netted_position_count_by_its_stop() -> None:
    net = evolve(position("3", position_id=PositionId("n")), stop_loss=D("1.095"))
    lots = {(EURUSD.symbol, Side.BUY): D(2), (OTHER, Side.BUY): D(0)}
    more = {"oms": OmsType.NETTING, "foreign": True, "foreign_lots": lots}
    assert moves(held(), shown=(net,), **more).moves == 3 * PIPS_50
    assert moves(held(), shown=(evolve(net, side=Side.SELL),), **more) == AtRisk(PIPS_50, D(2))


# The gate: 1.1001 bought with a stop at 1.0951 risks 500 USD a lot


def test_a_copy_is_denied_that_would_pass_the_cap_of_its_symbol() -> None:
    granted(beside(asked(max_risk_per_symbol=Cash(D(1_000))), held()))
    base = beside(asked(max_risk_per_symbol=Cash(D("999.99"))), held())
    assert code(base) == "MAX_RISK_PER_SYMBOL"
    answer, _, _ = judge_new_risk(base)
    assert isinstance(answer, Denied)
    assert dict(answer.numbers) == {
        "risk_held": "500",
        "risk_per_lot": "500",
        "max_risk_per_symbol": "999.99",
        "wanted": "1",
    }
    granted(beside(asked(max_risk_per_symbol=Cash(D(500))), held("b", symbol=OTHER)))


def test_a_copy_is_denied_that_would_pass_the_cap_of_all_symbols() -> None:
    other = held("b", symbol=OTHER)
    granted(beside(asked(max_total_risk=Cash(D(1_500))), held(), other))
    assert code(beside(asked(max_total_risk=Cash(D(1_499))), held(), other)) == "MAX_TOTAL_RISK"


def test_a_percentage_is_of_equity_or_of_the_balance() -> None:
    status = AccountStatus(D(20_000), D(10_000), "USD")
    granted(with_target(beside(asked(max_total_risk=Percent(D("0.05")))), status=status))
    assert code(with_target(beside(asked(max_total_risk=Percent(D("0.049")))), status=status)) == "MAX_TOTAL_RISK"
    half = asked(max_total_risk=Percent(D("0.025")), risk_of=ShareOf.BALANCE)
    granted(with_target(beside(half), status=status))
    assert code(with_target(beside(half), status=evolve(status, balance=None))) == "REFERENCE_UNKNOWN"
    assert code(with_target(beside(half), status=evolve(status, balance=D(0)))) == "REFERENCE_NOT_POSITIVE"


def test_a_copy_shrinks_to_the_risk_that_is_left() -> None:
    base = shrinking(beside(asked(max_risk_per_symbol=Cash(D(600))), held()))
    assert granted(base).sized.volume == D("0.2")
    over = shrinking(beside(asked(max_risk_per_symbol=Cash(D(400))), held()))
    assert code(over) == "MAX_RISK_PER_SYMBOL", "nothing is left"


def test_what_has_no_stop_lets_nothing_open_or_counts_as_nothing() -> None:
    base = beside(asked(max_total_risk=Cash(D(5_000))), held(stop=None))
    assert code(base) == "RISK_UNBOUNDED"
    granted(beside(asked(max_total_risk=Cash(D(500)), no_stop=NoStop.IGNORE), held(stop=None)))
    granted(beside(asked(max_risk_per_symbol=Cash(D(500))), held(stop=None, symbol=OTHER)))


def test_a_new_copy_needs_a_stop_unless_these_count_as_nothing() -> None:
    assert code(beside(asked(stop_loss=None, max_total_risk=Cash(D(500))))) == "STOP_MISSING"
    granted(beside(asked(stop_loss=None, max_total_risk=Cash(D(1)), no_stop=NoStop.IGNORE), held()))


def test_what_a_cap_needs_and_nobody_tells_denies() -> None:
    base = beside(asked(max_total_risk=Cash(D(5_000))), held("b", symbol=OTHER))
    assert code(with_target(base, quotes={})) == "QUOTE_UNKNOWN"
    unknown = with_target(base, instruments={EURUSD.symbol: DOLLARS})
    assert code(unknown) == "INSTRUMENT_UNKNOWN"
    assert code(with_target(base, instruments={EURUSD.symbol: EURUSD})) == "CURRENCY_RATE_UNKNOWN"


def test_risk_in_another_currency_is_converted() -> None:
    yen = Instrument(Symbol("USDJPY"), D("0.01"), D(50), D("0.01"), D("0.001"), D(100_000), profit_currency="JPY")
    base = beside(asked(max_total_risk=Cash(D(1_500))), held("b", "1", "149", open_price=D(150), symbol=yen.symbol))
    quotes = base.target.quotes | {yen.symbol: Quote(yen.symbol, D(100), D(100), T0 - timedelta(hours=1))}
    base = with_target(base, quotes=quotes, instruments=base.target.instruments | {yen.symbol: yen})
    granted(base)  # 100000 JPY at 100 are 1000 USD
    limits = evolve(base.link.policy.limits, max_total_risk=Cash(D(1_499)))
    less = evolve(base, link=evolve(base.link, policy=evolve(base.link.policy, limits=limits)))
    assert code(less) == "MAX_TOTAL_RISK"


caps = st.none() | st.integers(1, 4_000).map(lambda amount: Cash(D(amount)))
legs = st.tuples(st.integers(1, 300), st.integers(1_0800, 1_1200), st.booleans())


@given(caps, caps, st.integers(1, 400), st.lists(legs, max_size=5), st.sampled_from(OnLimit))
def test_no_cap_on_open_risk_is_ever_passed(
    symbol_cap: Cash | None, cap: Cash | None, lots: int, drawn: list[tuple[int, int, bool]], on_limit: OnLimit
) -> None:
    copies = [
        held(f"c{n}", str(D(size) / 100), str(D(stop) / 10_000), symbol=OTHER if other else EURUSD.symbol)
        for n, (size, stop, other) in enumerate(drawn)
    ]
    volume = str(D(lots) / 100)
    base = beside(asked(volume, max_risk_per_symbol=symbol_cap, max_total_risk=cap, on_limit=on_limit), *copies)
    answer, _, _ = judge_new_risk(base)
    lost = [(other, size * max(1_1000 - stop, 0) / D(10)) for size, stop, other in drawn]
    own, everything = sum((money for other, money in lost if not other), D(0)), sum((m for _, m in lost), D(0))
    if isinstance(answer, Grant):
        new = answer.sized.volume * 500
        assert symbol_cap is None or own + new <= symbol_cap.amount
        assert cap is None or everything + new <= cap.amount
    else:
        full = D(lots) * 5
        over = (symbol_cap is not None and own + full > symbol_cap.amount) or (
            cap is not None and everything + full > cap.amount
        )
        assert over, "denied for nothing"
