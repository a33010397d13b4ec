"""A cap on open risk in a running engine: it sums over links, and what ends makes room again."""

from decimal import Decimal

from attrs import evolve

from copier.ledger.records import DecisionRecord
from rules.limits.terms import Cash
from rules.model.events import QuoteReported
from rules.model.observed import Quote
from rules.model.reasons import Reason
from rules.model.values import AccountId, LinkId
from rules.policy.limits import PolicyLimits
from rules.policy.links import CopyPolicy
from tests.copier.desk import LINK, SOURCE, TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import EURUSD, shape

OTHER = AccountId("other")
STOP = Decimal("1.0950")
"""Of a lot bought at 1.1: a risk of 500 USD."""


async def desk_with(most: str) -> Desk:
    """Return a desk of two sources and one target, which may lose so much in all."""
    capped = CopyPolicy("capped", limits=PolicyLimits(max_total_risk=Cash(Decimal(most))))
    links = [evolve(LINK, policy=capped), evolve(LINK, link_id=LinkId("other->target"), source=OTHER, policy=capped)]
    desk = Desk(links=links, accounts=[SOURCE, OTHER, TARGET])
    desk.views[TARGET].instruments[EURUSD.symbol] = evolve(EURUSD, profit_currency="USD")
    await desk.ready()
    await desk.takes(QuoteReported(TARGET, desk.now, Quote(EURUSD.symbol, Decimal("1.0999"), Decimal("1.1"), desk.now)))
    return desk


async def test_copies_of_all_links_share_one_cap_and_an_order_under_way_counts() -> None:
    desk = await desk_with("999")
    [first] = await desk.sees(source_position("p1", stop_loss=STOP))
    assert await desk.sees(source_position("p2", stop_loss=STOP), OTHER) == []
    denied = [each.copy.reason for each in desk.records("decision") if isinstance(each, DecisionRecord)]
    assert denied[-1] is Reason.MAX_TOTAL_RISK
    await desk.fills([first])
    await desk.fills(await desk.closes("p1"))
    assert shape(await desk.sees(source_position("p3", stop_loss=STOP), OTHER)) == [("open", "1.00")]


async def test_what_a_start_finds_in_the_ledger_counts() -> None:
    desk = await desk_with("999")
    await desk.copied(source_position("p1", stop_loss=STOP))
    again = Desk(
        desk.ledger, links=desk.engine.desk.in_force.links.values(), accounts=[SOURCE, OTHER, TARGET], now=desk.now
    )
    again.views[TARGET].instruments = desk.views[TARGET].instruments
    again.views[TARGET].quotes = desk.views[TARGET].quotes
    await again.polls(SOURCE, source_position("p1", stop_loss=STOP))
    await again.polls(OTHER)
    await again.polls(TARGET)
    assert await again.sees(source_position("p2", stop_loss=STOP), OTHER) == []
