"""The keys of a service: one small file beside the ledger that only its owner can read, and that holds no key.

Why no rows of the ledger: a key must be revocable at once whoever holds the ledger's lock and however full its disk
is, and "last used" would be noise in a record of decisions. What a key *did* is in the ledger, under its name.

Keys are 256 random bits, so one round of SHA-256 hides them as well as any slow hash would: there is nothing to guess.
"""

import fcntl
import os
import secrets
import stat
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from attrs import evolve

from adapters.secret import Secret
from copier.ledger.codec import CodecError, decode, encode
from copier.web.principal import KeyScope, Principal
from rules.model.frozen import frozen
from rules.model.values import AccountId

KEYS_MAX: Final = 1000
"""Of one service, revoked ones included: each is looked at for every sign-in."""

SIGN_INS_MAX: Final = 1000
"""Browsers that are signed in at one time; the oldest are signed out."""

_KEY_BYTES: Final = 32
_FILE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Ten times what the most keys and sign-ins need."""


class KeysRefused(Exception):
    """The file of keys cannot be trusted, or cannot be used; the text says what to do."""


@frozen
class Key:
    """What is known of a key; the key itself is not."""

    name: str
    hash: str
    """SHA-256 of the key's text, in hex."""
    scopes: tuple[KeyScope, ...]
    accounts: tuple[AccountId, ...] | None
    """What it sees; None: all accounts."""
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def principal(self) -> Principal:
        accounts = None if self.accounts is None else frozenset(self.accounts)
        return Principal(self.name, frozenset(self.scopes), accounts)


@frozen
class SignIn:
    """A browser that showed a key once and holds a cookie since."""

    hash: str
    """SHA-256 of the cookie's value, in hex."""
    key_name: str
    expires_at: datetime


@frozen
class KeyBook:
    """Everything in the file."""

    keys: tuple[Key, ...] = ()
    sign_ins: tuple[SignIn, ...] = ()

    def key(self, name: str) -> Key | None:
        """Return the key of that name, revoked or not."""
        return next((key for key in self.keys if key.name == name), None)

    def principal(self, name: str) -> Principal | None:
        """Return who a name stands for; None where the key is revoked, or never was."""
        key = self.key(name)
        return None if key is None or key.revoked_at is not None else key.principal


def keys_path(ledger: Path) -> Path:
    """Return where the keys of a ledger's service lie."""
    return ledger.with_name(f"{ledger.name}.keys")


def new_secret(prefix: str = "copier_") -> Secret:
    """Return a new key, or a cookie's value."""
    return Secret(prefix + urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).rstrip(b"=").decode("ascii"))


def hash_of(text: str) -> str:
    """Return what is kept of a key or a cookie."""
    return sha256(text.encode()).hexdigest()


def read_keys(path: Path) -> KeyBook:
    """Return what the file holds; an empty book where there is none.

    Raises:
        KeysRefused: others may read it, or it does not hold what we write.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return KeyBook()
    except OSError as error:
        raise KeysRefused(f"cannot read the keys in {path}: {error.strerror}") from None
    with open(file, "rb") as opened:
        mode = os.fstat(file).st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise KeysRefused(f"others may read the keys in {path}: run `chmod 600 {path}`")
        data = opened.read(_FILE_BYTES_MAX + 1)
    try:
        book: KeyBook = decode(KeyBook, data)
    except CodecError as error:
        raise KeysRefused(f"{path} does not hold keys as `copier keys` writes them") from error
    return book


def change_keys(path: Path, change: Callable[[KeyBook], KeyBook]) -> KeyBook:
    """Replace what the file holds by what `change` makes of it; return that. Nobody else changes it meanwhile.

    Raises:
        KeysRefused: it cannot be read, or not be written. Whatever `change` raises leaves it as it is.
    """
    with _locked(path):
        book = change(read_keys(path))
        fresh = path.with_name(f"{path.name}.new")
        try:
            fresh.unlink(missing_ok=True)
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as opened:
                opened.write(encode(book) + b"\n")
                opened.flush()
                os.fsync(opened.fileno())
            fresh.replace(path)
        except OSError as error:
            raise KeysRefused(f"cannot write the keys in {path}: {error.strerror}") from None
    return book


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    try:
        file = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise KeysRefused(f"cannot lock the keys in {path}: {error.strerror}") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX)  # held for one write; the kernel gives it up with its process
        yield
    finally:
        os.close(file)


def with_key(book: KeyBook, key: Key) -> KeyBook:
    """Return the book with one more key.

    Raises:
        KeysRefused: the name is taken, also by a revoked key (the ledger's "who" must mean one), or there are too many.
    """
    if book.key(key.name) is not None:
        raise KeysRefused(f"there is, or was, a key of the name {key.name}: choose another")
    if len(book.keys) >= KEYS_MAX:
        raise KeysRefused(f"there are {KEYS_MAX} keys already")
    return evolve(book, keys=(*book.keys, key))


def without_key(book: KeyBook, name: str, now: datetime) -> KeyBook:
    """Return the book with a key revoked, and every browser signed out that used it.

    Raises:
        KeysRefused: there is no such key.
    """
    if book.key(name) is None:
        raise KeysRefused(f"there is no key of the name {name}")
    keys = (evolve(k, revoked_at=k.revoked_at or now) if k.name == name else k for k in book.keys)
    return evolve(book, keys=tuple(keys), sign_ins=tuple(each for each in book.sign_ins if each.key_name != name))


def with_sign_in(book: KeyBook, sign_in: SignIn, now: datetime) -> KeyBook:
    """Return the book with one more signed-in browser, and without those whose time is over."""
    lasting = [each for each in book.sign_ins if each.expires_at > now]
    return evolve(book, sign_ins=(*lasting[-(SIGN_INS_MAX - 1) :], sign_in))


def with_uses(book: KeyBook, used: Mapping[str, datetime]) -> KeyBook:
    """Return the book with the instants at which keys were last used."""
    keys = (evolve(key, last_used_at=used.get(key.name, key.last_used_at)) for key in book.keys)
    return evolve(book, keys=tuple(keys))
