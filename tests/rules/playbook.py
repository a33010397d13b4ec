"""A playbook for decisions: events in, orders out, with reports fed back as a venue would give them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from attrs import define, evolve, field

from rules.deciding.decide import decide
from rules.deciding.decision import Context, Decision
from rules.deciding.settling import settle
from rules.model.actions import Action, ClosePosition, OpenPosition, ReducePosition, ReplaceStops
from rules.model.copies import Copy
from rules.model.events import Origin
from rules.model.instruments import Instrument
from rules.model.memory import NO_MEMORY, LinkMemory
from rules.model.observed import Position
from rules.model.reports import Filled, Report, StopsReplaced
from rules.model.state import AccountView
from rules.model.trace import Denied
from rules.model.values import AccountId, ClOrdId, LinkId, PositionId, Side, Symbol
from rules.policy.links import CopyLink, CopyPolicy

T0 = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

EURUSD = Instrument(
    Symbol("EURUSD"),
    volume_min=Decimal("0.01"),
    volume_max=Decimal(50),
    volume_step=Decimal("0.01"),
    tick_size=Decimal("0.00001"),
    contract_size=Decimal(100000),
)


def position(volume: str = "1", **changes: Any) -> Position:
    """Return a source position: EURUSD, bought at 1.1."""
    base = Position(
        PositionId("p1"),
        Symbol("EURUSD"),
        Side.BUY,
        Decimal(volume),
        Decimal("1.1"),
        T0,
        contract_size=Decimal(100000),
    )
    return evolve(base, **changes)


@define
class Playbook:
    """One link and one source position, played event by event."""

    policy: CopyPolicy = field(factory=lambda: CopyPolicy("test"))
    link: CopyLink = field(init=False)
    source: AccountView = field(factory=lambda: AccountView(AccountId("source"), known=True, ready=True))
    target: AccountView = field(
        factory=lambda: AccountView(AccountId("target"), known=True, ready=True, instruments={Symbol("EURUSD"): EURUSD})
    )
    copy: Copy | None = None
    memory: LinkMemory = NO_MEMORY
    beside: tuple[Copy, ...] = ()
    now: datetime = T0
    held: Position | None = None
    last: Decision = field(factory=lambda: Decision(None))

    def __attrs_post_init__(self) -> None:
        self.link = CopyLink(LinkId("source->target"), AccountId("source"), AccountId("target"), self.policy)

    def sees(self, held: Position | None, origin: Origin = Origin.LIVE) -> list[Action]:
        """Let the source hold `held` now (None: nothing) and return the orders that follow."""
        self.held = held
        return self.again(origin)

    def again(self, origin: Origin = Origin.LIVE) -> list[Action]:
        """Ask once more, with nothing new."""
        position_id = PositionId("p1") if self.held is None else self.held.position_id
        context = Context(
            self.now,
            self.link,
            self.source,
            self.target,
            position_id,
            self.held,
            origin,
            self.copy,
            memory=self.memory,
            beside=self.beside,
            at_target=() if self.copy is None else (self.copy,),
        )
        self.last = decide(context)
        self.copy = self.last.copy
        return list(self.last.actions)

    def reports(self, *reports: Report) -> list[Action]:
        """Feed reports in and return the orders that follow."""
        assert self.copy is not None
        for report in reports:
            self.copy = settle(self.copy, report, self.now)
        return self.again()

    def fills(self, actions: Iterable[Action]) -> list[Action]:
        """Let the target execute orders as wished."""
        return self.reports(*(filled(action) for action in actions))

    def waits(self, seconds: float) -> list[Action]:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        return self.again()

    @property
    def codes(self) -> list[str]:
        """The denial codes of the last decision."""
        return [item.reason.value for item in self.last.trace if isinstance(item, Denied)]


def filled(action: Action, position_id: str | None = None) -> Report:
    """Return the report of an order that was executed as wished, at 1.1."""
    match action:
        case OpenPosition():
            target = PositionId(position_id or f"t-{action.cl_ord_id}")
            return Filled(action.cl_ord_id, target, action.volume, Decimal("1.1"))
        case ReducePosition() | ClosePosition():
            return Filled(action.cl_ord_id, action.position_id, action.volume, Decimal("1.1"))
        case ReplaceStops():
            return StopsReplaced(action.cl_ord_id)


def shape(actions: Iterable[Action]) -> list[tuple[str, str]]:
    """Return what orders are, in short: `("open", "0.3")`."""
    words = {OpenPosition: "open", ReducePosition: "reduce", ClosePosition: "close", ReplaceStops: "stops"}
    return [
        (words[type(action)], str(action.stop_loss) if isinstance(action, ReplaceStops) else str(action.volume))
        for action in actions
    ]


def order_id(action: Action) -> ClOrdId:
    return action.cl_ord_id
