"""`copier check`: reads a config as `copier run` would, and tells what would run."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from copier.commands.configs import read_config
from copier.commands.exits import FINE, WRONG_INPUT, explained
from copier.commands.online import check_online
from copier.commands.read import Json
from copier.config.effective import EffectiveKey, effective_keys, policy_lines, row_keys
from copier.config.errors import ConfigError, ConfigProblem, format_problem, nearest
from copier.config.model import Configuration
from rules.model.values import LinkId

Effective = Annotated[
    list[str] | None,
    Parameter(
        name="--effective",
        consume_multiple=True,
        negative=(),
        help="Print what each link obeys, or the links named here, with the line where each value was written.",
    ),
]


def check(
    file: Path = Path("copier.toml"),
    /,
    *,
    online: Annotated[bool, Parameter(help="Sign in everywhere too, and show where each symbol leads.")] = False,
    effective: Effective = None,
    strict: Annotated[bool, Parameter(help="End with 2 when there are warnings.", negative=())] = False,
    json_: Json = False,
) -> int:
    """Read FILE as `run` would; print every error and warning with its line."""
    with explained():
        try:
            config = read_config(file)
        except ConfigError as error:
            if not json_:
                raise
            _print_checked((), (), error.problems)
            return WRONG_INPUT
        if effective is not None:
            return _check_effective(config, effective, json_=json_)
        if online:
            return check_online(config, json_=json_)
        code = WRONG_INPUT if strict and config.warnings else FINE
        if json_:
            _print_checked(config.summary(), config.warnings, ())
            return code
        for line in config.summary():
            print(line)
        for problem in config.warnings:
            print(f"warning: {format_problem(problem)}")
        print(f"{file}: fine, {len(config.warnings)} warning{'s' if len(config.warnings) != 1 else ''}")
        return code


def _print_checked(
    summary: Iterable[str], warnings: Iterable[ConfigProblem], problems: Iterable[ConfigProblem]
) -> None:
    found = {
        "summary": list(summary),
        "warnings": [format_problem(each) for each in warnings],
        "problems": [format_problem(each) for each in problems],
    }
    print(json.dumps(found))


def _check_effective(config: Configuration, wanted: list[str], *, json_: bool) -> int:
    """Print what links obey, value by value."""
    links = [LinkId(name) for name in wanted] or list(config.sums)
    unknown = [link for link in links if link not in config.sums]
    if unknown:
        known = [str(link) for link in config.sums]
        problems = [
            ConfigProblem(
                config.file, None, "", f"a link of {', '.join(known[:20])}", f'"{link}"', nearest(link, known)
            )
            for link in unknown
        ]
        raise ConfigError(problems)
    if json_:
        print(json.dumps({"links": [_effective_json(config, link) for link in links]}))
        return FINE
    for link in links:
        total = config.sums[link]
        print(f"link {link}, policy {total.policy.name}:")
        for text, line in policy_lines(total):
            print(f"  {text:<48}  {'default' if line is None else f'{config.file}:{line}'}")
    return FINE


def _effective_json(config: Configuration, link: LinkId) -> dict[str, object]:
    total = config.sums[link]
    rows = zip(total.policy.per_symbol, total.rows, strict=True)
    return {
        "link": link,
        "policy": total.policy.name,
        "file": str(config.file),
        "keys": [_key_json(each) for each in effective_keys(total)],
        "per_symbol": [
            {"match": row.match, "on": row.on.value, "keys": [_key_json(each) for each in row_keys(total, own)]}
            for row, own in rows
        ],
    }


def _key_json(each: EffectiveKey) -> dict[str, object]:
    return {"key": each.key, "value": each.value, "line": each.line}
