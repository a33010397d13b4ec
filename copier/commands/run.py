"""`copier run`: the service."""

from pathlib import Path
from typing import Annotated

import trio
from cyclopts import Parameter

from copier.commands.exits import explained
from copier.commands.reloading import ConfigFile
from copier.commands.running import How, Running
from copier.ledger.ledger import Ledger
from copier.service.dry_run import ledger_copy
from copier.telling.logs import configure_logs


def run(
    file: Path = Path("copier.toml"),
    /,
    *,
    dry_run: Annotated[bool, Parameter(help="Decide and print everything, send nothing, write nothing.")] = False,
    once: Annotated[bool, Parameter(help="Reconcile, converge, exit.")] = False,
    quiet: Annotated[bool, Parameter(help="Do not print copies and denials; the log still goes to stderr.")] = False,
) -> int:
    """Copy as FILE says, until SIGTERM or Ctrl-C. A changed FILE is taken when it is saved, or at SIGHUP."""
    with explained():
        config_file = ConfigFile(file)
        config = config_file.read()
        configure_logs(config.service.log_level.value)
        ledger = ledger_copy(config.service.ledger) if dry_run else Ledger.open(config.service.ledger)
        try:
            running = Running(config_file, ledger, How(dry_run=dry_run, once=once, quiet=quiet))
            return trio.run(running.run, config)
        finally:
            ledger.close()
