"""Names of sockets that nobody else has: a function of account, moment and count, so that a run can be replayed."""

import hashlib
from datetime import datetime

from rules.model.frozen import frozen


@frozen
class SocketName:
    """What a socket is called: `client_id` at its opening (it keeps us on one server), `session_id` in `subscribe`."""

    client_id: str
    session_id: str


def socket_name(account_id: str, at: datetime, which: str) -> SocketName:
    """Return the name of the socket that this process opens `at` that moment; `which` tells it from its others."""
    purpose = "\x1f".join((account_id, at.isoformat(), which))
    digest = hashlib.blake2b(purpose.encode(), digest_size=16).hexdigest()
    return SocketName(f"0.{int(digest[:8], 16):010d}", digest)
