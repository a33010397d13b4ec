"""Whether a signal is from whom it should be: a secret in it, or a signature of Standard Webhooks. Pure.

The headers and what is signed follow the Standard Webhooks specification 1.0 (standardwebhooks.com, read 2026-11-21),
as those of our own webhooks do.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from adapters.secret import Secret
from rules.model.frozen import frozen

ID_HEADER: Final = "webhook-id"
TIME_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"

_PREFIX: Final = "whsec_"


@frozen
class Signed:
    """What a good signature vouches for beside the body."""

    signal_id: str
    at: datetime


def read_signature(key: Secret | None, body: bytes, headers: Mapping[str, str | None]) -> Signed | None:
    """Return what a signature vouches for; None: it is missing, or not ours."""
    signal_id, time = headers.get(ID_HEADER), headers.get(TIME_HEADER)
    shown = (headers.get(SIGNATURE_HEADER) or "").split(" ")
    if key is None or not signal_id or not time or not (time.isascii() and time.isdigit() and len(time) <= 11):
        return None
    signed = f"{signal_id}.{time}.".encode() + body
    good = "v1," + base64.b64encode(hmac.digest(signing_key(key), signed, "sha256")).decode()
    # Every one is compared, each in constant time: which was wrong, and where, takes as long as being right.
    matches = [hmac.compare_digest(each.encode(), good.encode()) for each in shown[:8]]
    return Signed(signal_id, datetime.fromtimestamp(int(time), UTC)) if any(matches) else None


def is_secret(secret: Secret | None, shown: object) -> bool:
    """Tell whether a signal shows the account's secret; an account without one has none to show."""
    if secret is None or not isinstance(shown, str):
        return False
    return hmac.compare_digest(shown.encode(errors="replace"), secret.reveal().encode())


def signing_key(secret: Secret) -> bytes:
    """Return the key that a secret stands for: its text, or what follows `whsec_` in base64.

    Raises:
        ValueError: that is no base64.
    """
    text = secret.reveal()
    if not text.startswith(_PREFIX):
        return text.encode()
    try:
        return base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("signing_key must be base64 after whsec_, was something else") from None
