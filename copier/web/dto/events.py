"""What the event stream carries beside the shown things themselves."""

from typing import Annotated, Literal

from attrs import frozen

from copier.web.dto.accounts import Position
from copier.web.dto.words import Time, about


@frozen
class Positions:
    """All open positions of an account."""

    account: str
    items: list[Position]


@frozen
class Session:
    """An account came in sight, or went out of it."""

    account: str
    state: Literal["ready", "starting", "lost", "refused"]
    since: Time | None
    why: str | None


@frozen
class Alert:
    """Something that a person should know."""

    at: Time
    kind: Annotated[str, about("As in the table of alerts: `mismatch`, `session.lost`.")]
    account: str
    text: str
    over: Annotated[bool, about("It is no longer so.")]


@frozen
class MismatchEnded:
    """A mismatch is over."""

    link: str
    target: str
    symbol: str
    kind: str


@frozen
class Reset:
    """What was asked for is too old, or too much was missed: read everything anew."""

    why: str
