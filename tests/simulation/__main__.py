"""`python -m tests.simulation --seeds 1000`: many seeds, with a line of progress; exit 1 when one fails."""

import argparse
import os
import sys
import time

from tests.simulation.campaign import Asked, kept_seeds, run_seeds
from tests.simulation.kinds import KINDS, METACOPIER, TRADELOCKER


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    parser.add_argument("--venues", help=f"the kinds of both brokers' venues, two of {', '.join(KINDS)}: one,two")
    parser.add_argument("--without-orders", action="store_true", help="nobody has pending orders")
    given = parser.parse_args()
    if given.seeds < 1 or given.jobs < 1:
        parser.error("--seeds and --jobs must be at least 1")
    venues = None if given.venues is None else tuple(given.venues.split(","))
    if venues is not None and (len(venues) != 2 or not set(venues) <= set(KINDS)):
        parser.error(f"--venues must be two of {', '.join(KINDS)}, such as {METACOPIER},{TRADELOCKER}")
    orders = False if given.without_orders else None
    seeds: list[Asked] = [(seed, venues, orders) for seed in range(given.first, given.first + given.seeds)]
    if given.first == 0 and venues is None:
        seeds = kept_seeds() + seeds
    began, failed = time.monotonic(), 0
    for done, verdict in enumerate(run_seeds(seeds, given.jobs), 1):
        if verdict.findings:
            failed += 1
            print(f"\r{verdict}", flush=True)
        if done % 10 == 0 or done == len(seeds):
            rate = done / (time.monotonic() - began)
            print(
                f"\r{done} of {len(seeds)} seeds, {failed} failed, {rate:.1f}/s ", end="", file=sys.stderr, flush=True
            )
    print(file=sys.stderr)
    print(f"{len(seeds)} seeds, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
