"""How long a start takes: the imports, and a ledger with many living copies."""

import sys
import tempfile
from contextlib import closing
from pathlib import Path
from time import perf_counter

import trio

from adapters.registry import open_account
from adapters.transport.network import connect_tcp
from bench.parts import RESULTS, ROOT, median, save, show_table
from bench.workbench import SOURCE, TARGET, bench_config, filled, living_copy
from copier.clock import utc_now
from copier.commands.make_service import make_service
from copier.config.model import Configuration
from copier.ledger.journal import Journal
from copier.ledger.ledger import Ledger
from rules.model.actions import OpenPosition
from rules.model.copies import Copy

COPIES = 10_000
REPEATS = 5
GOAL_IMPORT_S = 0.5
GOAL_RECOVERY_S = 1.5

PROGRAMS = {
    "python alone": "pass",
    "trio": "import trio",
    "copier": "import copier.commands.run",
}


async def measure(copies: int = COPIES) -> None:
    """Measure, print and save."""
    imports: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(REPEATS):
        for name, program in PROGRAMS.items():
            begun = perf_counter()
            await trio.run_process([sys.executable, "-c", program], cwd=ROOT)
            imports[name].append(perf_counter() - begun)
    starts: dict[str, list[float]] = {}
    RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=RESULTS, prefix="ledgers-") as folder:
        config = bench_config(Path(folder))
        living = [living_copy(number, config.links[0].link_id, SOURCE, TARGET) for number in range(copies)]
        for name, write in (("rows", _write_rows), ("checkpoint", _write_checkpoint)):
            file = Path(folder) / f"{name}.db"
            await write(file, living)
            starts[name] = [_start_s(file, config) for _ in range(REPEATS)]
    rows = [
        ("python alone", median(imports["python alone"]), ""),
        ("import trio", median(imports["trio"]), ""),
        ("import copier, the service and its venues", median(imports["copier"]), GOAL_IMPORT_S),
        (f"{copies:,} living copies, from {3 * copies:,} rows", median(starts["rows"]), GOAL_RECOVERY_S),
        (f"{copies:,} living copies, from a checkpoint", median(starts["checkpoint"]), GOAL_RECOVERY_S),
    ]
    show_table("Cold start, s", ("what", "median", "goal"), rows)
    save("starting", {"imports_s": imports, "recovery_s": starts, "copies": copies})


async def _write_rows(file: Path, copies: list[Copy]) -> None:
    """Write what so many openings leave: decision, intent and report of each."""
    with closing(Ledger.open(file)) as ledger:
        journal = Journal(ledger)
        for copy in copies:
            action = _opening(copy)
            journal.decision(copy, "position", (), (action,))
            journal.intent(action, resend=False)
            journal.report(filled(action), copy)
        await journal.commit(utc_now())


async def _write_checkpoint(file: Path, copies: list[Copy]) -> None:
    with closing(Ledger.open(file)) as ledger:
        journal = Journal(ledger)
        journal.checkpoint(copies, (), utc_now())
        await journal.commit(utc_now())


def _opening(copy: Copy) -> OpenPosition:
    leg = copy.legs[0]
    return OpenPosition(leg.cl_ord_id, copy.target, leg.symbol, leg.side, leg.volume, expected_price=leg.expected_price)


def _start_s(file: Path, config: Configuration) -> float:
    """Return how long it takes from a closed ledger to a service that could run."""
    accounts = {
        name: open_account(each.venue, name, each.settings, connect=connect_tcp, now=utc_now)
        for name, each in config.accounts.items()
    }
    begun = perf_counter()
    with closing(Ledger.open(file)) as ledger:
        service = make_service(config, accounts, ledger)
        elapsed = perf_counter() - begun
    assert len(service.book) > 0
    return elapsed
