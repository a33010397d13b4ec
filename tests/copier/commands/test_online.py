"""`copier check --online` against simulated venues over TCP: what accounts show, and where each symbol leads."""

import json
from pathlib import Path

import pytest
import trio

from adapters.base import SessionLost, SignInRefused
from copier.clock import utc_now
from copier.online import Failure, Look, absences, as_json, fates, look_at
from rules.observed import AccountStatus
from rules.policy import CopyLink, CopyPolicy
from rules.symbols import SymbolMap, SymbolRow
from rules.values import AccountId, LinkId, Symbol
from tests.copier.commands.shell import copier
from tests.copier.fakes import FakeAccount, as_account, source_position
from tests.e2e.world import open_world

ONE, TWO = AccountId("one"), AccountId("two")
MAP = SymbolMap((SymbolRow("BTC.*", deny=True), SymbolRow(r"([A-Z]+)\.m", to=r"\1")))
LINK = CopyLink(LinkId("one->two"), ONE, TWO, CopyPolicy("p", symbols=MAP))


def symbols(*names: str) -> frozenset[Symbol]:
    return frozenset(map(Symbol, names))


def test_each_symbol_leads_somewhere_is_denied_or_leads_nowhere() -> None:
    led = fates(LINK, symbols("EURUSD.m", "BTCUSD", "US500.m", "GOLD"), symbols("EURUSD", "GOLD"))
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
    looks = await look_at(asked)
    assert list(looks) == ["good", "lost", "refused"]
    assert isinstance(looks[AccountId("good")], Look)
    assert looks[AccountId("lost")] == Failure("connection refused")
    assert looks[AccountId("refused")] == Failure("wrong password", refused=True)


async def test_an_account_that_never_answers_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    class Silent(FakeAccount):
        async def symbols(self) -> frozenset[Symbol]:
            await trio.sleep_forever()
            raise AssertionError("nobody wakes it")

    looks = await look_at({ONE: as_account(Silent("one", utc_now))})
    assert looks[ONE] == Failure("no answer within 30 s")


async def test_what_an_account_does_not_have_is_said() -> None:
    poor = FakeAccount("poor", utc_now)
    poor.status = AccountStatus(balance=None, equity=None, currency=None)
    look = (await look_at({ONE: as_account(poor)}))[ONE]
    assert isinstance(look, Look)
    assert absences(look)[-3:] == ("its balance", "its equity", "its margin")
    told = as_json({ONE: look}, {})["accounts"]["one"]
    assert (told["balance"], told["positions"], told["instruments"]) == (None, 0, 1)
    json.dumps(told)


@pytest.mark.slow  # starts interpreters, and servers to ask
async def test_the_command_shows_accounts_and_symbols_and_ends_by_what_it_found(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        fine = await trio.to_thread.run_sync(lambda: copier("check", "--online", folder=tmp_path))
        assert fine.returncode == 0, fine.stderr
        assert "source symbols" in fine.stdout
        as_data = await trio.to_thread.run_sync(lambda: copier("check", "--online", "--json", folder=tmp_path))
        accounts = json.loads(as_data.stdout)["accounts"]
        assert {account["positions"] for account in accounts.values()} == {0}
        world.tradelocker.simulator.faults.refuse_sign_in = True
        refused = await trio.to_thread.run_sync(lambda: copier("check", "--online", folder=tmp_path))
        assert refused.returncode == 2
        assert "cannot be asked" in refused.stdout
