"""The keys of a TradeLocker account in the config."""

import re
from urllib.parse import urlsplit

from attrs import Attribute, field

from adapters.secret import Secret
from rules.model.frozen import frozen

STREAMS_URL = "https://api.tradelocker.com"
"""The production socket origin. The development origin (api-dev) takes development keys and staging accounts only."""

_ACCOUNT_ID = re.compile(r"[A-Z]#([0-9]{1,20})")


def _check_account_id(_: object, __: "Attribute[str]", value: str) -> None:
    if _ACCOUNT_ID.fullmatch(value) is None:
        raise ValueError(f"account_id must look like 'L#706984' (live) or 'D#706984' (demo), was {value!r}")


def _check_environment(_: object, __: "Attribute[str]", value: str) -> None:
    if value not in {"live", "demo"}:
        raise ValueError(f"environment must be 'live' or 'demo', was {value!r}")


def _check_url(_: object, attribute: "Attribute[str | None]", value: str | None) -> None:
    if value is None:
        return
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(f"{attribute.name} must be an origin such as 'https://host:443', was {value!r}")


@frozen
class Config:
    """One TradeLocker account."""

    server: str = field(
        metadata={"doc": "Server (brand) name as typed at sign-in, for example 'BAPIA'.", "identity": True}
    )
    account_id: str = field(
        validator=_check_account_id,
        metadata={
            "doc": "Account as the Streams API names it: 'L#' or 'D#' and the number, for example 'L#706984'.",
            "identity": True,
        },
    )
    email: str = field(metadata={"doc": "E-mail address of the sign-in. Accounts with one sign-in share it."})
    password: Secret = field(metadata={"doc": "Password of the sign-in."})
    developer_api_key: Secret | None = field(
        default=None,
        metadata={"doc": "Developer API key of the Streams API. Without it the account is not streamed, only asked."},
    )
    environment: str = field(
        default="live",
        validator=_check_environment,
        metadata={"doc": "Where the account lives: 'live' or 'demo'."},
    )
    rest_url: str | None = field(
        default=None,
        validator=_check_url,
        metadata={"doc": "Origin of the REST API instead of the environment's own, for simulators."},
    )
    streams_url: str | None = field(
        default=None,
        validator=_check_url,
        metadata={"doc": "Origin of the Streams API instead of the production one, for simulators."},
    )

    @property
    def rest_account_id(self) -> str:
        """The account's number in REST paths: the tail of the streamed id."""
        return self.account_id.partition("#")[2]

    @property
    def rest_origin(self) -> str:
        """`scheme://host[:port]` of the REST API."""
        return (self.rest_url or f"https://{self.environment}.tradelocker.com").rstrip("/")

    @property
    def streams_origin(self) -> str:
        """`scheme://host[:port]` of the Streams API."""
        return (self.streams_url or STREAMS_URL).rstrip("/")
