"""The command line."""

import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path

from cyclopts import App

from copier.commands.alerts import alerts_app
from copier.commands.author import init, schema
from copier.commands.backup import backup
from copier.commands.cases import run_cases
from copier.commands.check import check
from copier.commands.exits import INTERRUPTED
from copier.commands.export import export
from copier.commands.kept_alerts import acknowledge, list_alerts
from copier.commands.keys import keys_app
from copier.commands.levers import approve, close_only, flatten, halt, pause, reset_limit, resume
from copier.commands.presets import presets
from copier.commands.read import explain, ledger_app
from copier.commands.replay import replay
from copier.commands.report import report
from copier.commands.run import run
from copier.commands.simulate import simulate
from copier.commands.views import events, limits, links, mismatches, positions, status
from copier.demo.run import demo

app = App(
    name="copier",
    help="A self-hosted trade copier and risk engine.",
    version=partial(version, "trade-copier"),
    version_flags=["--version"],
)
COMMANDS = (
    init,
    check,
    run,
    demo,
    schema,
    explain,
    replay,
    report,
    status,
    positions,
    links,
    limits,
    mismatches,
    events,
    presets,
    simulate,
    pause,
    resume,
    close_only,
    halt,
    flatten,
    approve,
    reset_limit,
)
for command in COMMANDS:
    app.command(command)
app.command(run_cases, name="test")
ledger_app.command(backup)
ledger_app.command(export)
app.command(ledger_app)
app.command(keys_app)
alerts_app.command(list_alerts, name="list")
alerts_app.command(acknowledge)
app.command(alerts_app)


def main() -> None:
    """Run the command line and exit with its code."""
    _check_neighbours()
    result: object = INTERRUPTED
    try:
        result = app(sys.argv[1:], exit_on_error=True, result_action="return_value")
    except* KeyboardInterrupt:
        pass  # alone or out of nurseries: either way the code says it
    sys.exit(result if isinstance(result, int) else 0)


def _check_neighbours() -> None:
    """Refuse to run beside somebody else's `rules` or `adapters`: the names are common."""
    import adapters
    import rules

    here = Path(__file__).resolve().parent.parent
    for package in (rules, adapters):
        found = Path(package.__file__ or "").resolve().parent.parent
        if found != here:
            where = f"was expected in {here}, found in {found}"
            sys.exit(f"the package {package.__name__} {where}: use an environment of its own")


if __name__ == "__main__":
    main()
