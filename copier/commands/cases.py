"""`copier test`: runs the cases that a config holds about itself."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import trio
from cyclopts import Parameter
from rich.console import Console
from rich.text import Text

from adapters.base import Capabilities
from copier.commands.configs import capabilities_of, read_config
from copier.commands.exits import FAILED, FINE, explained
from copier.commands.read import Json
from copier.config.cases import Case
from copier.config.errors import ConfigError, ConfigProblem
from copier.config.model import Configuration
from copier.replay.cases import Outcome, play
from copier.replay.expectations import Miss, expected_words, found_words, misses
from copier.telling.wording import trace_words
from rules.model.frozen import frozen
from rules.model.values import AccountId

Words = Annotated[str, Parameter(name=["-k", "--keyword"], help="Run only the cases whose name holds these words.")]


@frozen
class _Result:
    case: Case
    outcome: Outcome
    misses: tuple[Miss, ...]


def run_cases(file: Path = Path("copier.toml"), /, *, keyword: Words = "", json_: Json = False) -> int:
    """Run the [[tests]] of FILE: each on the accounts, prices and times that it gives, without any network."""
    with explained():
        config = read_config(file)
        chosen = [case for case in config.cases if keyword.lower() in case.name.lower()]
        if not chosen:
            found = f"none whose name holds {keyword!r}" if keyword and config.cases else "none"
            raise ConfigError([ConfigProblem(file, None, "tests", "a case to run", found)])
        results = trio.run(_run, chosen, config, capabilities_of(config))
        if json_:
            print(json.dumps([_as_json(result) for result in results]))
        else:
            _print(file, results)
        return FAILED if any(result.misses for result in results) else FINE


async def _run(
    cases: list[Case], config: Configuration, capabilities: Mapping[AccountId, Capabilities]
) -> list[_Result]:
    results = []
    for case in cases:
        outcome = await play(case, config, capabilities)
        results.append(_Result(case, outcome, misses(case, outcome)))
    return results


def _print(file: Path, results: list[_Result]) -> None:
    console = Console(highlight=False)
    for result in results:
        _print_one(console, file, result)
    failed = sum(bool(result.misses) for result in results)
    console.print(f"{len(results)} case{'s' if len(results) != 1 else ''}, {failed} failed")


def _print_one(console: Console, file: Path, result: _Result) -> None:
    case = result.case
    if not result.misses:
        line = Text.assemble(("ok    ", "green"), case.name, (f": {found_words(result.outcome)}", "dim"))
        console.print(line, soft_wrap=True)
        return
    console.print(Text.assemble(("FAIL  ", "red"), case.name, f" ({file}:{case.line})"), soft_wrap=True)
    for miss in result.misses:
        console.print(Text(f"      {miss.what}: expected {miss.expected}, found {miss.found}"), soft_wrap=True)
    for item in result.outcome.trace:
        console.print(Text(f"        {trace_words(item)}", style="dim"), soft_wrap=True)


def _as_json(result: _Result) -> dict[str, object]:
    return {
        "name": result.case.name,
        "line": result.case.line,
        "passed": not result.misses,
        "expected": expected_words(result.case),
        "found": found_words(result.outcome),
        "misses": [{"what": miss.what, "expected": miss.expected, "found": miss.found} for miss in result.misses],
        "trace": [trace_words(item) for item in result.outcome.trace],
    }
