"""The socket that operators' levers come through: real sockets, one machine."""

import stat
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio

from copier.ledger.records import LeverRecord
from copier.service.control import REQUEST_BYTES_MAX, NotRunning, control_path, pull_lever, serve_control
from rules.model.levers import SetAccount, TradingState
from rules.model.values import AccountId

RECORD = LeverRecord(SetAccount(AccountId("small"), TradingState.HALTED), "anna", "why not")
Pull = Callable[[LeverRecord], Awaitable[str]]


async def obey(record: LeverRecord) -> str:
    return f"{record.lever.key} by {record.by}"


def mode(path: Path) -> int | None:
    """Return who may open the socket; None where there is none."""
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else None


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return control_path(tmp_path_factory.mktemp("c") / "copier.db")


async def test_a_lever_arrives_whole_and_its_answer_comes_back(path: Path) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_control, path, obey)
        assert mode(path) == 0o600
        assert await pull_lever(path, RECORD) == "account small by anna"
        nursery.cancel_scope.cancel()
    assert mode(path) is None


async def test_without_a_service_nobody_answers(path: Path) -> None:
    with pytest.raises(NotRunning):
        await pull_lever(path, RECORD)


@pytest.fixture
def old_path(path: Path) -> Path:
    path.write_text("left by a crash", encoding="utf-8")
    return path


async def test_an_old_socket_is_taken_over(old_path: Path) -> None:
    path = old_path
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_control, path, obey)
        assert await pull_lever(path, RECORD) == "account small by anna"
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("sent", [b"", b"hello\n", b'{"@kind":"LeverRecord"}\n', b"x" * (REQUEST_BYTES_MAX + 1)])
async def test_what_is_no_lever_is_dropped_and_the_next_is_served(path: Path, sent: bytes) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_control, path, obey)
        async with await trio.open_unix_socket(str(path)) as stream:
            await stream.send_all(sent)
            await stream.send_eof()
            assert await stream.receive_some() == b""
        assert await pull_lever(path, RECORD) == "account small by anna"
        nursery.cancel_scope.cancel()


async def test_a_service_that_does_not_answer_is_not_waited_for(path: Path, autojump_clock: object) -> None:
    async def forget(_: LeverRecord) -> str:
        await trio.sleep_forever()
        return ""

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_control, path, forget)
        with pytest.raises(NotRunning):
            await pull_lever(path, RECORD)
        nursery.cancel_scope.cancel()


async def test_a_path_that_no_socket_can_have_is_told_and_the_service_runs(tmp_path: Path) -> None:
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_control, tmp_path / ("x" * 120), obey)
    assert mode(tmp_path / ("x" * 120)) is None
