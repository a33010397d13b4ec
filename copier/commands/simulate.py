"""`copier simulate`: simulated venues for other programs' tests."""

import json
import sys
from random import Random
from typing import Annotated

import trio
from cyclopts import Parameter

from copier.commands.exits import FINE, WRONG_INPUT, leaves
from copier.simulated import VENUE_NAMES, account_name, move_markets, serve_venue


def simulate(
    *venues: str,
    port: Annotated[int, Parameter(help="Of the first venue; the next ones follow. 0: any free port.")] = 0,
    accounts: Annotated[int, Parameter(help="How many accounts each venue has.")] = 2,
    seed: Annotated[int, Parameter(help="Of the moving market.")] = 1,
    suffix: Annotated[str, Parameter(help="Added to each symbol's name, as many brokers do.")] = "",
    attached: Annotated[bool, Parameter(help="End when standard input closes.")] = False,
    still: Annotated[bool, Parameter(help="Let no quote move by itself.")] = False,
) -> int:
    """Serve simulated VENUEs on loopback until Ctrl-C; prints one line of JSON for each, with what a config needs."""
    unknown = [name for name in venues if name not in VENUE_NAMES]
    if not venues or unknown:
        print(f"expected one or more of {', '.join(VENUE_NAMES)}, found {', '.join(unknown) or 'none'}")
        return WRONG_INPUT
    if not 1 <= accounts <= 1000:
        print(f"--accounts must be between 1 and 1000, was {accounts}")
        return WRONG_INPUT
    unavailable: list[str] = []
    try:
        trio.run(_simulate, venues, port, accounts, None if still else seed, suffix, attached)
    except* PortUnavailable as group:
        unavailable += map(str, leaves(group))
    for text in unavailable:
        print(text, file=sys.stderr)
    return WRONG_INPUT if unavailable else FINE


class PortUnavailable(Exception):
    """The port that was asked for cannot be bound."""


async def _simulate(
    names: tuple[str, ...], port: int, accounts: int, seed: int | None, suffix: str, attached: bool
) -> None:
    async with trio.open_nursery() as nursery:
        markets = []
        for number, name in enumerate(names):
            ids = [account_name(name, index) for index in range(accounts)]
            wanted = port + number if port else 0
            try:
                venue = await serve_venue(nursery, name, ids, port=wanted, suffix=suffix)
            except OSError as error:
                raise PortUnavailable(f"cannot serve {name} on port {wanted}: {error.strerror}") from error
            markets.append(venue.broker.market)
            tables = {account: venue.account_toml(account) for account in ids}
            print(json.dumps({"venue": name, "origin": venue.origin, "accounts": tables}), flush=True)
        if seed is not None:
            nursery.start_soon(move_markets, markets, Random(seed))
        if attached:
            await trio.to_thread.run_sync(sys.stdin.buffer.read, abandon_on_cancel=True)
            nursery.cancel_scope.cancel()
