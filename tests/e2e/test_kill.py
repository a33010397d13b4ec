from pathlib import Path
from random import Random

import pytest
import trio

from copier.ledger.ledger import Ledger
from tests.e2e.world import copies_executed, ended, free_of_money, open_world, trade

KILLS = 50


@pytest.mark.slow  # fifty starts of a real process
async def test_fifty_kills_of_a_busy_copier_neither_double_nor_forget_anything(tmp_path: Path) -> None:
    random = Random(20261121)
    async with open_world(tmp_path) as world:
        free_of_money([*world.sources, *world.targets])
        async with trio.open_nursery() as traders:
            traders.start_soon(trade, world, random, 0.03)
            for kill in range(KILLS):
                process = await world.start("--quiet")
                with trio.fail_after(60):
                    await world.next_copy()
                await trio.sleep(random.uniform(0, 0.5))  # anywhere in its work
                assert process.returncode is None, f"ended by itself before kill {kill}"
                process.kill()
                await process.wait()
            traders.cancel_scope.cancel()
        assert await ended(await world.start("--once", "--quiet"), 90) == 0
        assert world.differences() == []
        assert copies_executed(world.targets) > KILLS
        with_positions = [book for book in world.targets if book.positions]
        assert with_positions == world.targets, "the comparison would say nothing about empty books"
    ledger = Ledger.open(tmp_path / "copier.db", readonly=True)
    assert ledger.verify().first_bad_seq is None
    ledger.close()
