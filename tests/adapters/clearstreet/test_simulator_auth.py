"""The simulated sign-in: client credentials against tokens, which end."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from trio.testing import MockClock

from tests.adapters.clearstreet.simulated import BASE, GRANT, START, Venue


def claims(token: str) -> dict[str, Any]:
    middle = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return decoded


async def test_good_credentials_get_a_token_that_says_how_long_it_lasts(autojump_clock: MockClock) -> None:
    venue = Venue()
    answer = await venue.request("POST", "/oauth/token", GRANT)
    assert answer.status == 200
    assert {name: answer.body[name] for name in ("expires_in", "token_type", "scope")} == {
        "expires_in": 86_400,
        "token_type": "Bearer",
        "scope": "studio",
    }
    assert claims(answer.body["access_token"])["exp"] == int(START.timestamp()) + 86_400


async def test_every_token_is_another_one_and_all_are_good(autojump_clock: MockClock) -> None:
    venue = Venue()
    tokens = [await venue.sign_in() for _ in range(2)]
    assert len(set(tokens)) == 2
    for venue.token in tokens:
        assert (await venue.request("GET", f"{BASE}/accounts")).status == 200


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"client_id": "wrong"}, 401),
        ({"client_secret": "wrong"}, 401),
        ({"client_secret": None}, 401),
        ({"audience": "https://api.clearstreet.com"}, 403),
        ({"grant_type": "password"}, 403),
    ],
)
async def test_wrong_credentials_are_refused(autojump_clock: MockClock, change: dict[str, str], status: int) -> None:
    answer = await Venue().request("POST", "/oauth/token", {**GRANT, **change})
    assert answer.status == status
    assert set(answer.body) == {"error", "error_description"}


@pytest.mark.parametrize("body", [b"", b"grant_type=client_credentials", b"[]", b"\xff"])
async def test_a_body_that_is_no_object_is_refused(autojump_clock: MockClock, body: bytes) -> None:
    assert (await Venue().request("POST", "/oauth/token", body)).status == 403


async def test_only_post_gets_a_token(autojump_clock: MockClock) -> None:
    assert (await Venue().request("GET", "/oauth/token", GRANT)).status == 405


async def test_a_refused_sign_in_looks_like_wrong_credentials(autojump_clock: MockClock) -> None:
    venue = Venue()
    venue.faults.refuse_sign_in = True
    wrong = await venue.request("POST", "/oauth/token", {**GRANT, "client_secret": "wrong"})
    right = await venue.request("POST", "/oauth/token", GRANT)
    assert (right.status, right.body) == (wrong.status, wrong.body)


async def test_a_token_ends_with_its_time(autojump_clock: MockClock) -> None:
    venue = Venue(token_lifetime=timedelta(minutes=10))
    await venue.sign_in()
    venue.later(seconds=599)
    assert (await venue.request("GET", f"{BASE}/accounts")).status == 200
    venue.later(seconds=1)
    assert (await venue.request("GET", f"{BASE}/accounts")).status == 401


async def test_all_tokens_can_be_made_to_end(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.sign_in()
    venue.faults.expire_tokens()
    assert (await venue.request("GET", f"{BASE}/accounts")).status == 401
    await venue.sign_in()
    assert (await venue.request("GET", f"{BASE}/accounts")).status == 200


async def test_a_token_is_taken_as_a_bearer_only(autojump_clock: MockClock) -> None:
    venue = Venue()
    venue.token = "Basic " + await venue.sign_in()
    assert (await venue.request("GET", f"{BASE}/accounts")).status == 401


async def test_the_config_of_an_account_leads_to_it(autojump_clock: MockClock) -> None:
    venue = Venue(client_id="someone", client_secret="something", time_zone="Europe/Berlin")
    config = venue.simulator.config("100000", "http://127.0.0.1:8080")
    assert (config.account_id, config.client_id, config.client_secret.reveal()) == ("100000", "someone", "something")
    assert config.rest_origin == config.auth_origin == "http://127.0.0.1:8080"
    assert config.socket_address == "ws://127.0.0.1:8080/studio/v2/ws"
    assert str(config.zone) == "Europe/Berlin"
