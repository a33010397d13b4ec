"""A walk through one copy's life, a step a pair of bytes: what a source, a venue and a person can do to it.

After every step the laws are checked that must hold whatever the policy says.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Final

from attrs import evolve

from copier.engine.book import CopyBook
from rules.books.reconcile import lose_leg, shrink_leg
from rules.deciding.decide import decide
from rules.deciding.decision import Context
from rules.deciding.settling import settle
from rules.limits.terms import Cash
from rules.model.actions import Action, ClosePosition, OpenPosition, ReducePosition
from rules.model.copies import ZERO, Copy, Leg, LegStage, Purpose
from rules.model.events import Origin
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Quote
from rules.model.reasons import Reason
from rules.model.reports import Accepted, Filled, NotFound, NotSent, OutcomeUnknown, Rejected, Report, StopsReplaced
from rules.model.trace import Denied
from rules.model.values import PositionId, Price, Side, Volume
from rules.policy.links import CopyPolicy, LinkState
from tests.rules.playbook import Playbook, position

LOTS: Final = tuple(Decimal(text) for text in ("0.01", "0.03", "0.1", "0.37", "0.5", "1", "1.7", "2.5", "9.99", "60"))
PRICES: Final = tuple(Decimal(text) for text in ("1.0987", "1.1", "1.1001", "1.1042"))
CONTRACT: Final = 100_000
DENIED: Final = Denied("[[limits]]", Reason.LIMIT_DAILY_LOSS)
STATUS: Final = AccountStatus(Decimal(10_000), Decimal(9_500), "USD", Decimal(100), Decimal(9_000))


class Walk:
    """One copy of one link, and everything that may happen to it."""

    def __init__(self, policy: CopyPolicy, instrument: Instrument) -> None:
        self.play = Playbook(policy)
        self.instrument = instrument
        self.target = self.play.target
        self.target.instruments[instrument.symbol] = instrument
        self.source = self.play.source
        self.source.status = self.target.status = STATUS
        self.book = CopyBook({self.target.account: self.target})
        self.steps = 0
        self.opened: dict[str, Volume] = {}
        """Lots of every opening that has left, by its id."""
        self.lives = 0
        self.forbidden_until = 0
        """The step at which everything is known and allowed again."""
        self._quote(1)
        self._moves: tuple[Callable[[int], None], ...] = (
            self._open,
            self._open,
            self._resize,
            self._resize,
            self._flip,
            self._stop,
            self._close,
            self._answer_filled,
            self._answer_filled,
            self._answer_filled,
            self._answer_otherwise,
            self._answer_otherwise,
            self._person,
            self._wait,
            self._wait,
            self._quote,
            self._forbid,
        )

    # What can happen

    def step(self, kind: int, argument: int) -> None:
        """Do one thing, decide, and check the laws."""
        self.steps += 1
        if self.steps >= self.forbidden_until:
            self.play.link = evolve(self.play.link, state=LinkState.ACTIVE)
            self.target.ready, self.target.status, self.target.denied = True, STATUS, None
        self._moves[kind % len(self._moves)](argument)
        self.decide()

    def _open(self, argument: int) -> None:
        """Open a source position; one that came to nothing makes room for it."""
        copy = self.play.copy
        if copy is not None and copy.holds:
            return  # another position has another record
        if copy is not None:
            self.book.forget(copy)
            self.play.copy = None
        self.lives += 1
        side = Side.BUY if argument & 16 else Side.SELL
        changes = {"position_id": PositionId(f"p{self.lives}"), "opened_at": self.play.now, "side": side}
        self.play.held = position(str(LOTS[argument % len(LOTS)]), **changes)

    def _resize(self, argument: int) -> None:
        self._change(volume=LOTS[argument % len(LOTS)])

    def _flip(self, argument: int) -> None:
        if argument % 4 == 0 and self.play.held is not None:
            opened_at = self.play.now + timedelta(seconds=2)
            self.play.now = opened_at
            self._change(side=self.play.held.side.opposite, opened_at=opened_at)

    def _stop(self, argument: int) -> None:
        if self.play.held is not None:
            sign = self.play.held.side.sign
            far = Decimal("0.001") * (1 + argument % 7)
            stop = None if argument % 5 == 0 else Decimal("1.1") - sign * far
            self._change(stop_loss=stop, take_profit=None if argument % 3 else Decimal("1.1") + sign * far)

    def _close(self, _: int) -> None:
        self.play.held = None

    def _change(self, **changes: object) -> None:
        held = self.play.held
        self.play.held = None if held is None else evolve(held, **changes)  # type: ignore[arg-type]  # by name

    def _answer_filled(self, argument: int) -> None:
        leg = self._under_way(argument)
        if leg is not None:
            self._settle(_fill(leg, Decimal(1) if argument & 8 else Decimal("0.5"), self.instrument))

    def _answer_otherwise(self, argument: int) -> None:
        leg = self._under_way(argument)
        if leg is None or leg.pending is None:
            return
        order_id = leg.pending.cl_ord_id
        answers: tuple[Report, ...] = (
            Accepted(order_id),
            OutcomeUnknown(order_id, "no answer"),
            Rejected(order_id, "no"),
            NotSent(order_id, "busy"),
            NotFound(order_id),
        )
        answer = answers[argument % len(answers)]
        gone = leg.pending.accepted or leg.pending.unknown
        if isinstance(answer, NotSent) and gone:
            return  # what has left cannot be unsent
        if isinstance(answer, NotFound) and leg.pending.accepted:
            return  # what the venue took is in its books
        self._settle(answer)

    def _person(self, argument: int) -> None:
        """A stop or a hand at the target takes a position, or a part of it."""
        copy = self.play.copy
        legs = [] if copy is None else [leg for leg in copy.legs if leg.stage is LegStage.OPEN and leg.pending is None]
        if copy is None or not legs or argument % 3:
            return
        leg = legs[argument % len(legs)]
        left = leg.held - self.instrument.volume_step
        if argument & 8 and left >= self.instrument.volume_min:
            held = self.play.held
            self.play.copy = shrink_leg(copy, leg.number, left, None if held is None else held.volume)
        else:
            self.play.copy = lose_leg(copy, leg.number)
        self.book.store(self.play.copy)

    def _wait(self, argument: int) -> None:
        self.play.now += timedelta(seconds=argument % 50)

    def _quote(self, argument: int) -> None:
        price = PRICES[argument % len(PRICES)]
        quote = Quote(self.instrument.symbol, price, price + Decimal("0.0001"), self.play.now)
        self.target.quotes[quote.symbol] = quote

    def _forbid(self, argument: int) -> None:
        """For a few steps something is forbidden, or not known."""
        self.forbidden_until = self.steps + 1 + argument % 5
        match argument // 5 % 4:
            case 0:
                self.play.link = evolve(self.play.link, state=LinkState.CLOSE_ONLY)
            case 1:
                self.target.denied = DENIED
            case 2:
                self.target.ready = False
            case 3:
                self.target.status = None

    def _under_way(self, argument: int) -> Leg | None:
        copy = self.play.copy
        legs = [] if copy is None else [leg for leg in copy.legs if leg.pending is not None]
        return legs[argument % len(legs)] if legs else None

    def _settle(self, report: Report) -> None:
        assert self.play.copy is not None
        self.play.copy = settle(self.play.copy, report, self.play.now)
        self.book.store(self.play.copy)

    # The laws

    def decide(self) -> None:
        """Decide, and check what must hold of every decision."""
        before = self.play.copy
        context = self._context()
        decision = decide(context)
        assert decide(context) == decision, "equal inputs, equal outputs"
        self.play.copy = decision.copy
        self.play.memory = decision.memory or self.play.memory
        if decision.copy is not None:
            self.book.store(decision.copy)
        for action in decision.actions:
            self._check(action, before)
        again = decide(self._context())
        assert not again.actions, "a second look orders nothing"
        self._check_closing()

    def _context(self) -> Context:
        play = self.play
        position_id = PositionId("none") if play.held is None else play.held.position_id
        if play.copy is not None:
            position_id = play.copy.source_position_id
        return Context(
            play.now, play.link, self.source, self.target, position_id, play.held, Origin.LIVE, play.copy,
            memory=play.memory, at_target=() if play.copy is None else (play.copy,),
        )  # fmt: skip

    def _check(self, action: Action, before: Copy | None) -> None:
        copy = self.play.copy
        assert copy is not None
        match action:
            case OpenPosition():
                self._check_opening(action, copy, before)
            case ReducePosition() | ClosePosition():
                [leg] = [leg for leg in copy.legs if leg.pending and leg.pending.cl_ord_id == action.cl_ord_id]
                assert action.volume <= leg.held, "never more is closed than is held"
                assert action.volume > 0
                if isinstance(action, ReducePosition):
                    assert action.volume % self.instrument.volume_step == 0
                    assert action.volume + action.remaining == leg.held

    def _check_opening(self, action: OpenPosition, copy: Copy, before: Copy | None) -> None:
        held, instrument, policy = self.play.held, self.instrument, self.play.link.policy
        assert held is not None, "nothing is opened for a source that holds nothing"
        assert self.play.link.state is LinkState.ACTIVE
        if action.cl_ord_id not in self.opened:  # one that never left may go again; the target's queue waits
            assert self.target.ready, "nothing is opened at a target that is not known"
        assert self.target.denied is None, "nothing is opened where a limit forbids it"
        assert action.side is (held.side.opposite if policy.reverse else held.side)
        assert action.volume % instrument.volume_step == 0, "always on the step"
        assert instrument.volume_min <= action.volume <= instrument.volume_max
        known = self.opened.get(action.cl_ord_id)
        if known is None:
            self.opened[action.cl_ord_id] = action.volume
        else:
            assert before is not None
            assert known == action.volume, "an id stands for one order"
        most = copy.exposure  # what is being closed counts as closed, unless its answer was lost
        for cap in (policy.volume.max, policy.limits.max_total_volume, policy.limits.max_volume_per_symbol):
            if known is None:
                assert cap is None or most <= cap, "never above a cap"
            else:  # it was granted once; by now less may be wanted, which is cut when it is there
                assert cap is None or most - action.volume < cap, "never for nothing"

        for most_money in (policy.limits.max_risk_per_symbol, policy.limits.max_total_risk):
            if known is None and isinstance(most_money, Cash):
                assert _at_stops(copy) * CONTRACT <= most_money.amount, "never above a cap on open risk"

    def _check_closing(self) -> None:
        """Whatever forbids new risk, what must go goes: at once, or when its order under way is answered."""
        copy = self.play.copy
        if copy is None or self.play.held is not None:
            return
        for leg in copy.legs:
            if leg.stage is LegStage.OPEN and leg.pending is None:
                assert leg.retry_at is not None, "a close is never denied"
                assert leg.retry_at > self.play.now, "a refused close is asked again"

    def finish(self) -> None:
        """Let everything end well: the source closes, every order is executed; then nothing is held."""
        self.play.held = None
        for _ in range(200):
            leg = self._under_way(0)
            if leg is not None:
                self._settle(_fill(leg, Decimal(1), self.instrument))
            else:
                self.play.now += timedelta(seconds=60)
            self.decide()
            if self.play.copy is None or not self.play.copy.holds:
                break
        held = ZERO if self.play.copy is None else self.play.copy.exposure
        assert held == 0, "a full round leaves nothing"
        assert self.target.volume == 0
        assert all(lots == 0 for lots in self.target.lots.values())


def _at_stops(copy: Copy) -> Decimal:
    """Return lots times price that the stop-losses would lose, as the legs have them."""
    lost = ZERO
    for leg in copy.legs:
        entry = leg.open_price or leg.expected_price
        if leg.live and leg.stop_loss is not None and entry is not None and leg.stops_refused_at is None:
            lost += leg.most * max((entry - leg.stop_loss) * leg.side.sign, ZERO)
    return lost


def _fill(leg: Leg, share: Decimal, instrument: Instrument) -> Report:
    """Return the report of an order that was executed, an opening perhaps in part."""
    pending = leg.pending
    assert pending is not None
    if pending.purpose is Purpose.STOPS:
        return StopsReplaced(pending.cl_ord_id)
    volume = pending.volume
    if pending.purpose is Purpose.OPEN:
        volume = max(volume * share // instrument.volume_step * instrument.volume_step, instrument.volume_step)
    position_id = leg.position_id or PositionId(f"t-{leg.cl_ord_id}")
    return Filled(pending.cl_ord_id, position_id, volume, Price("1.1001"))


def walk(policy: CopyPolicy, instrument: Instrument, moves: bytes) -> int:
    """Walk, and return how many steps that were."""
    found = Walk(policy, instrument)
    for kind, argument in _pairs(moves):
        found.step(kind, argument)
    found.finish()
    return found.steps


def _pairs(moves: bytes) -> Iterable[tuple[int, int]]:
    return zip(moves[::2], moves[1::2], strict=True)
