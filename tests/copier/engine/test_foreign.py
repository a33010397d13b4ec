"""What a target holds beside our copies, by symbol and side."""

from decimal import Decimal

from attrs import evolve

from rules.model.values import OmsType, Side
from rules.policy.limits import PolicyLimits
from rules.policy.links import CopyPolicy
from tests.copier.desk import LINK, TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import EURUSD, shape

BUY, SELL = (EURUSD.symbol, Side.BUY), (EURUSD.symbol, Side.SELL)
COUNTING = evolve(LINK, policy=CopyPolicy("counts", limits=PolicyLimits(block_hedging=True, count_foreign=True)))


async def test_others_positions_are_counted_by_symbol_and_side() -> None:
    desk = await Desk(links=[COUNTING]).ready()
    held = await desk.copied(source_position())
    hand = source_position("hand", side=Side.SELL, volume=Decimal("0.3"))
    grown = evolve(held, volume=held.volume + Decimal("0.2"))
    await desk.polls(TARGET, grown, hand)
    view = desk.views[TARGET]
    assert view.foreign_lots == {BUY: Decimal("0.2"), SELL: Decimal("0.3")}
    assert (view.foreign, view.foreign_volume) == (1, Decimal("0.5"))
    await desk.polls(TARGET, held)
    assert (view.foreign, view.foreign_lots) == (0, {})


async def test_on_a_netting_account_what_is_beyond_our_legs_has_the_side_that_it_adds() -> None:
    desk = await Desk(links=[COUNTING], oms=OmsType.NETTING).ready()
    held = await desk.copied(source_position())
    for lots, expected in (("1.4", {BUY: Decimal("0.4")}), ("0.7", {SELL: Decimal("0.3")})):
        await desk.polls(TARGET, evolve(held, volume=Decimal(lots)))
        assert desk.views[TARGET].foreign_lots == expected


async def test_a_policy_that_counts_others_blocks_a_hedge_against_them() -> None:
    desk = await Desk(links=[COUNTING]).ready()
    await desk.polls(TARGET, source_position("hand", side=Side.SELL))
    assert await desk.sees(source_position()) == []
    assert desk.copy.reason is not None
    assert desk.copy.reason.value == "HEDGING_BLOCKED"
    ignoring = await Desk().ready()
    await ignoring.polls(TARGET, source_position("hand", side=Side.SELL))
    assert shape(await ignoring.sees(source_position())) == [("open", "1.00")]
