"""Where an account lives, and when it cannot be used."""

import pytest
import trio

from adapters.base import RemoteProtocolError, RequestNotSent, SessionLost, SignInRefused
from adapters.metaapi.config import Config
from adapters.metaapi.rest import Provisioning
from adapters.transport.http import HttpResponse
from tests.adapters.metaapi.frames import ACCOUNT, TOKEN
from tests.adapters.metaapi.scripted import HOST, ORIGIN, PORT, open_server

RECORD = f"/users/current/accounts/{ACCOUNT}"
SERVERS = "/users/current/servers/mt-client-api"


@pytest.fixture
async def world():
    async with open_server() as (server, network):
        server.pages = {
            RECORD: {"_id": ACCOUNT, "region": "london", "state": "DEPLOYED", "accountReplicas": []},
            SERVERS: {"domain": "agiliumtrade.ai", "hostname": "mt-client-api-v1"},
        }
        yield server, network


def provisioning(network, **changes):
    settings = {"account_id": ACCOUNT, "token": TOKEN, "provisioning_url": ORIGIN, **changes}
    return Provisioning(Config(**settings), network.connect)


async def test_the_place_is_made_of_region_and_server(world, autojump_clock):
    server, network = world
    assert await provisioning(network).place() == "https://mt-client-api-v1.london-a.agiliumtrade.ai"
    assert [path for _, path, _ in server.page_requests] == [RECORD, SERVERS]
    assert {headers["auth-token"] for *_, headers in server.page_requests} == {TOKEN.reveal()}


async def test_the_configured_region_counts(world, autojump_clock):
    _, network = world
    assert (
        await provisioning(network, region="new-york").place() == "https://mt-client-api-v1.new-york-a.agiliumtrade.ai"
    )


async def test_a_configured_socket_is_taken_once_the_account_is_known_to_be_deployed(world, autojump_clock):
    server, network = world
    assert await provisioning(network, socket_url="http://own:1").place() == "http://own:1"
    assert [path for _, path, _ in server.page_requests] == [RECORD]
    alone = Provisioning(Config(account_id=ACCOUNT, token=TOKEN, socket_url="http://own:1"), network.connect)
    assert await alone.place() == "http://own:1"
    assert len(server.page_requests) == 1
    await alone.aclose()


async def test_a_place_is_believed_for_ten_minutes(world, autojump_clock):
    server, network = world
    asked = provisioning(network)
    for _ in range(3):
        await asked.place()
    assert len(server.page_requests) == 2
    await asked.place(anew=True)
    assert len(server.page_requests) == 4
    await trio.sleep(601)
    await asked.place()
    assert len(server.page_requests) == 6
    await asked.aclose()


@pytest.mark.parametrize("state", ["CREATED", "DEPLOYING", "UNDEPLOYED", "DEPLOY_FAILED", "DELETING"])
async def test_an_account_that_is_not_deployed_is_waited_for(world, autojump_clock, state):
    server, network = world
    server.pages[RECORD] = {"region": "london", "state": state}
    with pytest.raises(SessionLost, match=f"found {state}"):
        await provisioning(network).place()


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_refusal_is_final_and_shows_no_token(world, autojump_clock, status):
    server, network = world
    server.pages[RECORD] = HttpResponse(status, {}, f'{{"message":"bad {TOKEN.reveal()}"}}'.encode())
    with pytest.raises(SignInRefused, match=f"found {status}: bad") as refused:
        await provisioning(network).place()
    assert TOKEN.reveal() not in str(refused.value)


@pytest.mark.parametrize("status", [400, 429, 500, 503])
async def test_anything_else_is_weather(world, autojump_clock, status):
    server, network = world
    server.pages[RECORD] = HttpResponse(status, {}, b"<html>")
    with pytest.raises(SessionLost, match=f"found {status}"):
        await provisioning(network).place()


@pytest.mark.parametrize("body", [b"", b"[]", b'{"region":5}', b"\xff", b"[" * 100_000])
async def test_a_record_that_cannot_be_read_breaks_the_protocol(world, autojump_clock, body):
    server, network = world
    server.pages[RECORD] = HttpResponse(200, {}, body)
    with pytest.raises(RemoteProtocolError, match="AccountRecord"):
        await provisioning(network).place()


@pytest.mark.parametrize("page", [{"domain": "evil.test/x"}, {"domain": "a:1"}, {"domain": ""}, {"domain": "a@b"}])
async def test_a_place_that_is_no_host_is_not_gone_to(world, autojump_clock, page):
    server, network = world
    server.pages[SERVERS] = page
    with pytest.raises(RemoteProtocolError, match="host name"):
        await provisioning(network).place()


async def test_an_account_without_a_region_needs_one_in_the_config(world, autojump_clock):
    server, network = world
    server.pages[RECORD] = {"state": "DEPLOYED"}
    with pytest.raises(RemoteProtocolError, match="set region"):
        await provisioning(network).place()


async def test_a_refused_connection_is_weather(world, autojump_clock):
    _, network = world
    network.refuse(HOST, PORT, True)
    with pytest.raises(RequestNotSent):
        await provisioning(network).place()
