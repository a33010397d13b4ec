"""Two tenants on one Socket API: every destination, and no word of one to the other."""

from decimal import Decimal
from pathlib import Path

import pytest
import trio

from adapters.paper.driver import PaperAccount
from adapters.transport.stomp import Frame
from copier.web.socket_api.session import QUEUES
from copier.web.socket_api.words import account_id
from rules.model.values import AccountId, Side, Symbol
from tests.copier.web.socket_api.served import RawClient, Served, raw_client, served
from tests.copier.web.test_tenants import WORLD

pytestmark = pytest.mark.slow  # a whole service over real sockets

OURS = (AccountId("ours-source"), AccountId("ours-target"))
THEIRS = (AccountId("theirs-source"), AccountId("theirs-target"))
NOWHERE = "00000000-0000-4000-8000-000000000000"


def trade(running: Served, name: AccountId, symbol: str, volume: str) -> None:
    account = running.surface.account(name)
    assert isinstance(account, PaperAccount)
    position = account.book.open(Symbol(symbol), Side.BUY, Decimal(volume), price=Decimal("1.1"))
    assert position is not None


async def signed_in(client: RawClient, key: str, wanted: str = "") -> list[Frame]:
    """Subscribe to every destination and ask; return what was said until there is nothing more."""
    await client.say(f"CONNECT\naccept-version:1.2\napi-key:{key}\n\n\0")
    await client.say(*(f"SUBSCRIBE\nid:{number}\ndestination:{queue}\n\n\0" for number, queue in enumerate(QUEUES)))
    await client.say(f'SEND\ndestination:/app/subscribe\n\n{{"accountIds":[{wanted}]}}\0')
    return await everything(client)


async def everything(client: RawClient) -> list[Frame]:
    """Return what is said until nothing comes for a second."""
    said: list[Frame] = []
    while True:
        frame: Frame | None = None
        with trio.move_on_after(1):
            frame = await client.next()
        if frame is None:
            return said
        said.append(frame)
        if frame.command == "ERROR":
            return said


def text_of(said: list[Frame]) -> str:
    return " ".join(f"{frame.headers} {frame.body.decode()}" for frame in said)


async def test_no_destination_tells_a_key_of_what_it_may_not_see(tmp_path: Path) -> None:
    async with served(tmp_path, text=WORLD) as running:
        key = running.make_key("ours", OURS)
        async with raw_client(running) as client:
            said = await signed_in(client, key)
            trade(running, THEIRS[0], "EURUSD", "0.37")
            trade(running, THEIRS[0], "XAUUSD", "0.37")
            trade(running, OURS[0], "EURUSD", "0.1")
            trade(running, OURS[0], "XAUUSD", "0.1")
            said += await everything(client)
    assert {frame.headers.get("destination") for frame in said} >= set(QUEUES), "something of each came"
    assert all(account_id(name) in text_of(said) for name in OURS)
    for word in (*THEIRS, *map(account_id, THEIRS), "0.37", "77777", "theirs"):
        assert word not in text_of(said), word


async def test_asking_for_their_account_is_answered_as_for_none(tmp_path: Path) -> None:
    async with served(tmp_path, text=WORLD) as running:
        key = running.make_key("ours", OURS)
        answers = []
        for wanted in (account_id(THEIRS[0]), account_id(THEIRS[1]), NOWHERE):
            async with raw_client(running) as client:
                said = await signed_in(client, key, f'"{wanted}"')
            assert said[-1].command == "ERROR"
            answers.append(text_of(said[1:]).replace(wanted, "it"))
        assert answers[0] == answers[1] == answers[2]
