"""Mismatches as they are shown: where a target differs from what its link wants there."""

from typing import Annotated, Literal

from copier.telling.wording import mismatch_words
from copier.web.dto.words import Amount, about
from rules.books import mismatch as rules_mismatch
from rules.model.frozen import frozen
from rules.model.values import plain


@frozen
class Mismatch:
    """A lasting difference of one link in one instrument. Signed lots: > 0 long, < 0 short."""

    link: str
    target: str
    symbol: Annotated[str, about("The target's name of the instrument.")]
    kind: Literal["missing", "unexpected", "volume", "side", "stops", "pending"]
    severity: Literal["info", "warning", "critical"]
    desired: Amount
    observed: Amount
    lots: Annotated[Amount, about("How many lots are concerned, >= 0.")]
    source_positions: list[str]
    why: Annotated[str, about("What is known of the reason; may be empty.")]
    says: str


def mismatch_of(mismatch: rules_mismatch.Mismatch) -> Mismatch:
    """Return a mismatch as it is shown."""
    return Mismatch(
        link=mismatch.link_id,
        target=mismatch.target,
        symbol=mismatch.symbol,
        kind=mismatch.kind.value,
        severity=mismatch.severity.value,
        desired=plain(mismatch.desired),
        observed=plain(mismatch.observed),
        lots=plain(mismatch.lots),
        source_positions=list(mismatch.positions),
        why=mismatch.why,
        says=mismatch_words(mismatch),
    )
