"""`copier events`: what happened, and with `--watch` what happens, line by line."""

import json
from typing import IO

from rich.console import Console

from copier.clock import utc_now
from copier.terminal.happened import draw_happening
from copier.terminal.happenings import Happening
from copier.terminal.sources import Source
from copier.terminal.watch import OneAfterTheOther, lasting
from copier.web.dto.words import as_builtins


def as_json(happening: Happening) -> dict[str, object]:
    """Return a happening for programs; its data is as in the API."""
    return {"at": happening.at.isoformat(), "event": happening.event, "data": as_builtins(happening.what)}


async def tell(source: Source, count: int, console: Console, *, json_: bool) -> None:
    """Print the last things that happened, oldest first.

    Raises:
        CannotAsk: the service does not answer it.
    """
    happened = await source.happened(count)
    if json_:
        print(json.dumps([as_json(each) for each in happened]), file=console.file)
        return
    for each in happened:
        console.print(draw_happening(each, utc_now().date()), soft_wrap=True)
    if not happened:
        console.print("nothing has happened yet")


async def follow(source: Source, count: int, console: Console, errors: IO[str], *, json_: bool) -> None:
    """Print the last things that happened, and each new one as it comes, until cancelled.

    Raises:
        CannotAsk: the service will not answer this, however often it is asked.
    """

    def show(happening: Happening) -> None:
        if json_:
            print(json.dumps(as_json(happening)), file=console.file, flush=True)
        else:
            console.print(draw_happening(happening, utc_now().date()), soft_wrap=True)
            console.file.flush()

    begun = False

    async def attempt() -> None:
        nonlocal begun
        if not begun:
            for each in await source.happened(count):
                show(each)
            begun = True
        async for each in source.following():
            show(each)

    await lasting(attempt, OneAfterTheOther(console.file, errors, as_json=json_))
