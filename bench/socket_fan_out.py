"""The Socket API's fan-out to 1,000 readers beside RabbitMQ's."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field

from bench.parts import (
    HARNESS_CPU,
    RELAY_CPU,
    RESULTS,
    free_port,
    median,
    percentile,
    save,
    show_table,
    start_program,
)
from bench.socket_readers import PATH, Readers, allow_files, frame, greeting

READERS = 1_000
BODY_BYTES = 300
WINDOW = 8
PACE_S = 0.1
GOAL_RATE, GOAL_CPU = 2.0, 1 / 3
DECISIONS = "/user/queue/decisions"

RABBIT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
EPMD = "epmd"
RABBIT_GREETING = (
    "CONNECT\naccept-version:1.2\nheart-beat:0,0\nhost:/\nlogin:guest\npasscode:guest\n\n\0",
    "SUBSCRIBE\nid:sub-0\ndestination:/topic/bench\nreceipt:r\nack:auto\n\n\0",
)


def body() -> bytes:
    """Return a message that tells when it was made."""
    head = b'{"type":"Decision","sent":"@T%d@","pad":"' % time.perf_counter_ns()
    return head + b"x" * (BODY_BYTES - len(head) - 2) + b'"}'


@define
class Server:
    """A server under test, with its readers. `publish` sends one message to all of them."""

    name: str
    readers: Readers
    publish: Callable[[bytes], None]
    pid: int
    rates: list[float] = field(factory=list)
    cpu_us: list[float] = field(factory=list)
    p50_ms: list[float] = field(factory=list)
    p99_ms: list[float] = field(factory=list)

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def flood(self, messages: int) -> None:
        """Keep `WINDOW` messages under way, each until its last reader has it."""
        arrived: dict[int, int] = {}
        sent = done = 0

        def heard(at: int, _: int) -> None:
            nonlocal sent, done
            arrived[at] = arrived.get(at, 0) + 1
            if arrived[at] == READERS:
                del arrived[at]
                done += 1
                if sent < messages:
                    sent += 1
                    self.publish(body())

        self.readers.heard = heard
        cpu_s, begun = self.cpu_s(), time.perf_counter()
        for _ in range(WINDOW):
            sent += 1
            self.publish(body())
        while done < messages:
            assert time.perf_counter() - begun < 120, "the flood does not end"
            self.readers.poll(1.0)
        elapsed, deliveries = time.perf_counter() - begun, messages * READERS
        self.rates.append(deliveries / elapsed)
        self.cpu_us.append((self.cpu_s() - cpu_s) / deliveries * 1e6)

    def pace(self, messages: int) -> list[float]:
        """Publish one message after the other; return every delivery's latency in ms."""
        expected = messages * self.readers.count
        taken: list[float] = []
        self.readers.heard = lambda at, now: taken.append((now - at) / 1e6)
        due = time.perf_counter()
        for _ in range(messages):
            self.publish(body())
            due += PACE_S
            while (left := due - time.perf_counter()) > 0:
                self.readers.poll(left)
        deadline = time.perf_counter() + 10
        while len(taken) < expected and time.perf_counter() < deadline:
            self.readers.poll(0.1)
        assert len(taken) == expected, f"expected {expected} deliveries, found {len(taken)}"
        return taken


@contextmanager
def our_server(folder: Path, count: int = READERS) -> Iterator[Server]:
    """Start the Socket API with its readers."""
    process = start_program(str(folder), module="bench.socket_server")
    try:
        assert process.stdout is not None
        port, lines_port = map(int, process.stdout.readline().split())
        readers = Readers(port, PATH, greeting(DECISIONS))
        readers.connect(count)
        lines = socket.create_connection(("127.0.0.1", lines_port))
        yield Server("Socket API", readers, lambda text: lines.sendall(text + b"\n"), process.pid)
        lines.close()
        readers.close()
    finally:
        process.terminate()
        process.wait()


@contextmanager
def rabbit(folder: Path) -> Iterator[Server | None]:
    """Start RabbitMQ on one processor with its readers; None where it is not installed."""
    if not RABBIT.exists():
        print("no RabbitMQ: `apt-get install rabbitmq-server`; its rows are left out", file=sys.stderr)
        yield None
        return
    port, tcp_port, dist_port, map_port = (free_port() for _ in range(4))
    (folder / "enabled_plugins").write_text("[rabbitmq_web_stomp].\n")
    (folder / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = 127.0.0.1:{tcp_port}\nweb_stomp.tcp.ip = 127.0.0.1\nweb_stomp.tcp.port = {port}\n"
    )
    environment = {
        **os.environ,
        "HOME": str(folder),
        "RABBITMQ_NODENAME": "bench@localhost",
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_DIST_PORT": str(dist_port),
        "ERL_EPMD_PORT": str(map_port),
        "ERL_EPMD_RELAXED_COMMAND_CHECK": "1",  # else it refuses to end while it remembers a node
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
    }
    process = subprocess.Popen([str(RABBIT)], env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    os.sched_setaffinity(process.pid, {RELAY_CPU})
    try:
        _wait_for(port)
        readers = Readers(port, "/ws", RABBIT_GREETING)
        readers.connect(READERS)
        publisher = Readers(port, "/ws", RABBIT_GREETING[:1], ready=b"CONNECTED")
        (line,) = publisher.connect(1)

        def publish(text: bytes) -> None:
            line.sendall(frame(f"SEND\ndestination:/topic/bench\n\n{text.decode()}\0"))

        pid = int((folder / "pid").read_text())
        yield Server("RabbitMQ web_stomp", readers, publish, pid)
        readers.close()
        publisher.close()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        # Erlang's map of ports is a daemon that outlives its node.
        subprocess.run([EPMD, "-kill"], env=environment, stdout=subprocess.DEVNULL, timeout=10, check=True)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "RabbitMQ does not start"
            time.sleep(0.2)
        else:
            return


def measure(rounds: int, messages: int, paced: int) -> None:
    """Measure, print and save."""
    os.sched_setaffinity(0, {HARNESS_CPU})
    allow_files()
    RESULTS.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="sockets-", dir=RESULTS))
    try:
        for each in ("ours", "rabbit"):
            (folder / each).mkdir()
        with our_server(folder / "ours") as ours, rabbit(folder / "rabbit") as theirs:
            servers = [server for server in (ours, theirs) if server is not None]
            for number in range(rounds + 1):
                for server in servers:
                    server.flood(messages)
                    taken = server.pace(paced)
                    server.p50_ms.append(percentile(taken, 0.5))
                    server.p99_ms.append(percentile(taken, 0.99))
                print(f"round {number} of {rounds} done", file=sys.stderr)
            for server in servers:  # the first round warms up
                for each in (server.rates, server.cpu_us, server.p50_ms, server.p99_ms):
                    del each[0]
    finally:
        shutil.rmtree(folder)
    report(servers)


def report(servers: list[Server]) -> None:
    """Print the tables and save them."""
    rows = [
        (each.name, median(each.rates), median(each.cpu_us), median(each.p50_ms), median(each.p99_ms))
        for each in servers
    ]
    title = f"{READERS:,} readers, {BODY_BYTES} bytes, one processor"
    show_table(title, ("server", "deliveries/s", "CPU us", "p50 ms", "p99 ms"), rows)
    saved: dict[str, Any] = {}
    for each in servers:
        saved[each.name] = {
            "rates": each.rates,
            "cpu_us": each.cpu_us,
            "p50_ms": each.p50_ms,
            "p99_ms": each.p99_ms,
        }
    if len(servers) == 2:
        ours, theirs = servers
        goals = [
            ("deliveries/s, ours / RabbitMQ, >=", median(ours.rates) / median(theirs.rates), GOAL_RATE),
            ("CPU a delivery, ours / RabbitMQ, <=", median(ours.cpu_us) / median(theirs.cpu_us), GOAL_CPU),
        ]
        show_table("Against the goals", ("what", "measured", "goal"), goals)
    save("socket_fan_out", saved)
