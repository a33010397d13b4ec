"""ASGI 3 as its specification has it: what a host may hand to an app, checked at every message."""

from collections.abc import Mapping
from typing import Any

from copier.web.asgi import App, Message, Receive, Scope, Send

_COMMON: Mapping[str, type | tuple[type, ...]] = {
    "type": str,
    "asgi": dict,
    "http_version": str,
    "scheme": str,
    "path": str,
    "raw_path": bytes,
    "query_string": bytes,
    "root_path": str,
    "headers": list,
    "client": tuple,
    "state": dict,
    "extensions": dict,
}
_MESSAGES: Mapping[str, Mapping[str, type | tuple[type, ...]]] = {
    "http.request": {"body": bytes, "more_body": bool},
    "http.disconnect": {},
    "websocket.connect": {},
    "websocket.receive": {"text": (str, type(None)), "bytes": (bytes, type(None))},
    "websocket.disconnect": {"code": int, "reason": (str, type(None))},
}


def checked(app: App) -> App:
    """Return the app behind an inspector; what the host does wrong is an AssertionError out of it."""

    async def inspector(scope: Scope, receive: Receive, send: Send) -> None:
        check_scope(scope)
        order: list[str] = []
        body_ended = False

        async def inspected() -> Message:
            nonlocal body_ended
            message = await receive()
            check_message(message)
            kind = message["type"]
            assert kind.startswith(scope["type"]), f"{kind} for a scope of {scope['type']}"
            if order and order[-1].endswith("disconnect"):
                assert kind == order[-1], "nothing comes after a disconnect"
            if scope["type"] == "websocket":
                assert (kind == "websocket.connect") == (not order), "connect is the first message, and only that"
            if kind == "http.request":
                assert not body_ended, "the body has one end"
                body_ended = not message["more_body"]
            order.append(kind)
            return message

        await app(scope, inspected, send)

    return inspector


def check_scope(scope: Scope) -> None:
    """Check what an app is called with."""
    expected = dict(_COMMON)
    if scope["type"] == "http":
        expected["method"] = str
        assert scope["scheme"] in ("http", "https")
        assert scope["method"] == scope["method"].upper()
    else:
        assert scope["type"] == "websocket"
        assert scope["scheme"] in ("ws", "wss")
        expected["subprotocols"] = list
        assert "method" not in scope
        assert all(isinstance(name, str) for name in scope["subprotocols"])
    for key, type_ in expected.items():
        assert isinstance(scope[key], type_), f"{key}: {scope[key]!r}"
    assert scope["asgi"]["version"] == "3.0"
    assert scope["http_version"] in ("1.0", "1.1")
    assert scope["path"].startswith("/") or scope["path"] == "*"
    assert b"?" not in scope["raw_path"]
    for name, value in scope["headers"]:
        assert isinstance(name, bytes)
        assert name == name.lower()
        assert not name.startswith(b":")
        assert isinstance(value, bytes)
    host, port = scope["client"]
    assert isinstance(host, str)
    assert isinstance(port, int)


def check_message(message: Message) -> None:
    """Check what an app receives."""
    for key, type_ in _MESSAGES[message["type"]].items():
        assert isinstance(message[key], type_), f"{message['type']}.{key}: {message[key]!r}"
    if message["type"] == "websocket.receive":
        given: list[Any] = [message["text"], message["bytes"]]
        assert given.count(None) == 1
