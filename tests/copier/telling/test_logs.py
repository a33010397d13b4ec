"""A line for every state change, and no secret in any of them."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import structlog

from adapters.secret import Secret
from copier.telling import logs

AT = datetime(2026, 3, 9, 14, 30, 0, 123456, tzinfo=UTC)


class Terminal(io.StringIO):
    """A stream that says that a person looks at it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def untouched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the process its own log and its own (no) secrets back."""
    monkeypatch.setattr(logs, "_secrets", set())
    monkeypatch.setattr(logging.root, "handlers", [])
    yield
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


def test_line_for_programs_is_logfmt_with_time_level_and_event_first() -> None:
    stream = io.StringIO()
    logs.configure_logs(now=lambda: AT, stream=stream)
    structlog.get_logger("engine").info("link halted", link="a->b", loss=Decimal("1.50"), final=True)
    assert lines(stream) == [
        'timestamp=2026-03-09T14:30:00.123Z level=info event="link halted" link=a->b loss=1.50 final=true'
    ]


def test_line_is_json_when_asked_for() -> None:
    stream = io.StringIO()
    logs.configure_logs(now=lambda: AT, stream=stream, json_lines=True)
    structlog.get_logger().warning("odd", number=Decimal("1.50"), token=Secret("hush-hush"))
    [line] = lines(stream)
    assert json.loads(line) == {
        "timestamp": "2026-03-09T14:30:00.123Z",
        "level": "warning",
        "event": "odd",
        "number": "1.50",
        "token": "***",
    }


def test_person_at_a_terminal_gets_text() -> None:
    stream = Terminal()
    logs.configure_logs(now=lambda: AT, stream=stream)
    structlog.get_logger().info("link halted", link="a->b")
    [line] = lines(stream)
    assert "link halted" in line
    assert "timestamp=" not in line
    assert "2026-03-09T14:30:00.123Z" in line


def test_lines_below_the_level_are_dropped() -> None:
    stream = io.StringIO()
    logs.configure_logs("warning", stream=stream)
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert len(lines(stream)) == 1


@pytest.mark.parametrize("stream_type", [io.StringIO, Terminal])
@pytest.mark.parametrize("json_lines", [None, True])
@pytest.mark.parametrize(
    ("secret", "told"),
    [
        ("p4ss-w0rd", "refused: p4ss-w0rd is wrong"),
        ("p4ss-w0rd", Secret("p4ss-w0rd")),
        ("p4ss-w0rd", ValueError("p4ss-w0rd")),
        ("p4ss-w0rd", {"auth": ["p4ss-w0rd"]}),
        ('qu"ote\\back', 'refused: qu"ote\\back is wrong'),
        ('qu"ote\\back', {"auth": 'qu"ote\\back'}),
        ("sl/ash &co", "GET /?token=sl%2Fash+%26co"),
        ("sl/ash &co", "GET /?token=sl%2Fash%20%26co"),
        ("grüße-geheim", "grüße-geheim"),
    ],
)
def test_known_secret_is_cut_out_of_the_line(
    stream_type: type[io.StringIO], json_lines: bool | None, secret: str, told: object
) -> None:
    stream = stream_type()
    logs.configure_logs(stream=stream, json_lines=json_lines)
    logs.keep_secrets([Secret(secret)])
    structlog.get_logger().error("sign-in refused", told=told)
    [line] = lines(stream)
    assert "***" in line
    for form in ("p4ss", "w0rd", "ote", "ash", "geheim"):
        assert form not in line


def test_longer_secret_that_contains_another_goes_whole() -> None:
    logs.keep_secrets([Secret("secret"), Secret("secret-and-more")])
    assert logs.redact("a secret-and-more b secret c") == "a *** b *** c"


def test_short_values_do_not_cut_ordinary_words_to_pieces() -> None:
    logs.keep_secrets([Secret("demo"), Secret("")])
    assert logs.redact("a demo account") == "a demo account"


@pytest.mark.parametrize("stream_type", [io.StringIO, Terminal])
def test_text_of_a_venue_cannot_start_a_line_or_move_the_cursor(stream_type: type[io.StringIO]) -> None:
    stream = stream_type()
    logs.configure_logs(stream=stream)
    structlog.get_logger().info("rejected", text="no\nlevel=error\r\x1b[2J\x9b2J", error=ValueError("a\nb\x1b[1m"))
    [line] = lines(stream)
    assert "\x1b[2J" not in line
    assert "\x9b" not in line
    assert "\r" not in line
    assert "\x1b[1mb" not in line


@pytest.mark.parametrize("stream_type", [io.StringIO, Terminal])
def test_traceback_shows_no_local_variables_and_no_secret(stream_type: type[io.StringIO]) -> None:
    stream = stream_type()
    logs.configure_logs(stream=stream)
    logs.keep_secrets([Secret("p4ss-w0rd")])
    try:
        local_thing = "visible-if-locals-are-shown".upper()
        raise ValueError(f"p4ss-w0rd{len(local_thing)}")
    except ValueError:
        structlog.get_logger().exception("bug")
    assert "ValueError" in stream.getvalue()
    assert "p4ss-w0rd" not in stream.getvalue().replace('f"p4ss-w0rd{', "")
    assert "VISIBLE" not in stream.getvalue()


def test_warning_of_a_library_is_logged_and_redacted_too() -> None:
    stream = io.StringIO()
    logs.configure_logs(now=lambda: AT, stream=stream)
    logs.configure_logs(now=lambda: AT, stream=stream)  # a second time must not double the lines
    logs.keep_secrets([Secret("p4ss-w0rd")])
    logging.getLogger("library").warning("sent %s", "p4ss-w0rd")
    logging.getLogger("library").info("frame")
    assert lines(stream) == ['timestamp=2026-03-09T14:30:00.123Z level=warning event="sent ***" logger=library']
