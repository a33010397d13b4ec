"""What each status of the REST API means, and that a request leaves once, with the key in its header."""

from collections.abc import Callable

import pytest
import trio

from adapters.base import RemoteProtocolError, SessionLost, SignInRefused, Throttled
from adapters.metacopier.config import Config
from adapters.metacopier.rest import Refusal, Rest, segment
from adapters.secret import Secret
from adapters.transport.http import HttpResponse
from adapters.transport.network import MemoryNetwork
from adapters.transport.serving import HttpRequest, HttpService

UUID = "11111111-1111-1111-1111-111111111111"
MockClock = trio.testing.MockClock


def rest(nursery: trio.Nursery, answer: Callable[[HttpRequest], HttpResponse]) -> Rest:
    async def handle(request: HttpRequest) -> HttpResponse:
        await trio.lowlevel.checkpoint()
        return answer(request)

    network = MemoryNetwork(nursery)
    network.listen("venue.test", 80, HttpService(handle).serve_stream)
    config = Config(UUID, Secret("s3cret"), rest_url="http://venue.test:80")
    return Rest(config, connect=network.connect, connections=1)


async def test_a_request_leaves_once_with_the_key(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    seen: list[HttpRequest] = []

    def answer(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse(204)

    await rest(nursery, answer).send("POST", "/positions", b"{}")
    (request,) = seen
    assert (request.method, request.path) == ("POST", f"/rest/api/v1/accounts/{UUID}/positions")
    assert request.headers["x-api-key"] == "s3cret"
    assert (request.headers["content-type"], request.body) == ("application/json", b"{}")


@pytest.mark.parametrize(
    ("status", "body", "error", "text"),
    [
        (400, b'{"errors":["[UNKNOWN_SYMBOL]"]}', Refusal, "[UNKNOWN_SYMBOL]"),
        (400, b'{"errors":["a -> b","c -> d"]}', Refusal, "a -> b; c -> d"),
        (404, b"<html>", Refusal, "<html>"),
        (409, b"", Refusal, "no text"),
        (400, b'{"errors":["[ACCOUNT_IS_NOT_CONNTECTED]"]}', SessionLost, "lost the broker"),
        (400, b'{"errors":["[ACCOUNT_WAS_DELETED]"]}', SignInRefused, "deleted"),
        (401, b"", SignInRefused, "401"),
        (403, b'{"errors":["policy"]}', SignInRefused, "policy"),
        (408, b"", SessionLost, "408"),
        (500, b"\xff", SessionLost, "500"),
        (503, b"", SessionLost, "503"),
        (302, b"", RemoteProtocolError, "302"),
        (206, b"", RemoteProtocolError, "206"),
    ],
)
async def test_each_status_has_its_meaning(
    autojump_clock: MockClock, nursery: trio.Nursery, status: int, body: bytes, error: type[Exception], text: str
) -> None:
    api = rest(nursery, lambda _: HttpResponse(status, {}, body))
    with pytest.raises(error) as caught:
        await api.send("DELETE", "/positions/1")
    assert type(caught.value) is error
    assert text in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 5.0), ("12", 12.0), ("999999", 300.0), ("soon", 5.0), ("-1", 5.0), ("9" * 9, 5.0)],
)
async def test_a_rate_limit_is_obeyed_within_reason(
    autojump_clock: MockClock, nursery: trio.Nursery, header: str | None, seconds: float
) -> None:
    headers = {} if header is None else {"retry-after": header}
    with pytest.raises(Throttled) as caught:
        await rest(nursery, lambda _: HttpResponse(429, headers)).send("DELETE", "/positions/1")
    assert caught.value.retry_after_s == seconds


async def test_an_answer_of_another_shape_is_the_venues_mistake(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    api = rest(nursery, lambda _: HttpResponse(200, {}, b'{"name":1}'))
    with pytest.raises(RemoteProtocolError, match="expected a list"):
        await api.get("/symbols", tuple[str, ...], "a list")


def test_a_symbol_stays_within_its_segment_of_the_path() -> None:
    assert segment("A/../B?c#d e") == "A%2F..%2FB%3Fc%23d%20e"
