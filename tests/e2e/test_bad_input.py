"""Bad input from one venue hurts that account's session for a moment, and nothing else."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random

import pytest
import trio
from attrs import evolve
from structlog.testing import capture_logs
from trio.testing import MockClock

from adapters.base import Account
from adapters.metacopier.config import Config as MetaCopierConfig
from adapters.metacopier.driver import MetaCopierAccount
from adapters.metacopier.simulator import Simulator as MetaCopierSimulator
from adapters.metacopier.simulator_words import account_id
from adapters.secret import Secret
from adapters.simulation.broker import Book, Broker
from adapters.simulation.market import Market
from adapters.tradelocker.driver import TradeLockerAccount
from adapters.tradelocker.simulator import Simulator as TradeLockerSimulator
from adapters.transport.network import Connect, MemoryNetwork
from copier.clock import VirtualClock
from copier.ledger.codec import decode
from copier.ledger.ledger import Ledger
from copier.ledger.records import AlertRecord
from copier.rulebook import Rulebook
from copier.service.service import Service
from copier.service.weather import REFUSED_S_MIN
from rules.model.frozen import frozen
from rules.model.values import AccountId, LinkId, OmsType, Side, Symbol
from rules.policy.guard import StartOpen, StartPolicy
from rules.policy.links import CopyLink, CopyPolicy
from rules.policy.stops import Stops, StopsMode
from tests.e2e.tampering import Change, Wire
from tests.rules.playbook import T0

TL_SOURCE, TL_TARGET = AccountId("tl-source"), AccountId("tl-target")
MC_SOURCE, MC_TARGET = AccountId("mc-source"), AccountId("mc-target")
NAMES = {TL_SOURCE: "L#700001", TL_TARGET: "L#700002", MC_SOURCE: "mc-1", MC_TARGET: "mc-2"}
TRADELOCKER, METACOPIER = "tradelocker", "metacopier"
KEY = "simulated-key"
POLICY = CopyPolicy("as is", stops=Stops(StopsMode.NONE), on_start=StartPolicy(StartOpen.COPY))
TARGET_OF = {TL_SOURCE: MC_TARGET, MC_SOURCE: TL_TARGET}
BOTH = pytest.mark.parametrize("bad", [TL_SOURCE, MC_SOURCE])


@frozen
class World:
    """Two venues, each with a source and a target; each source is copied to the other venue's target."""

    books: dict[AccountId, Book]
    wire: Wire
    ledger: Ledger
    service: Service

    def open(self, source: AccountId) -> None:
        self.books[source].open(Symbol("EURUSD"), Side.BUY, Decimal(1))

    def counts(self, source: AccountId) -> tuple[int, int]:
        """Return how many positions the source and its target hold."""
        return len(self.books[source].positions), len(self.books[TARGET_OF[source]].positions)

    def complaints(self) -> set[str]:
        """Return the accounts whose session was called lost."""
        return {entry.account for entry in self.ledger.entries(kinds=("alert",))}

    def texts(self) -> str:
        return "\n".join(decode(AlertRecord, entry.body).text for entry in self.ledger.entries(kinds=("alert",)))


def other(bad: AccountId) -> AccountId:
    return MC_SOURCE if bad == TL_SOURCE else TL_SOURCE


@asynccontextmanager
async def running(bad: AccountId, wrong: Secret | None = None) -> AsyncIterator[World]:
    """Run a service on both venues; the bad account's connections go over a wire that can be tampered with."""
    now = VirtualClock.starting(T0).utc_now
    async with trio.open_nursery() as nursery:
        network = MemoryNetwork(nursery)
        tl_broker, mc_broker = (Broker(Market.default(T0), now) for _ in range(2))
        books = {}
        for name, broker in (
            (TL_SOURCE, tl_broker),
            (TL_TARGET, tl_broker),
            (MC_SOURCE, mc_broker),
            (MC_TARGET, mc_broker),
        ):
            books[name] = broker.add_account(NAMES[name], OmsType.HEDGING, Decimal(10**6))
        tradelocker = TradeLockerSimulator(tl_broker, now=now)
        metacopier = MetaCopierSimulator(mc_broker, now=now, api_keys={KEY: None})
        network.listen(TRADELOCKER, 80, tradelocker.service.serve_stream)
        network.listen(METACOPIER, 80, metacopier.service.serve_stream)
        wire = Wire(network.connect)

        def account(name: AccountId) -> Account:
            connect: Connect = wire.connect if name == bad else network.connect
            if name in (TL_SOURCE, TL_TARGET):
                config = tradelocker.config(NAMES[name], f"http://{TRADELOCKER}:80")
                if name == bad and wrong is not None:
                    config = evolve(config, password=wrong)
                return TradeLockerAccount(name, config, connect=connect, now=now)
            key = wrong if name == bad and wrong is not None else Secret(KEY)
            settings = MetaCopierConfig(
                account_id=account_id(NAMES[name]),
                api_key=key,
                rest_url=f"http://{METACOPIER}:80",
                socket_url=f"ws://{METACOPIER}:80/ws/api/v1",
            )
            return MetaCopierAccount(name, settings, connect=connect, now=now)

        ledger = Ledger.in_memory()
        links = tuple(CopyLink(LinkId(f"{one}->{two}"), one, two, POLICY) for one, two in TARGET_OF.items())
        service = Service(
            rulebook=Rulebook(links),
            accounts={name: account(name) for name in NAMES},
            ledger=ledger,
            utc_now=now,
            random=Random(1),
            threads=False,
        )
        nursery.start_soon(service.run, trio.Event())
        await trio.sleep(5)
        yield World(books, wire, ledger, service)
        nursery.cancel_scope.cancel()


def broken_json(payload: bytes) -> bytes | None:
    return re.sub(rb"[}\]]", b"", payload) if b"{" in payload else None


def not_utf8(payload: bytes) -> bytes | None:
    return payload.replace(b"EURUSD", b"EUR\xff\xfe") if b"EURUSD" in payload else None


def number(text: bytes) -> Change:
    """Return a change of the first volume to `text`, as a number where the venue sends numbers."""

    def change(payload: bytes) -> bytes | None:
        found = re.search(rb'"(?:lots|volume)":("?)[0-9][0-9.]*("?)', payload)
        if found is None:
            return None
        start, end = found.span()
        key = found[0].split(b":")[0]
        changed = payload[:start] + key + b":" + found[1] + text + found[2] + payload[end:]
        return re.sub(rb"content-length:\d+\n", b"", changed)

    return change


def depth(payload: bytes) -> bytes | None:
    """Return JSON nested so deep that a careless parser overflows its stack."""
    if b"{" not in payload:
        return None
    start = payload.index(b"{")
    return re.sub(rb"content-length:\d+\n", b"", payload[:start]) + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"]\0"


@BOTH
@pytest.mark.parametrize(
    ("change", "says"),
    [(broken_json, "expected"), (not_utf8, "utf-8"), (depth, "expected")],
    ids=["json", "utf-8", "depth"],
)
async def test_a_malformed_message_costs_a_session_and_nothing_is_lost(
    autojump_clock: MockClock, bad: AccountId, change: Change, says: str
) -> None:
    await _survives(bad, change, says)


@BOTH
@pytest.mark.parametrize("text", [b"1e400", b"NaN", b"-Infinity", b"9" * 5000, b"1e-400", b"-1"])
async def test_a_hostile_number_is_never_traded_and_nothing_is_lost(
    autojump_clock: MockClock, bad: AccountId, text: bytes
) -> None:
    await _survives(bad, number(text), "expected|must be")


async def _survives(bad: AccountId, change: Change, says: str) -> None:
    async with running(bad) as world:
        world.wire.change = change
        world.open(bad)
        world.open(other(bad))
        await trio.sleep(1)
        assert world.wire.tampered == 1, "the message was never tampered with"
        assert world.counts(other(bad)) == (1, 1), "the other account's copies go on"
        await trio.sleep(60)
        assert world.counts(bad) == (1, 1), "what the bad message told is found by asking"
        assert [each.volume for each in world.books[TARGET_OF[bad]].positions.values()] == [1]
        assert world.complaints() == {bad}, "a clear error names the account"
        assert re.search(says, world.texts())
        await _goes_on(world, bad)


async def _goes_on(world: World, bad: AccountId) -> None:
    """Check that both sources are live again, by their streams."""
    for source in (bad, other(bad)):
        world.open(source)
    await trio.sleep(1)
    for source in (bad, other(bad)):
        opened, copied = world.counts(source)
        assert opened == copied


@BOTH
async def test_bytes_that_are_no_websocket_cost_a_session(autojump_clock: MockClock, bad: AccountId) -> None:
    async with running(bad) as world:
        before = world.wire.connections
        world.wire.raw = b"\xff\xff\xff\xff<html>502 Bad Gateway</html>"
        world.open(bad)
        world.open(other(bad))
        await trio.sleep(1)
        assert world.counts(other(bad)) == (1, 1)
        await trio.sleep(60)
        assert world.complaints() == {bad}
        assert world.wire.connections > before
        await _goes_on(world, bad)


@BOTH
async def test_a_message_of_an_unknown_type_is_survived(autojump_clock: MockClock, bad: AccountId) -> None:
    def rename(payload: bytes) -> bytes | None:
        changed = re.sub(rb'"type":"[A-Za-z_]+"', b'"type":"Gossip"', payload)
        changed = re.sub(rb"content-length:\d+\n", b"", changed)
        return changed if changed != payload and b"EURUSD" in payload else None

    async with running(bad) as world:
        world.wire.change = rename
        world.open(bad)
        world.open(other(bad))
        await trio.sleep(1)
        assert world.wire.tampered == 1
        assert world.counts(other(bad)) == (1, 1)
        await trio.sleep(60)
        assert world.counts(bad) == (1, 1)
        assert world.complaints() <= {bad}
        await _goes_on(world, bad)


@pytest.fixture
def log() -> Iterator[list[dict[str, object]]]:
    with capture_logs() as lines:
        yield lines  # type: ignore[misc]


@BOTH
async def test_a_wrong_sign_in_keeps_one_account_away_with_one_clear_line_a_try_and_no_secret(
    autojump_clock: MockClock, bad: AccountId, log: list[dict[str, object]]
) -> None:
    secret = Secret("hunter2-wrong-password")
    async with running(bad, wrong=secret) as world:
        world.open(other(bad))
        await trio.sleep(REFUSED_S_MIN - 10)
        assert world.counts(other(bad)) == (1, 1)
        refusals = [line for line in log if "refused" in str(line["event"])]
        assert {line["account"] for line in refusals} == {bad}
        assert len(refusals) <= 2, "the stream's and the poller's"
        assert all(line["reason"] for line in refusals)
        assert world.complaints() == {bad}
        kept = b"".join(entry.body for entry in world.ledger.entries())
        assert secret.reveal() not in f"{log}{kept!r}"
        assert world.wire.connections < 20, "it is not hammered"
