"""What the parts of the bench share: where they run, percentiles, tables, results."""

import json
import os
import platform
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"

POLICY = r"""
[symbols.majors]
map = [
  { match = 'BTC.*', deny = true },
  { match = '([A-Z0-9]+?)(\.m)?', to = '\1' },
]

[schedules.week]
timezone = "Europe/London"
closed = [{ cron = "0 0 1 1 *", for = "1s", why = "the first second of the year" }]

[policies.bench]
size = { mode = "multiplier", multiplier = 0.5 }
volume = { min = "raise", max = 2, round = "down" }
symbols = "majors"
schedule = "week"
filter = { volume = [0.02, 50], symbols = ["[A-Z]{6}"] }
guard = { max_age = "10s" }
limits = { max_positions = 200000, max_total_volume = 200000 }
on_start = { open = "copy" }

[[links]]
source = "source"
targets = ["target"]
policy = "bench"
"""
"""What every part copies by: a map, a schedule, a filter, sizes, caps; of a config with `source` and `target`."""

_CPUS = sorted(os.sched_getaffinity(0))
HARNESS_CPU = _CPUS[0]
RELAY_CPU = _CPUS[-1]


def start_program(*arguments: str, module: str = "bench.relay") -> "subprocess.Popen[str]":
    """Start one of the programs of a module (`bench/relay.py`) on the processor of the relays."""
    command = [sys.executable, "-m", module, *arguments]
    program = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    os.sched_setaffinity(program.pid, {RELAY_CPU})
    return program


def free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def percentile(values: Iterable[float], share: float) -> float:
    """Return a percentile by nearest rank."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def show_table(title: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; numbers are shown to three digits or more."""
    shown = [[_shown(cell) for cell in row] for row in rows]
    widths = [max(len(head), *(len(row[at]) for row in shown)) for at, head in enumerate(heads)]
    print(f"\n{title}")
    for line in (list(heads), *shown):
        first, rest = (
            line[0].ljust(widths[0]),
            [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)],
        )
        print("  " + "  ".join([first, *rest]))
    sys.stdout.flush()


def _shown(cell: object) -> str:
    if not isinstance(cell, float):
        return str(cell)
    return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"


def save(name: str, result: Mapping[str, Any]) -> None:
    """Write a result beside the earlier ones."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps({"machine": machine(), **result}, indent=1) + "\n")


def machine() -> dict[str, str]:
    """Return what ran this."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": f"{len(_CPUS)} x {model}",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.2f}",
        "commit": commit.stdout.strip() or "unknown",
    }


def filesystem(folder: Path) -> str:
    """Return the type of the filesystem that holds `folder`."""
    found = ("", "unknown")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount, kind, *_ = line.split()
        if folder.resolve().is_relative_to(mount) and len(mount) > len(found[0]):
            found = (mount, kind)
    return found[1]
