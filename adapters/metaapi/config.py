"""The configuration keys of a MetaApi account."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

from attrs import Attribute, field

from adapters.secret import Secret
from rules.model.frozen import frozen
from rules.model.values import OmsType

PROVISIONING_URL = "https://mt-provisioning-api-v1.agiliumtrade.agiliumtrade.ai"

# One TCP stream cannot reorder by itself: a gap arises on the server's side and rarely fills. The vendor's own client
# waits 60 s, through which it shows old positions.
GAP = timedelta(milliseconds=1500)

# Trade requests that timed out were seen executed later by users. A terminal waits for its broker for up to half a
# minute; twice that is the quiet time after which an order that no book shows was never executed.
BOOKS_LATE = timedelta(seconds=60)

_ACCOUNT_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_TOKEN = re.compile(r"[!-~]{1,10000}")
_REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MAGIC_MAX = 2**31 - 1  # MetaTrader 4 keeps it in 32 bits


def _is_account_id(_: object, attribute: "Attribute[str]", value: str) -> None:
    if _ACCOUNT_ID.fullmatch(value) is None:
        raise ValueError(f"{attribute.name} must be letters, digits and dashes, at most 64, was {value[:80]!r}")


def _is_token(_: object, attribute: "Attribute[Secret]", value: Secret) -> None:
    if _TOKEN.fullmatch(value.reveal()) is None:
        raise ValueError(f"{attribute.name} must be 1 to 10000 printable ASCII characters without spaces")


def _is_region(_: object, attribute: "Attribute[str | None]", value: str | None) -> None:
    if value is not None and _REGION.fullmatch(value) is None:
        raise ValueError(f"{attribute.name} must be lower-case letters, digits and dashes, was {value[:60]!r}")


def _is_magic(_: object, attribute: "Attribute[int | None]", value: int | None) -> None:
    if value is not None and not 0 <= value <= _MAGIC_MAX:
        raise ValueError(f"{attribute.name} must be a whole number from 0 to {_MAGIC_MAX}, was {value}")


def _is_gap(_: object, attribute: "Attribute[timedelta]", value: timedelta) -> None:
    if not timedelta(milliseconds=100) <= value <= timedelta(minutes=1):
        raise ValueError(f"{attribute.name} must be a time from 100 ms to 1 minute, was {value}")


def _is_not_negative(_: object, attribute: "Attribute[timedelta]", value: timedelta) -> None:
    if value < timedelta():
        raise ValueError(f"{attribute.name} must be a time from zero up, was {value}")


def _is_origin(_: object, attribute: "Attribute[str | None]", value: str | None) -> None:
    if value is None:
        return
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(f"{attribute.name} must be an origin such as 'https://host:443', was {value[:200]!r}")


@frozen
class Config:
    """How to reach one MetaTrader account that is kept at MetaApi."""

    account_id: str = field(
        validator=_is_account_id, metadata={"doc": "The account's id at MetaApi, as its page shows.", "identity": True}
    )
    token: Secret = field(
        validator=_is_token,
        metadata={"doc": "A MetaApi access token; it must be allowed to trade where the account is a target."},
    )
    oms: OmsType = field(
        default=OmsType.HEDGING,
        metadata={"doc": 'How the account keeps positions: "hedging" (all of MetaTrader 4), or "netting".'},
    )
    region: str | None = field(
        default=None,
        validator=_is_region,
        metadata={"doc": 'Region of the account, such as "london"; without it the account is asked for it.'},
    )
    magic: int | None = field(
        default=None,
        validator=_is_magic,
        metadata={"doc": "Magic number of the orders that we send; without it the one that MetaApi keeps."},
    )
    gap: timedelta = field(
        default=GAP,
        validator=_is_gap,
        metadata={"doc": "How long a missing message of the stream is waited for before all state is read anew."},
    )
    books_late: timedelta = field(
        default=BOOKS_LATE,
        validator=_is_not_negative,
        metadata={
            "doc": "How late orders and deals may show an order. One without an answer is not sent again sooner, since"
            " until then it may have been executed."
        },
    )
    socket_url: str | None = field(
        default=None,
        validator=_is_origin,
        metadata={
            "doc": "Origin of the Socket.IO server instead of the discovered one. The provisioning API is then only"
            " asked where provisioning_url is set too."
        },
    )
    provisioning_url: str | None = field(
        default=None,
        validator=_is_origin,
        metadata={"doc": "Origin of the provisioning API instead of MetaApi's own, for a simulated venue."},
    )

    @property
    def provisioning_origin(self) -> str | None:
        """`scheme://host[:port]` of the provisioning API; None where it is not asked."""
        if self.provisioning_url is not None:
            return self.provisioning_url.rstrip("/")
        return PROVISIONING_URL if self.socket_url is None else None
