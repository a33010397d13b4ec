"""A copy that waits at its source's price, whatever its venue does: one order at most, and nothing left behind."""

from datetime import timedelta
from decimal import Decimal
from random import Random

from attrs import define, evolve, field
from hypothesis import given
from hypothesis import strategies as st

from rules.deciding.settling import in_doubt
from rules.model.actions import (
    Action,
    CancelOrder,
    ClosePosition,
    OpenPosition,
    PlaceOrder,
    ReducePosition,
    ReplaceStops,
)
from rules.model.copies import Copy, CopyStatus, LegStage, replace_leg
from rules.model.observed import Quote
from rules.model.reports import (
    Canceled,
    Filled,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Placed,
    Rejected,
    Report,
    StopsReplaced,
)
from rules.model.values import PositionId, VenueOrderId
from rules.policy.distances import Distance, DistanceUnit
from rules.policy.guard import Guard, OnDeviation
from rules.policy.links import CopyPolicy, LinkState
from tests.rules.playbook import EURUSD, Playbook, position

OURS = VenueOrderId("t1")
POSITION = PositionId("tp")
POLICY = CopyPolicy(
    "late",
    guard=Guard(
        max_deviation=Distance(Decimal(1), DistanceUnit.PIPS),
        on_deviation=OnDeviation.LIMIT,
        limit_for=timedelta(seconds=20),
    ),
)


@define
class Venue:
    """A target that does with one order what it draws, loses answers, and tells the truth when it is asked again."""

    play: Playbook
    random: Random
    order: str = "never came"
    held: Decimal = Decimal(0)
    lots: Decimal = Decimal(0)
    unanswered: list[Action] = field(factory=list)
    lost: set[str] = field(factory=set)

    def takes(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, PlaceOrder | OpenPosition):
                assert isinstance(action, PlaceOrder), "it is never opened at market besides"
                assert self.order == "never came", "an order that may be at the venue never goes out again"
                self.lots = action.volume
            self.unanswered.append(action)

    def fills(self) -> None:
        """Let the price come."""
        if self.order == "works":
            self.order, self.held = "was filled", self.lots

    def answers(self) -> None:
        """Let one order be carried out, or not, and the answer come, or not."""
        if not self.unanswered:
            return
        action = self.unanswered.pop(self.random.randrange(len(self.unanswered)))
        order_id = action.cl_ord_id
        if order_id in self.lost:
            report: Report = self._truth(action)
        else:
            report = self._carry_out(action)
            if not isinstance(report, NotSent | OutcomeUnknown) and self.random.random() < 0.4:
                self.lost.add(order_id)
                self.unanswered.append(action)
                report = OutcomeUnknown(order_id, "no answer")
        self.takes(self.play.reports(report))
        self._ask_for_doubted()

    def _carry_out(self, action: Action) -> Report:
        order_id, luck = action.cl_ord_id, self.random.random()
        if luck < 0.15:
            return NotSent(order_id, "too many requests")
        match action:
            case PlaceOrder():
                if luck < 0.25:
                    return Rejected(order_id, "too close")
                if luck < 0.4:
                    self.lost.add(order_id)  # it never arrives
                    self.unanswered.append(action)
                    return OutcomeUnknown(order_id, "no answer")
                self.order = "works"
                return Placed(order_id, OURS)
            case CancelOrder() if self.order == "works" and luck < 0.8:
                self.order = "was canceled"
                return Canceled(order_id)
            case CancelOrder():
                return Rejected(order_id, "not now")
            case ClosePosition():
                self.held = Decimal(0)  # the whole of it, as on every hedging account
                return Filled(order_id, POSITION, action.volume, Decimal("1.1"))
            case ReducePosition():
                self.held -= min(action.volume, self.held)
                return Filled(order_id, POSITION, action.volume, Decimal("1.1"))
            case _:
                assert isinstance(action, ReplaceStops)
                return StopsReplaced(order_id)

    def _truth(self, action: Action) -> Report:
        """Return what the books tell of an order whose answer was lost."""
        order_id = action.cl_ord_id
        match action:
            case PlaceOrder():
                self.lost.discard(order_id)
                return {
                    "never came": NotFound(order_id),
                    "works": Placed(order_id, OURS),
                    "was filled": Filled(order_id, POSITION, self.lots, Decimal("1.1"), OURS),
                    "was canceled": Canceled(order_id),
                }[self.order]
            case CancelOrder():
                return Canceled(order_id) if self.order == "was canceled" else NotFound(order_id)
            case ClosePosition() | ReducePosition():
                return Filled(order_id, POSITION, action.volume, Decimal("1.1"))
            case _:
                return StopsReplaced(order_id)

    def _ask_for_doubted(self) -> None:
        """Ask for the order itself where it is in doubt, as the engine does."""
        copy = self.play.copy
        for leg in () if copy is None else copy.legs:
            asked = {each.cl_ord_id for each in self.unanswered}
            if leg.stage is LegStage.OPENING and leg.pending is not None and leg.cl_ord_id not in asked:
                self.lost.add(leg.cl_ord_id)
                self.unanswered.append(_placing(copy, self.lots))

    def looks(self) -> None:
        """Let the books show that the order works no more."""
        copy = self.play.copy
        leg = None if copy is None or not copy.legs else copy.legs[0]
        if leg is None or leg.stage is not LegStage.WORKING or leg.pending is not None or self.order == "works":
            return
        assert copy is not None
        self.play.copy = replace_leg(copy, in_doubt(leg))
        self._ask_for_doubted()


def _placing(copy: Copy | None, lots: Decimal) -> PlaceOrder:
    assert copy is not None
    [leg] = copy.legs
    assert leg.waits is not None
    return PlaceOrder(leg.cl_ord_id, copy.target, leg.symbol, leg.side, leg.waits.order_type, lots, leg.waits.price)


def begun() -> Playbook:
    """Return a playbook whose target is ten pips above the source's 1.1."""
    play = Playbook(POLICY)
    play.target.takes_orders = True
    play.target.quotes[EURUSD.symbol] = Quote(EURUSD.symbol, Decimal("1.1009"), Decimal("1.1010"), play.now)
    return play


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(0, 10**6))
def test_whatever_its_venue_does_one_order_at_most_is_placed_and_nothing_is_left(moves: list[int], seed: int) -> None:
    play = begun()
    venue = Venue(play, Random(seed))
    venue.takes(play.sees(position()))
    assert [type(each) for each in venue.unanswered] == [PlaceOrder]
    for move in moves:
        match move:
            case 0:
                venue.fills()
            case 1:
                venue.looks()
            case 2:
                play.now += timedelta(seconds=7)
            case 3 if play.held is not None:
                play.held = evolve(play.held, volume=Decimal("0.4"))
            case 4:
                play.link = evolve(play.link, state=LinkState.PAUSED)
            case 5:
                play.link = evolve(play.link, state=LinkState.ACTIVE)
            case 6 if play.held is not None:
                play.held = evolve(play.held, stop_loss=Decimal("1.05"))
            case 7:
                play.now += timedelta(seconds=1)
            case _:
                venue.answers()
        venue.takes(play.again())
    play.held = None
    for _ in range(200):
        play.now += timedelta(seconds=31)
        venue.takes(play.again())
        venue.looks()
        venue.answers()
    assert venue.order != "works"
    assert venue.held == 0
    assert play.copy is not None
    assert (play.copy.status, play.copy.holds) == (CopyStatus.ENDED, False)


def test_without_the_key_it_is_denied() -> None:
    play = begun()
    play.link = evolve(play.link, policy=evolve(POLICY, guard=evolve(POLICY.guard, on_deviation=OnDeviation.DENY)))
    assert play.sees(position()) == []
    assert play.copy is not None
    assert play.copy.reason is not None
    assert play.copy.reason.value == "PRICE_DEVIATION"
