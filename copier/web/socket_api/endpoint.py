"""The Socket API on the app: who may come in at `/ws/api/v1`, how many, and what runs beside."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from secrets import token_hex
from typing import Final

import trio
from starlette.routing import BaseRoute, WebSocketRoute

from adapters.transport.stomp import HeartBeatOffer
from copier.web.asgi import Receive, Scope, Send
from copier.web.keys import TooManyAttempts
from copier.web.principal import Principal
from copier.web.rest.limits import shown_limits
from copier.web.sessions import TooManySessions
from copier.web.socket_api.fan_out import FanOut
from copier.web.socket_api.histories import Histories
from copier.web.socket_api.session import Refused, Session
from copier.web.socket_api.showing import Showing
from copier.web.socket_api.words import INFORMATION, by_id
from copier.web.surface import Surface
from rules.model.observed import Booked
from rules.model.values import AccountId

PATH: Final = "/ws/api/v1"

SUBPROTOCOLS: Final = ("v12.stomp", "v11.stomp", "v10.stomp")
"""Best first. A client that offers none gets none."""

BEATS: Final = HeartBeatOffer(10_000, 10_000)

INFORMATION_EVERY_S: Final = 60.0
"""An account's information comes once a minute even where nothing has changed, as the interface has it."""


class SocketApi:
    """Everything behind `/ws/api/v1`."""

    def __init__(self, surface: Surface, *, beats: HeartBeatOffer = BEATS) -> None:
        self._surface = surface
        self._beats = beats
        self._histories = Histories(
            self._booked,
            surface.utc_now,
            is_wanted=lambda account: self.fan_out.is_listened_to(account),
            told=lambda account: self.fan_out.changed(account),
        )
        self._showing = Showing(surface, self._histories, lambda account: shown_limits(surface, account))
        self.fan_out = FanOut(self._showing, repeat=INFORMATION, repeat_every_s=INFORMATION_EVERY_S)
        self.sessions = 0
        """WebSockets that are open."""

    @property
    def routes(self) -> list[BaseRoute]:
        return [WebSocketRoute(PATH, self)]

    async def run(self) -> None:
        """Tell what changes, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._histories.run)
            nursery.start_soon(self.fan_out.run)
            with self._surface.changes.reader() as reader:
                while True:
                    news = await reader.take()
                    for change in news.changes:
                        notice = self._showing.take(change)
                        if notice is not None:
                            self.fan_out.notice(notice)
                    for account in self._surface.views if news.is_gap else news.accounts:
                        self.fan_out.changed(account)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket (ASGI)."""
        await receive()  # websocket.connect
        offered = scope["subprotocols"]
        chosen = next((name for name in SUBPROTOCOLS if name in offered), None)
        await send({"type": "websocket.accept", "subprotocol": chosen})
        outbox = scope["extensions"]["copier.outbox"]
        gate = _Gate(self._surface, scope)
        self.sessions += 1
        try:
            await Session(receive, outbox, gate, self.fan_out, token_hex(8), offer=self._beats).run()
        finally:
            self.sessions -= 1

    async def _booked(self, account: AccountId, since: datetime) -> tuple[Booked, ...]:
        return await self._surface.account(account).history(since)


class _Gate:
    """Lets one client in."""

    def __init__(self, surface: Surface, scope: Scope) -> None:
        self._surface = surface
        self._ip = str(scope["client"][0])

    def sign_in(self, api_key: str | None) -> Principal:
        """Return whom the key stands for; whoever is on this machine needs none while there is none."""
        keys = self._surface.keys
        try:
            known = keys.stranger(self._ip) if api_key is None or keys.is_empty else keys.by_key(api_key, self._ip)
        except TooManyAttempts as error:
            raise Refused("Too many attempts", f"Wrong keys came from here; wait {error.wait_s:.0f} s.") from None
        if known is None:
            raise Refused("Unauthorized", "The api-key is missing, wrong or revoked.")
        return known

    @contextmanager
    def stay(self, principal: Principal) -> Iterator[trio.CancelScope]:
        try:
            with self._surface.sessions.open(principal, self._ip), self._surface.keys.lease(principal) as lease:
                yield lease
        except TooManySessions as error:
            raise Refused("Too many sessions", f"Refused: {error}.") from None

    def accounts(self, principal: Principal) -> Mapping[str, AccountId]:
        return by_id(account for account in self._surface.views if principal.sees(account))


def socket_routes(surface: Surface) -> list[BaseRoute]:
    """Return the Socket API's route; what tells the listeners runs beside the app."""
    api = SocketApi(surface)
    surface.beside.append(api.run)
    return api.routes
