"""Messages through apprise: real receivers on loopback, refused addresses, and no secret in any word."""

import email
import json
import logging
import subprocess
import sys

import pytest

from adapters.secret import Secret
from copier.alerts.by_apprise import AddressRefused, AppriseDestination, holds_secret, without_address
from copier.alerts.delivery import DeliveryFailed
from rules.alerts.routes import Batch
from rules.alerts.text import Message
from rules.model.severity import Severity
from tests.copier.receivers import http_receiver, mailbox
from tests.rules.playbook import T0

TELEGRAM = Secret("tgram://123456789:abcdefg_hijklmnop/12315544")

# Loading apprise and its plugins takes a quarter of a second, and receivers start in threads of their own.
pytestmark = [pytest.mark.slow, pytest.mark.peer]


def saying(title: str = "ftmo: session lost", body: str = "timeout <b> & *more*") -> Message:
    return Message(T0, Severity.CRITICAL, title, body)


NOTHING = Batch(T0, ())


async def test_json_reaches_a_web_server_as_it_was_said() -> None:
    with http_receiver() as receiver:
        destination = AppriseDestination("hook", Secret(f"json://127.0.0.1:{receiver.port}/alerts"))
        await destination.send(saying(), NOTHING)
    [got] = receiver.got
    said = json.loads(got.body)
    assert (got.path, said["title"], said["message"]) == ("/alerts", "ftmo: session lost", "timeout <b> & *more*")
    assert said["type"] == "failure"


async def test_a_title_alone_arrives_too() -> None:
    with http_receiver() as receiver:
        destination = AppriseDestination("hook", Secret(f"json://127.0.0.1:{receiver.port}/"))
        await destination.send(saying("copier has ended", ""), NOTHING)
    [got] = receiver.got
    assert json.loads(got.body)["message"] == "copier has ended"


async def test_a_refusing_server_fails_the_delivery_and_says_so() -> None:
    with http_receiver() as receiver:
        receiver.statuses = [500]
        destination = AppriseDestination("hook", Secret(f"json://127.0.0.1:{receiver.port}/hush-hush-token"))
        with pytest.raises(DeliveryFailed) as failed:
            await destination.send(saying(), NOTHING)
    assert "500" in str(failed.value)
    assert "hush" not in str(failed.value)


async def test_a_redirect_is_not_followed() -> None:
    with http_receiver() as receiver:
        receiver.statuses = [302, 200]
        destination = AppriseDestination("hook", Secret(f"json://127.0.0.1:{receiver.port}/"))
        with pytest.raises(DeliveryFailed):
            await destination.send(saying(), NOTHING)
    assert [got.path for got in receiver.got] == ["/"]


async def test_mail_reaches_a_mailbox() -> None:
    with mailbox() as (port, mails):
        address = f"mailto://localhost:{port}?from=copier@example.com&to=me@example.com&mode=insecure"
        await AppriseDestination("mail", Secret(address)).send(saying(), NOTHING)
    [mail] = mails
    read = email.message_from_bytes(mail)
    assert (read["subject"], read["to"]) == ("ftmo: session lost", "me@example.com")
    assert b"timeout" in mail


async def test_nobody_listening_is_a_failed_delivery() -> None:
    with pytest.raises(DeliveryFailed, match="onnection"):
        await AppriseDestination("hook", Secret("json://127.0.0.1:1/")).send(saying(), NOTHING)


@pytest.mark.parametrize("address", ["nosuch://abc", "tgram://bad", "hello", "", "://x", "tgram://"])
def test_an_address_that_apprise_does_not_take_is_refused_without_showing_it(address: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        AppriseDestination("x", Secret(address))
    rest = address.partition("://")[2]
    assert not rest or rest not in str(refused.value)


def test_apprise_logs_nowhere() -> None:
    """Its debug lines hold whole addresses."""
    lines: list[str] = []

    class Catching(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler = Catching()
    logging.root.addHandler(handler)
    try:
        AppriseDestination("phone", TELEGRAM)
    finally:
        logging.root.removeHandler(handler)
    assert lines == []


def test_whether_an_address_holds_a_secret_is_known() -> None:
    assert holds_secret(TELEGRAM)
    assert not holds_secret(Secret("json://127.0.0.1:8080/"))


def test_no_part_of_an_address_is_left_in_what_apprise_says() -> None:
    said = (
        "cannot reach https://api.example.org/bot123456789:abcdefg_hijklmnop/send for 12315544 of " + TELEGRAM.reveal()
    )
    clean = without_address(said, TELEGRAM)
    for part in ("123456789", "abcdefg_hijklmnop", "12315544"):
        assert part not in clean
    assert "cannot reach" in clean


def test_who_has_no_alerts_does_not_load_apprise() -> None:
    code = "import sys, copier.__main__; sys.exit('apprise' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
