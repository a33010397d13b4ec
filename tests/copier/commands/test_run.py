"""`copier run`: exit codes, `--once`, `--dry-run`, and no secret anywhere."""

import os
import re
import signal
from decimal import Decimal
from pathlib import Path

import pytest
import trio

from rules.model.values import PositionId, Side, Symbol
from tests.copier.commands.shell import PAPER, SECRET, copier, started, wait_for_line
from tests.e2e.world import TL_SOURCE, World, ended, open_world

pytestmark = pytest.mark.slow  # each test starts processes of its own


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "copier.toml"
    file.write_text(PAPER, encoding="utf-8")
    return file


def test_sigterm_drains_and_ends_with_0(file: Path) -> None:
    process = started("run", file, folder=file.parent)
    wait_for_line(process, "running")
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert "ended" in log


def test_ctrl_c_drains_and_ends_with_130(file: Path) -> None:
    process = started("run", file, folder=file.parent)
    wait_for_line(process, "running")
    process.send_signal(signal.SIGINT)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 130, log
    assert "Traceback" not in log


def test_a_second_instance_ends_with_3_and_names_the_first(file: Path) -> None:
    first = started("run", file, folder=file.parent)
    wait_for_line(first, "running")
    try:
        second = copier("run", file, folder=file.parent)
        assert second.returncode == 3
        assert f"in use by process {first.pid}" in second.stderr
        assert "Traceback" not in second.stderr
        assert first.poll() is None, "the first one goes on"
        dry = copier("run", file, "--dry-run", "--once", folder=file.parent)
        assert dry.returncode == 0, dry.stderr
    finally:
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=60)


def test_a_wrong_config_ends_with_2_and_tells_all_its_errors(file: Path) -> None:
    broken = PAPER.replace('drain = "2s"', 'drain = "soon"').replace('targets = ["small"]', 'targets = ["smal"]')
    file.write_text(broken, encoding="utf-8")
    result = copier("run", file, folder=file.parent)
    assert result.returncode == 2
    assert "copier.toml:3" in result.stderr
    assert "smal" in result.stderr
    assert "2 problems in the config; nothing was started" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (file.parent / "copier.db").exists()


def test_a_missing_config_ends_with_2(tmp_path: Path) -> None:
    result = copier("run", folder=tmp_path)
    assert result.returncode == 2
    assert "copier.toml" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_file_that_is_no_ledger_ends_with_2_and_stays_as_it_is(file: Path) -> None:
    other = file.parent / "copier.db"
    other.write_text("somebody's notes\n" * 100, encoding="utf-8")
    result = copier("run", file, "--once", folder=file.parent)
    assert result.returncode == 2, result.stderr
    assert "not a ledger" in result.stderr
    assert other.read_text(encoding="utf-8") == "somebody's notes\n" * 100


@pytest.mark.parametrize("arguments", [("run", "--nonsense"), ("nonsense",), ("explain",), ("check", "a", "b", "c")])
def test_arguments_that_are_wrong_end_with_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = copier(*arguments, folder=tmp_path)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_once_converges_and_ends_with_0(file: Path) -> None:
    result = copier("run", file, "--once", folder=file.parent)
    assert result.returncode == 0, result.stderr


async def test_once_copies_what_is_open_and_closes_what_is_gone(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        [position] = open_some(world, 1)
        assert await ended(await world.start("--once"), 60) == 0
        assert world.differences() == []
        assert len(world.targets[0].positions) == 1
        world.sources[0].close(position)
        assert await ended(await world.start("--once"), 60) == 0
        assert world.differences() == []
        assert not world.targets[0].positions
        check_no_secret(world)


async def test_a_dry_run_tells_everything_and_sends_and_writes_nothing(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        open_some(world, 1)
        assert await ended(await world.start("--once"), 60) == 0
        open_some(world, 2)
        orders = [len(book.orders) for book in world.targets]
        before = (tmp_path / "copier.db").read_bytes()
        (tmp_path / "log.txt").unlink()
        assert await ended(await world.start("--once", "--dry-run"), 60) == 0
        assert (tmp_path / "copier.db").read_bytes() == before
        assert [len(book.orders) for book in world.targets] == orders
        told = (tmp_path / "log.txt").read_text(encoding="utf-8")
        assert told.count("intent") >= 4, "two positions for two targets are told of"
        check_no_secret(world)


async def test_a_dry_run_without_a_ledger_makes_none(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        open_some(world, 1)
        assert await ended(await world.start("--once", "--dry-run"), 60) == 0
        assert sorted(os.listdir(tmp_path)) == ["copier.toml", "log.txt"]
        assert [len(book.orders) for book in world.targets] == [0, 0]


async def test_a_wrong_password_names_the_account_and_shows_no_password(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        config = world.tradelocker.simulator.config(TL_SOURCE, world.tradelocker.origin)
        text = world.file.read_text(encoding="utf-8")
        head, tail = text.split("[accounts.mc-source]", 1)
        wrong = head.replace(config.password.reveal(), SECRET)
        world.file.write_text(f"{wrong}[accounts.mc-source]{tail}", encoding="utf-8")
        process = await world.start()
        try:
            with trio.fail_after(30):
                while not refusals(world):  # noqa: ASYNC110  # a file tells nobody of its new lines
                    await trio.sleep(0.1)
        finally:
            process.terminate()
            assert await ended(process, 30) == 0
        assert refusals(world) == {"tl-source"}
        check_no_secret(world)


def refusals(world: World) -> set[str]:
    """Return the accounts that the log calls refused."""
    lines = (world.folder / "log.txt").read_text(encoding="utf-8").splitlines()
    return {name for line in lines if "refused" in line for name in re.findall(r"account=(\S+)", line)}


def open_some(world: World, count: int) -> list[PositionId]:
    """Open positions at the first source; return their ids."""
    orders = [world.sources[0].open(Symbol("EURUSD"), Side.BUY, Decimal(1)) for _ in range(count)]
    return [order.position_id for order in orders if order.position_id is not None]


def check_no_secret(world: World) -> None:
    """Look for every secret of the config in all that was printed and kept."""
    config = world.tradelocker.simulator.config(TL_SOURCE, world.tradelocker.origin)
    for secret in (config.password.reveal(), config.developer_api_key.reveal(), SECRET):
        for kept in world.folder.iterdir():
            if kept.name != "copier.toml":
                assert secret.encode() not in kept.read_bytes(), kept
