"""A ledger's rows: what is in one, and the hash that chains it to the row before it."""

import struct
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Final, cast

import apsw

from rules.model.frozen import frozen

INSERT: Final = "INSERT INTO entries (seq, at_ns, kind, account, key, body, chain) VALUES (?, ?, ?, ?, ?, ?, ?)"
PAGE: Final = (
    "SELECT seq, at_ns, kind, account, key, body, chain FROM entries WHERE seq > ? AND seq < ?{more}"
    " ORDER BY seq LIMIT ?"
)
BEFORE_OF_KIND: Final = (
    "SELECT seq, at_ns, kind, account, key, body, chain FROM entries WHERE kind = ? AND seq < ?"
    " ORDER BY seq DESC LIMIT ?"
)
BY_KEY: Final = "SELECT seq, at_ns, kind, account, key, body, chain FROM entries WHERE key = ?"
BY_SEQ: Final = "SELECT seq, at_ns, kind, account, key, body, chain FROM entries WHERE seq = ?"
HAS_KEY: Final = "SELECT 1 FROM entries WHERE key = ?"
LAST: Final = "SELECT seq, at_ns, kind, account, key, body, chain FROM entries ORDER BY seq DESC LIMIT 1"
LAST_OF_KIND: Final = (
    "SELECT seq, at_ns, kind, account, key, body, chain FROM entries WHERE kind = ? ORDER BY seq DESC LIMIT 1"
)

Row = tuple[int, int, str, str, str | None, bytes, bytes]
"""seq, at_ns, kind, account, key, body, chain: the columns in their order."""

_CHAIN_BYTES: Final = 32
GENESIS: Final = bytes(_CHAIN_BYTES)
"""Stands in for the chain value before the first row."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

# seq, at_ns, then the byte lengths of kind, account, key (-1: no key) and body. With the lengths in front no two
# different rows have the same bytes.
_HEAD: Final = struct.Struct(">qqqqqq")


@frozen
class Entry:
    """What one wants written: `kind` says how to read `body`; a `key` may occur once in a ledger's whole life."""

    kind: str
    account: str
    body: bytes
    key: str | None = None


@frozen
class StoredEntry:
    """An entry as it stands in the ledger."""

    seq: int
    at: datetime
    kind: str
    account: str
    key: str | None
    body: bytes


def at_ns_of(at: datetime) -> int:
    """Return an aware instant as nanoseconds since 1970 UTC, exact to its microsecond.

    Raises:
        ValueError: `at` is naive.
    """
    if at.tzinfo is None:
        raise ValueError(f"expected an aware instant, found the naive {at.isoformat()}")
    return (at - _EPOCH) // _MICROSECOND * 1000


def rows_from(connection: apsw.Connection, select: str, bindings: tuple[int | str | bytes, ...] = ()) -> list[Row]:
    """Return all rows of a SELECT of the ledger's columns; the STRICT table vouches for their types."""
    return cast("list[Row]", connection.execute(select, bindings).fetchall())


def page_of(kinds: int | None, parts: int) -> str:
    """Return the SELECT of a page of rows: by how many kinds (None: all), and how many parts, one of which is in it."""
    more = "" if kinds is None else f" AND kind IN ({', '.join('?' * kinds)})"
    if parts:
        more += f" AND ({' OR '.join(['instr(body, ?)'] * parts)})"
    return PAGE.format(more=more)


def stored_entry(row: Row) -> StoredEntry:
    seq, at_ns, kind, account, key, body, _ = row
    return StoredEntry(seq, _EPOCH + timedelta(microseconds=at_ns // 1000), kind, account, key, body)


def chained(previous: bytes, seq: int, at_ns: int, kind: str, account: str, key: str | None, body: bytes) -> bytes:
    """Return the chain value of a row: a 32-byte hash of all its columns and of the chain value before it."""
    kind_bytes, account_bytes = kind.encode(), account.encode()
    key_bytes = b"" if key is None else key.encode()
    key_length = -1 if key is None else len(key_bytes)
    head = _HEAD.pack(seq, at_ns, len(kind_bytes), len(account_bytes), key_length, len(body))
    whole = b"".join((previous, head, kind_bytes, account_bytes, key_bytes, body))
    return blake2b(whole, digest_size=_CHAIN_BYTES).digest()


class ChainedRows:
    """The rows of a batch, made one by one as SQLite takes them: when it refuses one, that is the one made last."""

    def __init__(self, entries: Iterable[Entry], at_ns: int, seq: int, chain: bytes) -> None:
        """`seq` and `chain` are those of the row before them, and afterwards of the one made last; `key` its key."""
        self.seq = seq
        self.chain = chain
        self.key: str | None = None
        self._entries = entries
        self._at_ns = at_ns

    def __iter__(self) -> Iterator[Row]:
        at_ns = self._at_ns
        for entry in self._entries:
            self.seq = seq = self.seq + 1
            kind, account, body = entry.kind, entry.account, entry.body
            self.key = key = entry.key
            self.chain = chain = chained(self.chain, seq, at_ns, kind, account, key, body)
            yield seq, at_ns, kind, account, key, body, chain
