"""A config that is saved again and again under a busy copier: accounts keep their connections, and nothing is lost."""

import signal
from pathlib import Path
from random import Random

import pytest
import trio

from copier.ledger.ledger import Ledger
from tests.e2e.world import World, copies_executed, ended, free_of_money, open_world, trade

CHANGES = 10


async def begun(world: World, times: int) -> None:
    """Return when the service has begun that many times."""
    while (world.folder / "log.txt").read_text(encoding="utf-8").count("event=running") < times:  # noqa: ASYNC110
        await trio.sleep(0.02)


@pytest.mark.slow  # a real process between real venues begins ten times
async def test_ten_changes_under_a_busy_copier_neither_double_nor_forget_anything(tmp_path: Path) -> None:
    random = Random(20261121)
    async with open_world(tmp_path) as world:
        free_of_money([*world.sources, *world.targets])
        process = await world.start("--quiet")
        async with trio.open_nursery() as traders:
            traders.start_soon(trade, world, random, 0.03)
            for change in range(CHANGES):
                with trio.fail_after(60):
                    await begun(world, change + 1)
                    await world.next_copy()
                await trio.sleep(random.uniform(0, 0.3))  # anywhere in its work
                world.write_config()
                process.send_signal(signal.SIGHUP)
            with trio.fail_after(60):
                await begun(world, CHANGES + 1)
            traders.cancel_scope.cancel()
        process.terminate()
        assert await ended(process, 30) == 0
        assert await ended(await world.start("--once", "--quiet"), 90) == 0
        assert world.differences() == []
        assert copies_executed(world.targets) > CHANGES
        with_positions = [book for book in world.targets if book.positions]
        assert with_positions == world.targets, "the comparison would say nothing about empty books"
    ledger = Ledger.open(tmp_path / "copier.db", readonly=True)
    assert ledger.verify().first_bad_seq is None
    ledger.close()
