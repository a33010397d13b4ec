"""What the operating system says of this process, and of the disk that the ledger lies on."""

import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from copier.web.metrics import table as of
from copier.web.metrics.table import Sample

_SELF: Final = Path("/proc/self")
"""Linux has it; elsewhere memory and files are not told."""


def process_samples() -> Iterator[Sample]:
    """Yield what the process uses."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    yield of.CPU, (), round(used.ru_utime + used.ru_stime, 3)
    with suppress(OSError):
        yield of.MEMORY, (), int((_SELF / "statm").read_text().split()[1]) * resource.getpagesize()
        yield of.FILES, (), len(os.listdir(_SELF / "fd"))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY:
        yield of.FILES_MAX, (), soft


def disk_samples(ledger: Path) -> Iterator[Sample]:
    """Yield how large the ledger is and how much room it has; nothing while nobody can tell."""
    with suppress(OSError):
        yield of.LEDGER_FREE, (), shutil.disk_usage(ledger.parent).free
        log = ledger.with_name(f"{ledger.name}-wal")
        yield of.LEDGER_BYTES, (), ledger.stat().st_size + (log.stat().st_size if log.exists() else 0)
