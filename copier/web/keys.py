"""Who a key stands for, in the running service; sign-ins of browsers; and what is cut when a key is revoked."""

import hmac
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import structlog
import trio
from attrs import evolve

from adapters.base import UtcNow
from adapters.secret import Secret
from copier.web.asgi import is_loopback
from copier.web.attempts import Attempts
from copier.web.key_file import (
    Key,
    KeyBook,
    KeysRefused,
    SignIn,
    change_keys,
    hash_of,
    new_secret,
    read_keys,
    with_sign_in,
    with_uses,
)
from copier.web.principal import LOCAL_READER, Principal

LOOK_EVERY_S: Final = 0.5
"""How often the file is looked at: a revoked key's connections are cut within a second."""

SIGN_IN_LASTS: Final = timedelta(days=1)
"""A browser is asked for its key once a day."""

_USED_EVERY: Final = timedelta(minutes=1)
"""How exact "last used" is in the file."""

_KEY_CHARS_MAX: Final = 200
_TRUSTED_MAX: Final = 10_000
"""Pairs of address and key that worked once, and so are let in while the address is made to wait."""

_log = structlog.get_logger("web")


class TooManyAttempts(Exception):
    """The address has shown too many wrong keys; `wait_s`: try again then."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("too many wrong keys from this address")
        self.wait_s = wait_s


class KeyRing:
    """The keys of a running service, as the file has them now.

    A file that cannot be trusted any more lets nobody in, until it can be.
    """

    def __init__(self, path: Path, *, utc_now: UtcNow, anonymous: bool = True, threads: bool = True) -> None:
        """Read them.

        Args:
            anonymous: whether this machine may read without a key, as long as no key was ever made.
            threads: whether the file is written in a thread, so that nobody waits for the disk.
        Raises:
            KeysRefused: the file cannot be trusted.
        """
        self._path = path
        self._utc_now = utc_now
        self._anonymous = anonymous
        self._threads = threads
        self._stamp = _stamp_of(path)
        self._book: KeyBook | None = read_keys(path)
        self._leases: dict[Principal, set[trio.CancelScope]] = {}
        self._attempts = Attempts()
        self._trusted: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._used: dict[str, datetime] = {}
        self._used_saved_at = utc_now()

    @property
    def is_empty(self) -> bool:
        """Whether no key was ever made."""
        return self._book is not None and not self._book.keys

    # Who it is

    def stranger(self, ip: str) -> Principal | None:
        """Return whom somebody without a key stands for; None: nobody."""
        return LOCAL_READER if is_loopback(ip) and self._is_good(LOCAL_READER) else None

    def by_key(self, text: str, ip: str) -> Principal | None:
        """Return whom a key stands for; None: nobody.

        Raises:
            TooManyAttempts: from this address; a key that has worked from there still does.
        """
        key = self._find(text)
        now = trio.current_time()
        wait_s = self._attempts.wait_s(ip, now)
        if wait_s and (key is None or (ip, key.name) not in self._trusted):
            raise TooManyAttempts(wait_s)
        if key is None:
            self._attempts.failed(ip, now)
            _log.warning("a key was refused", ip=ip)
            return None
        self._trusted[ip, key.name] = None
        if len(self._trusted) > _TRUSTED_MAX:
            self._trusted.popitem(last=False)
        self._used[key.name] = self._utc_now()
        return key.principal

    def by_cookie(self, value: str) -> Principal | None:
        """Return whom a signed-in browser stands for; None: nobody."""
        wanted = hash_of(value[:_KEY_CHARS_MAX])
        for each in () if self._book is None else self._book.sign_ins:
            if hmac.compare_digest(each.hash, wanted):
                principal = self._principal(each.key_name)
                signed_in = None if principal is None else evolve(principal, sign_in=each.hash)
                return signed_in if signed_in is not None and self._is_good(signed_in) else None
        return None

    def _find(self, text: str) -> Key | None:
        """Compare with every key, so that the time tells nothing."""
        wanted = hash_of(text[:_KEY_CHARS_MAX])
        found: Key | None = None
        for key in () if self._book is None else self._book.keys:
            if hmac.compare_digest(key.hash, wanted) and key.revoked_at is None:
                found = key
        return found

    def _principal(self, name: str) -> Principal | None:
        return None if self._book is None else self._book.principal(name)

    def _is_good(self, principal: Principal) -> bool:
        """Tell whether a principal may still do what it could when it came in."""
        if principal is LOCAL_READER:
            return self._anonymous and self.is_empty
        if self._principal(principal.name) != evolve(principal, sign_in=None):
            return False
        if principal.sign_in is None:
            return True
        sign_ins = () if self._book is None else self._book.sign_ins
        return any(each.hash == principal.sign_in and each.expires_at > self._utc_now() for each in sign_ins)

    # Browsers

    async def sign_in(self, principal: Principal) -> tuple[Secret, datetime]:
        """Return a cookie's value for a browser that has shown a key, and until when it is good.

        Raises:
            KeysRefused: it cannot be kept.
        """
        value, now = new_secret(prefix=""), self._utc_now()
        sign_in = SignIn(hash_of(value.reveal()), principal.name, now + SIGN_IN_LASTS)
        await self._change(partial(with_sign_in, sign_in=sign_in, now=now))
        _log.info("signed in", key=principal.name)
        return value, sign_in.expires_at

    async def forget(self, principal: Principal) -> None:
        """Sign a browser out; its streams are cut.

        Raises:
            KeysRefused: it cannot be forgotten.
        """

        def without(book: KeyBook) -> KeyBook:
            return evolve(book, sign_ins=tuple(each for each in book.sign_ins if each.hash != principal.sign_in))

        await self._change(without)
        _log.info("signed out", key=principal.name)

    async def _change(self, change: Callable[[KeyBook], KeyBook]) -> None:
        if self._threads:
            await trio.to_thread.run_sync(change_keys, self._path, change)
        else:
            change_keys(self._path, change)
        self.look()

    # While it lasts

    @contextmanager
    def lease(self, principal: Principal) -> Iterator[trio.CancelScope]:
        """Let a principal in for the length of the block; it is cancelled when the principal is no longer good."""
        with trio.CancelScope() as scope:
            self._leases.setdefault(principal, set()).add(scope)
            try:
                yield scope
            finally:
                held = self._leases[principal]
                held.discard(scope)
                if not held:
                    del self._leases[principal]

    async def watch(self) -> None:
        """Look at the file until cancelled, and note there when keys were used."""
        try:
            while True:
                await trio.sleep(LOOK_EVERY_S)
                self.look()
                if self._used and self._utc_now() - self._used_saved_at >= _USED_EVERY:
                    self._used_saved_at = self._utc_now()
                    await self._save_uses()
        finally:
            with trio.CancelScope(shield=True):
                await self._save_uses()

    async def _save_uses(self) -> None:
        used, self._used = self._used, {}
        if used:
            try:
                await self._change(partial(with_uses, used=used))
            except KeysRefused as error:
                _log.warning("when keys were used is not noted", error=str(error))

    def look(self) -> None:
        """Take what the file says now, and cut whoever is no longer good."""
        stamp = _stamp_of(self._path)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._book = read_keys(self._path)
            except KeysRefused as error:
                self._book = None
                _log.error("nobody is let in until the keys can be trusted", error=str(error))
        for principal in [each for each in self._leases if not self._is_good(each)]:
            _log.info("cut", key=principal.name, connections=len(self._leases[principal]))
            for scope in self._leases[principal]:
                scope.cancel()


def _stamp_of(path: Path) -> tuple[int, ...] | None:
    """Return what changes whenever the file does."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_ino, found.st_size, found.st_mode)
