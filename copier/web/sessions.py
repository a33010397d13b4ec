"""How many streams and sockets one key, and one address, may have open at one time."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from copier.web.asgi import is_loopback
from copier.web.principal import Principal
from rules.model.frozen import frozen


class TooManySessions(Exception):
    """A key, or an address, has as many streams and sockets open as it may."""


@frozen
class SessionsMax:
    """The bounds; an address of this machine itself has none of its own."""

    per_key: int = 100
    per_ip: int = 100


class Sessions:
    """Counts them."""

    def __init__(self, most: SessionsMax | None = None) -> None:
        self._most = most or SessionsMax()
        self._by_key: Counter[str] = Counter()
        self._by_ip: Counter[str] = Counter()

    @property
    def count(self) -> int:
        """How many are open."""
        return sum(self._by_key.values())

    @contextmanager
    def open(self, principal: Principal, ip: str) -> Iterator[None]:
        """Count one for the length of the block.

        Raises:
            TooManySessions: there are too many already.
        """
        if self._by_key[principal.name] >= self._most.per_key:
            raise TooManySessions(f"the key {principal.name} has {self._most.per_key} sessions already")
        if not is_loopback(ip) and self._by_ip[ip] >= self._most.per_ip:
            raise TooManySessions(f"your address has {self._most.per_ip} sessions already")
        for counter, key in ((self._by_key, principal.name), (self._by_ip, ip)):
            counter[key] += 1
        try:
            yield
        finally:
            for counter, key in ((self._by_key, principal.name), (self._by_ip, ip)):
                counter[key] -= 1
                if not counter[key]:
                    del counter[key]
