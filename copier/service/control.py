"""The service's own socket for operators on the same machine: a lever in, one sentence back.

It lies beside the ledger and only the ledger's owner may open it, which is also who could change the ledger itself.
"""

import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog
import trio

from copier.ledger.codec import CodecError, decode, encode
from copier.ledger.records import LeverRecord
from rules.model.frozen import frozen

REQUEST_BYTES_MAX = 8192
"""A lever with its reason is a tenth of this."""

PATIENCE_S = 10.0
"""How long either side waits for the other: an engine's round takes milliseconds, a commit on a slow disk a second."""

# What sockaddr_un holds on the systems that we run on is 104 to 108 bytes, with a zero at the end.
_PATH_BYTES_MAX = 100

_log = structlog.get_logger("control")


@frozen
class Said:
    """What became of a lever."""

    text: str


class NotRunning(Exception):
    """Nobody listens: no service runs on this ledger, or it has no socket."""


def control_path(ledger: Path) -> Path:
    """Return where the socket of a ledger lies."""
    return ledger.with_name(f"{ledger.name}.control")


async def serve_control(
    path: Path,
    pull: Callable[[LeverRecord], Awaitable[str]],
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Take levers until cancelled. The ledger's lock makes us the only service here: an old socket is nobody's."""
    if len(os.fsencode(path)) > _PATH_BYTES_MAX:
        _log.warning("no levers while the service runs: the ledger's path is too long for a socket", path=str(path))
        task_status.started()
        return
    _remove(path)
    bound = trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        before = os.umask(0o177)
        try:
            await bound.bind(os.fspath(path))
        finally:
            os.umask(before)
        bound.listen(8)
        task_status.started()

        async def serve(stream: trio.SocketStream) -> None:
            await _serve(stream, pull)

        await trio.serve_listeners(serve, [trio.SocketListener(bound)])
    finally:
        bound.close()
        _remove(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _serve(stream: trio.SocketStream, pull: Callable[[LeverRecord], Awaitable[str]]) -> None:
    """Answer one request; who sends no lever, or is too slow, gets no answer."""
    async with stream:
        with trio.move_on_after(PATIENCE_S):
            try:
                record: LeverRecord = decode(LeverRecord, await _line(stream))
                await stream.send_all(encode(Said(await pull(record))) + b"\n")
            except (CodecError, trio.BrokenResourceError) as error:
                _log.warning("a lever was not understood", error=str(error)[:200])


async def pull_lever(path: Path, record: LeverRecord) -> str:
    """Hand a lever to the running service and return its answer.

    Raises:
        NotRunning: nobody listens at `path`, or nobody answered in time.
    """
    try:
        with trio.fail_after(PATIENCE_S):
            async with await trio.open_unix_socket(os.fspath(path)) as stream:
                await stream.send_all(encode(record) + b"\n")
                return decode(Said, await _line(stream)).text
    except (OSError, ValueError, trio.BrokenResourceError, trio.TooSlowError) as error:
        raise NotRunning(str(error)) from error


async def _line(stream: trio.SocketStream) -> bytes:
    """Return what came up to the end of the line.

    Raises:
        CodecError: the line is too long, or the stream ended before.
    """
    received = b""
    while b"\n" not in received:
        more = await stream.receive_some(REQUEST_BYTES_MAX)
        received += more
        if not more or len(received) > REQUEST_BYTES_MAX:
            raise CodecError(f"expected a line of at most {REQUEST_BYTES_MAX} bytes")
    return received.partition(b"\n")[0]
