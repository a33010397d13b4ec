"""Links as they are shown: what each may do now and why, and its source position beside its copies."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

from copier.ledger.records import LeverRecord
from copier.web.dto.accounts import Position
from copier.web.dto.copies import Copy
from copier.web.dto.words import Amount, Count, Time, about, utc
from rules.model import copies
from rules.model.copies import CopyStatus
from rules.model.frozen import frozen
from rules.model.levers import SetLink
from rules.model.values import plain
from rules.policy.links import CopyLink, LinkState
from rules.times.schedule import Closed


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


def link_of(
    link: CopyLink,
    state: LinkState,
    *,
    held_back: bool,
    lever: LeverRecord | None,
    own: Iterable[copies.Copy],
    mismatches: int,
    now: datetime,
) -> Link:
    """Return a link as it is shown: `state` is what it may do, `own` are its copies, `lever` what is set on it."""
    own, schedule = list(own), link.policy.schedule
    window = None if schedule is None else schedule.state(now)
    set_to = lever.lever if lever is not None and isinstance(lever.lever, SetLink) else None
    return Link(
        link=link.link_id,
        source=link.source,
        target=link.target,
        policy=link.policy.name,
        state=state.value,
        configured=link.state.value,
        lever=None if set_to is None else set_to.state.value,
        lever_by=None if lever is None else lever.by,
        lever_why=None if lever is None else lever.why,
        held_back=held_back,
        open_now=not isinstance(window, Closed),
        open_until=None if window is None else utc(window.until),
        closed_why=window.why if isinstance(window, Closed) else None,
        schedule=None if schedule is None else schedule.name,
        copies=sum(copy.holds for copy in own),
        waiting=sum(copy.status is CopyStatus.WAITING or copy.wait_until is not None for copy in own),
        volume=plain(sum((copy.expected for copy in own), copies.ZERO)),
        mismatches=mismatches,
    )
