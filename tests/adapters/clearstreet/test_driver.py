"""The account's looks, its token and its refusals, against the simulated venue."""

from datetime import timedelta
from decimal import Decimal

import pytest
import trio

from adapters.base import RequestNotSent, SessionLost, SignInRefused
from adapters.clearstreet.net import UNKNOWN
from adapters.secret import Secret
from rules.model.events import Origin
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus
from rules.model.values import OmsType, Side, Symbol
from tests.adapters.clearstreet.frames import ALIAS
from tests.adapters.clearstreet.simulated import AAPL
from tests.adapters.clearstreet.world import (
    Events,
    opening,
    world,
)


async def test_the_venue_is_netting_streams_trades_and_keeps_a_stop_loss_for_the_session(autojump_clock):
    async with world() as (_, account):
        said = account.capabilities
        assert (said.oms, said.streams, said.trades) == (OmsType.NETTING, True, True)
        assert (said.volumes_grow, said.pending_orders) == (True, True)
        assert (said.stop_loss_lasts, said.keeps_take_profit) == (False, False)


async def test_a_snapshot_has_the_net_positions_and_no_figures(autojump_clock):
    async with world() as (made, account):
        made.venue.by_hand(Side.BUY, "100")
        made.venue.by_hand(Side.SELL, "7", Symbol("MSFT"))
        snapshot, status = await account.snapshot()
        assert (snapshot.account, snapshot.origin, snapshot.certain) == (ALIAS, Origin.RECONCILED, True)
        assert snapshot.requested_at is not None
        shown = {each.position_id: (each.side, each.volume, each.open_price) for each in snapshot.positions}
        assert shown == {
            "AAPL": (Side.BUY, Decimal(100), Decimal("270.02")),
            "MSFT": (Side.SELL, Decimal(7), Decimal(480)),
        }
        assert status == AccountStatus(None, None, "USD")


async def test_a_history_is_of_the_current_trading_day(autojump_clock):
    async with world() as (made, account):
        since = made.venue.now() - timedelta(days=7)
        made.venue.by_hand(Side.BUY, "100")
        assert [fill.volume for fill in await account.history(since)] == [Decimal(100)]
        await trio.sleep(86_400)
        assert await account.history(since) == ()


async def test_an_instrument_is_whole_shares_in_cents_and_other_names_are_none(autojump_clock):
    async with world() as (made, account):
        assert await account.instrument(AAPL) == Instrument(
            symbol=AAPL,
            volume_min=Decimal(1),
            volume_max=Decimal(1_000_000),
            volume_step=Decimal(1),
            tick_size=Decimal("0.01"),
            contract_size=Decimal(1),
            profit_currency="USD",
        )
        for name in ("aapl", "", "NO/SUCH?", "x" * 300, "\x00"):
            assert await account.instrument(Symbol(name)) is None
        assert set(await account.symbols()) == set(made.venue.market.instruments)
        assert await account.quote(AAPL) is None


async def test_lists_of_several_pages_are_read_whole(autojump_clock, monkeypatch):
    monkeypatch.setattr("adapters.clearstreet.rest._PAGE_SIZE", 2)
    async with world() as (made, account):
        names = list(made.venue.market.instruments)[:7]
        for name in names:
            made.venue.by_hand(Side.BUY, "5", name)
        snapshot, _ = await account.snapshot()
        assert {each.symbol for each in snapshot.positions} == set(names)
        assert all(each.opened_at != UNKNOWN for each in snapshot.positions)


async def test_a_token_is_fetched_once_for_all_accounts_and_again_when_the_venue_drops_it(autojump_clock, tokens):
    async with world() as (made, account):
        other = made.account()
        for each in (account, other, account):
            await each.snapshot()
        assert len(tokens) == 1
        made.faults.expire_tokens()
        await account.snapshot()
        await other.snapshot()
        assert len(tokens) == 2


async def test_a_token_is_renewed_before_it_ends(autojump_clock, tokens):
    async with world(token_lifetime=timedelta(minutes=40)) as (_, account):
        for minutes, count in ((0, 1), (34, 1), (2, 2)):
            await trio.sleep(minutes * 60)
            await account.snapshot()
            assert len(tokens) == count


@pytest.mark.parametrize("changes", [{"client_secret": Secret("wrong-one")}, {"client_id": "nobody"}])
async def test_wrong_credentials_are_refused_for_good_and_not_shown(autojump_clock, changes):
    async with world() as (made, _):
        account = made.account(**changes)
        for ask in (account.snapshot, lambda: account.submit(opening()), lambda: account.stream(Events().emit)):
            with pytest.raises(SignInRefused) as refused:
                await ask()
            assert "wrong-one" not in str(refused.value)
        assert made.sent == []


async def test_an_account_that_the_credentials_do_not_show_is_refused_for_good(autojump_clock):
    async with world() as (made, _):
        account = made.account(account_id="777")
        with pytest.raises(SignInRefused, match="777"):
            await account.snapshot()
        with pytest.raises(SignInRefused, match="777"):
            await account.stream(Events().emit)


async def test_maintenance_is_weather(autojump_clock):
    async with world() as (made, account):
        made.faults.maintenance = True
        with pytest.raises(SessionLost):
            await account.snapshot()
        with pytest.raises(RequestNotSent):
            await account.submit(opening())
