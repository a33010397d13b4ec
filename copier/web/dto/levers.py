"""Levers as they are shown, and what a command says and is answered."""

from typing import Annotated, Literal

from msgspec import Meta

from copier.ledger.records import LeverRecord
from copier.web.dto.words import about
from rules.model.frozen import frozen
from rules.model.levers import SetAccount, SetLink

REASON_MAX = 500
"""Characters of a reason: more than anybody types, and a few lines of the ledger."""


@frozen
class Lever:
    """What an operator set by hand and nobody lifted."""

    kind: Literal["link", "account"]
    subject: Annotated[str, about("The link or the account.")]
    state: Annotated[
        Literal["active", "close_only", "paused", "halted", "flat"], about("`active`: it was lifted, in events only.")
    ]
    by: Annotated[str, about("Who: the name of an API key, or of a user of the machine.")]
    why: str


def lever_of(record: LeverRecord) -> Lever | None:
    """Return a lever as it is shown; None where it is of a single position or limit, which stays not in force."""
    lever = record.lever
    if isinstance(lever, SetLink):
        return Lever("link", lever.link_id, lever.state.value, record.by, record.why)
    if isinstance(lever, SetAccount):
        return Lever("account", lever.account, lever.state.value, record.by, record.why)
    return None


Reason = Annotated[
    str, Meta(min_length=1, max_length=REASON_MAX, description="Why you do it; it is kept in the ledger.")
]


@frozen
class Command:
    """What a lever needs."""

    reason: Reason


@frozen
class ConfirmedCommand:
    """What a lever needs that moves money, or that lets money be lost."""

    reason: Reason
    confirm: Annotated[
        str,
        Meta(max_length=200, description="The subject again: the account, position or limit."),
    ]


ALERTS_MAX = 200
"""Alerts of one command: more than a person looks through at once, and with a note they fit the control socket."""


@frozen
class Acknowledge:
    """Which alerts somebody has seen."""

    alerts: Annotated[
        list[Annotated[int, Meta(ge=1, le=2**53 - 1)]],
        Meta(min_length=1, max_length=ALERTS_MAX, description="Each by its `seq`."),
    ]
    note: Annotated[
        str, Meta(max_length=REASON_MAX, description="What else there is to say; it is kept in the ledger.")
    ] = ""


@frozen
class Done:
    """What a lever did; it is durable."""

    says: str
