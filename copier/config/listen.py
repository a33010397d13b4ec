"""`[service] listen`: the address that the surfaces are served at."""

import ipaddress
import re
from typing import Final

from copier.config.errors import Fault, shown_value
from copier.config.structure import OFF
from rules.model.frozen import frozen

SESSIONS_MAX: Final = 10_000
"""More would leave no sockets for the venues."""

_EXPECTED: Final = 'an address and a port such as "127.0.0.1:8377", or "off"'
_FORM: Final = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<v4>[0-9.]+)|(?P<name>localhost)):(?P<port>[0-9]{1,5})")


@frozen
class Listen:
    """An address of this machine, and a port; 0 for any free one."""

    ip: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ipaddress.ip_address(self.ip).is_loopback

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


def read_listen(value: object) -> Listen | None:
    """Return the address; None where nothing is to be served.

    Raises:
        Fault: it is none.
    """
    if value == OFF:
        return None
    match = _FORM.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match["port"]) > 65535:
        raise Fault(_EXPECTED, shown_value(value))
    try:
        ip = str(ipaddress.ip_address("127.0.0.1" if match["name"] else match["v6"] or match["v4"]))
    except ValueError:
        raise Fault(_EXPECTED, shown_value(value)) from None
    return Listen(ip, int(match["port"]))


def read_names(value: object) -> tuple[str, ...]:
    """Return names of hosts, in small letters.

    Raises:
        Fault: a value that is none.
    """
    return _texts(value, re.compile(r"[a-zA-Z0-9._-]{1,253}|\[[0-9a-fA-F:.]+\]"), 'names of hosts such as "copier.lan"')


def read_origins(value: object) -> tuple[str, ...]:
    """Return origins of pages, in small letters.

    Raises:
        Fault: a value that is none.
    """
    form = re.compile(r"https?://(?:[a-zA-Z0-9._-]{1,253}|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?")
    return _texts(value, form, 'origins such as "https://copier.lan:8443"')


def read_sessions(value: object) -> int:
    """Return how many sessions there may be.

    Raises:
        Fault: no whole number from 1 to 10000.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= SESSIONS_MAX:
        raise Fault(f"a whole number from 1 to {SESSIONS_MAX}", shown_value(value))
    return value


def _texts(value: object, form: re.Pattern[str], expected: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Fault(f"an array of {expected}", shown_value(value))
    for each in value:
        if not isinstance(each, str) or form.fullmatch(each) is None:
            raise Fault(expected, shown_value(each))
    return tuple(each.lower() for each in value)
