"""`copier demo`: everything on this machine, no accounts, no internet."""

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random
from typing import Annotated, Any, TextIO

import trio
from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from adapters.base import Account
from adapters.paper.driver import PaperAccount
from copier.clock import utc_now
from copier.commands.accounts import open_accounts
from copier.commands.configs import read_config
from copier.commands.exits import FAILED, FINE, WRONG_INPUT, explained
from copier.commands.make_service import make_service
from copier.demo.audit import Audit, Seen, audit
from copier.demo.config import (
    METACOPIER_SOURCE,
    METACOPIER_TARGET,
    SUFFIX,
    TRADELOCKER_SOURCE,
    TRADELOCKER_TARGET,
    demo_config,
)
from copier.demo.trader import Trader
from copier.demo.venues import ChildVenue, child_venue
from copier.ledger.ledger import Ledger
from copier.service.service import Service
from copier.telling.console import Narrator
from copier.telling.logs import configure_logs
from copier.web.changes import Changes
from copier.web.serve import serve_surface
from copier.web.surface import Surface
from rules.model.frozen import frozen
from rules.model.values import AccountId

TRADE_EVERY_S = 0.4

_SHOWN = {
    "frame_to_intent": "frame to intent",
    "intent_to_durable": "intent to durable",
    "durable_to_sent": "durable to sent",
}

SETTLE_S = 10.0
"""After the trader stops, the copier may take this long to catch up; what differs then is a mismatch."""


@frozen
class Outcome:
    """What a demo ends with."""

    source_positions: int
    copies: int
    denials: Counter[str]
    audit: Audit
    latency_ms: dict[str, dict[str, float | int]]

    def as_json(self) -> dict[str, Any]:
        return {
            "source_positions": self.source_positions,
            "copies": self.copies,
            "denials": dict(sorted(self.denials.items())),
            "mismatches": len(self.audit.mismatches),
            "duplicates": len(self.audit.duplicates),
            "orphans": len(self.audit.orphans),
            "latency_ms": self.latency_ms,
        }


def demo(
    *,
    duration: Annotated[float, Parameter(help="Seconds of trading; then a summary.")] = 60.0,
    json_: Annotated[bool, Parameter(name="--json", help="Print only the summary, as one JSON object.")] = False,
    seed: Annotated[int, Parameter(help="Of the trader and the market.")] = 1,
    keep: Annotated[
        Path | None, Parameter(help="Keep config and ledger in this folder, to look at them later.")
    ] = None,
) -> int:
    """Copy between simulated venues for a while, and say what was copied, what was denied, and why."""
    if duration <= 0:
        print(f"--duration must be > 0 seconds, was {duration}")
        return WRONG_INPUT
    configure_logs("error")
    with explained(), tempfile.TemporaryDirectory(prefix="copier-demo-") as temporary:
        folder = keep if keep is not None else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        out = None if json_ else sys.stdout
        outcome = trio.run(_demo, folder, duration, seed, out)
        if json_:
            print(json.dumps(outcome.as_json()))
        else:
            _print(outcome, Console())
        return FINE if outcome.audit.clean else FAILED


async def _demo(folder: Path, duration: float, seed: int, out: TextIO | None) -> Outcome:
    async with (
        child_venue("tradelocker", seed) as tradelocker,
        child_venue("metacopier", seed, SUFFIX) as metacopier,
    ):
        file = folder / "copier.toml"
        file.write_text(demo_config(tradelocker, metacopier), encoding="utf-8")
        file.chmod(0o600)
        if out is not None:
            print(f"config: {file}", file=out)
        config = read_config(file)
        ledger = Ledger.open(config.service.ledger)
        narrator = Narrator(out)
        try:
            async with open_accounts(config) as accounts:
                changes = Changes()
                service = make_service(config, accounts, ledger, listeners=[narrator], changes=changes)
                surface = Surface(config, service, changes, utc_now=utc_now)
                sources = [tradelocker.terminal(TRADELOCKER_SOURCE), metacopier.terminal(METACOPIER_SOURCE)]
                trader = Trader(sources, Random(seed))
                await _trade(service, trader, duration, surface, file, out)
                latency = service.latency.summary()
                return Outcome(
                    trader.opened,
                    narrator.opens,
                    narrator.denials,
                    await _audit(service, accounts, tradelocker, metacopier),
                    {stage: latency[stage] for stage in _SHOWN if stage in latency},
                )
        finally:
            ledger.close()


async def _trade(
    service: Service, trader: Trader, duration: float, surface: Surface, file: Path, out: TextIO | None
) -> None:
    """Let the trader trade beside the service and its surfaces."""
    async with trio.open_nursery() as nursery:
        assert surface.config.service.listen is not None  # the demo's config says so
        url = await nursery.start(serve_surface, surface, surface.config.service.listen)
        if out is not None:
            print(f"dashboard: {url}", file=out)
            print(f"its levers: sign in there with what `copier keys add me {file} --scope operate` prints", file=out)
            out.flush()
        await _trade_until(service, trader, duration)
        nursery.cancel_scope.cancel()


async def _trade_until(service: Service, trader: Trader, duration: float) -> None:
    """Let the trader trade for a while, then let the service catch up and stop it."""
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(service.run, stop)
        with trio.move_on_after(SETTLE_S):
            await _until(service, lambda: service.convergence.reached)
        with trio.move_on_after(duration):
            await trader.run(TRADE_EVERY_S)
        with trio.move_on_after(SETTLE_S):
            await trio.sleep(1.0)  # the last message is still on its way through the venue
            await _until(service, lambda: service.convergence.reached)
        stop.set()


async def _until(service: Service, condition: Any) -> None:
    while not condition():
        await service.engine.next_round()


async def _audit(
    service: Service, accounts: dict[AccountId, Account], tradelocker: ChildVenue, metacopier: ChildVenue
) -> Audit:
    sources: dict[AccountId, Seen] = {
        AccountId("tl-source"): await tradelocker.account(TRADELOCKER_SOURCE).book(),
        AccountId("mc-source"): await metacopier.account(METACOPIER_SOURCE).book(),
    }
    paper = accounts[AccountId("paper-target")]
    assert isinstance(paper, PaperAccount)  # the demo's config says so
    targets: dict[AccountId, Seen] = {
        AccountId("paper-target"): paper.book,
        AccountId("tl-target"): await tradelocker.account(TRADELOCKER_TARGET).book(),
        AccountId("mc-target"): await metacopier.account(METACOPIER_TARGET).book(),
    }
    return audit(sources, targets, service.book)


def _print(outcome: Outcome, console: Console) -> None:
    table = Table(title="demo", show_header=False)
    table.add_row("source positions", str(outcome.source_positions))
    table.add_row("copies", str(outcome.copies))
    for code, count in sorted(outcome.denials.items()):
        table.add_row(f"denied {code}", str(count))
    table.add_row("mismatches", str(len(outcome.audit.mismatches)))
    table.add_row("duplicates", str(len(outcome.audit.duplicates)))
    table.add_row("orphans", str(len(outcome.audit.orphans)))
    for stage, name in _SHOWN.items():
        figures = outcome.latency_ms.get(stage)
        if figures is not None:
            table.add_row(f"{name}, p50 / p99", f"{figures['p50']} / {figures['p99']} ms")
    console.print(table)
    for text in (*outcome.audit.mismatches, *outcome.audit.duplicates, *outcome.audit.orphans):
        console.print(f"[red]{text}")
