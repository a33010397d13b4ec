"""Sizes that follow results, or other copies, through the engine: it outlives a restart."""

from datetime import timedelta
from decimal import Decimal

from attrs import evolve

from copier.ledger.recovery import recover
from rules.model.actions import ClosePosition
from rules.model.events import QuoteReported
from rules.model.observed import Quote
from rules.model.reports import Filled
from rules.model.values import PositionId, Side, Symbol
from rules.policy.links import CopyPolicy
from rules.policy.series import AfterLosses
from rules.policy.size import BelowMin, Size, VolumePolicy
from tests.copier.desk import LINK, TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import shape

LINKS = [evolve(LINK, policy=CopyPolicy("doubled", after_losses=AfterLosses(Decimal(2))))]
SECOND = timedelta(seconds=1)


async def test_a_loss_doubles_the_next_copy_also_after_a_restart() -> None:
    desk = await Desk(links=LINKS).ready()
    await desk.copied(source_position())
    [close] = await desk.closes()
    assert isinstance(close, ClosePosition)
    await desk.reports(Filled(close.cl_ord_id, close.position_id, close.volume, Decimal("1.05")))
    again = await Desk(desk.ledger, links=LINKS, now=desk.now).ready()
    assert shape(await again.sees(source_position("p2", opened_at=again.now))) == [("open", "2.00")]


async def test_what_a_target_closed_by_itself_counts_at_a_quote_that_is_asked_for() -> None:
    desk = await Desk(links=LINKS).ready()
    await desk.copied(source_position())
    desk.now += 5 * SECOND
    await desk.polls(TARGET)
    [asked] = [look_up for look_up in desk.looked_up if look_up.quote]
    assert (asked.account, asked.symbol, asked.awaited) == (TARGET, Symbol("EURUSD"), False)
    quote = Quote(asked.symbol, Decimal("1.05"), Decimal("1.0501"), desk.now)
    await desk.takes(QuoteReported(TARGET, desk.now, quote))
    desk.now += 2 * SECOND
    await desk.polls(TARGET)
    [memory] = recover(desk.ledger).memories.values()
    assert [(series.won, series.lost) for series in memory.series] == [(0, 1)]


async def test_no_price_is_asked_for_where_no_size_follows_results() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position())
    desk.now += 5 * SECOND
    await desk.polls(TARGET)
    assert [look_up for look_up in desk.looked_up if look_up.quote] == []
    assert desk.book.get((LINK.link_id, PositionId("p1"))) is not None


async def test_copies_beside_each_other_keep_their_proportions_also_after_a_restart() -> None:
    volume = VolumePolicy(min=BelowMin.RAISE, keep_proportions=True)
    links = [evolve(LINK, policy=CopyPolicy("ladder", size=Size(multiplier=Decimal("0.25")), volume=volume))]
    desk = await Desk(links=links).ready()
    held = await desk.copied(source_position(volume="0.02"))
    assert held.volume == Decimal("0.01")
    again = Desk(desk.ledger, links=links, now=desk.now)
    await again.polls(TARGET, held)
    await again.takes_books(source_position(volume="0.02"))
    later = again.now + SECOND
    again.now = later
    assert shape(await again.sees(source_position("p2", volume="0.04", opened_at=later))) == [("open", "0.02")]
    other = source_position("p3", volume="0.04", opened_at=later, side=Side.SELL)
    assert shape(await again.sees(other)) == [("open", "0.01")]
