"""The queue between long polling and its user: order, bounds, and who waits for whom."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from adapters.transport.frames import EagerLock, FrameQueue


async def test_frames_come_out_in_order_and_in_batches() -> None:
    queue: FrameQueue[str] = FrameQueue(8)
    for frame in ("1", "é2", "3", "4", "5"):
        assert await queue.put(frame)
    assert await queue.take(2, 100) == ["1", "é2"]
    assert await queue.take(9, 2) == ["3", "4"]
    assert await queue.take(9, 2) == ["5"]


async def test_frame_larger_than_the_batch_goes_alone() -> None:
    queue: FrameQueue[str] = FrameQueue(8)
    for frame in ("large", "s", "é", "s"):
        await queue.put(frame)
    assert await queue.take(9, 2) == ["large"]
    assert await queue.take(9, 2) == ["s"]
    assert await queue.take(9, 3) == ["é", "s"]


async def test_full_queue_makes_the_sender_wait_until_there_is_room(nursery: trio.Nursery) -> None:
    queue: FrameQueue[str] = FrameQueue(2)
    done: list[str] = []

    async def fill() -> None:
        for frame in "abcd":
            await queue.put(frame)
            done.append(frame)

    nursery.start_soon(fill)
    await wait_all_tasks_blocked()
    assert done == ["a", "b"]
    assert await queue.take(1, 9) == ["a"]
    await wait_all_tasks_blocked()
    assert done == ["a", "b", "c"]


async def test_empty_queue_makes_the_reader_wait(nursery: trio.Nursery) -> None:
    queue: FrameQueue[str] = FrameQueue(2)
    nursery.start_soon(queue.put, "late")
    assert await queue.take(1, 9) == ["late"]


async def test_reader_that_gives_up_has_taken_nothing(autojump_clock: MockClock) -> None:
    queue: FrameQueue[str] = FrameQueue(2)
    with trio.move_on_after(1) as scope:
        await queue.take(1, 9)
    assert scope.cancelled_caught
    with trio.CancelScope() as scope:
        scope.cancel()
        await queue.put("never")
    await queue.put("x")
    with trio.CancelScope() as scope:
        scope.cancel()
        await queue.take(1, 9)
    assert await queue.take(9, 9) == ["x"]


async def test_closed_queue_takes_nothing_more_and_gives_what_it_has(nursery: trio.Nursery) -> None:
    queue: FrameQueue[str] = FrameQueue(1)
    await queue.put("a")
    refused: list[bool] = []

    async def fill() -> None:
        refused.append(await queue.put("b"))

    nursery.start_soon(fill)
    await wait_all_tasks_blocked()
    queue.close("last")
    queue.close("later")
    await wait_all_tasks_blocked()
    assert refused == [False]
    assert not queue.is_done
    assert await queue.take(9, 9) == ["a", "last"]
    assert await queue.take(9, 9) == []
    assert queue.is_done


@pytest.mark.parametrize("is_cleared", [True, False])
async def test_waiting_reader_learns_of_the_end(nursery: trio.Nursery, is_cleared: bool) -> None:
    queue: FrameQueue[str | bytes] = FrameQueue(1)
    taken: list[list[str | bytes]] = []

    async def read() -> None:
        taken.append(await queue.take(1, 9))

    nursery.start_soon(read)
    await wait_all_tasks_blocked()
    (queue.clear if is_cleared else queue.close)()
    await wait_all_tasks_blocked()
    assert taken == [[]]


async def test_cleared_queue_has_forgotten_its_frames() -> None:
    queue: FrameQueue[str] = FrameQueue(4)
    await queue.put("a")
    queue.clear()
    assert await queue.take(9, 9) == []


async def test_a_free_lock_is_taken_at_once_and_a_taken_one_in_turn() -> None:
    lock, order = EagerLock(), list[str]()

    async def take(name: str) -> None:
        async with lock:
            order.append(name)

    async with trio.open_nursery() as nursery, lock:
        nursery.start_soon(take, "second")
        await wait_all_tasks_blocked()
        order.append("first")
    assert order == ["first", "second"]


async def test_an_error_gives_the_lock_back() -> None:
    lock = EagerLock()
    with pytest.raises(ValueError, match="why"):
        async with lock:
            raise ValueError("why")
    with trio.fail_after(1):
        async with lock:
            pass
