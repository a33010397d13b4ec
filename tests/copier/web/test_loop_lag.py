"""How late the loop comes to what is due."""

import trio
from trio.testing import MockClock

from copier.web.loop_lag import EVERY_S, KEPT, LoopLag


async def test_an_idle_loop_is_never_late(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    lag = LoopLag()
    assert lag.worst_s == 0
    nursery.start_soon(lag.run)
    await trio.sleep(100)
    assert lag.worst_s == 0
    nursery.cancel_scope.cancel()


async def test_what_holds_the_loop_up_is_seen_for_ten_seconds(mock_clock: MockClock, nursery: trio.Nursery) -> None:
    lag = LoopLag()
    nursery.start_soon(lag.run)
    await trio.testing.wait_all_tasks_blocked()
    mock_clock.jump(EVERY_S + 3)
    await trio.testing.wait_all_tasks_blocked()
    assert lag.worst_s == 3
    for _ in range(KEPT):
        mock_clock.jump(EVERY_S)
        await trio.testing.wait_all_tasks_blocked()
    assert lag.worst_s == 0
    nursery.cancel_scope.cancel()
