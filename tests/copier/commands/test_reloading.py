"""A config that is changed while the service runs: when it is read, when it is not taken, and what lasts."""

import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
import structlog
import trio
from attrs import define
from trio.testing import MockClock

from adapters.paper.driver import PaperAccount
from adapters.simulation.broker import Book
from copier.commands.accounts import OpenAccounts
from copier.commands.ending import Ending
from copier.commands.exits import FINE
from copier.commands.reloading import LOOK_EVERY_S, ConfigFile, next_config
from copier.commands.running import How, Running
from copier.config.errors import ConfigError
from copier.config.model import Configuration
from copier.ledger.ledger import Ledger
from copier.service.control import control_path
from rules.model.values import AccountId, Side, Symbol
from tests.copier.commands.shell import PAPER

HALVED = PAPER + 'policy = "half"\n\n[policies.half]\nsize = { mode = "multiplier", multiplier = 0.5 }\n'
MASTER, SMALL = AccountId("master"), AccountId("small")
EURUSD = Symbol("EURUSD")


def save(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "copier.toml"
    save(path, PAPER)
    return path


# When a file is read


def test_a_file_is_another_one_only_when_it_rests(path: Path) -> None:
    file = ConfigFile(path)
    file.read()
    assert not file.look()
    save(path, PAPER + "# half of")
    assert not file.look()
    save(path, PAPER + "# half of a sentence")
    assert not file.look()
    assert file.look()
    file.read()
    assert not file.look()


def test_a_file_that_is_written_again_as_it_was_is_none(path: Path) -> None:
    file = ConfigFile(path)
    file.read()
    os.utime(path, (1, 1))
    assert not any(file.look() for _ in range(3))
    save(path, PAPER + "# more")
    assert [file.look() for _ in range(3)] == [False, True, False]


def test_a_file_that_is_away_for_a_moment_is_not_another_one(path: Path) -> None:
    file = ConfigFile(path)
    file.read()
    path.rename(path.with_suffix(".bak"))
    assert not file.look()
    assert not file.look()
    path.with_suffix(".bak").rename(path)
    assert not file.look()
    assert not file.look()


def test_a_file_with_mistakes_is_looked_at_again_once_it_is_changed_again(path: Path) -> None:
    file = ConfigFile(path)
    save(path, "nothing = 1")
    with pytest.raises(ConfigError):
        file.read()
    assert not file.look()
    assert not file.look()


async def test_a_hangup_reads_it_at_once(autojump_clock: MockClock, path: Path) -> None:
    file = ConfigFile(path)
    running, begun = file.read(), trio.current_time()
    hang_up, hangups = trio.open_memory_channel[int](1)
    await hang_up.send(signal.SIGHUP)
    assert await next_config(file, running, hangups, _nobody) == running
    assert trio.current_time() == begun


def _nobody(problems: Sequence[str]) -> None:
    raise AssertionError(problems)


async def test_what_is_wrong_is_told_line_by_line_and_the_next_file_is_taken(
    autojump_clock: MockClock, path: Path
) -> None:
    file = ConfigFile(path)
    running = file.read()
    refused, taken = list[Sequence[str]](), list[Configuration]()
    _, hangups = trio.open_memory_channel[int](0)

    async def wait() -> None:
        taken.append(await next_config(file, running, hangups, refused.append))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        save(path, PAPER.replace('venue = "paper"', 'venue = "papers"'))
        await trio.sleep(10 * LOOK_EVERY_S)
        assert [len(problems) for problems in refused] == [2], "each mistake, and once"
        assert all(f"{path.name}:" in problem for problem in refused[0])
        save(path, PAPER.replace("copier.db", "other.db"))
        await trio.sleep(10 * LOOK_EVERY_S)
        assert "another ledger needs a restart" in refused[1][0]
        assert not taken
        save(path, HALVED)
    assert taken[0].links[0].policy.size.multiplier == Decimal("0.5")
    assert len(refused) == 2


# How a run ends


async def test_a_signal_is_stronger_than_a_changed_config(path: Path) -> None:
    config = ConfigFile(path).read()
    ending = Ending()
    ending.end_for(config)
    assert (ending.stop.is_set(), ending.is_for_good) == (True, False)
    ending.end_by(signal.SIGTERM)
    assert not ending.scope.cancel_called, "it is the first signal"
    assert ending.begin_again() is None


def test_a_run_begins_again_by_a_changed_config_once(path: Path) -> None:
    config = ConfigFile(path).read()
    ending = Ending()
    ending.end_for(config)
    assert ending.begin_again() is config
    assert not ending.stop.is_set()
    assert ending.begin_again() is None


# Accounts


async def test_accounts_that_are_written_alike_are_the_same_ones(path: Path) -> None:
    accounts = OpenAccounts()
    before = await accounts.of(ConfigFile(path).read())
    save(path, HALVED.replace("[accounts.small]", "[accounts.small]\nbalance = 5_000"))
    after = await accounts.of(ConfigFile(path).read())
    assert after[MASTER] is before[MASTER]
    assert after[SMALL] is not before[SMALL]
    await accounts.aclose()


# The service


@define
class Live:
    """A service that runs in this process, on two paper accounts."""

    path: Path
    running: Running
    code: int | None = None

    async def run(self, config: Configuration) -> None:
        self.code = await self.running.run(config)

    async def book(self, name: AccountId) -> Book:
        account = (await self.running.accounts.of(ConfigFile(self.path).read()))[name]
        assert isinstance(account, PaperAccount)
        return account.book

    async def change(self, text: str) -> None:
        """Save another config, and return when the service runs by it."""
        before = self.running.ending.stop
        save(self.path, text)
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: before is not self.running.ending.stop)


@asynccontextmanager
async def live(path: Path) -> AsyncIterator[Live]:
    """Run the service for the length of the block, which ends within half a minute, and end it by SIGTERM."""
    file = ConfigFile(path)
    config = file.read()
    ledger = Ledger.open(config.service.ledger)
    it = Live(path, Running(file, ledger, How(quiet=True)))
    try:
        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(it.run, config)
                await until(control_path(config.service.ledger).exists)
                yield it
                os.kill(os.getpid(), signal.SIGTERM)
    finally:
        ledger.close()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - nobody sets an event for a test
        await trio.sleep(0.01)


def volumes(book: Book) -> list[Decimal]:
    return sorted(position.volume for position in book.positions.values())


@pytest.mark.slow  # real processes' signals, and a service that begins twice
async def test_what_is_held_lasts_and_what_comes_next_obeys_the_changed_config(path: Path) -> None:
    async with live(path) as service:
        master, small = await service.book(MASTER), await service.book(SMALL)
        position = master.open(EURUSD, Side.BUY, Decimal(1), price=Decimal("1.1"))
        await until(lambda: volumes(small) == [1])
        await service.change(HALVED)
        assert await service.book(SMALL) is small
        master.open(EURUSD, Side.SELL, Decimal(1), price=Decimal("1.1"))
        await until(lambda: volumes(small) == [Decimal("0.5"), 1])
        master.close(position.position_id, price=Decimal("1.2"))
        await until(lambda: volumes(small) == [Decimal("0.5")])
    assert service.code == FINE


@pytest.mark.slow  # as above
async def test_a_config_with_mistakes_changes_nothing(path: Path) -> None:
    async with live(path) as service:
        master, small = await service.book(MASTER), await service.book(SMALL)
        stop = service.running.ending.stop
        save(path, PAPER + "policy = 7")
        os.kill(os.getpid(), signal.SIGHUP)
        master.open(EURUSD, Side.BUY, Decimal(1), price=Decimal("1.1"))
        await until(lambda: volumes(small) == [1])
        assert service.running.ending.stop is stop
    assert service.code == FINE


@pytest.mark.slow  # as above
async def test_copies_go_on_where_the_changed_config_leaves_nothing_served(path: Path) -> None:
    with structlog.testing.capture_logs() as lines:
        async with live(path) as service:
            master, small = await service.book(MASTER), await service.book(SMALL)
            (taken,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
            port = taken.socket.getsockname()[1]
            await service.change(PAPER.replace("[service]", f'[service]\nlisten = "127.0.0.1:{port}"'))
            master.open(EURUSD, Side.BUY, Decimal(1), price=Decimal("1.1"))
            await until(lambda: volumes(small) == [1])
            await taken.aclose()
    assert service.code == FINE
    assert "nothing is served" in [line["event"] for line in lines]
