"""The keys of an account: what is refused, where requests go, and that the secret never shows."""

from datetime import timedelta

import attrs
import pytest

from adapters.clearstreet.config import Config
from adapters.secret import Secret


def config(**changes):
    return Config(**({"account_id": "100000", "client_id": "me", "client_secret": Secret("s3cret")} | changes))


def test_requests_go_to_the_environment_or_where_the_person_says():
    assert config().rest_origin == "https://api.clearstreet.io"
    assert config().socket_address == "wss://api.clearstreet.io/studio/v2/ws"
    assert config().auth_origin == "https://auth.clearstreet.io"
    assert config(environment="demo").rest_origin == "https://demo-api.clearstreet.io"
    assert config(environment="sandbox").socket_address == "wss://sandbox-api.clearstreet.io/studio/v2/ws"
    local = config(rest_url="http://h:1/", socket_url="ws://h:1/studio/v2/ws", auth_url="http://h:1")
    assert (local.rest_origin, local.socket_address, local.auth_origin) == (
        "http://h:1",
        "ws://h:1/studio/v2/ws",
        "http://h:1",
    )
    assert config().zone.key == "America/New_York"


@pytest.mark.parametrize(
    "changes",
    [
        {"account_id": ""},
        {"account_id": "two words"},
        {"account_id": "1" * 65},
        {"client_id": "line\nend"},
        {"client_secret": Secret("two words")},
        {"client_secret": Secret("")},
        {"environment": "live"},
        {"stale_after": timedelta(0)},
        {"stale_after": timedelta(hours=2)},
        {"time_zone": "Mars/Base"},
        {"time_zone": "../etc"},
        {"locate_broker": "lower"},
        {"locate_broker": "A" * 13},
        {"rest_url": "https://host/path"},
        {"auth_url": "host"},
        {"socket_url": "https://host/ws"},
    ],
)
def test_impossible_values_are_refused_without_showing_the_secret(changes):
    with pytest.raises(ValueError, match="must") as caught:
        config(**changes)
    assert "words" not in str(caught.value) or "account_id" in changes


def test_the_secret_is_not_in_the_repr_and_every_key_is_documented():
    assert "s3cret" not in repr(config())
    assert all(field.metadata["doc"].endswith(".") for field in attrs.fields(Config))
