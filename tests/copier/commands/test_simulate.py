"""`copier simulate`: venues that other programs can use, as processes."""

import json
import signal
import socket
from pathlib import Path

import pytest

from adapters.registry import CONFIGS
from copier.simulated import VENUE_NAMES
from tests.copier.commands.shell import copier, started


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "expected one or more of tradelocker, metacopier, metaapi, clearstreet, found none"),
        (("tradelocker", "mt9"), "found mt9"),
        (("tradelocker", "--accounts", "0"), "must be between 1 and 1000, was 0"),
    ],
)
@pytest.mark.slow  # starts a process
def test_wrong_input_ends_with_2_and_says_what_was_expected(
    tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    result = copier("simulate", *arguments, folder=tmp_path)
    assert result.returncode == 2
    assert says in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow  # starts a process
def test_a_port_that_is_taken_is_said_in_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = copier("simulate", "tradelocker", "--port", str(port), folder=tmp_path)
    assert result.returncode == 2
    assert str(port) in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow  # starts two processes
def test_what_it_prints_makes_a_config_that_copies_between_its_accounts(tmp_path: Path) -> None:
    process = started("simulate", *VENUE_NAMES, "--accounts", "3", "--still", folder=tmp_path)
    try:
        assert process.stdout is not None
        venues = [json.loads(process.stdout.readline()) for _ in VENUE_NAMES]
        assert [venue["venue"] for venue in venues] == list(VENUE_NAMES)
        tables = [table for venue in venues for table in venue["accounts"].values()]
        assert len(tables) == 3 * len(VENUE_NAMES)
        accounts = "\n".join(f"[accounts.a{number}]\n{table}" for number, table in enumerate(tables))
        file = tmp_path / "copier.toml"
        file.write_text(f'{accounts}\n[[links]]\nsource = "a0"\ntargets = ["a1", "a3"]\n', encoding="utf-8")
        result = copier("run", file, "--once", folder=tmp_path)
        assert result.returncode == 0, result.stderr
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_every_simulated_venue_is_one_that_a_config_can_name() -> None:
    assert set(VENUE_NAMES) <= set(CONFIGS)
