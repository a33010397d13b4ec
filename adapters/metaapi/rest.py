"""The provisioning REST API: whether an account is deployed, in which region it lives, and which server serves it."""

import re
from typing import Final, TypeVar
from urllib.parse import quote as escaped

import msgspec
import trio
from msgspec import Struct

from adapters.base import RemoteProtocolError, SessionLost, SignInRefused
from adapters.metaapi.config import Config
from adapters.transport.http import HttpClient, HttpResponse
from adapters.transport.network import Connect

_PLACE_S_MAX: Final = 600.0
"""How long a place is believed, as the vendor's client does."""

_LABEL: Final = re.compile(r"[0-9A-Za-z.-]{1,200}")
_SHARED_HOST: Final = "mt-client-api-v1"

T = TypeVar("T")


class AccountRecord(Struct, frozen=True, kw_only=True, rename="camel"):
    """What provisioning knows of an account."""

    region: str | None = None
    state: str | None = None


class Server(Struct, frozen=True, kw_only=True):
    """Where clients are served."""

    domain: str
    hostname: str = _SHARED_HOST


class _Words(Struct, frozen=True):
    message: str = ""


class Provisioning:
    """Finds the Socket.IO server of one account, and believes it for a while."""

    def __init__(self, config: Config, connect: Connect) -> None:
        self._config = config
        origin = config.provisioning_origin
        self._http = None if origin is None else HttpClient(origin, connect=connect, connections=2)
        self._place: str | None = None
        self._believed_until_s = 0.0

    async def place(self, *, anew: bool = False) -> str:
        """Return the origin of the account's Socket.IO server.

        Args:
            anew: ask again, whatever is believed.
        Raises:
            SignInRefused: token or account are refused for good. SessionLost: weather, or the account is not deployed.
        """
        if self._place is None or anew or trio.current_time() >= self._believed_until_s:
            self._place = await self._found()
            self._believed_until_s = trio.current_time() + _PLACE_S_MAX
        return self._place

    async def aclose(self) -> None:
        """Give up the kept connections."""
        if self._http is not None:
            await self._http.aclose()

    async def _found(self) -> str:
        config = self._config
        if self._http is None:
            return config.socket_url or ""
        record = await self._get(f"/users/current/accounts/{escaped(config.account_id, safe='')}", AccountRecord)
        if record.state not in (None, "DEPLOYED"):
            raise SessionLost(f"expected an account in state DEPLOYED, found {record.state[:40]}: deploy it at MetaApi")
        if config.socket_url is not None:
            return config.socket_url
        region = config.region or record.region
        if region is None:
            raise RemoteProtocolError("expected the region of the account, found none: set region")
        server = await self._get("/users/current/servers/mt-client-api", Server)
        return f"https://{_label(server.hostname)}.{_label(region)}-a.{_label(server.domain)}"

    async def _get(self, path: str, kind: type[T]) -> T:
        assert self._http is not None, "asked only where there is an origin"
        token = self._config.token.reveal()
        response = await self._http.request("GET", path, headers={"auth-token": token, "Accept": "application/json"})
        if response.status != 200:
            raise self._refusal(path, response)
        try:
            return msgspec.json.decode(response.body, type=kind)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise RemoteProtocolError(
                f"GET {path}: expected {kind.__name__} as JSON, found {str(error)[:100]}"
            ) from None

    def _refusal(self, path: str, response: HttpResponse) -> Exception:
        try:
            words = msgspec.json.decode(response.body, type=_Words).message
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            words = ""
        words = words[:300].replace(self._config.token.reveal(), "***") or "no text"
        text = f"GET {path}: expected 200, found {response.status}: {words}"
        if response.status in (401, 403, 404):
            return SignInRefused(f"MetaApi refuses the account or its token: {text}")
        return SessionLost(text)


def _label(name: str) -> str:
    """Return a part of a host's name, or raise RemoteProtocolError: the token goes to whatever host this makes."""
    if _LABEL.fullmatch(name) is None:
        raise RemoteProtocolError(f"expected a part of a host name, found {name[:40]!r}")
    return name
