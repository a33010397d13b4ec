"""Simulated venues on loopback: what a config needs to reach them, and a market that moves alike for all."""

from pathlib import Path
from random import Random

import pytest
import trio
from trio.testing import MockClock

from adapters.registry import CONFIGS, open_account
from adapters.transport.network import connect_tcp
from copier.clock import utc_now
from copier.config import load_config
from copier.simulated import MOVE_EVERY_S, VENUE_NAMES, account_name, make_market, move_markets, serve_venue
from rules.model.values import AccountId


@pytest.mark.slow  # real sockets
@pytest.mark.parametrize("venue", VENUE_NAMES)
async def test_the_keys_of_an_account_sign_in_at_its_venue(tmp_path: Path, venue: str) -> None:
    name = account_name(venue, 0)
    async with trio.open_nursery() as nursery:
        served = await serve_venue(nursery, venue, [name])
        file = tmp_path / "copier.toml"
        file.write_text(f"[accounts.a]\n{served.account_toml(name)}\n", encoding="utf-8")
        config = load_config(file, {}, CONFIGS)
        settings = config.accounts[AccountId("a")].settings
        account = open_account(venue, AccountId("a"), settings, connect=connect_tcp, now=utc_now)
        with trio.fail_after(10):
            snapshot, status = await account.snapshot()
        assert snapshot.positions == ()
        assert status.balance in (100_000, None)  # where a venue does not tell it
        await account.aclose()
        nursery.cancel_scope.cancel()


def test_a_suffix_is_part_of_every_name() -> None:
    market = make_market(".m")
    assert market.quotes.keys() <= market.instruments.keys()
    assert all(symbol.endswith(".m") for symbol in market.instruments)


async def test_all_markets_move_by_the_same_steps(autojump_clock: MockClock) -> None:
    plain, suffixed = make_market(), make_market(".m")
    before = dict(plain.quotes)
    with trio.move_on_after(10 * MOVE_EVERY_S):
        await move_markets([plain, suffixed], Random(1))
    assert {symbol: quote.bid for symbol, quote in plain.quotes.items()} == {
        symbol.removesuffix(".m"): quote.bid for symbol, quote in suffixed.quotes.items()
    }
    assert all(plain.quotes[symbol].bid != quote.bid for symbol, quote in before.items())


def test_names_of_accounts_are_unique() -> None:
    for venue in VENUE_NAMES:
        assert len({account_name(venue, number) for number in range(1000)}) == 1000
