"""Messages to phones, chats and mailboxes through the library apprise, in a thread, with a deadline.

It blocks, and its parts are of many hands: nothing of it runs on the service's own thread, whatever it raises is a
failed delivery, and no word of it that could hold a part of its address gets out.
"""

import logging
import re
import warnings
from typing import Any

import trio

from adapters.secret import Secret
from copier.alerts.delivery import DeliveryFailed
from rules.alerts.routes import Batch
from rules.alerts.text import Message
from rules.model.severity import Severity

DEADLINE_S = 30.0
"""Longer than what apprise gives one service (`_SERVICE_S`): it usually ends by itself."""

_SERVICE_S = 20.0

THREADS_MAX = 2
"""Of one destination: one that hangs is left behind, and a second one may hang too before the next try has to wait."""

_TYPES = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "failure"}

_PART = re.compile(r"[^\s/:@?&=#,;+%]{4,}")


class AddressRefused(ValueError):
    """Apprise does not take an address; the text says why, without the address."""


class AppriseDestination:
    """One apprise address.

    Args:
        name: tells it from others, without secrets.
        address: what apprise calls a URL: `tgram://...`, `mailtos://...`.

    Raises:
        AddressRefused: apprise knows no such service, or misses something in the address.
    """

    def __init__(self, name: str, address: Secret) -> None:
        self._address = address
        self._apprise = _opened(address)
        self._limiter = trio.CapacityLimiter(THREADS_MAX)
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    async def send(self, message: Message, batch: Batch) -> None:
        with trio.move_on_after(DEADLINE_S):
            reason = await trio.to_thread.run_sync(self._notify, message, abandon_on_cancel=True, limiter=self._limiter)
            if reason is not None:
                raise DeliveryFailed(reason)
            return
        raise DeliveryFailed(f"no answer within {DEADLINE_S:.0f} s")

    def _notify(self, message: Message) -> str | None:
        """Send, and return why it failed; None when it did not."""
        # Apprise sends nothing without a body, and a title alone may go without one.
        title, body = (message.title, message.body) if message.body else ("", message.title)
        try:
            with self._apprise.notify(
                title=title, body=body, notify_type=_TYPES[message.severity], body_format="text"
            ) as result:
                if result:
                    return None
                said = "; ".join(entry.message for entry in result.logs())
        except Exception as error:  # noqa: BLE001 - plugins raise what they like, and no alert may end the service
            said = f"{type(error).__name__}: {error}"
        return without_address(said, self._address)[:300] or "apprise does not say why"


def without_address(text: str, address: Secret) -> str:
    """Return text with stars for every part of an address in it."""
    scheme, _, rest = address.reveal().partition("://")
    for part in sorted(set(_PART.findall(rest)), key=len, reverse=True):
        if part not in ("localhost", "127.0.0.1"):
            text = text.replace(part, "***")
    return text.replace(address.reveal(), f"{scheme}://***")


def holds_secret(address: Secret) -> bool:
    """Tell whether apprise would hide a part of the address."""
    [service] = _opened(address)
    return bool(service.url(privacy=True) != service.url(privacy=False))


def _opened(address: Secret) -> Any:
    """Return apprise with this one address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of modules that its plugins import
        return _open(address)


def _open(address: Secret) -> Any:
    # Takes a tenth of a second and asyncio with it: who has no alerts does not pay for them.
    import apprise

    # It writes addresses, passwords included, into its own log.
    log = logging.getLogger("apprise")
    log.propagate = False
    if not log.handlers:
        log.addHandler(logging.NullHandler())
    # No redirect: a message meant for one host, with its password, must not go to another.
    asset = apprise.AppriseAsset(
        app_id="copier", app_desc="copier", storage_mode="memory", http_redirects=False, service_timeout=_SERVICE_S
    )
    service = apprise.Apprise.instantiate(address.reveal(), asset=asset)
    if service is None:
        scheme = address.reveal().partition("://")[0]
        known = re.fullmatch(r"[A-Za-z0-9]{1,20}", scheme) is not None
        raise AddressRefused(f"a {scheme}:// address that apprise does not take" if known else "no such address")
    opened = apprise.Apprise(asset=asset)
    opened.add(service)
    return opened
