"""Throttles, skips and held-back closes through the engine: they outlive a restart."""

from datetime import timedelta
from decimal import Decimal

from attrs import evolve

from copier.ledger.recovery import recover
from rules.deciding.exits import NEVER
from rules.policy.exits import Exits
from rules.policy.links import CopyLink, CopyPolicy
from rules.policy.pacing import Delay, SkipFirst, Span, Throttle
from rules.policy.stops import Stops
from tests.copier.desk import LINK, TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import shape

MINUTE = timedelta(minutes=1)


def obeying(**policy: object) -> list[CopyLink]:
    return [evolve(LINK, policy=CopyPolicy("paced", **policy))]  # type: ignore[arg-type]


async def test_a_throttle_counts_on_after_a_restart() -> None:
    links = obeying(throttle=Throttle(1, MINUTE))
    desk = await Desk(links=links).ready()
    await desk.copied(source_position())
    await desk.closes()
    again = await Desk(desk.ledger, links=links, now=desk.now).ready()
    assert await again.sees(source_position("p2", opened_at=again.now)) == []
    assert [copy.reason.value for copy in again.book.all() if copy.reason] == ["THROTTLED"]
    again.now += MINUTE
    assert shape(await again.sees(source_position("p3", opened_at=again.now))) == [("open", "1.00")]


async def test_skips_are_counted_once_for_each_position_and_across_a_restart() -> None:
    links = obeying(skip_first=SkipFirst(2))
    desk = await Desk(links=links).ready()
    assert await desk.sees(source_position()) == []
    assert await desk.sees(source_position(volume="2")) == []
    again = Desk(desk.ledger, links=links, now=desk.now)
    assert [skips.count for memory in recover(again.ledger).memories.values() for skips in memory.skips] == [1]
    await again.ready()
    assert await again.sees(source_position("p2", opened_at=again.now)) == []
    assert shape(await again.sees(source_position("p3", opened_at=again.now))) == [("open", "1.00")]


async def test_a_delayed_opening_leaves_by_the_timer() -> None:
    desk = await Desk(links=obeying(delay=Delay(open=Span(MINUTE, MINUTE)))).ready()
    assert await desk.sees(source_position()) == []
    desk.now += MINUTE
    assert shape(await desk.takes()) == [("open", "1.00")]


async def test_a_close_that_is_ignored_stays_so_after_a_restart() -> None:
    links = obeying(exits=Exits(ignore_close=True), stops=Stops())
    desk = await Desk(links=links).ready()
    held = await desk.copied(source_position(stop_loss=Decimal("1.05"), take_profit=Decimal("1.2")))
    assert await desk.closes() == []
    again = Desk(desk.ledger, links=links, now=desk.now)
    assert again.copy.close_at == NEVER
    await again.polls(TARGET, held)
    await again.ready()
    assert again.sent == []


async def test_a_close_that_is_held_back_is_done_after_a_restart_in_its_time() -> None:
    links = obeying(exits=Exits(min_hold=MINUTE))
    desk = await Desk(links=links).ready()
    await desk.copied(source_position())
    assert await desk.closes() == []
    again = await Desk(desk.ledger, links=links, now=desk.now).ready()
    assert again.sent == []
    again.now += MINUTE
    assert shape(await again.takes()) == [("close", "1.00")]
