"""`copier run` inside this process: what a process of its own could show only by waiting."""

import os
import signal
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from copier.commands.ending import Ending
from copier.commands.exits import FAILED, FINE
from copier.commands.reloading import ConfigFile
from copier.commands.running import ONCE_S_MAX, How, Running, watch_signals
from copier.ledger.ledger import Ledger
from tests.copier.commands.shell import PAPER

UNREACHABLE = """
[accounts.far]
venue = "metacopier"
account_id = "865d3a4d-3803-486d-bdf3-a85679d9fad2"
api_key = "hunter2-key"
rest_url = "http://127.0.0.1:1"
socket_url = "ws://127.0.0.1:1/ws/api/v1"
"""


async def run_once(file: Path) -> int:
    """Return the exit code of `copier run --once --quiet` with a fresh ledger."""
    config_file = ConfigFile(file)
    running = Running(config_file, Ledger.in_memory(), How(once=True, quiet=True))
    return await running.run(config_file.read())


@pytest.mark.slow  # a minute of virtual time over real sockets
async def test_once_gives_up_on_an_account_that_cannot_be_reached(autojump_clock: MockClock, tmp_path: Path) -> None:
    file = tmp_path / "copier.toml"
    file.write_text(PAPER + UNREACHABLE, encoding="utf-8")
    begun = trio.current_time()
    assert await run_once(file) == FAILED
    assert trio.current_time() - begun >= ONCE_S_MAX


async def test_once_converges_on_accounts_that_hold_nothing(autojump_clock: MockClock, tmp_path: Path) -> None:
    file = tmp_path / "copier.toml"
    file.write_text(PAPER, encoding="utf-8")
    assert await run_once(file) == FINE


async def test_the_first_signal_asks_for_a_drain_and_the_second_ends_it() -> None:
    ending, reached = Ending(), False
    async with trio.open_nursery() as nursery:
        await nursery.start(watch_signals, ending)
        with ending.scope:
            os.kill(os.getpid(), signal.SIGINT)
            await ending.stop.wait()
            reached = True
            os.kill(os.getpid(), signal.SIGTERM)
            await trio.sleep_forever()
        nursery.cancel_scope.cancel()
    assert reached
    assert ending.signals == [signal.SIGINT, signal.SIGTERM]
