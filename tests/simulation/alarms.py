"""Judges the mismatches that the service still tells of in the end: by then the books are as they should be.

What the venue rejected and what the target closed by itself goes on missing, and a person may have changed stops; of
anything else nothing is left to tell.
"""

from collections.abc import Iterable, Iterator

from copier.telling.wording import mismatch_words
from rules.books.mismatch import Mismatch, MismatchKind


def false_alarms(mismatches: Iterable[Mismatch]) -> Iterator[str]:
    """Yield a finding for each mismatch that nothing in a settled world is behind."""
    for each in mismatches:
        known = each.kind is MismatchKind.STOPS or (each.why and each.kind is not MismatchKind.UNEXPECTED)
        if not known or each.kind is MismatchKind.SIDE:
            yield f"{each.link_id}: told as a mismatch in the end: {mismatch_words(each)}"
