"""The equity curves: sampled from what is in sight, kept over a restart, and no reason to stop trading."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
import structlog
import trio

from copier.clock import utc_now
from copier.web import curves
from copier.web.store import Store, opened_store, store_path
from rules.model.values import AccountId
from tests.copier.web.clients import serving

pytestmark = pytest.mark.slow  # each test runs a whole service on a ledger of its own

WORLD = """\
[service]
ledger = "sqlite:copier.db"
drain = "1s"

[accounts.small]
venue = "paper"
state = ":memory:"
"""


FAR = """
[accounts.far]
venue = "metacopier"
account_id = "865d3a4d-3803-486d-bdf3-a85679d9fad2"
api_key = "hunter2-key"
rest_url = "http://127.0.0.1:1"
socket_url = "ws://127.0.0.1:1/ws/api/v1"
"""


async def until(is_so: Callable[[], bool]) -> None:
    with trio.fail_after(10):
        while not is_so():  # noqa: ASYNC110 - a thread writes it, and tells nobody
            await trio.sleep(0.01)


async def test_accounts_in_sight_are_sampled_and_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curves, "SAMPLE_EVERY_S", 0.01)
    async with serving(tmp_path, WORLD) as client:
        store = client.surface.store
        await until(lambda: store.peak(AccountId("small")) == Decimal(10_000))
        [point] = (await client.get("/accounts/small/equity")).json["points"][-1:]
        assert (point["balance"], point["equity"]) == ("10000", "10000")


async def test_a_store_that_cannot_be_written_leaves_a_hole_and_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curves, "SAMPLE_EVERY_S", 0.01)
    async with serving(tmp_path, WORLD) as client:
        with structlog.testing.capture_logs() as lines:
            client.surface.store._connection.pragma("query_only", 1)
            await until(lambda: any("the equity curve has a hole" in line["event"] for line in lines))
        assert (await client.get("/status")).status == 200
        client.surface.store._connection.pragma("query_only", 0)
        await until(lambda: client.surface.store.peak(AccountId("small")) is not None)


def test_a_file_that_is_none_of_ours_costs_the_memory_and_not_the_service(tmp_path: Path) -> None:
    path = store_path(tmp_path / "copier.db")
    path.write_text("something else, and long enough to be looked at as a database: " * 10)
    with opened_store(path) as store:
        store.sample({AccountId("small"): (Decimal(1), Decimal(1))}, utc_now())
        assert store.peak(AccountId("small")) == Decimal(1)
    assert path.read_text().startswith("something else")


def test_a_file_of_ours_is_gone_on_with(tmp_path: Path) -> None:
    path = store_path(tmp_path / "copier.db")
    for _ in range(2):
        with opened_store(path) as store:
            assert isinstance(store, Store)
            store.sample({AccountId("small"): (Decimal(1), Decimal(2))}, utc_now())
    with opened_store(path) as store:
        assert store.peak(AccountId("small")) == Decimal(2)


async def test_an_account_out_of_sight_says_why_and_worries(tmp_path: Path) -> None:
    async with serving(tmp_path, WORLD) as client:
        assert (await client.get("/status")).json["status"] == "ok"
    folder = tmp_path / "far"
    folder.mkdir()
    async with serving(folder, WORLD + FAR, ready=False) as client:
        name = AccountId("far")
        await client.until(lambda: client.surface.lost_since(name) is not None)
        far = (await client.get("/accounts/far")).json
        assert far["state"] == "lost"
        assert far["state_why"]
        assert far["equity"] is None
        status = (await client.get("/status")).json
        assert status["status"] == "warning"
        assert [each["kind"] for each in status["concerns"] if each["account"] == "far"] == ["session"]
        assert status["accounts"]["lost"] == 1
