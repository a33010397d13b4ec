"""A running service on a real port, and the service as the terminal asks it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import trio

from adapters.secret import Secret
from adapters.transport.network import connect_tcp
from copier.clock import utc_now
from copier.config.listen import Listen
from copier.terminal.remote import Remote
from copier.web.key_file import Key, change_keys, hash_of, keys_path, with_key
from copier.web.principal import KeyScope
from copier.web.serve import serve_surface
from rules.model.frozen import frozen
from tests.copier.web.clients import WORLD, Client
from tests.copier.web.running import running_surface

OPERATOR_KEY = "copier_operator-of-the-tests"
READER_KEY = "copier_reader-of-the-tests"


@frozen
class Served:
    """The service, who trades at its sources, and where it listens."""

    client: Client
    url: str

    def remote(self, key: str = OPERATOR_KEY) -> Remote:
        return Remote(self.url, Secret(key), connect=connect_tcp)


@asynccontextmanager
async def served(folder: Path, text: str = WORLD, port: int = 0) -> AsyncIterator[Served]:
    """Serve for the length of the block; a second block in the same folder is a restart."""
    path = keys_path(folder / "copier.db")
    if not path.exists():
        for name, secret, scopes in (
            ("operator", OPERATOR_KEY, tuple(KeyScope)),
            ("reader", READER_KEY, (KeyScope.READ,)),
        ):
            change_keys(path, partial(with_key, key=Key(name, hash_of(secret), scopes, None, utc_now())))
    async with running_surface(folder, text) as surface, trio.open_nursery() as nursery:
        url = await nursery.start(serve_surface, surface, Listen("127.0.0.1", port))
        yield Served(await Client(surface).ready(), url.rstrip("/"))
        nursery.cancel_scope.cancel()
