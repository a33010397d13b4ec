"""Signed webhooks: a message as JSON, POSTed with a timestamp and an HMAC that only we can have made.

The headers and what is signed follow the Standard Webhooks specification 1.0 (standardwebhooks.com, read 2026-11-21),
so that receivers need not write the check themselves.
"""

import base64
import binascii
import hashlib
import hmac
from urllib.parse import urlsplit

import msgspec

from adapters.base import SessionLost, UtcNow
from adapters.secret import Secret
from adapters.transport.http import HttpClient
from adapters.transport.network import Connect
from copier.alerts.delivery import DeliveryFailed
from rules.alerts.routes import Batch
from rules.alerts.text import Message
from rules.model.frozen import frozen

TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 64 * 1024
"""Nobody reads more of an answer than its status."""

_PREFIX = "whsec_"


@frozen
class Webhook:
    """Where to, and the secret that signs: text, or `whsec_` with base64."""

    url: Secret
    secret: Secret


class WebhookDestination:
    """One receiver."""

    def __init__(self, name: str, webhook: Webhook, connect: Connect, now: UtcNow) -> None:
        parts = urlsplit(webhook.url.reveal())
        self._name = name
        self._now = now
        self._key = signing_key(webhook.secret)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._connect = connect

    @property
    def name(self) -> str:
        return self._name

    async def send(self, message: Message, batch: Batch) -> None:
        body = payload(message, batch)
        # The id is the same for every try of a message, so that a receiver can tell a second one.
        message_id = f"msg_{hashlib.sha256(body).hexdigest()[:32]}"
        headers = signed_headers(self._key, message_id, int(self._now().timestamp()), body)
        # A connection of its own: messages are rare, and a kept one would be closed by the time of the next.
        client = HttpClient(self._origin, connect=self._connect, timeout_s=TIMEOUT_S, body_bytes_max=ANSWER_BYTES_MAX)
        try:
            answer = await client.request("POST", self._target, headers=headers, body=body)
        except SessionLost as error:
            # Its text names the host and the path; the path may be the receiver's secret.
            raise DeliveryFailed(str(error).replace(self._target.partition("?")[0], "/***")) from None
        finally:
            await client.aclose()
        if not 200 <= answer.status < 300:
            raise DeliveryFailed(f"expected a status of 200 to 299, found {answer.status}")


def signing_key(secret: Secret) -> bytes:
    """Return the key that a secret stands for.

    Raises:
        ValueError: what follows `whsec_` is not base64.
    """
    text = secret.reveal()
    if not text.startswith(_PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("secret must be base64 after whsec_, was something else") from None


def signed_headers(key: bytes, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of a message: the HMAC-SHA256 of `id.timestamp.body`, in base64."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return {
        "Content-Type": "application/json",
        "Webhook-Id": message_id,
        "Webhook-Timestamp": str(timestamp),
        "Webhook-Signature": f"v1,{signature}",
    }


def payload(message: Message, batch: Batch) -> bytes:
    """Return a message for programs: its text, and each alert in it."""
    alerts = [
        {
            "kind": news.alert.kind.value,
            "topic": news.alert.topic,
            "severity": news.alert.severity.value,
            "over": news.alert.over,
            "lasts": news.alert.lasts,
            "at": news.alert.at,
            "since": news.since,
            "times": news.times,
            "title": news.alert.title,
            "lines": news.alert.lines,
            "accounts": news.alert.accounts,
        }
        for news in batch.news
    ]
    more = {kind.value: count for kind, count in batch.more}
    return msgspec.json.encode(
        {
            "at": message.at,
            "severity": message.severity.value,
            "title": message.title,
            "body": message.body,
            "alerts": alerts,
            "more": more,
        }
    )
