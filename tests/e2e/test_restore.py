"""A ledger is lost while everybody trades; the page's own commands bring the service back from a backup."""

import os
import re
import signal
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio

from copier.ledger.ledger import Ledger
from rules.model.values import Side
from tests.e2e.world import ROOT, World, duplicates, ended, free_of_money, open_world, trade

PAGE = ROOT / "docs" / "backup.md"


def commands(folder: Path) -> list[str]:
    """Return the commands of the page's restore, with this test's places for the machine's."""
    [block] = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for place, here in (("/var/lib/copier-backups", "backups"), ("/var/lib/copier", ""), ("/etc/copier", "")):
        block = block.replace(place, str(folder / here).rstrip("/"))
    return [line for line in block.splitlines() if line]


async def shell(line: str, folder: Path) -> str:
    """Run a line as a person would, and return what it printed."""
    program = folder / "bin" / "copier"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m copier "$@"\n')
    program.chmod(0o755)
    env = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    with trio.fail_after(60):
        done = await trio.run_process(
            ["sh", "-ec", line], cwd=folder, env=env, capture_stdout=True, capture_stderr=True, check=False
        )
    assert done.returncode == 0, f"{line}\n{done.stdout.decode()}{done.stderr.decode()}"
    return done.stdout.decode()


def lots_of(positions: Iterable[Any]) -> dict[tuple[str, Side], Decimal]:
    """Return how many lots positions have by symbol and side."""
    lots: defaultdict[tuple[str, Side], Decimal] = defaultdict(Decimal)
    for position in positions:
        lots[position.symbol, position.side] += position.volume
    return lots


async def traded(world: World, random: Random, copies: int) -> None:
    """Trade until so many copies were made, and the targets hold what they should."""
    async with trio.open_nursery() as traders:
        traders.start_soon(trade, world, random, 0.03)
        with trio.fail_after(60):
            for _ in range(copies):
                await world.next_copy()
        traders.cancel_scope.cancel()
    await until(world, lambda: not world.differences())


async def until(world: World, is_so: Callable[[], bool]) -> None:
    """Return when something is so of the targets."""
    with trio.fail_after(60):
        while not is_so():
            await world.next_copy()


@pytest.mark.slow  # four runs of a real process, on venues that are traded
async def test_a_lost_ledger_is_restored_by_the_pages_own_steps_and_nothing_is_opened_twice(tmp_path: Path) -> None:
    random = Random(20261122)
    (tmp_path / "backups").mkdir()
    async with open_world(tmp_path) as world:
        free_of_money([*world.sources, *world.targets])
        service = await world.start("--quiet")
        await traded(world, random, 20)
        known = {
            (book.name, position_id): position.volume
            for book in world.sources
            for position_id, position in book.positions.items()
        }
        said = await shell(f"copier ledger backup backups/tonight.db --ledger {tmp_path}/copier.db", tmp_path)
        assert "all as written" in said
        opened_since: list[str] = []
        with trio.fail_after(120):
            while not opened_since:  # what was opened may all be closed again by then
                await traded(world, random, 8)
                opened_since = [
                    position_id
                    for book in world.sources
                    for position_id in book.positions
                    if (book.name, position_id) not in known
                ]
        service.send_signal(signal.SIGTERM)
        assert await ended(service, 20) == 0
        config = world.file.read_text(encoding="utf-8")
        changed = config.replace('on_start = { open = "copy", max_age = "10m" }', 'on_start = { open = "skip" }')
        assert changed != config
        restoring = changed.replace("[service]", "[service]\nclose_orphans = true")
        (tmp_path / "restore.toml").write_text(restoring, encoding="utf-8")
        for line in commands(tmp_path):
            if line.startswith("systemctl"):
                continue  # the service was stopped above, and is started below
            await shell(line, tmp_path)
        there = [
            (position, known.get((book.name, position.position_id)))
            for book in world.sources
            for position in book.positions.values()
        ]
        as_it_was = Counter((each.symbol, each.side, each.volume * 2) for each, then in there if then == each.volume)
        assert as_it_was, "nothing would be found that goes on"
        most = lots_of(each for each, then in there if then is not None)
        for book in world.targets:
            held = Counter((each.symbol, each.side, each.volume) for each in book.positions.values())
            assert as_it_was <= held, book.name
            assert all(lots <= most[what] * 2 for what, lots in lots_of(book.positions.values()).items()), book.name
            assert duplicates(book) == []
        service = await world.start("--quiet")
        for source in world.sources:
            for position in list(source.positions.values()):
                source.close(position.position_id)
        await until(world, lambda: not any(book.positions for book in world.targets))
        service.send_signal(signal.SIGTERM)
        assert await ended(service, 20) == 0
        assert [duplicates(book) for book in world.targets] == [[], []]
    ledger = Ledger.open(tmp_path / "copier.db", readonly=True)
    assert ledger.verify().first_bad_seq is None
    ledger.close()


def test_the_pages_steps_are_all_there() -> None:
    words = [line.split()[0] for line in commands(Path("/x"))]
    assert words == ["systemctl", "copier", "mkdir", "mv", "cp", "cp", "copier", "copier", "systemctl"]
