"""`copier replay`: a recorded ledger through another config."""

import json
from pathlib import Path
from typing import Annotated

import trio
from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from copier.commands.configs import capabilities_of, read_config
from copier.commands.exits import FINE, explained
from copier.commands.read import Json
from copier.ledger.ledger import Ledger
from copier.replay.differences import Comparison, Difference, Results, compare
from copier.replay.replay import Replay
from copier.telling.wording import money_words, printable
from rules.model.values import plain

File = Annotated[Path, Parameter(name="--config", help="The config to replay it through.")]


def replay(ledger: Path, /, *, config: File = Path("copier.toml"), json_: Json = False) -> int:
    """Decide what LEDGER recorded again by another config, and tell what would have been different."""
    with explained():
        read = read_config(config)
        opened = Ledger.open(ledger, readonly=True)
        try:
            replayed = Replay(opened, read, capabilities_of(read))
            trio.run(_run, replayed)
        finally:
            opened.close()
        found = compare(replayed)
        if json_:
            print(json.dumps(_as_json(found)))
        else:
            _print(found)
        return FINE


async def _run(replayed: Replay) -> None:
    """Replay, with a progress bar where somebody looks."""
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("replaying", total=replayed.ledger.last_seq)
        replayed.on_row = lambda seq: progress.update(task, completed=seq)
        await replayed.run()


def _print(found: Comparison) -> None:
    console = Console(highlight=False)
    for each in found.differences:
        _print_one(console, each)
    same = found.trades - len(found.differences)
    lines = [f"{_trades(found.trades)}: {same} as recorded, {len(found.differences)} different"]
    if found.recorded or found.replayed:
        lines.append(f"result recorded {_sums(found.recorded)}, replayed {_sums(found.replayed)}")
        lines.append("an estimate by prices: no commissions, no swaps")
    if found.without_result:
        lines.append(f"in no result, open or without known prices: {_trades(found.without_result)}")
    if found.left_out:
        lines.append(f"left out, their source positions are not recorded: {_trades(found.left_out)}")
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def _print_one(console: Console, each: Difference) -> None:
    head = f"{each.link_id} #{printable(each.position_id)} {each.what}, opened {each.opened_at:%Y-%m-%d %H:%M:%S}"
    console.print(Text(head, style="bold"), soft_wrap=True)
    for change in each.changes:
        console.print(Text(f"    {change.what}: {change.recorded} -> {change.replayed}"), soft_wrap=True)
    for step in each.steps:
        console.print(Text(f"        {step}", style="dim"), soft_wrap=True)


def _trades(count: int) -> str:
    return f"{count} trade{'s' if count != 1 else ''}"


def _sums(results: Results) -> str:
    return ", ".join(money_words(amount, currency) for currency, amount in results) or "0"


def _as_json(found: Comparison) -> dict[str, object]:
    return {
        "trades": found.trades,
        "different": len(found.differences),
        "left_out": found.left_out,
        "without_result": found.without_result,
        "result": {
            "recorded": {currency: plain(amount) for currency, amount in found.recorded},
            "replayed": {currency: plain(amount) for currency, amount in found.replayed},
        },
        "differences": [
            {
                "link": each.link_id,
                "position": each.position_id,
                "opened_at": each.opened_at.isoformat(),
                "source": each.what,
                "changes": [
                    {"what": change.what, "recorded": change.recorded, "replayed": change.replayed}
                    for change in each.changes
                ],
                "steps": list(each.steps),
            }
            for each in found.differences
        ],
    }
