"""What a scrape of a running service shows, and to whom."""

import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path

import pytest
import trio
from starlette.applications import Starlette

from copier.alerts.alerting import Alerter, Channel
from copier.clock import utc_now
from copier.web.app import create_app
from copier.web.metrics.endpoint import BURST, metric_routes
from copier.web.metrics.exposition import MEDIA_TYPE, Exposition
from copier.web.metrics.readings import parts
from copier.web.metrics.table import METRICS
from copier.web.principal import LOCAL_READER, KeyScope, Principal
from rules.alerts.kinds import Alert, AlertKind
from rules.alerts.routes import AlertRoute
from rules.model.severity import Severity
from rules.model.values import AccountId
from tests.copier.alerts.test_alert_delivery import Phone
from tests.copier.web.clients import TENANT, Client, Door, serving
from tests.copier.web.metrics.test_exposition import read
from tests.copier.web.running import ask

pytestmark = pytest.mark.slow  # each test runs a whole service on a ledger of its own

Found = dict[str, dict[tuple[str, ...], float]]


def text_of(client: Client, who: Principal = LOCAL_READER) -> str:
    page = Exposition()
    for part in parts(client.surface, who):
        page.add(part)
    return page.text


def shown(client: Client, who: Principal = LOCAL_READER) -> Found:
    return read(text_of(client, who))


@asynccontextmanager
async def told(client: Client) -> AsyncIterator[None]:
    """Let three destinations, two of one name, be told of one alert."""
    channels = [Channel(AlertRoute("r"), (Phone(), Phone(name="desk"), Phone(name="desk")))]
    client.surface.alerter = Alerter(channels, now=utc_now, zone=UTC)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.surface.alerter.run)
        client.surface.alerter.take(Alert(AlertKind.ORPHAN, "x", "x", utc_now(), Severity.CRITICAL))
        await client.surface.alerter.finish()
        yield
        nursery.cancel_scope.cancel()


async def traded(client: Client) -> None:
    """Let one position be copied, one be denied and one wait."""
    await client.open("EURUSD")
    await client.open("XAUUSD", "0.1", "2650")
    await client.copied(1)
    await client.until(lambda: len(list(client.surface.book.all())) == 4)


async def test_every_metric_of_the_table_has_samples_once_somebody_trades(tmp_path: Path) -> None:
    async with serving(tmp_path) as client, told(client):
        await traded(client)
        found = shown(client)
        for metric in METRICS:
            name = f"{metric.name}_count" if metric.kind == "histogram" else metric.name
            assert found.get(name), metric.name


async def test_a_copied_trade_moves_the_counters_and_histograms(tmp_path: Path) -> None:
    async with serving(tmp_path) as client, told(client):
        before = shown(client)
        assert before["copier_orders_sent_total"]["small",] == 0
        await traded(client)
        found = shown(client)
        assert found["copier_orders_sent_total"]["small",] == 1
        assert found["copier_order_intents_total"]["small",] == 1
        assert found["copier_order_reports_total"]["small", "filled"] == 1
        assert found["copier_order_reports_total"]["small", "rejected"] == 0
        assert found["copier_sent_to_report_seconds_count"]["small",] == 1
        assert found["copier_durable_to_sent_seconds_count"]["master",] == 0
        assert found["copier_copies"]["small", "holding"] == 1
        assert found["copier_copies"]["asking", "approval"] == 2
        assert found["copier_denials_total"] == {("small", "FILTER_SYMBOL"): 1}
        assert found["copier_positions"]["master",] == 2
        assert found["copier_ledger_rows"][()] > before["copier_ledger_rows"][()]
        assert found["copier_ledger_commit_seconds_count"][()] > 0
        assert found["copier_alert_messages_sent_total"] == {("phone",): 1, ("desk",): 2}
        assert found["copier_alerts_total"]["orphan",] == 1


async def test_accounts_and_limits_are_shown_as_they_are(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        await client.until(lambda: client.surface.limits.judgements(AccountId("small"))[0][1].headroom is not None)
        found = shown(client)
        assert found["copier_session_state"]["small", "ready"] == 1
        assert found["copier_session_state"]["small", "lost"] == 0
        assert found["copier_limit_stage"]["small", "small/max_loss", "max_loss", "ok"] == 1
        assert found["copier_limit_headroom_ratio"]["small", "small/max_loss", "max_loss"] == 1
        assert found["copier_equity"]["small", "USD"] == 10_000
        assert found["copier_mismatches"]["small", "critical"] == 0
        assert (found["copier_alive"][()], found["copier_ready"][()]) == (1, 1)


async def test_a_key_sees_its_own_accounts_and_no_sums_over_those_of_others(tmp_path: Path) -> None:
    async with serving(tmp_path) as client, told(client):
        await client.open("EURUSD", account="foreign")
        await client.copied(1)
        found = shown(client, TENANT)
        text = text_of(client, TENANT)
        assert "foreign" not in text
        assert "asking" not in text
        assert found["copier_equity"]["small", "USD"] == 10_000
        assert found["copier_copies"]["small", "holding"] == 0, "the link's other end is not theirs"
        for name in ("copier_ledger_rows", "copier_alerts_total", "copier_web_connections", "process_open_fds"):
            assert name not in found
        nobody = Principal("nobody", frozenset({KeyScope.READ}), frozenset())
        assert {name for name, each in shown(client, nobody).items() if any(each)} == {"copier_info"}


async def test_what_is_read_is_behind_the_doors_and_paced(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        app = create_app(client.surface)
        said = await ask(app, "GET", "/metrics")
        assert (said.status, said.headers["content-type"]) == (200, MEDIA_TYPE)
        assert read(said.body.decode())["copier_alive"] == {(): 1}
        assert (await ask(app, "GET", "/metrics", client=("10.0.0.1", 1))).status == 401
        assert (await ask(app, "GET", "/metrics", headers=[("host", "evil.test")])).status == 421
        paced = Door(Starlette(routes=metric_routes(client.surface)), TENANT)
        statuses = [(await ask(paced, "GET", "/metrics")).status for _ in range(int(BURST) + 1)]
        assert statuses == [200] * int(BURST) + [429]


async def test_others_run_between_the_accounts_of_a_scrape(tmp_path: Path) -> None:
    async with serving(tmp_path) as client, trio.open_nursery() as nursery:
        turns = 0

        async def order() -> None:
            nonlocal turns
            while True:
                await trio.lowlevel.checkpoint()
                turns += 1

        nursery.start_soon(order)
        await ask(Door(Starlette(routes=metric_routes(client.surface)), LOCAL_READER), "GET", "/metrics")
        assert turns > len(client.surface.views)
        nursery.cancel_scope.cancel()


async def test_prometheus_itself_finds_nothing_to_blame(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool here: only the Python reader of the same makers has read the page")
    async with serving(tmp_path) as client, told(client):
        await traded(client)
        text = text_of(client)
        checked = await trio.to_thread.run_sync(
            lambda: subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
        )
        assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
