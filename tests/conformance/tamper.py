"""A server between venue and adapter that changes words on their way out: what a broken or hostile venue would say."""

from collections.abc import Callable, Mapping
from typing import cast

from attrs import define, evolve, field
from trio_websocket import WebSocketConnection

from adapters.transport.http import HttpResponse
from adapters.transport.serving import HttpRequest, HttpService, WebSocketHandler


@define
class Tamper:
    """Replaces every `old` by its `new` in all stream messages and HTTP answers from now on.

    `repair` is what the venue's framing needs once its body has another length.
    """

    repair: Callable[[str], str] = lambda message: message
    replaced: dict[str, str] = field(factory=dict)
    streams_only: bool = False

    def wrapped(self, service: HttpService) -> HttpService:
        """Return the service with this tamper before it."""

        async def http(request: HttpRequest) -> HttpResponse:
            answer = await service.http(request)
            if self.streams_only or not self.replaced:
                return answer
            return HttpResponse(answer.status, answer.headers, self._changed(answer.body.decode()).encode())

        websockets: Mapping[str, WebSocketHandler] = {
            path: self._tampering(handler) for path, handler in service.websockets.items()
        }
        return evolve(service, http=http, websockets=websockets)

    def _tampering(self, handler: WebSocketHandler) -> WebSocketHandler:
        async def serve(socket: WebSocketConnection, request: HttpRequest) -> None:
            await handler(cast("WebSocketConnection", _Socket(socket, self._message)), request)

        return serve

    def _message(self, message: str) -> str:
        changed = self._changed(message)
        return message if changed == message else self.repair(changed)

    def _changed(self, text: str) -> str:
        for old, new in self.replaced.items():
            text = text.replace(old, new)
        return text


@define
class _Socket:
    """The part of a WebSocket that simulators use."""

    _socket: WebSocketConnection
    _change: Callable[[str], str]

    async def get_message(self) -> str | bytes:
        return await self._socket.get_message()

    async def send_message(self, message: str) -> None:
        await self._socket.send_message(self._change(message))
