"""Links as they are shown: what each may do now and why, and its source position beside its copies."""

from typing import Annotated, Literal

from attrs import frozen

from copier.web.dto.accounts import Position
from copier.web.dto.copies import Copy
from copier.web.dto.words import Amount, Count, Time, about


@frozen
class Link:
    """One source-to-target pairing."""

    link: Annotated[str, about("Its id, `source->target` unless the config names it otherwise.")]
    source: str
    target: str
    policy: str
    state: Annotated[Literal["active", "close_only", "paused"], about("What it may do, all things considered.")]
    configured: Annotated[Literal["active", "close_only", "paused"], about("What the config says.")]
    lever: Annotated[str | None, about("What an operator set: close_only or paused; null: nothing.")]
    lever_by: str | None
    lever_why: str | None
    held_back: Annotated[bool, about("A mismatch whose policy says so lets it only close.")]
    open_now: Annotated[bool, about("Its schedule takes new risk now; true without a schedule.")]
    open_until: Annotated[Time | None, about("When that answer ends; null: never, or nobody knows.")]
    closed_why: str | None
    schedule: str | None
    copies: Annotated[Count, about("Copies that hold something.")]
    waiting: Annotated[Count, about("Copies that wait for a reason to clear.")]
    volume: Annotated[Amount, about("Lots that its copies hold or will hold.")]
    mismatches: Count


@frozen
class SideBySide:
    """A source position and what the link made of it; null on the left where the source no longer holds it."""

    source: Position | None
    copy: Annotated[Copy | None, about("Null: nothing has been decided about it yet.")]
    target: Annotated[list[Position], about("What the copy holds at the target, as its books show it.")]
