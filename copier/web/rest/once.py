"""Idempotency keys: a command that is asked again with its key is answered again, and not done again."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import trio
from starlette.responses import Response

from copier.web.dto.words import to_json
from copier.web.rest.endpoints import Call
from copier.web.rest.params import Misfit, Param
from copier.web.rest.refusals import Refused
from copier.web.store import Answer, StoreFailed, TooMany
from rules.model.frozen import frozen

KEY_MAX: Final = 128


@frozen
class _Key:
    """Printable ASCII, as headers have it."""

    def read(self, text: str) -> str:
        if not 1 <= len(text) <= KEY_MAX or not (text.isascii() and text.isprintable()):
            raise Misfit(f"1 to {KEY_MAX} printable ASCII characters")
        return text

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": KEY_MAX, "pattern": "^[!-~]([ -~]*[!-~])?$"}


IDEMPOTENCY_KEY: Final = Param(
    "idempotency-key",
    _Key(),
    "Asked again with the same key and body, the same is answered for a day; nothing is done.",
)


async def once(call: Call, do: Callable[[], Awaitable[Any]]) -> Response:
    """Do what a request asks for, unless its key was given before: then answer as before.

    Raises:
        Refused: what `do` raises; the key was given with another request; it is not known how the first one ended.
    """
    key = call.headers[IDEMPOTENCY_KEY.name]
    if key is None:
        return Response(to_json(await do()), media_type="application/json")
    store, who, asked = call.surface.store, call.principal.name, _fingerprint(call)
    try:
        known = await trio.to_thread.run_sync(store.begin, who, key, asked, call.surface.utc_now())
        if known is not None:
            return _again(known, asked)
        with trio.CancelScope(shield=True):  # a client that leaves must not leave its key without an answer
            try:
                status, body = 200, to_json(await do())
            except Refused as refused:
                if refused.problem.status != 503:  # of which nobody knows whether it was done
                    await trio.to_thread.run_sync(store.forget, who, key)
                raise
            await trio.to_thread.run_sync(store.end, who, key, status, body)
    except TooMany as error:
        raise Refused(429, f"expected at most {error}, found more", headers={"retry-after": "3600"}) from None
    except StoreFailed:
        raise Refused(503, "idempotency keys cannot be kept now; leave the key out to do it all the same") from None
    return Response(body, status, media_type="application/json")


def _again(known: Answer, asked: bytes) -> Response:
    if known.asked != asked:
        raise Refused(422, "this Idempotency-Key was given with another request; expected a new one")
    if known.status is None:
        detail = "this command was begun and its answer is not known: look at `/levers` and `/decisions`"
        raise Refused(409, detail)
    return Response(known.body, known.status, {"idempotent-replayed": "true"}, "application/json")


def _fingerprint(call: Call) -> bytes:
    """Return what tells this request from others: what is asked, and the body byte by byte."""
    parts = (call.endpoint.method, call.endpoint.path, *call.path.values())
    return hashlib.sha256(b"\0".join((*map(str.encode, parts), call.raw_body))).digest()
