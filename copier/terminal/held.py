"""Open positions as the terminal shows them: from an account's books, or, without a service, from what is copied."""

from collections.abc import Iterator
from datetime import datetime

from copier.web.dto.accounts import Position
from rules.model.copies import Copy
from rules.model.frozen import frozen
from rules.model.values import plain


@frozen
class Held:
    """An open position. What nobody told is None; out of a ledger that are the prices of now."""

    account: str
    position: str | None
    symbol: str
    side: str
    volume: str
    open_price: str | None
    current_price: str | None
    stop_loss: str | None
    take_profit: str | None
    opened_at: datetime | None
    link: str | None
    source_position: str | None


def of_position(position: Position) -> Held:
    """Return a position of an account's books."""
    return Held(
        account=position.account,
        position=position.position,
        symbol=position.symbol,
        side=position.side,
        volume=position.volume,
        open_price=position.open_price,
        current_price=position.current_price,
        stop_loss=position.stop_loss,
        take_profit=position.take_profit,
        opened_at=position.opened_at,
        link=position.link,
        source_position=position.source_position,
    )


def of_copy(copy: Copy) -> Iterator[Held]:
    """Yield what a copy holds by the ledger."""
    for leg in copy.legs:
        if leg.live and leg.held:
            yield Held(
                account=copy.target,
                position=leg.position_id,
                symbol=leg.symbol,
                side=leg.side.value,
                volume=plain(leg.held),
                open_price=None if leg.open_price is None else plain(leg.open_price),
                current_price=None,
                stop_loss=None if leg.stop_loss is None else plain(leg.stop_loss),
                take_profit=None if leg.take_profit is None else plain(leg.take_profit),
                opened_at=leg.asked_at,
                link=copy.link_id,
                source_position=copy.source_position_id,
            )
