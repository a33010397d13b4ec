"""The keys of a Clear Street account in the config."""

import re
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import Attribute, field

from adapters.secret import Secret
from rules.model.frozen import frozen

# Guide and both OpenAPI files, read 2026-11-21. The demo's host is named twice: "demo-api" in the newer documents,
# "sandbox-api" in the older ones and in the vendor's own package.
HOSTS: Final = {
    "production": "api.clearstreet.io",
    "demo": "demo-api.clearstreet.io",
    "sandbox": "sandbox-api.clearstreet.io",
}
AUTH_URL: Final = "https://auth.clearstreet.io"
SOCKET_PATH: Final = "/studio/v2/ws"

# Account ids and numbers are short; the schema promises text only. What goes into a path is escaped there.
_ACCOUNT_ID = re.compile(r"[!-~]{1,64}")
_SECRET = re.compile(r"[!-~]{1,1000}")
_MPID = re.compile(r"[A-Z0-9]{1,12}")


def _check_account_id(_: object, attribute: "Attribute[str]", value: str) -> None:
    if _ACCOUNT_ID.fullmatch(value) is None:
        raise ValueError(f"{attribute.name} must be 1 to 64 printable characters without spaces, was {value[:80]!r}")


def _check_client_id(_: object, attribute: "Attribute[str]", value: str) -> None:
    if _SECRET.fullmatch(value) is None:
        raise ValueError(f"{attribute.name} must be 1 to 1000 printable ASCII characters without spaces")


def _check_secret(_: object, attribute: "Attribute[Secret]", value: Secret) -> None:
    if _SECRET.fullmatch(value.reveal()) is None:
        raise ValueError(f"{attribute.name} must be 1 to 1000 printable ASCII characters without spaces")


def _check_environment(_: object, attribute: "Attribute[str]", value: str) -> None:
    if value not in HOSTS:
        raise ValueError(f"{attribute.name} must be one of {', '.join(HOSTS)}, was {value[:40]!r}")


def _check_origin(_: object, attribute: "Attribute[str | None]", value: str | None) -> None:
    if value is None:
        return
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(f"{attribute.name} must be an origin such as 'https://host:443', was {value[:80]!r}")


def _check_socket_url(_: object, attribute: "Attribute[str | None]", value: str | None) -> None:
    if value is None:
        return
    parts = urlsplit(value)
    if parts.scheme not in {"ws", "wss"} or not parts.hostname:
        raise ValueError(f"{attribute.name} must look like 'wss://host{SOCKET_PATH}', was {value[:80]!r}")


def _check_patience(_: object, attribute: "Attribute[timedelta]", value: timedelta) -> None:
    if not timedelta(seconds=1) <= value <= timedelta(hours=1):
        raise ValueError(f"{attribute.name} must be from 1 s to 1 h, was {value}")


def _check_zone(_: object, attribute: "Attribute[str]", value: str) -> None:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones
        raise ValueError(f"{attribute.name} must be an IANA time zone, was {value[:60]!r}") from None


def _check_mpid(_: object, attribute: "Attribute[str | None]", value: str | None) -> None:
    if value is not None and _MPID.fullmatch(value) is None:
        raise ValueError(f"{attribute.name} must be 1 to 12 capital letters and digits, was {value[:40]!r}")


@frozen
class Config:
    """One Clear Street account, reached through the Studio API."""

    account_id: str = field(
        validator=_check_account_id,
        metadata={"doc": "The account's id, or its number: the API takes both.", "identity": True},
    )
    client_id: str = field(
        validator=_check_client_id,
        metadata={"doc": "Client id of the API credentials (Studio > Settings > Developer)."},
    )
    client_secret: Secret = field(
        validator=_check_secret,
        metadata={"doc": "Client secret of the API credentials. Accounts with the same credentials share a token."},
    )
    environment: str = field(
        default="production",
        validator=_check_environment,
        metadata={
            "doc": "Where the account lives: 'production', 'demo', or 'sandbox', the demo's older name.",
            "identity": True,
        },
    )
    stale_after: timedelta = field(
        default=timedelta(seconds=60),
        validator=_check_patience,
        metadata={"doc": "A stream that says nothing for so long, heartbeats included, is lost."},
    )
    time_zone: str = field(
        default="America/New_York",
        validator=_check_zone,
        metadata={"doc": "Time zone in which the venue's trading day begins, at midnight."},
    )
    allow_hard_to_borrow: bool = field(
        default=False,
        metadata={"doc": "Sell short also what is not easy to borrow: you see to located inventory yourself."},
    )
    locate_broker: str | None = field(
        default=None,
        validator=_check_mpid,
        metadata={"doc": "Away broker (MPID) that has located what is not easy to borrow; named in such short sales."},
    )
    rest_url: str | None = field(
        default=None,
        validator=_check_origin,
        metadata={"doc": "Origin of the REST API instead of the environment's own, for simulators."},
    )
    socket_url: str | None = field(
        default=None,
        validator=_check_socket_url,
        metadata={"doc": "Address of the WebSocket instead of the environment's own, for simulators."},
    )
    auth_url: str | None = field(
        default=None,
        validator=_check_origin,
        metadata={"doc": "Origin of the token service instead of the vendor's own, for simulators."},
    )

    @property
    def rest_origin(self) -> str:
        """`scheme://host[:port]` of the REST API."""
        return (self.rest_url or f"https://{HOSTS[self.environment]}").rstrip("/")

    @property
    def socket_address(self) -> str:
        """Where the stream is."""
        return self.socket_url or f"wss://{HOSTS[self.environment]}{SOCKET_PATH}"

    @property
    def auth_origin(self) -> str:
        """`scheme://host[:port]` of the token service."""
        return (self.auth_url or AUTH_URL).rstrip("/")

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the trading day."""
        return ZoneInfo(self.time_zone)
