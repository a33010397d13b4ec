"""What 100 of 1,000 readers of the Socket API that never read change for the 900 that do, in turns with and without."""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.parts import HARNESS_CPU, RESULTS, median, percentile, save, show_table
from bench.socket_fan_out import DECISIONS, READERS, Server, our_server
from bench.socket_readers import PATH, Readers, allow_files, greeting

DEAF = READERS // 10
MESSAGES = 20
GOAL = 1.2
REST_S = 0.5
STUFFING = b'"' + b"x" * 16_384 + b'"'
STUFFED = 40
"""Of these, which only deaf readers get: more than their buffers hold, less than what has them cut at once."""
CUT_S_MAX = 30.0


def measure(rounds: int) -> None:
    """Measure, print and save."""
    os.sched_setaffinity(0, {HARNESS_CPU})
    allow_files()
    RESULTS.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="deaf-", dir=RESULTS))
    found: dict[str, Any] = {"without": [], "beside": [], "cut_too_early": 0}
    try:
        with our_server(folder, READERS - DEAF) as server:
            server.pace(MESSAGES)  # warms up
            for number in range(rounds):
                found["without"].append(percentile(_after_rest(server), 0.99))
                found["beside"].append(percentile(_beside(server, found, last=number == rounds - 1), 0.99))
                print(f"round {number + 1} of {rounds} with and without deaf readers done", file=sys.stderr)
    finally:
        shutil.rmtree(folder)
    report(found)


def _after_rest(server: Server) -> list[float]:
    server.readers.heard = lambda at, now: None
    until = time.perf_counter() + REST_S
    while (left := until - time.perf_counter()) > 0:
        server.readers.poll(left)
    return server.pace(MESSAGES)


def _beside(server: Server, found: dict[str, Any], *, last: bool) -> list[float]:
    """Return the latencies beside deaf readers; the last ones stay until the server cuts them."""
    server.readers.heard = lambda at, now: None
    both = (*greeting(DECISIONS), "SUBSCRIBE\nid:sub-1\ndestination:/user/queue/limits\n\n\0")
    deaf = Readers(server.readers.port, PATH, both)
    deaf.connect(DEAF, deaf=True)
    begun = time.perf_counter()
    for _ in range(STUFFED):
        server.publish(STUFFING)
        server.readers.poll(0.02)
    taken = _after_rest(server)
    deaf.poll(0)
    found["cut_too_early"] += deaf.gone
    if last:
        while deaf.gone < DEAF and time.perf_counter() - begun < CUT_S_MAX:
            server.readers.poll(0.01)
            deaf.poll(0.01)
        found["cut"], found["cut_s"] = deaf.gone, time.perf_counter() - begun
    deaf.close()
    return taken


def report(found: dict[str, Any]) -> None:
    """Print the table and save it; the ratio is the median of the rounds' ratios."""
    ratios = [beside / without for without, beside in zip(found["without"], found["beside"], strict=True)]
    rows = [
        ("p99 of the others without, ms", median(found["without"]), ""),
        (f"p99 beside {DEAF} that never read, ms", median(found["beside"]), ""),
        ("beside / without, <=", median(ratios), GOAL),
    ]
    show_table(f"{READERS - DEAF} readers, {len(ratios)} rounds", ("what", "measured", "goal"), rows)
    print("ratio by round: " + ", ".join(f"{ratio:.2f}" for ratio in ratios))
    print(f"cut before they had been measured beside: {found['cut_too_early']}")
    print(f"{found['cut']} of {DEAF} readers that never read were cut, the last after {found['cut_s']:.0f} s")
    save("socket_deaf", {**found, "ratios": ratios})
