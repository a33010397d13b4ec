"""Opens the port and serves the app there, beside the engine."""

import resource
import ssl
from collections.abc import Callable
from pathlib import Path

import structlog
import trio

from copier.config.listen import Listen
from copier.web.app import create_app
from copier.web.asgi import Bounds
from copier.web.host import Host
from copier.web.surface import Surface

_log = structlog.get_logger("web")


class CannotListen(Exception):
    """The port is not ours to have, or must not be opened like this."""


async def serve_surface(
    surface: Surface,
    listen: Listen,
    *,
    failed: Callable[[str], None] = lambda _: None,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until cancelled; reports the address of the dashboard by `task_status.started(url)`.

    Raises:
        CannotListen: others could reach it and no key was made, its certificate cannot be used, or the address cannot
            be bound.
    """
    service = surface.config.service
    if surface.keys.is_empty and (service.behind_proxy or not listen.is_loopback):
        raise CannotListen(f"others can reach {listen}: make a key first, by `copier keys add`")
    tls = None
    if service.tls_certificate is not None and service.tls_key is not None:
        tls = _tls(service.tls_certificate, service.tls_key)
    try:
        listeners = await trio.open_tcp_listeners(listen.port, host=listen.ip)
    except OSError as error:
        raise CannotListen(f"cannot listen at {listen}: {error.strerror or error}; see [service] listen") from error
    bounds = bounds_of(_places(), behind_proxy=service.behind_proxy)
    bound = Listen(listen.ip, int(listeners[0].socket.getsockname()[1]))
    url = f"{'http' if tls is None else 'https'}://{bound}/"
    app = create_app(surface)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(surface.keys.watch)
        nursery.start_soon(surface.loop_lag.run)
        for task in surface.beside:
            nursery.start_soon(task)
        nursery.start_soon(Host(app, bounds=bounds, failed=failed, traffic=surface.traffic).serve, listeners, tls)
        _log.info("listening", url=url)
        task_status.started(url)


def bounds_of(places: int, *, behind_proxy: bool) -> Bounds:
    """Return the host's bounds. A proxy's address stands for everybody behind it, and may take every place."""
    per_ip = places if behind_proxy else min(places, Bounds().connections_per_ip_max)
    return Bounds(connections_max=places, connections_per_ip_max=per_ip)


def _places() -> int:
    """Return how many connections may be open, and raise the limit of open files for that where it can be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files, places = files_and_places(soft, hard)
    if files != soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return places


def files_and_places(soft: int, hard: int) -> tuple[int, int]:
    """Return how many files this process should be able to open, and how many connections it may then have.

    Half of the files stay for the venues and the ledger. The soft limit is meant for programs that use `select`, which
    we are not.
    """
    wanted = Bounds().connections_max * 2
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft, Bounds().connections_max
    files = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    return files, files // 2


def _tls(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ssl.SSLError) as error:
        why = getattr(error, "reason", None) or error.strerror or "it cannot be used"
        raise CannotListen(f"cannot use the certificate {certificate} with its key {key}: {why}") from None
    return context


def _no_password() -> str:
    """Answer for a key that is locked, which OpenSSL would else ask for at the terminal."""
    return ""
