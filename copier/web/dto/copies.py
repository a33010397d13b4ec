"""Copies as they are shown: what a link did about one source position, and the target orders behind it."""

from typing import Annotated, Literal

from copier.telling.wording import copy_words
from copier.web.dto.words import Amount, Count, Time, about, amount
from rules.model import copies
from rules.model.events import Origin
from rules.model.frozen import frozen
from rules.model.values import plain


@frozen
class Leg:
    """One target order and the position that came of it."""

    number: Count
    order: Annotated[str, about("The id that we gave it.")]
    stage: Literal["opening", "working", "open", "closed", "rejected", "gone"]
    symbol: str
    side: Literal["buy", "sell"]
    position: Annotated[str | None, about("The target's id of its position.")]
    asked: Annotated[Amount, about("Lots that were asked for at opening.")]
    held: Annotated[Amount, about("Lots that it holds now.")]
    open_price: Amount | None
    stop_loss: Annotated[Amount | None, about("What we last asked for; likewise the take-profit.")]
    take_profit: Amount | None
    under_way: Annotated[str | None, about("The id of its order without an answer; null: none.")]
    under_way_for: Literal["open", "reduce", "close", "stops", "place", "replace", "cancel"] | None
    outcome_unknown: Annotated[bool, about("The answer was lost; the venue's books will tell.")]
    retry_at: Annotated[Time | None, about("When what was refused or could not be sent is tried again.")]


@frozen
class Copy:
    """What a link did about a source position. All volumes are lots of the target."""

    link: str
    source: str
    source_position: str
    source_order: Annotated[str | None, about("The source's pending order that it mirrors; null: a position's copy.")]
    symbol: Annotated[str, about("The source's name of the instrument.")]
    side: Literal["buy", "sell"]
    state: Annotated[str, about("How it stands, in a few words.")]
    target: str
    volume: Annotated[Amount, about("Lots that it will hold when what is under way has been done.")]
    positions: Annotated[list[str], about("The target's ids of what it holds.")]
    orders_under_way: list[str]
    status: Literal["waiting", "active", "ended"]
    ending: Literal["denied", "rejected", "source_closed", "target_closed", "flattened", "handed_over"] | None
    reason: Annotated[str | None, about("The code of the denial that keeps it waiting or ended it.")]
    reason_meaning: str | None
    target_symbol: str | None
    granted: Annotated[Amount, about("The most lots that the gates have allowed so far.")]
    flatten: Annotated[str | None, about("Why everything of it must be closed although the source is open.")]
    opened_at: Annotated[Time, about("When the source opened it.")]
    first_seen_at: Time
    found: Annotated[bool, about("It was found, at start or after a gap, rather than seen to open.")]
    wait_until: Time | None
    close_at: Annotated[Time | None, about("Its source closed; its own close waits until then, by its policy.")]
    approved: bool
    legs: list[Leg]


def copy_of(copy: copies.Copy) -> Copy:
    """Return a copy as it is shown."""
    return Copy(
        link=copy.link_id,
        source=copy.source,
        source_position=copy.source_position_id,
        source_order=None if copy.order is None else copy.order.order_id,
        symbol=copy.source_symbol,
        side=copy.side.value,
        state=copy_words(copy),
        target=copy.target,
        volume=plain(copy.expected),
        positions=[leg.position_id for leg in copy.legs if leg.live and leg.position_id is not None],
        orders_under_way=[leg.pending.cl_ord_id for leg in copy.legs if leg.pending is not None],
        status=copy.status.value,
        ending=None if copy.ending is None else copy.ending.value,
        reason=None if copy.reason is None else copy.reason.value,
        reason_meaning=None if copy.reason is None else copy.reason.meaning,
        target_symbol=copy.target_symbol,
        granted=plain(copy.granted),
        flatten=copy.flatten,
        opened_at=copy.opened_at,
        first_seen_at=copy.first_seen_at,
        found=copy.origin is Origin.RECONCILED,
        wait_until=copy.wait_until,
        close_at=copy.close_at,
        approved=copy.approved,
        legs=[_leg_of(leg) for leg in copy.legs],
    )


def _leg_of(leg: copies.Leg) -> Leg:
    pending = leg.pending
    return Leg(
        number=leg.number,
        order=leg.cl_ord_id,
        stage=leg.stage.value,
        symbol=leg.symbol,
        side=leg.side.value,
        position=leg.position_id,
        asked=plain(leg.volume),
        held=plain(leg.held),
        open_price=amount(leg.open_price),
        stop_loss=amount(leg.stop_loss),
        take_profit=amount(leg.take_profit),
        under_way=None if pending is None else pending.cl_ord_id,
        under_way_for=None if pending is None else pending.purpose.value,
        outcome_unknown=pending is not None and pending.unknown,
        retry_at=leg.retry_at,
    )
