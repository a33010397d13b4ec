"""What is said where there is no browser: as the reason of each skip, and once more at the end of the run."""

from collections.abc import Iterable
from typing import Any

NO_BROWSER = "no browser: `apt-get install chromium`, or another way to have `chromium` on the PATH"


def skipped_for_it(reports: Iterable[Any]) -> int:
    """Return how many tests were skipped because there is no browser."""
    return sum(NO_BROWSER in str(report.longrepr) for report in reports)
