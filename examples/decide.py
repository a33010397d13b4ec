"""Drives the pure rules without a network: what would be done about one source position, and why."""

from datetime import UTC, datetime
from decimal import Decimal

from rules.deciding.decide import decide
from rules.deciding.decision import Context
from rules.model.events import Origin
from rules.model.instruments import Instrument
from rules.model.observed import Position
from rules.model.state import AccountView
from rules.model.values import AccountId, LinkId, PositionId, Side, Symbol
from rules.policy.links import CopyLink, CopyPolicy
from rules.policy.size import Size

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
EURUSD = Instrument(Symbol("EURUSD"), Decimal("0.01"), Decimal(50), Decimal("0.01"), Decimal("0.00001"))

source = AccountView(AccountId("master"), known=True)
target = AccountView(AccountId("prop"), known=True, ready=True, instruments={EURUSD.symbol: EURUSD})
link = CopyLink(
    LinkId("master->prop"), source.account, target.account, CopyPolicy("third", Size(multiplier=Decimal("0.333")))
)
position = Position(PositionId("1"), EURUSD.symbol, Side.BUY, Decimal("1.5"), Decimal("1.16"), NOW)

decision = decide(Context(NOW, link, source, target, position.position_id, position, Origin.LIVE, None))
for action in decision.actions:
    print(action)
for step in decision.trace:
    print(step)
