"""The REST part of a simulated MetaApi: an account's record, the API server's place, the ignored fields of hashes."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec
import trio
from attrs import field

from adapters.metaapi.simulator_desk import Desk
from adapters.metaapi.simulator_words import Json
from adapters.simulation.faults import Faults
from adapters.transport.http import HttpResponse
from adapters.transport.serving import HttpRequest
from rules.model.frozen import frozen

ACCOUNTS: Final = "/users/current/accounts/"
SERVERS: Final = "/users/current/servers/mt-client-api"
IGNORED_FIELDS: Final = "/hashing-ignored-field-lists"
REGION: Final = "vint-hill"

_FIELD_LISTS: Json = {
    "specification": ["description", "expirationTime", "startTime"],
    "position": ["time", "updateTime", "comment", "originalComment", "clientId", "currentPrice", "profit"],
    "order": ["time", "expirationTime", "comment", "originalComment", "clientId", "currentPrice"],
}


@frozen
class RestApi:
    """Answers REST requests; `token` is the only one that is good."""

    desks: Callable[[], Mapping[str, Desk]]
    faults: Faults
    token: str = field(repr=False)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        if self.faults.delay_s > 0:
            await trio.sleep(self.faults.delay_s)
        if self.faults.maintenance:
            return _error(503, "ServiceUnavailableError", "maintenance")
        if request.headers.get("auth-token") != self.token or self.faults.refuse_sign_in:
            return _error(401, "UnauthorizedError", "Authorization token invalid")
        if request.method != "GET":
            return _error(405, "MethodNotAllowedError", "Method not allowed")
        if request.path == SERVERS:
            return _json(200, {"domain": "agiliumtrade.ai", "hostname": "mt-client-api-v1"})
        if request.path == IGNORED_FIELDS:
            return _json(200, {"g1": _FIELD_LISTS, "g2": _FIELD_LISTS})
        desk = self.desks().get(request.path.removeprefix(ACCOUNTS))
        if desk is None:
            return _error(404, "NotFoundError", "Trading account not found")
        return _json(200, _account(desk))


def _account(desk: Desk) -> Json:
    return {
        "_id": desk.account_id,
        "name": desk.book.name,
        "login": "50194988",
        "server": "Simulated-Demo",
        "region": REGION,
        "type": "cloud-g2",
        "version": 4 if desk.mt4 else 5,
        "state": "DEPLOYED",
        "connectionStatus": "CONNECTED" if desk.is_up else "DISCONNECTED",
        "reliability": "regular",
        "magic": 0,
        "application": "MetaApi",
        "accountReplicas": [],
    }


def _error(status: int, error: str, message: str) -> HttpResponse:
    return _json(status, {"id": 1, "error": error, "message": message})


def _json(status: int, value: object) -> HttpResponse:
    return HttpResponse(status, {"content-type": "application/json"}, msgspec.json.encode(value))
