"""`python -m tests.api --cases 5000`: schemathesis against the API for at least so many cases; exit 1 on a finding."""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

import trio

from copier.telling.logs import configure_logs
from tests.api.campaign import run_campaign

EXAMPLES = 120
"""Of each endpoint and kind, a round: a few thousand cases in some minutes."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.api", description=__doc__)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    configure_logs("error")
    cases, errors, failed, seed = 0, 0, 0, given.seed
    statuses: Counter[int] = Counter()
    while cases < given.cases:
        with tempfile.TemporaryDirectory() as folder:
            done = trio.run(run_campaign, Path(folder), EXAMPLES, seed)
        cases, errors = cases + done.cases, errors + done.server_errors
        failed += done.failed or bool(done.errors)
        statuses += done.statuses
        print(f"seed {seed}: {done.cases} cases, {'findings' if done.failed else 'no finding'}", flush=True)
        if done.failed or done.errors:
            print(done.output, *done.errors, sep="\n")
        if not done.cases:
            break  # it did not even begin; its output says why
        seed += 1
    answered = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    print(f"{cases} cases, {errors} server errors, {failed} rounds with findings ({answered})")
    return 1 if failed or errors or cases < given.cases else 0


if __name__ == "__main__":
    sys.exit(main())
