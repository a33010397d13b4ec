"""The configuration keys of a MetaCopier account."""

import re
from datetime import timedelta

from attrs import Attribute, field

from adapters.secret import Secret
from rules.model.frozen import frozen
from rules.model.values import OmsType

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_KEY = re.compile(r"[!-~]{1,1000}")
_REGION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

REST_URL = "https://api.metacopier.io"
SOCKET_URL = "wss://api.metacopier.io/ws/api/v1"

# The REST API says of itself that its history may be up to 3 minutes late; ten seconds more for the request itself.
# Read 2026-11-20.
BOOKS_LATE = timedelta(seconds=190)


def _is_uuid(_: object, attribute: "Attribute[str]", value: str) -> None:
    if _UUID.fullmatch(value) is None:
        raise ValueError(f"{attribute.name} must be a UUID, was {value[:60]!r}")


def _is_key(_: object, attribute: "Attribute[Secret]", value: Secret) -> None:
    if _KEY.fullmatch(value.reveal()) is None:
        raise ValueError(f"{attribute.name} must be 1 to 1000 printable ASCII characters without spaces")


def _is_not_negative(_: object, attribute: "Attribute[timedelta]", value: timedelta) -> None:
    if value < timedelta():
        raise ValueError(f"{attribute.name} must be a time from zero up, was {value}")


def _is_region(_: object, attribute: "Attribute[str | None]", value: str | None) -> None:
    if value is not None and _REGION.fullmatch(value) is None:
        raise ValueError(f"{attribute.name} must be lower-case letters, digits and dashes, was {value[:60]!r}")


@frozen
class Config:
    """How to reach one account that is kept at MetaCopier. The account needs MetaCopier's Socket feature."""

    account_id: str = field(validator=_is_uuid, metadata={"doc": "The account's UUID at MetaCopier.", "identity": True})
    api_key: Secret = field(
        validator=_is_key,
        metadata={"doc": "A project's or an account's API key; READ_WRITE where the account is a target."},
    )
    region: str | None = field(
        default=None,
        validator=_is_region,
        metadata={"doc": 'Regional REST host to trade through, such as "london"; without it the global one.'},
    )
    oms: OmsType = field(
        default=OmsType.HEDGING,
        metadata={"doc": 'How the account keeps positions: "hedging", or "netting", which can be a source only.'},
    )
    books_late: timedelta = field(
        default=BOOKS_LATE,
        validator=_is_not_negative,
        metadata={
            "doc": "How late the history of positions may be. An order without an answer is not sent again sooner,"
            " since until then it may have been filled and closed again without a trace."
        },
    )
    rest_url: str | None = field(
        default=None, metadata={"doc": "Replaces the REST host: scheme://host[:port], for a simulated venue."}
    )
    socket_url: str | None = field(
        default=None, metadata={"doc": "Replaces the Socket API's address, for a simulated venue."}
    )

    @property
    def rest_origin(self) -> str:
        """Where REST requests go."""
        if self.rest_url is not None:
            return self.rest_url.rstrip("/")
        return REST_URL if self.region is None else f"https://api-{self.region}.metacopier.io"

    @property
    def socket_address(self) -> str:
        """Where the stream is."""
        return SOCKET_URL if self.socket_url is None else self.socket_url
