"""`python -m tests.fuzz --inputs 1000000`: every decoder, one after the other on each core; exit 1 on a finding."""

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor

from tests.fuzz.campaign import attack_named
from tests.fuzz.decoders import DECODERS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="per decoder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    parser.add_argument("--only", help=f"one of {', '.join(decoder.name for decoder in DECODERS)}")
    given = parser.parse_args()
    names = [decoder.name for decoder in DECODERS if given.only in (None, decoder.name)]
    if given.inputs < 1 or not names:
        parser.error("--inputs must be at least 1, and --only the name of a decoder")
    failed = 0
    with ProcessPoolExecutor(given.jobs, max_tasks_per_child=1) as pool:
        for result in pool.map(attack_named, names, [given.inputs] * len(names), [given.seed] * len(names)):
            failed += bool(result.findings)
            print(
                f"{result.decoder:19} {result.inputs:9} inputs, {result.taken / result.inputs:4.0%} taken"
                f" {result.seconds:7.1f} s   slowest {result.slowest_s * 1000:6.2f} ms   grown {result.grown_kb:6} kB",
                flush=True,
            )
            for finding in result.findings:
                print(finding, flush=True)
    print(f"{len(names)} decoders, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
