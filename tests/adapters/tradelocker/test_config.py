"""The keys of an account, and what they come to."""

import pytest

from adapters.secret import Secret
from adapters.tradelocker.config import Config

KEYS = {"server": "BAPIA", "account_id": "L#706984", "email": "a@b.c", "password": Secret("s3cret")}


def test_streamed_account_id_is_kept_whole_and_its_number_goes_to_rest():
    config = Config(**KEYS)
    assert (config.account_id, config.rest_account_id) == ("L#706984", "706984")


def test_environment_chooses_the_rest_host_and_the_streams_have_one():
    config = Config(**KEYS, environment="demo")
    assert config.rest_origin == "https://demo.tradelocker.com"
    assert config.streams_origin == "https://api.tradelocker.com"
    assert Config(**KEYS).rest_origin == "https://live.tradelocker.com"


def test_origins_may_be_replaced():
    config = Config(**KEYS, rest_url="http://127.0.0.1:8000/", streams_url="http://127.0.0.1:8001")
    assert (config.rest_origin, config.streams_origin) == ("http://127.0.0.1:8000", "http://127.0.0.1:8001")


@pytest.mark.parametrize(
    "wrong",
    [
        {"account_id": "706984"},
        {"account_id": "L#"},
        {"account_id": "L#1/../2"},
        {"environment": "paper"},
        {"rest_url": "ftp://x"},
        {"rest_url": "https://x/path"},
        {"streams_url": "x"},
    ],
)
def test_wrong_key_is_refused_with_its_name(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=name):
        Config(**{**KEYS, **wrong})


def test_secrets_are_not_shown():
    config = Config(**KEYS, developer_api_key=Secret("k3y"))
    assert "s3cret" not in repr(config)
    assert "k3y" not in repr(config)
