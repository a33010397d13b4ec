"""Clients written for MetaCopier's Socket API against ours: they get all three messages and outlive their beats."""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from adapters.transport.stomp import HeartBeatOffer
from copier.web.socket_api.words import account_id
from rules.model.values import AccountId
from tests.copier.commands.shell import PAPER
from tests.copier.web.socket_api.served import MASTER, SMALL, Served, raw_client, served
from tests.peers.clients import start_client
from tests.peers.programs import PEERS, node, python

pytestmark = [pytest.mark.peer, pytest.mark.slow]  # starts node, Python or a browser, over real sockets

KEY = "any-key"
BEAT_MS = 500
BEATS = HeartBeatOffer(BEAT_MS, BEAT_MS)
"""Shorter than any of the clients' own, so that theirs decide; long enough for a machine that does much else."""

# Each side gives up after twice or three times the beat; this is three times the longer of the two.
OUTLIVED_S = 9 * BEAT_MS / 1000

INFORMATION, POSITIONS, HISTORY = "UpdateAccountInformationDTO", "UpdateOpenPositionsDTO", "UpdateHistoryDTO"
TYPES = {INFORMATION, POSITIONS, HISTORY}

STOMPJS = PEERS / "node_modules" / "@stomp" / "stompjs" / "bundles" / "stomp.umd.js"
PANEL = "http://panel.test/"
TEXT = PAPER.replace("[service]", '[service]\nallowed_origins = ["http://panel.test"]')

SEED = Path(__file__).parents[3] / "shared" / "seeds" / "metacopier-socket-api.txt"
SHOWN_URL = "ws://127.0.0.1:8377/ws/api/v1"
SEED_URL = "wss://api.metacopier.io/ws/api/v1"


def browser(page_url: str, page: Path, **settings: str) -> list[str]:
    """Return the command that opens a page in Chromium; without one the test says that it was skipped."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no browser: `apt-get install chromium`, or another way to have `chromium` on the PATH")
    pairs = [f"{name}={value}" for name, value in settings.items()]
    return python("stomp_browser.py", program, page_url, str(page), str(STOMPJS), *pairs)


def stompjs_in_node(url: str) -> list[str]:
    return node("stomp_client.js", url, KEY, "1000", str(BEAT_MS))


def stomper_in_python(url: str) -> list[str]:
    return python("stomp_client.py", url, KEY, "1000", str(BEAT_MS))


def stompjs_in_chromium(url: str) -> list[str]:
    return browser(PANEL, PEERS / "stomp_page.html", url=url, apiKey=KEY, beatMs=str(BEAT_MS))


async def see_a_trade(running: Served, next_message: Callable[[], Any]) -> None:
    """Read the first state of both accounts, be silent for long enough, then read of a trade from begin to end."""
    seen: set[tuple[str, str]] = set()
    while seen != {(kind, account_id(name)) for kind in TYPES for name in (MASTER, SMALL)}:
        kind, data = await next_message()
        seen.add((kind, data["accountId"]))
    await trio.sleep(OUTLIVED_S)
    running.buy()
    await until_told(next_message, (POSITIONS, SMALL, lambda data: len(data["openPositions"]) == 1))
    running.close()
    await until_told(  # of two accounts, in whatever order
        next_message,
        (POSITIONS, SMALL, lambda data: data["openPositions"] == []),
        (HISTORY, MASTER, lambda data: len(data["history"]) == 1),
    )


async def until_told(next_message: Callable[[], Any], *wanted: tuple[str, AccountId, Callable[[Any], bool]]) -> None:
    """Read until each was told."""
    left = list(wanted)
    while left:
        found, data = await next_message()
        left = [
            (kind, name, check)
            for kind, name, check in left
            if not (found == kind and data["accountId"] == account_id(name) and check(data))
        ]


@pytest.mark.parametrize("command", [stompjs_in_node, stomper_in_python, stompjs_in_chromium])
async def test_a_client_library_sees_a_trade_and_outlives_its_beats(
    command: Callable[[str], list[str]], tmp_path: Path
) -> None:
    async with served(tmp_path, text=TEXT, beats=BEATS) as running:
        client = await start_client(running.nursery, command(running.url))
        connected = await client.next()
        assert (connected["event"], connected["version"]) == ("connected", "1.2")

        async def next_message() -> tuple[str, Any]:
            # stomper takes a beat for a frame of no command.
            event = await client.wait_for(lambda event: event["event"] != "unhandled")
            assert event["event"] == "message", event
            return event["type"], event["data"]

        await see_a_trade(running, next_message)


RAW = {
    "C# (ClientWebSocket)": (
        (),
        "CONNECT\naccept-version:1.2\napi-key:any-key\n\n\0",
        "SUBSCRIBE\nid:sub-0\ndestination:/user/queue/accounts/changes\n\n\0",
        'SEND\ndestination:/app/subscribe\ncontent-type:application/json\n\n{"accountIds":[]}\0',
    ),
    "Java (Spring)": (
        ("v10.stomp", "v11.stomp", "v12.stomp"),
        "CONNECT\napi-key:any-key\naccept-version:1.1,1.2\nheart-beat:0,0\n\n\0",
        "SUBSCRIBE\nid:0\ndestination:/user/queue/accounts/changes\n\n\0",
        'SEND\ndestination:/app/subscribe\ncontent-type:application/json\ncontent-length:17\n\n{"accountIds":[]}\0',
    ),
}
"""What these programs of the page put on the wire; neither beats."""


@pytest.mark.parametrize("client", RAW)
async def test_frames_written_by_hand_see_a_trade_in_silence(client: str, tmp_path: Path) -> None:
    subprotocols, connect, *asks = RAW[client]
    async with (
        served(tmp_path, text=TEXT, beats=BEATS) as running,
        raw_client(running, subprotocols=subprotocols) as raw,
    ):
        await raw.say(connect)
        assert (await raw.next()).command == "CONNECTED"
        await raw.say(*asks)
        await see_a_trade(running, raw.next_message)


# The page's own programs


def _between(start: str, end: str) -> str:
    if not SEED.exists():
        pytest.skip("the page that the programs come from is not beside the project")
    page = SEED.read_text()
    begin = page.index(start)
    return page[begin : page.index(end, begin)]


def _pointed_at(program: str, url: str, key: str) -> str:
    assert program.count(SEED_URL) >= 1
    assert program.count(key) >= 1
    return program.replace(SEED_URL, url).replace(key, KEY)


def node_program(url: str, folder: Path) -> list[str]:
    program = _between("const { Client } = require('@stomp/stompjs');", "  1. brokerURL:")
    file = folder / "sample.js"
    file.write_text(_pointed_at(program, url, "REPLACE_WITH_YOUR_API_KEY"))
    return [node("stomp_client.js")[0], str(file)]


def python_program(url: str, folder: Path) -> list[str]:
    program = _between("import os\nimport json\nimport time", "Java - Springboot")
    file = folder / "sample.py"
    file.write_text(_pointed_at(program, url, "MY_KEY"))
    return [sys.executable, "-u", str(file)]


def browser_program(url: str, folder: Path) -> list[str]:
    program = _between("<!DOCTYPE html>", "</html>") + "</html>"
    file = folder / "sample.html"
    file.write_text(_pointed_at(program, url, "REPLACE_WITH_YOUR_API_KEY"))
    return browser(PANEL, file)


@pytest.mark.parametrize("command", [node_program, python_program, browser_program])
async def test_a_program_of_the_page_runs_with_only_url_and_key_changed(
    command: Callable[[str, Path], list[str]], tmp_path: Path
) -> None:
    async with served(tmp_path, text=TEXT) as running:
        environment = {**os.environ, "NODE_PATH": str(PEERS / "node_modules")}
        client = await start_client(running.nursery, command(running.url, tmp_path), env=environment)
        received: set[str] = set()

        async def next_message() -> tuple[str, Any]:
            while True:
                line = await client.line()
                if (found := re.search(r"Received (Update\w+):", line)) is not None:
                    received.add(found[1])
                elif (found := re.search(r"RAW message => (\{.*\})", line)) is not None:
                    body = json.loads(found[1])
                    return body["type"], body["data"]

        await see_a_trade(running, next_message)
        assert received == TYPES, "what the program itself says it received"


# Our own page's programs


def _shown(language: str) -> str:
    page = (Path(__file__).parents[2] / "docs" / "socket-api.md").read_text()
    found = re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert found is not None
    return found[1]


async def test_the_javascript_of_our_page_prints_all_three_messages(tmp_path: Path) -> None:
    async with served(tmp_path, text=TEXT) as running:
        file = tmp_path / "client.js"
        file.write_text(_shown("js").replace(SHOWN_URL, running.url))
        environment = {**os.environ, "NODE_PATH": str(PEERS / "node_modules"), "KEY": KEY}
        client = await start_client(running.nursery, [node("stomp_client.js")[0], str(file)], env=environment)
        seen: set[str] = set()
        while seen != {f"{kind} {account_id(name)}" for kind in TYPES for name in (MASTER, SMALL)}:
            seen.add(await client.line())


async def test_the_python_of_our_page_prints_a_decision(tmp_path: Path) -> None:
    async with served(tmp_path, text=TEXT) as running:
        file = tmp_path / "client.py"
        file.write_text(_shown("python").replace(SHOWN_URL, running.url))
        command = [sys.executable, "-u", str(file)]
        client = await start_client(running.nursery, command, env={**os.environ, "KEY": KEY})
        assert await client.line() == "CONNECTED "
        running.buy()
        assert await client.line() == "MESSAGE Decision"
