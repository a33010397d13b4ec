"""Performance over REST: the figures of a running service, bounded, and of nothing that the asker may not see."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from attrs import evolve

from copier.web.dto.performance import Performance
from copier.web.principal import KeyScope, Principal
from copier.web.rest import performance
from rules.model.values import AccountId
from tests.copier.web.clients import TENANT, Client, serving
from tests.copier.web.running import Answered

pytestmark = pytest.mark.slow  # each test runs a whole service on a ledger of its own

SMALL = Principal("small", frozenset(KeyScope), frozenset({AccountId("small")}))


def shown(answer: Answered) -> Performance:
    assert answer.status == 200, answer.body
    return msgspec.json.decode(answer.body, type=Performance)


async def traded(client: Client) -> None:
    """Let one position be copied and closed, one be copied and one denied."""
    position = await client.open("EURUSD", "1", "1.1")
    await client.copied(1, "small")
    await client.close(position, "EURUSD", "1")
    await client.copied(0, "small")
    await client.open("EURUSD", "0.5", "1.1")
    await client.open("XAUUSD", "0.1", "2650")
    await client.copied(1, "small")


async def test_an_account_shows_what_was_copied_to_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        await traded(client)
        name = AccountId("small")
        for equity in (10_000, 9_900):
            at = client.surface.utc_now() - timedelta(minutes=equity // 1_000)
            client.surface.store.sample({name: (Decimal(10_000), Decimal(equity))}, at)
        found = shown(await client.get("/accounts/small/performance"))
        assert (found.account, found.link, found.until) == ("small", None, None)
        assert (found.trades.opened, found.trades.over) == (2, 1)
        assert [(row.code, row.count) for row in found.denials] == [("FILTER_SYMBOL", 1)]
        [symbol] = found.symbols
        assert (symbol.symbol, symbol.opened, symbol.closed) == ("EURUSD", "1.5", "1")
        assert found.answers is not None
        assert found.answers.count == 3
        [equity_figures] = found.equity
        assert (equity_figures.account, equity_figures.highest, equity_figures.lowest) == ("small", "10000", "9900")
        assert [limit.limit for limit in found.limits] == ["small/max_loss", "small/max_orders"]
        assert [limit.floor for limit in found.limits] == ["9600", None]


async def test_how_a_limit_stands_now_counts_although_the_ledger_does_not_keep_it_yet(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        await traded(client)
        judged = client.surface.limits.judgements(AccountId("small"))
        [(_, judgement)] = [each for each in judged if each[0].limit_id == "small/max_loss"]
        before = shown(await client.get("/accounts/small/performance")).limits[0]
        assert before.headroom is not None
        assert judgement.headroom is not None
        assert Decimal(before.headroom) <= judgement.headroom
        limits = client.surface.limits
        lower = evolve(judgement.state, equity=Decimal(9_650), balance=Decimal(9_650))
        limits._judged["small/max_loss"] = evolve(judgement, state=lower)  # as a sample would, between two savings
        after = shown(await client.get("/accounts/small/performance")).limits[0]
        assert (after.headroom, after.value) == ("50", "9650")
        past = (client.surface.utc_now() - timedelta(hours=1)).isoformat().replace("+", "%2B")
        assert shown(await client.get(f"/accounts/small/performance?until={past}")).limits == []


async def test_a_link_shows_its_own_copies_only(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        await traded(client)
        found = shown(await client.get("/links/master-%3Esmall/performance"))
        assert (found.link, found.trades.opened, found.trades.over) == ("master->small", 2, 1)
        other = shown(await client.get("/links/foreign-%3Esmall/performance"))
        assert (other.trades.opened, other.denials, other.symbols) == (0, [], [])


async def test_only_the_time_that_was_asked_for_counts(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        await traded(client)
        now = client.surface.utc_now()
        before = (now - timedelta(days=3)).isoformat().replace("+", "%2B")
        early = (now - timedelta(days=2)).isoformat().replace("+", "%2B")
        found = shown(await client.get(f"/accounts/small/performance?since={before}&until={early}"))
        assert (found.trades.opened, found.denials, found.limits) == (0, [], [])
        refused = await client.get(f"/accounts/small/performance?since={early}&until={before}")
        assert refused.status == 422
        assert refused.json["errors"][0]["field"] == "until"
        first, last = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"
        assert (await client.get(f"/accounts/small/performance?until={first}")).status == 422
        assert shown(await client.get(f"/accounts/small/performance?since={first}&until={early}")).trades.opened == 0
        assert shown(await client.get(f"/accounts/small/performance?since={first}&until={last}")).trades.opened == 2


async def test_a_principal_is_told_of_its_accounts_only(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        await traded(client)
        theirs = await client.open("EURUSD", "1", "1.1", account="foreign")
        await client.copied(2, "small")
        assert theirs
        everything = shown(await client.get("/accounts/small/performance"))
        assert everything.trades.opened == 3
        assert shown(await client.get("/accounts/small/performance", TENANT)).trades.opened == 2
        half = shown(await client.get("/accounts/small/performance", SMALL))
        assert (half.trades.opened, half.denials, half.symbols, half.answers) == (0, [], [], None)
        assert (await client.get("/accounts/master/performance", SMALL)).status == 404
        assert (await client.get("/links/master-%3Esmall/performance", SMALL)).status == 404


async def test_more_rows_than_are_read_are_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path) as client:
        await traded(client)
        monkeypatch.setattr(performance, "ROWS_MAX", 3)
        refused = await client.get("/accounts/small/performance")
        assert refused.status == 422
        assert "a time of which at most 3 rows of the ledger tell" in refused.json["detail"]
