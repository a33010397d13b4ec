"""Opens the port and serves the app there, beside the engine."""

from collections.abc import Callable
from functools import partial

import structlog
import trio

from copier.config.listen import Listen
from copier.web.app import create_app
from copier.web.doors import LOOPBACK_NAMES, Doors
from copier.web.host import Host
from copier.web.surface import Surface

_log = structlog.get_logger("web")


class CannotListen(Exception):
    """The port is not ours to have."""


async def serve_surface(
    surface: Surface,
    listen: Listen,
    *,
    failed: Callable[[str], None] = lambda _: None,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled; reports the address of the dashboard by `task_status.started(url)`.

    Raises:
        CannotListen: the address cannot be bound.
    """
    try:
        listeners = await trio.open_tcp_listeners(listen.port, host=listen.ip)
    except OSError as error:
        raise CannotListen(f"cannot listen at {listen}: {error.strerror or error}; see [service] listen") from error
    service = surface.config.service
    doors = partial(Doors, hosts=LOOPBACK_NAMES | set(service.allowed_hosts), origins=service.allowed_origins)
    bound = Listen(listen.ip, int(listeners[0].socket.getsockname()[1]))
    url = f"http://{bound}/"
    _log.info("listening", url=url)
    task_status.started(url)
    await Host(create_app(surface, doors), failed=failed).serve(listeners)
