"""`make bench`: measure the copier on this machine, print tables, write `bench/results/*.json`."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a file, this folder is not the project's

import trio

from bench import deciding, fan_out, sessions, socket_deaf, socket_fan_out, socket_trades, starting, wire_to_wire
from bench.parts import machine


def main() -> None:
    """Run what the command line names; all of it by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="about six minutes instead of twenty; the numbers are rougher"
    )
    parser.add_argument("parts", nargs="*", help="wire, decide, start, sessions, sockets; all without any")
    asked = parser.parse_args()
    parts = asked.parts or ["wire", "decide", "start", "sessions", "sockets"]
    print(", ".join(f"{key} {value}" for key, value in machine().items()))
    if "wire" in parts:
        rounds, samples, burst = (3, 50, 300) if asked.quick else (3, 200, 600)
        trio.run(wire_to_wire.measure, rounds, samples, burst)
    if "decide" in parts:
        trio.run(deciding.measure, 2_000 if asked.quick else 10_000)
        trio.run(fan_out.measure)
    if "start" in parts:
        trio.run(starting.measure)
    if "sessions" in parts:
        rounds, messages, paced, accounts = (2, 2_000, 100, 100) if asked.quick else (5, 4_000, 300, 500)
        trio.run(sessions.measure, rounds, messages, paced, accounts)
    if "sockets" in parts:
        rounds, messages, paced = (2, 50, 15) if asked.quick else (5, 200, 30)
        socket_fan_out.measure(rounds, messages, paced)
        socket_deaf.measure(5 if asked.quick else 9)
        trio.run(socket_trades.measure, *((2, 8) if asked.quick else (6, 20)))


if __name__ == "__main__":
    main()
