"""Signed webhooks, sent to a web server that we did not write: what comes, that it can be checked, and what fails."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from adapters.secret import Secret
from adapters.transport.network import connect_tcp
from copier.alerts.by_webhook import Webhook, WebhookDestination, payload, signed_headers, signing_key
from copier.alerts.delivery import DeliveryFailed
from rules.alerts.kinds import Alert, AlertKind
from rules.alerts.routes import Batch, News
from rules.alerts.text import message
from rules.model.severity import Severity
from rules.model.values import AccountId
from tests.copier.receivers import http_receiver
from tests.rules.playbook import T0

SECRET = Secret("a secret that signs")
LOST = Alert(
    AlertKind.SESSION_LOST,
    "ftmo",
    "ftmo: session lost",
    T0,
    Severity.WARNING,
    ("timeout",),
    (AccountId("ftmo"),),
    lasts=True,
)
BATCH = Batch(T0, (News(LOST, T0, 2, told_before=False),), ((AlertKind.DENIED, 3),))
SAID = message(BATCH, UTC)


def to(port: int, path: str = "/hook?room=1", now: datetime = T0) -> WebhookDestination:
    hook = Webhook(Secret(f"http://127.0.0.1:{port}{path}"), SECRET)
    return WebhookDestination("desk.webhook", hook, connect_tcp, lambda: now)


def test_a_message_for_programs_has_all_that_a_person_is_told_and_each_alert() -> None:
    assert json.loads(payload(SAID, BATCH)) == {
        "at": "2026-11-20T12:00:00Z",
        "severity": "warning",
        "title": SAID.title,
        "body": SAID.body,
        "alerts": [
            {
                "kind": "session.lost",
                "topic": "ftmo",
                "severity": "warning",
                "over": False,
                "lasts": True,
                "at": "2026-11-20T12:00:00Z",
                "since": "2026-11-20T12:00:00Z",
                "times": 2,
                "title": "ftmo: session lost",
                "lines": ["timeout"],
                "accounts": ["ftmo"],
            }
        ],
        "more": {"denied": 3},
    }


def test_the_signature_is_that_of_the_specification() -> None:
    """Its own example: https://github.com/standard-webhooks/standard-webhooks, spec, "Symmetric"."""
    key = signing_key(Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    headers = signed_headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["Webhook-Signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_that_should_be_base64_and_is_not_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError, match="secret must be base64") as refused:
        signing_key(Secret("whsec_???"))
    assert "???" not in str(refused.value)


@pytest.mark.slow  # a web server starts in a thread
@pytest.mark.peer
async def test_a_web_server_gets_what_it_can_check() -> None:
    with http_receiver() as receiver:
        await to(receiver.port).send(SAID, BATCH)
    [got] = receiver.got
    assert got.path == "/hook"
    signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    wanted = base64.b64encode(hmac.new(SECRET.reveal().encode(), signed, hashlib.sha256).digest()).decode()
    assert got.headers["webhook-signature"] == f"v1,{wanted}"
    assert got.headers["webhook-timestamp"] == str(int(T0.timestamp()))
    assert json.loads(got.body)["title"] == SAID.title


@pytest.mark.slow  # a web server starts in a thread
@pytest.mark.peer
async def test_a_second_try_has_the_same_id_and_its_own_time() -> None:
    with http_receiver() as receiver:
        receiver.statuses = [503, 204]
        with pytest.raises(DeliveryFailed, match="expected a status of 200 to 299, found 503"):
            await to(receiver.port).send(SAID, BATCH)
        await to(receiver.port, now=T0 + timedelta(minutes=10)).send(SAID, BATCH)
    one, two = (got.headers for got in receiver.got)
    assert one["webhook-id"] == two["webhook-id"]
    assert int(two["webhook-timestamp"]) - int(one["webhook-timestamp"]) == 600
    assert one["webhook-signature"] != two["webhook-signature"]


@pytest.mark.slow  # a web server starts in a thread
@pytest.mark.peer
async def test_a_redirect_is_not_followed() -> None:
    with http_receiver() as receiver:
        receiver.statuses = [302, 200]
        with pytest.raises(DeliveryFailed, match="found 302"):
            await to(receiver.port).send(SAID, BATCH)
    assert len(receiver.got) == 1


async def test_nobody_listening_is_a_failed_delivery_that_does_not_show_the_path() -> None:
    with pytest.raises(DeliveryFailed) as failed:
        await to(1, "/very-secret-path").send(SAID, BATCH)
    assert "very-secret-path" not in str(failed.value)
    assert "127.0.0.1:1" in str(failed.value)
