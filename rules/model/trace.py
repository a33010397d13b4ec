"""How a decision came about: which rule said what, with which numbers. Part of every decision, kept in the ledger."""

from datetime import datetime
from typing import TypeAlias

from rules.model.frozen import frozen
from rules.model.reasons import Reason

Numbers: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values as text, in the order in which a person wants to read them."""


@frozen
class Note:
    """A rule that let the copy pass, or changed it; `outcome` says which in a few words."""

    rule: str
    outcome: str
    numbers: Numbers = ()


@frozen
class Denied:
    """A rule that said no, for good unless the reason waits and `until` has not come."""

    rule: str
    reason: Reason
    numbers: Numbers = ()
    until: datetime | None = None
    """When the answer can change by itself (a schedule's next edge); None when it is not known."""


Trace: TypeAlias = tuple[Note | Denied, ...]
