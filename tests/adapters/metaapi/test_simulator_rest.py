"""The simulated REST calls, and what does not get in."""

import json

import pytest
from trio.testing import MockClock

from adapters.base import SessionLost
from adapters.metaapi.simulator import ACCESS_WORD
from adapters.metaapi.simulator_desk import account_id
from adapters.transport.http import HttpClient, HttpResponse
from adapters.transport.serving import HttpRequest
from adapters.transport.websocket import open_websocket
from tests.adapters.metaapi.venue import HOST, ORIGIN, PORT, Venue, open_venue


async def get(venue: Venue, path: str, word: str | None = ACCESS_WORD, method: str = "GET") -> HttpResponse:
    headers = {} if word is None else {"auth-token": word}
    return await venue.simulator.service.http(HttpRequest(method, path, headers=headers))


async def test_an_account_tells_where_it_lives_and_how_it_is(autojump_clock: MockClock) -> None:
    async with open_venue(mt4=True) as venue:
        answer = await get(venue, f"/users/current/accounts/{venue.account_id}")
        account = json.loads(answer.body)
        assert (account["_id"], account["name"], account["version"]) == (venue.account_id, "master", 4)
        assert (account["state"], account["connectionStatus"]) == ("DEPLOYED", "CONNECTED")
        venue.desk.take_down()
        answer = await get(venue, f"/users/current/accounts/{venue.account_id}")
        assert json.loads(answer.body)["connectionStatus"] == "DISCONNECTED"


async def test_the_server_and_the_ignored_fields_are_told(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        servers = json.loads((await get(venue, "/users/current/servers/mt-client-api")).body)
        assert set(servers) == {"domain", "hostname"}
        lists = json.loads((await get(venue, "/hashing-ignored-field-lists")).body)
        assert all(set(lists[kind]) == {"specification", "position", "order"} for kind in ("g1", "g2"))


async def test_who_has_no_good_token_gets_no_answer(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        path = f"/users/current/accounts/{venue.account_id}"
        for word in (None, "wrong"):
            assert (await get(venue, path, word)).status == 401
        assert (await get(venue, "/users/current/accounts/nobody")).status == 404
        assert (await get(venue, path, method="POST")).status == 405
        venue.faults.refuse_sign_in = True
        assert (await get(venue, path)).status == 401
        venue.faults.maintenance = True
        assert (await get(venue, path)).status == 503


@pytest.mark.parametrize("query", ["", "EIO=4&transport=websocket"])
async def test_another_protocol_is_not_let_in(autojump_clock: MockClock, query: str) -> None:
    async with open_venue() as venue:
        with pytest.raises(SessionLost, match="400"):
            async with open_websocket(f"ws://{HOST}:{PORT}/ws/?{query}", connect=venue.network.connect):
                pass


@pytest.mark.parametrize("path", ["/ws", "/ws/"])
async def test_the_socket_is_there_with_a_slash_and_without(autojump_clock: MockClock, path: str) -> None:
    async with open_venue() as venue:
        url = f"ws://{HOST}:{PORT}{path}?EIO=3&transport=websocket"
        async with open_websocket(url, connect=venue.network.connect) as socket:
            opened = json.loads((await socket.get_message())[1:])
            assert (opened["pingInterval"], opened["pingTimeout"]) == (25_000, 60_000)
            assert await socket.get_message() == "40"


async def test_a_client_may_begin_by_polling(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        http = HttpClient(ORIGIN, connect=venue.network.connect)
        answer = await http.request("GET", "/ws/?EIO=3&transport=polling", timeout_s=10)
        assert answer.status == 200
        assert b'"upgrades":["websocket"]' in answer.body
        refused = await http.request("GET", "/ws/?EIO=4&transport=polling", timeout_s=10)
        assert (refused.status, b"Unsupported protocol version" in refused.body) == (400, True)
        await http.aclose()


async def test_nobody_is_let_in_under_maintenance(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        venue.faults.maintenance = True
        with pytest.raises(SessionLost, match="503"):
            async with venue.client():
                pass


async def test_the_control_api_is_served_beside_it(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        answer = await get(venue, "/control/accounts", None)
        assert [account["account"] for account in json.loads(answer.body)["accounts"]] == ["master"]


async def test_the_config_of_an_account_leads_to_it(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        config = venue.simulator.config("master", ORIGIN)
        assert config.account_id == account_id("master")
        assert config.token.reveal() == ACCESS_WORD
        assert (config.socket_url, config.provisioning_url) == (ORIGIN, ORIGIN)


def test_a_name_that_is_an_id_stays_so() -> None:
    known = "865d3a4d-3803-486d-bdf3-a85679d9fad2"
    assert account_id(known) == known
    assert account_id("one") != account_id("two")
