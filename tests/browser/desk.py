"""A whole copier for a browser to look at: a simulated venue and `copier run`, each a process, and a person's hands."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from attrs import define, field

from copier.ledger.codec import encode
from copier.ledger.ledger import Entry, Ledger
from copier.ledger.records import AlertRecord
from copier.web.store import Store, store_path
from rules.model.values import AccountId
from tests.peers.programs import running

ROOT = Path(__file__).parents[2]

# A cold start of Python on a machine that runs other tests takes seconds.
START_S_MAX = 60.0
END_S_MAX = 20.0

SOURCE, SMALL, LARGE = "L#700001", "L#700002", "L#700003"

_CONFIG = """\
[service]
ledger = "sqlite:copier.db"
reconcile_every = "1s"
listen = "127.0.0.1:{port}"

[accounts.master]
{source}
[accounts.small]
{small}
[accounts.large]
{large}

[symbols.plain]
map = [
  {{ match = 'BTC.*', deny = true }},
  {{ match = '(.*)', to = '\\1' }},
]

[policies.half]
size = {{ multiplier = 0.5 }}
symbols = "plain"
guard = {{ max_age = "10m" }}
stops = {{ mode = "price" }}
on_start = {{ open = "copy", max_age = "10m" }}
per_symbol = [{{ match = 'XAU.*', approval = true }}]

[[links]]
source = "master"
targets = ["small", "large"]
policy = "half"

[[limits]]
account = "small"
kind = "daily_loss"
amount = "4 %"
reset = "17:00 America/New_York"

[[limits]]
account = "large"
kind = "max_loss"
amount = "10 %"
initial_balance = 100000
"""


@define
class Venue:
    """A simulated venue behind its control API."""

    origin: str
    tables: dict[str, str]

    def ask(self, what: str, **keys: str) -> Any:
        """Do something at the venue, as a person at its terminal would."""
        request = urllib.request.Request(
            f"{self.origin}/control/{what}", json.dumps(keys).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def open(self, symbol: str, side: str, volume: str, **keys: str) -> str:
        """Open a position on the source; return its id."""
        opened = self.ask("open", account=SOURCE, symbol=symbol, side=side, volume=volume, **keys)
        return str(opened["order"]["position_id"])

    def close(self, position_id: str) -> None:
        self.ask("close", account=SOURCE, position_id=position_id)

    def quote(self, symbol: str, bid: str, ask: str) -> None:
        self.ask("quote", symbol=symbol, bid=bid, ask=ask)

    def symbols(self) -> list[str]:
        with urllib.request.urlopen(f"{self.origin}/control/quotes", timeout=30) as answer:
            return [str(each["symbol"]) for each in json.load(answer)["quotes"]]

    def positions(self, account: str) -> list[Any]:
        query = account.replace("#", "%23")
        with urllib.request.urlopen(f"{self.origin}/control/book?account={query}", timeout=30) as answer:
            return list(json.load(answer)["positions"])


@define
class Desk:
    """The copier on one ledger; it can be ended and started again on the same port."""

    folder: Path
    venue: Venue
    port: int
    key: str = ""
    guest_key: str = ""
    _process: "subprocess.Popen[bytes] | None" = field(default=None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def file(self) -> Path:
        return self.folder / "copier.toml"

    def command(self, *arguments: str) -> str:
        """Run a command of `copier` to its end; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "copier", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=START_S_MAX,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def make_key(self, name: str = "desk", scope: str = "operate") -> str:
        """Make a key as an operator does; the first one is the desk's own."""
        key = self.command("keys", "add", name, str(self.file), "--scope", scope).split()[-1]
        self.key = self.key or key
        return key

    def remember_equity(self, account: str, minutes: int = 180) -> None:
        """Leave an equity curve as an earlier run would: 90,010 to 100,010 and back, the last point a minute ago.

        No test trades down to its lowest point: what is sampled meanwhile leaves that where it is.
        """
        store, now = Store(store_path(self.folder / "copier.db")), datetime.now(UTC)
        for minute in range(minutes, 0, -1):
            equity = Decimal(100_010 - 500 * abs(minute % 40 - 20))
            store.sample({AccountId(account): (Decimal(100_000), equity)}, now - timedelta(minutes=minute))
        store.close()

    def remember_alerts(self, *texts: str) -> None:
        """Leave alerts about the small account in the ledger, as an earlier run would: the first a day ago."""
        ledger, at = Ledger.open(self.folder / "copier.db"), datetime.now(UTC) - timedelta(days=1)
        for number, text in enumerate(texts):
            record = AlertRecord("orphan", text, AccountId("small"))
            ledger.append([Entry("alert", "small", encode(record))], at + timedelta(minutes=number))
        ledger.close()

    def revoke_key(self, name: str) -> None:
        self.command("keys", "revoke", name, str(self.file))

    def start(self) -> None:
        """Start the service and wait until it says that all is in order."""
        with (self.folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "copier", "run", str(self.file)], cwd=ROOT, stdout=log, stderr=log
            )
        until(self._ready, START_S_MAX, lambda: (self.folder / "log.txt").read_text()[-2000:])

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log.txt").read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def end(self) -> None:
        """End the service as an operator does."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(END_S_MAX)
            finally:
                self._process.kill()
                self._process.wait()


@contextmanager
def open_desk(folder: Path, suffix: str = "") -> Iterator[Desk]:
    """Serve a venue, run a copier on it, and end both with the block."""
    simulate = [sys.executable, "-m", "copier", "simulate", "tradelocker", "--accounts", "3", "--still"]
    with running([*simulate, f"--suffix={suffix}"]) as said:
        venue = Venue(said["origin"], said["accounts"])
        desk = Desk(folder, venue, free_port())
        tables = {"source": SOURCE, "small": SMALL, "large": LARGE}
        tables = {name: venue.tables[account] for name, account in tables.items()}
        desk.file.write_text(_CONFIG.format(port=desk.port, **tables), encoding="utf-8")
        desk.file.chmod(0o600)
        try:
            yield desk
        finally:
            desk.end()


def free_port() -> int:
    """Return a port that nobody listens at; a service that is started anew needs the one that it had."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def until(condition: Callable[[], bool], within_s: float, said: Callable[[], str] = lambda: "") -> None:
    """Wait until the condition holds."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, f"not within {within_s:g} s. {said()}"
        time.sleep(0.05)
