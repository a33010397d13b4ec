"""The settings of an account: what they take, and where they lead."""

from datetime import timedelta

import pytest

from adapters.metaapi.capabilities import capabilities
from adapters.metaapi.config import Config
from adapters.secret import Secret
from rules.model.values import OmsType
from tests.adapters.metaapi.frames import ACCOUNT


def config(**changes):
    return Config(**{"account_id": ACCOUNT, "token": Secret("word-of-nobody"), **changes})


def test_the_provisioning_api_is_asked_unless_only_the_socket_is_known():
    assert config().provisioning_origin == "https://mt-provisioning-api-v1.agiliumtrade.agiliumtrade.ai"
    assert config(socket_url="http://s:1").provisioning_origin is None
    assert config(socket_url="http://s:1", provisioning_url="http://p:2/").provisioning_origin == "http://p:2"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("account_id", ""),
        ("account_id", "../x"),
        ("account_id", "a" * 65),
        ("token", Secret("")),
        ("token", Secret("two words")),
        ("token", Secret("new\nline")),
        ("region", "London"),
        ("region", "a.b"),
        ("magic", -1),
        ("magic", 2**31),
        ("gap", timedelta(0)),
        ("gap", timedelta(minutes=2)),
        ("books_late", timedelta(seconds=-1)),
        ("socket_url", "ws://host"),
        ("socket_url", "https://host/path"),
        ("provisioning_url", "https://host?x=1"),
        ("provisioning_url", "host"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_its_name(key, value):
    with pytest.raises(ValueError, match=key) as error:
        config(**{key: value})
    assert not isinstance(value, Secret) or value.reveal() == "" or value.reveal() not in str(error.value)


@pytest.mark.parametrize(("late_s", "positions_s"), [(60, 10), (2, 2), (0, 0)])
def test_an_order_without_an_answer_waits_for_the_books(late_s, positions_s):
    said = capabilities(OmsType.HEDGING, timedelta(seconds=late_s))
    assert (said.settle_s, said.positions_settle_s) == (late_s, positions_s)
    assert config().books_late == timedelta(seconds=60)


def test_what_can_be_is_taken():
    made = config(region="vint-hill", magic=0, gap=timedelta(milliseconds=100))
    assert (made.region, made.magic) == ("vint-hill", 0)
    assert "word-of-nobody" not in repr(made)
