"""`copier check --online` against simulated venues over TCP: what accounts show, and where each symbol leads."""

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import trio
from attrs import evolve

from adapters.base import SessionLost, SignInRefused
from copier.clock import utc_now
from copier.online import Failure, Look, absences, as_json, fates, look_at
from rules.model.observed import AccountStatus, CashFlow, Fill
from rules.model.values import AccountId, LinkId, Side, Symbol
from rules.policy.links import CopyLink, CopyPolicy
from rules.policy.symbols import SymbolMap, SymbolRow
from tests.copier.commands.shell import copier
from tests.copier.fakes import HEDGING, FakeAccount, as_account, source_position
from tests.e2e.world import open_world
from tests.rules.playbook import EURUSD, T0

ONE, TWO = AccountId("one"), AccountId("two")
MAP = SymbolMap((SymbolRow("BTC.*", deny=True), SymbolRow(r"([A-Z]+)\.m", to=r"\1")))
LINK = CopyLink(LinkId("one->two"), ONE, TWO, CopyPolicy("p", symbols=MAP))


def symbols(*names: str) -> frozenset[Symbol]:
    return frozenset(map(Symbol, names))


def test_each_symbol_leads_somewhere_is_denied_or_leads_nowhere() -> None:
    led = fates(LINK, symbols("EURUSD.m", "BTCUSD", "US500.m", "GOLD"), symbols("EURUSD", "GOLD"), T0)
    assert [(fate.symbol, fate.to, fate.found) for fate in led] == [
        ("BTCUSD", None, False),
        ("EURUSD.m", "EURUSD", True),
        ("GOLD", "GOLD", True),
        ("US500.m", "US500.m", False),
    ]


async def test_one_account_that_cannot_be_asked_leaves_the_others_alone() -> None:
    good, lost, refused = (FakeAccount(name, utc_now) for name in ("good", "lost", "refused"))
    good.positions[source_position().position_id] = source_position()
    lost.snapshots.append(SessionLost("connection refused"))
    refused.snapshots.append(SignInRefused("wrong password"))
    asked = {AccountId(account.name): as_account(account) for account in (good, lost, refused)}
    looks = await look_at(asked, T0)
    assert list(looks) == ["good", "lost", "refused"]
    assert isinstance(looks[AccountId("good")], Look)
    assert looks[AccountId("lost")] == Failure("connection refused")
    assert looks[AccountId("refused")] == Failure("wrong password", refused=True)


async def test_an_account_that_never_answers_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    class Silent(FakeAccount):
        async def symbols(self) -> frozenset[Symbol]:
            await trio.sleep_forever()
            raise AssertionError("nobody wakes it")

    looks = await look_at({ONE: as_account(Silent("one", utc_now))}, T0)
    assert looks[ONE] == Failure("no answer within 30 s")


async def test_what_an_account_does_not_have_is_said() -> None:
    poor = FakeAccount("poor", utc_now)
    poor.status = AccountStatus(balance=None, equity=None, currency=None)
    look = (await look_at({ONE: as_account(poor)}, T0))[ONE]
    assert isinstance(look, Look)
    assert absences(look)[-3:] == ("its balance", "its equity", "its margin")
    told = as_json({ONE: look}, {})["accounts"]["one"]
    assert (told["balance"], told["positions"], told["instruments"]) == (None, 0, 1)
    json.dumps(told)


async def test_what_becomes_of_protective_prices_is_said() -> None:
    brief = FakeAccount("brief", utc_now, evolve(HEDGING, keeps_take_profit=False, stop_loss_lasts=False))
    look = (await look_at({ONE: as_account(brief)}, T0))[ONE]
    assert isinstance(look, Look)
    assert {"take-profits on positions", "stop-losses beyond the session"} <= set(absences(look))


async def test_only_the_fills_since_midnight_are_counted() -> None:
    account = FakeAccount("one", utc_now)
    midnight = T0.replace(hour=0)
    times = (midnight - timedelta(microseconds=1), midnight, T0)
    account.booked = (
        *(Fill(str(at), at, EURUSD.symbol, Side.BUY, Decimal(1), Decimal("1.1")) for at in times),
        CashFlow("deposit", T0, Decimal(100), "deposit"),
    )
    looks = await look_at({ONE: as_account(account)}, T0)
    told = as_json(looks, {})["accounts"]["one"]
    assert (told["fills_today"], told["history_problem"]) == (2, None)


@pytest.mark.parametrize("error", [SessionLost("history is down"), SignInRefused("the key may not read it")])
async def test_an_account_whose_past_cannot_be_read_shows_the_rest(error: Exception) -> None:
    account = FakeAccount("one", utc_now)
    account.histories.append(error)
    look = (await look_at({ONE: as_account(account)}, T0))[ONE]
    assert isinstance(look, Look)
    assert look.fills_today == Failure(str(error), refused=isinstance(error, SignInRefused))
    told = as_json({ONE: look}, {})["accounts"]["one"]
    assert (told["fills_today"], told["history_problem"], told["instruments"]) == (None, str(error), 1)


async def test_an_account_that_tells_nothing_of_its_past_is_not_asked_for_it() -> None:
    account = FakeAccount("one", utc_now, evolve(HEDGING, history=False))
    account.histories.append(AssertionError("it was asked"))
    look = (await look_at({ONE: as_account(account)}, T0))[ONE]
    assert isinstance(look, Look)
    assert look.fills_today is None
    assert "its past" in absences(look)


@pytest.mark.slow  # starts interpreters, and servers to ask
async def test_the_command_shows_accounts_and_symbols_and_ends_by_what_it_found(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        today = utc_now().date()
        source = world.sources[0]
        source.open(Symbol("EURUSD"), Side.BUY, Decimal("0.10"))
        source.close(next(iter(source.positions)))
        fine = await trio.to_thread.run_sync(lambda: copier("check", "--online", folder=tmp_path))
        assert fine.returncode == 0, fine.stderr
        assert "source symbols" in fine.stdout
        assert "its past cannot be read" not in fine.stdout
        as_data = await trio.to_thread.run_sync(lambda: copier("check", "--online", "--json", folder=tmp_path))
        accounts = json.loads(as_data.stdout)["accounts"]
        assert {account["positions"] for account in accounts.values()} == {0}
        told = [account["fills_today"] for account in accounts.values()]
        assert told == [2, 0, 0, 0] or (utc_now().date() != today and told == [0, 0, 0, 0])
        world.tradelocker.simulator.faults.refuse_sign_in = True
        refused = await trio.to_thread.run_sync(lambda: copier("check", "--online", folder=tmp_path))
        assert refused.returncode == 2
        assert "cannot be asked" in refused.stdout
