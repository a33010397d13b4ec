"""The Socket API beside a running service, over real sockets: all message types, live, until the session ends."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trio
from trio_websocket import ConnectionClosed

from adapters.transport.stomp import HeartBeatOffer
from copier.web.socket_api.fan_out import Notice
from copier.web.socket_api.session import DECISIONS
from copier.web.socket_api.words import account_id
from tests.copier.commands.shell import PAPER
from tests.copier.web.socket_api.served import MASTER, SMALL, Served, raw_client, served, until

CONNECT = "CONNECT\naccept-version:1.2\napi-key:any\n\n\0"
ASK_ALL = 'SEND\ndestination:/app/subscribe\n\n{"accountIds":[]}\0'
INFORMATION, POSITIONS, HISTORY = "UpdateAccountInformationDTO", "UpdateOpenPositionsDTO", "UpdateHistoryDTO"

pytestmark = pytest.mark.slow  # a whole service over real sockets


def subscribe(queue: str) -> str:
    return f"SUBSCRIBE\nid:{queue}\ndestination:{queue}\n\n\0"


async def test_all_three_messages_come_at_once_and_again_when_something_happens(tmp_path: Path) -> None:
    async with served(tmp_path) as running, raw_client(running) as client:
        await client.say(CONNECT, subscribe("/user/queue/accounts/changes"), ASK_ALL)
        assert (await client.next()).headers["version"] == "1.2"
        info = (await client.told(INFORMATION, MASTER))["info"]
        assert (info["connected"], info["balance"]) == (True, 10000)
        assert (await client.told(POSITIONS, MASTER))["openPositions"] == []
        running.buy("0.1")
        for name in (MASTER, SMALL):
            data = await client.told(POSITIONS, name, lambda data: data["openPositions"])
            (row,) = data["openPositions"]
            assert (row["symbol"], row["orderType"], row["volume"]) == ("EURUSD", "Buy", 0.1)
            await client.told(INFORMATION, name, lambda data: data["info"]["openPositionsCount"] == 1)
        running.close()
        history = await client.told(HISTORY, MASTER, lambda data: data["history"])
        (row,) = history["history"]
        assert (row["symbol"], row["volume"], row["dealType"]) == ("EURUSD", 0.1, "DealBuy")
        assert {"openPrice", "closePrice", "openTime", "closeTime", "profit"} <= row.keys()


async def test_decisions_and_limits_have_queues_of_their_own(tmp_path: Path) -> None:
    text = PAPER + '\n[[limits]]\naccount = "small"\nkind = "max_loss"\namount = "10 %"\n'
    async with served(tmp_path, text=text) as running, raw_client(running) as client:
        await client.say(CONNECT, subscribe("/user/queue/limits"), ASK_ALL)
        assert (await client.next()).command == "CONNECTED"
        told = await client.told("Limits", SMALL)
        assert told["account"] == "small"
        assert [limit["kind"] for limit in told["limits"]] == ["max_loss"]
        assert told["limits"][0]["stage"] == "ok"
        await client.say(subscribe("/user/queue/decisions"))
        running.buy()
        decided = await client.told("Decision", SMALL, lambda data: data["decision"]["kind"] == "ordered")
        assert (decided["account"], decided["sourceAccountId"]) == ("small", account_id(MASTER))
        assert decided["decision"]["link"] == "master->small"
        assert decided["decision"]["steps"]


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [((), None), (("v10.stomp", "v12.stomp", "v11.stomp"), "v12.stomp"), (("other", "v10.stomp"), "v10.stomp")],
)
async def test_the_best_subprotocol_that_is_offered_is_chosen(
    tmp_path: Path, offered: tuple[str, ...], chosen: str | None
) -> None:
    async with served(tmp_path) as running, raw_client(running, subprotocols=offered) as client:
        assert client.socket.subprotocol == chosen


async def test_a_page_of_another_origin_does_not_even_get_a_socket(tmp_path: Path) -> None:
    async with served(tmp_path) as running, await dialed(running) as line:
        await line.send_all(handshake("https://evil.test"))
        assert (await line.receive_some()).startswith(b"HTTP/1.1 403 ")


async def test_one_session_too_many_is_refused_until_another_ends(tmp_path: Path) -> None:
    text = PAPER.replace("[service]", "[service]\nsessions_per_key = 1")
    async with served(tmp_path, text=text) as running:
        async with raw_client(running) as first:
            await first.say(CONNECT)
            assert (await first.next()).command == "CONNECTED"
            async with raw_client(running) as second:
                await second.say(CONNECT)
                refused = await second.next()
                assert (refused.command, refused.headers["message"]) == ("ERROR", "Too many sessions")
                assert "1 sessions" in refused.body.decode()
                with pytest.raises(ConnectionClosed):
                    await second.next()
        await until(lambda: not running.api.sessions)
        async with raw_client(running) as third:
            await third.say(CONNECT)
            assert (await third.next()).command == "CONNECTED"


async def test_beats_come_and_a_client_that_stops_beating_is_cut(tmp_path: Path) -> None:
    async with served(tmp_path, beats=HeartBeatOffer(300, 300)) as running, raw_client(running) as client:
        await client.say("CONNECT\naccept-version:1.2\nheart-beat:300,300\n\n\0")
        assert (await client.next()).headers["heart-beat"] == "300,300"
        for _ in range(4):  # longer than our patience
            assert await client.socket.get_message() == "\n"
            await client.say("\n")
        error = await client.next()
        assert (error.command, error.headers["message"]) == ("ERROR", "Protocol error")


async def test_a_client_that_never_reads_is_cut_and_the_others_hear_on(tmp_path: Path) -> None:
    async with served(tmp_path) as running, raw_client(running) as good, await dialed(running) as deaf:
        await good.say(CONNECT, subscribe("/user/queue/accounts/changes"), ASK_ALL)
        assert (await good.next()).command == "CONNECTED"
        await deaf.send_all(handshake() + masked(CONNECT + subscribe("/user/queue/decisions") + ASK_ALL))
        await until(lambda: running.api.sessions == 2)
        notice = b'"' + b"x" * 100_000 + b'"'
        for _ in range(100):  # 10 MB: more than the kernel's buffers and ours together
            running.api.fan_out.notice(Notice(MASTER, DECISIONS, notice))
            await trio.sleep(0.02)
            if running.api.sessions < 2:
                break
        assert running.api.sessions == 1
        running.buy()
        await good.told(POSITIONS, SMALL, lambda data: data["openPositions"])


async def dialed(running: Served) -> trio.SocketStream:
    return await trio.open_tcp_stream("127.0.0.1", urlsplit(running.url).port or 0)


def handshake(origin: str | None = None) -> bytes:
    return (
        "GET /ws/api/v1 HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + ("" if origin is None else f"Origin: {origin}\r\n")
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


def masked(text: str) -> bytes:
    """Return a text frame under a mask of zeros."""
    payload = text.encode()
    return b"\x81\xfe" + len(payload).to_bytes(2, "big") + bytes(4) + payload


async def test_a_revoked_key_is_cut_within_a_second_and_others_stay(tmp_path: Path) -> None:
    async with served(tmp_path) as running:
        keys = {name: running.make_key(name) for name in ("mine", "theirs")}
        async with raw_client(running) as mine, raw_client(running) as theirs:
            for client, name in ((mine, "mine"), (theirs, "theirs")):
                connect = CONNECT.replace("any", keys[name])
                await client.say(connect, subscribe("/user/queue/accounts/changes"), ASK_ALL)
                assert (await client.next()).command == "CONNECTED"
            await mine.told(POSITIONS, SMALL)
            running.revoke("mine")
            with trio.fail_after(1):
                while (frame := await mine.next()).command != "ERROR":
                    assert frame.command == "MESSAGE"
            assert frame.headers["message"] == "Unauthorized"
            running.buy()
            await theirs.told(POSITIONS, SMALL, lambda data: data["openPositions"])


async def test_once_there_is_a_key_nobody_comes_in_without_a_good_one(tmp_path: Path) -> None:
    async with served(tmp_path) as running:
        key = running.make_key("only-small", accounts=(SMALL,))
        for api_key in ("wrong", ""):
            async with raw_client(running) as client:
                await client.say(CONNECT.replace("any", api_key))
                assert (await client.next()).headers["message"] == "Unauthorized"
        async with raw_client(running) as client:
            await client.say(CONNECT.replace("any", key), subscribe("/user/queue/accounts/changes"), ASK_ALL)
            assert (await client.next()).command == "CONNECTED"
            await client.told(POSITIONS, SMALL)
            await client.say(ASK_ALL.replace("[]", f'["{account_id(MASTER)}"]'))
            with pytest.raises(AssertionError, match="Forbidden"):
                await client.told("nothing", SMALL)
            assert {name for _, name in client.latest} == {account_id(SMALL)}


async def test_a_wrong_key_again_and_again_is_made_to_wait(tmp_path: Path) -> None:
    async with served(tmp_path) as running:
        running.make_key("some")
        said: set[str] = set()
        for _ in range(30):
            async with raw_client(running) as client:
                await client.say(CONNECT)
                said.add((await client.next()).headers["message"])
        assert said == {"Unauthorized", "Too many attempts"}
