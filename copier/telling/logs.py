"""The log: one structured line per state change, on standard error, for people. Truth is in the ledger.

No secret ever gets out: values of type `Secret` show stars, and the texts of all secrets that `keep_secrets` was told
are cut out of every finished line, wherever in it a venue or a library repeated them.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable
from typing import Any, Final, TextIO
from urllib.parse import quote, quote_plus

import structlog
from structlog.typing import EventDict, Processor

from adapters.base import UtcNow
from adapters.secret import Secret
from copier.clock import utc_now

_STARS: Final = "***"

# Shorter ones would cut ordinary words and numbers to pieces ("1", "demo"), and are no secrets anyway.
_SECRET_LENGTH_MIN: Final = 6

# Keys of ours are known by their form only: nobody keeps them.
_KEY: Final = re.compile(r"copier_[A-Za-z0-9_-]{43}")

_secrets: set[str] = set()


def keep_secrets(secrets: Iterable[Secret]) -> None:
    """Cut these out of every line from now on. Called when a config is read, before anything signs in."""
    for secret in secrets:
        text = secret.reveal()
        if len(text) >= _SECRET_LENGTH_MIN:
            # Also as it looks inside JSON, inside a Python repr and in a URL.
            _secrets.update((text, json.dumps(text)[1:-1], repr(text)[1:-1], quote(text, safe=""), quote_plus(text)))


def redact(text: str) -> str:
    """Return `text` with every known secret replaced by stars, the longest first (one may contain another)."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, _STARS)
    return _KEY.sub(_STARS, text)


def configure_logs(
    level: str = "info", *, now: UtcNow = utc_now, stream: TextIO | None = None, json_lines: bool | None = None
) -> None:
    """Configure the process's log once, at start; what libraries log by `logging` goes the same way.

    Args:
        level: debug, info, warning or error; lines below it are dropped before they cost anything.
        now: stamps the lines.
        stream: where lines go; None is standard error.
        json_lines: True writes JSON, False logfmt; None lets a terminal show aligned, coloured text and anything
            else get logfmt.
    Raises:
        KeyError: there is no such level.
    """
    least = logging.getLevelNamesMapping()[level.upper()]
    out = sys.stderr if stream is None else stream

    def stamp(_logger: object, _method: str, line: EventDict) -> EventDict:
        return {"timestamp": now().isoformat(timespec="milliseconds").replace("+00:00", "Z"), **line}

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            stamp,
            *_renderers(terminal=out.isatty(), json_lines=json_lines),
            _redacted,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(out),
    )
    logging.root.handlers = [handler for handler in logging.root.handlers if not isinstance(handler, _FromLibraries)]
    # Libraries log frames and headers below WARNING: too much for people, and for us to vouch for.
    logging.root.addHandler(_FromLibraries(max(least, logging.WARNING)))


def _renderers(*, terminal: bool, json_lines: bool | None) -> list[Processor]:
    if json_lines:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
    if terminal and json_lines is None:
        # The plain traceback: the fancy one prints the local variables, secrets among them.
        return [_one_line, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    order = ["timestamp", "level", "event"]
    return [
        structlog.processors.format_exc_info,
        _one_line,
        structlog.processors.LogfmtRenderer(key_order=order, bool_as_flag=False),
    ]


# A venue's text must not move a terminal's cursor, nor start a line that looks like one of ours.
_CONTROLS: Final = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


def _one_line(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Make every value one line of text without secrets, before a renderer's own quoting can hide one."""
    return {key: value if _is_rendered(key, value) else _text(value) for key, value in line.items()}


def _is_rendered(key: str, value: object) -> bool:
    """Tell whether the renderers know best how to show this: tracebacks, absent values, true and false."""
    return value is None or isinstance(value, bool) or key in ("exception", "exc_info")


def _text(value: object) -> str:
    return redact(str(value)).translate(_CONTROLS)


def _redacted(_logger: object, _method: str, line: Any) -> str:  # the rendered text: the renderer ran before
    return redact(line)


class _FromLibraries(logging.Handler):
    """Hands lines of the standard library's `logging` to our log, where secrets are cut out."""

    def emit(self, record: logging.LogRecord) -> None:
        exc_info = record.exc_info if record.exc_info and record.exc_info[1] else None
        structlog.get_logger(record.name).log(
            record.levelno, record.getMessage(), logger=record.name, **({"exc_info": exc_info} if exc_info else {})
        )
