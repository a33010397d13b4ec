"""`python -m tests.checker --days 500`: simulated days, each decision made again by a second reading of the rules.

The checker sees the rows of each day's ledger, the text of its config and what the targets' books showed, and nothing
else of the product. Exit 1 when it would have decided anything otherwise.
"""

import argparse
import os
import sys
import time
from collections import Counter

from tests.checker.campaign import run_days

ORDERS = (
    *("OpenPosition", "ReducePosition", "ClosePosition", "ReplaceStops", "resend"),
    *("PlaceOrder", "ReplaceOrder", "CancelOrder"),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.checker", description=__doc__)
    parser.add_argument("--days", type=int, default=500, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    given = parser.parse_args()
    if given.days < 1 or given.jobs < 1:
        parser.error("--days and --jobs must be at least 1")
    began, failed, rows, counts = time.monotonic(), 0, 0, Counter[str]()
    for done, verdict in enumerate(run_days(range(given.first, given.first + given.days), given.jobs), 1):
        counts += verdict.counts
        rows += verdict.rows
        if verdict.differences:
            failed += 1
            print(f"\r{verdict}", flush=True)
        if done % 10 == 0 or done == given.days:
            rate = done / (time.monotonic() - began)
            print(f"\r{done} of {given.days} days, {failed} failed, {rate:.1f}/s ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    for title, kinds in groups(counts).items():
        print(f"{title}: {sum(kinds.values())}")
        for kind, count in sorted(kinds.items(), key=lambda pair: (-pair[1], pair[0])):
            print(f"    {kind:24}{count:8}")
    print(f"{given.days} days, {rows} rows, {failed} with something unexplained")
    return 1 if failed else 0


def groups(counts: Counter[str]) -> dict[str, Counter[str]]:
    """Return the counts of orders, of denials, and of everything else."""
    titles = {"orders recomputed": Counter[str](), "denials recomputed": Counter(), "records recomputed": Counter()}
    orders, denials, records = titles.values()
    for kind, count in counts.items():
        group = denials if kind.isupper() else records
        if kind in ORDERS:
            group = orders
        group[kind] = count
    return titles


if __name__ == "__main__":
    sys.exit(main())
