"""Contracts that roll: what is opened goes to the next month, what is held stays in its own to its end."""

from datetime import timedelta
from decimal import Decimal

from attrs import evolve

from rules.model.actions import ClosePosition, OpenPosition, ReplaceStops
from rules.model.reasons import Reason
from rules.model.values import PositionId, Symbol
from rules.policy.limits import PolicyLimits
from rules.policy.links import CopyPolicy
from rules.policy.symbols import Contract, SymbolMap, SymbolRow
from tests.rules.playbook import EURUSD, T0, Playbook, position, shape

SOON, NEXT = Symbol("6EZ6"), Symbol("6EH7")
ROLLS_AT = T0 + timedelta(hours=1)
ROLL = SymbolMap(
    (SymbolRow("EURUSD", roll=(Contract(T0, SOON), Contract(ROLLS_AT, NEXT)), until=T0 + timedelta(days=1)),)
)


def playing(**changes: object) -> Playbook:
    """Return a playbook whose source may grow a position, and whose target has both months."""
    play = Playbook(CopyPolicy("rolls", symbols=ROLL, **changes))  # type: ignore[arg-type]
    play.source.volumes_grow = True
    play.target.instruments = {name: evolve(EURUSD, symbol=name) for name in (SOON, NEXT)}
    return play


def held(play: Playbook) -> list[tuple[str, Decimal]]:
    assert play.copy is not None
    return [(leg.symbol, leg.held) for leg in play.copy.legs]


def test_each_opening_goes_to_the_month_of_its_time() -> None:
    for later, month in ((timedelta(0), SOON), (timedelta(hours=1), NEXT)):
        play = playing()
        play.now = T0 + later
        [order] = play.sees(position(opened_at=play.now))
        assert isinstance(order, OpenPosition)
        assert order.symbol == month


def test_what_is_held_is_grown_protected_reduced_and_closed_in_its_own_month() -> None:
    play = playing()
    play.fills(play.sees(position()))
    play.now = ROLLS_AT
    assert play.again() == [], "no position is moved"
    [grown] = play.sees(position("2"))
    assert isinstance(grown, OpenPosition)
    assert grown.symbol == SOON
    play.fills([grown])
    assert held(play) == [(SOON, 1), (SOON, 1)]
    orders = play.sees(position("2", stop_loss=Decimal("1.09")))
    assert {(type(each), each.symbol) for each in orders} == {(ReplaceStops, SOON)}
    play.fills(orders)
    assert shape(play.fills(play.sees(position("1.5", stop_loss=Decimal("1.09"))))) == []
    assert sum(lots for _, lots in held(play)) == Decimal("1.5")
    closing = play.sees(None)
    assert {(type(each), each.symbol) for each in closing} == {(ClosePosition, SOON)}
    play.fills(closing)
    [order] = play.sees(position("1", position_id=PositionId("p1"), opened_at=play.now + timedelta(seconds=5)))
    assert isinstance(order, OpenPosition)
    assert order.symbol == NEXT, "another life of the same id"


def test_a_roll_that_has_ended_denies_openings_and_increases_and_no_close() -> None:
    play = playing()
    play.fills(play.sees(position()))
    play.now = T0 + timedelta(days=1)
    assert play.sees(position("2")) == []
    assert play.copy is not None
    assert play.copy.refused == 2
    assert shape(play.sees(None)) == [("close", "1.00")]
    fresh = playing()
    fresh.now = T0 + timedelta(days=1)
    assert fresh.sees(position(opened_at=fresh.now)) == []
    assert fresh.copy is not None
    assert fresh.copy.reason is Reason.CONTRACT_UNKNOWN


def test_caps_by_symbol_count_each_month_by_itself() -> None:
    play = playing(limits=PolicyLimits(max_volume_per_symbol=Decimal(1)))
    play.now = ROLLS_AT
    play.target.lots = {(SOON, position().side): Decimal(1)}
    assert shape(play.sees(position(opened_at=play.now))) == [("open", "1.00")]
