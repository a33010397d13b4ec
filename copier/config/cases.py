"""Reads [[tests]]: what a config should do in a case, for `copier test`."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from attrs import evolve, fields
from cattrs import Converter

from copier.config.case_keys import ActionKind, CaseKeys, Expected, Given, ThenGiven
from copier.config.errors import Fault, nearest, one_of
from copier.config.positions import KeyPath
from copier.config.reader import Reader
from copier.config.structure import make_converter
from rules.model.frozen import frozen
from rules.model.values import LinkId


@frozen
class Case:
    """One good case, and the line where it stands."""

    name: str
    line: int | None
    link_id: LinkId
    given: Given
    expected: tuple[Expected, ...]


def read_cases(reader: Reader, rows: list[Any], links: Collection[LinkId], zone: ZoneInfo) -> tuple[Case, ...]:
    """Return the cases without faults.

    Args:
        links: that cases may name.
        zone: of times that name none.
    """
    converter = make_converter()
    found = (_case(reader, converter, row, ("tests", index), links, zone) for index, row in enumerate(rows))
    return tuple(case for case in found if case is not None)


def _case(
    reader: Reader, converter: Converter, row: Any, path: KeyPath, links: Collection[LinkId], zone: ZoneInfo
) -> Case | None:
    keys = reader.structure(converter, CaseKeys, row, path)
    if keys is None:
        return None
    one = not isinstance(row["expect"], list)
    expected = []
    for index, each in enumerate(keys.expect):
        at = (*path, "expect") if one else (*path, "expect", index)
        read = reader.structure(converter, Expected, each, at)
        if read is not None and _fits(reader, read, at):
            expected.append(read)
    given = keys.given
    good = len(expected) == len(keys.expect)
    if not keys.expect:
        reader.fault((*path, "expect"), Fault("something that should follow", "an empty array"))
        good = False
    if given.link not in links:
        fault = Fault(one_of(links), f'the unknown link "{given.link[:60]}"', nearest(given.link, links))
        reader.fault((*path, "given", "link"), fault)
        good = False
    if given.then is not None and given.then == ThenGiven(price=given.then.price, after=given.then.after):
        reader.fault((*path, "given", "then"), Fault("a change, or `close = true`", "nothing that changes"))
        good = False
    if not good:
        return None
    return Case(keys.name, reader.line(path), LinkId(given.link), _zoned(given, zone), tuple(expected))


def _fits(reader: Reader, expected: Expected, path: KeyPath) -> bool:
    named = [each.name for each in fields(Expected) if getattr(expected, each.name) is not None]
    if expected.action is None and expected.denied is None:
        reader.fault(path, Fault("`action` or `denied`", "neither"))
    elif expected.denied is not None and len(named) > 1:
        reader.fault(path, Fault("`denied` alone", f"`{named[0] if named[0] != 'denied' else named[1]}` beside it"))
    elif expected.action is ActionKind.NONE and len(named) > 1:
        reader.fault(path, Fault('`action = "none"` alone', f"`{named[1]}` beside it"))
    else:
        return True
    return False


def _zoned(given: Given, zone: ZoneInfo) -> Given:
    def placed(at: datetime) -> datetime:
        return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)

    events = None
    if given.news is not None:
        events = tuple(evolve(each, at=placed(given.at if each.at is None else each.at)) for each in given.news)
    return evolve(given, at=placed(given.at), news=events)
