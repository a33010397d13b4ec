"""What a target holds beside our copies: caps that count everything see it."""

from collections.abc import Iterator

from copier.engine.book import CopyBook
from rules.model.copies import ZERO, LegStage
from rules.model.observed import Position
from rules.model.state import AccountView
from rules.model.values import ClOrdId, OmsType, PositionId, Side, Symbol, Volume


def count_foreign(view: AccountView, book: CopyBook, positions: tuple[Position, ...]) -> None:
    """Note in the account's view what it holds beside our copies: its own caps count everything.

    What carries the tag of an order of ours that is under way is counted with the copies already.
    """
    found = _netted if view.oms is OmsType.NETTING else _hedged
    view.foreign, view.foreign_volume, view.foreign_lots = 0, ZERO, {}
    for symbol, side, lots, whole in found(view, book, positions):
        view.foreign += whole
        view.foreign_volume += lots
        view.foreign_lots[symbol, side] = view.foreign_lots.get((symbol, side), ZERO) + lots


def _hedged(
    view: AccountView, book: CopyBook, positions: tuple[Position, ...]
) -> Iterator[tuple[Symbol, Side, Volume, bool]]:
    """Yield the lots that are not ours, and whether nothing of the position is."""
    held: dict[PositionId | None, Volume] = {}
    for copy in book.of_target(view.account):
        for leg in copy.legs:
            held[leg.position_id] = held.get(leg.position_id, ZERO) + leg.held
    for position in positions:
        if position.position_id in held:
            more = position.volume - held[position.position_id]
            if more > ZERO:
                yield position.symbol, position.side, more, False
        elif position.tag is None or book.by_order(ClOrdId(position.tag)) is None:
            yield position.symbol, position.side, position.volume, True


def _netted(
    view: AccountView, book: CopyBook, positions: tuple[Position, ...]
) -> Iterator[tuple[Symbol, Side, Volume, bool]]:
    """Yield what each net position has beyond the sum of our legs, whatever becomes of their orders under way."""
    ours: dict[Symbol, tuple[Volume, Volume]] = {}
    for copy in book.of_target(view.account):
        for leg in copy.legs:
            if leg.live:
                sure = ZERO if leg.stage is LegStage.OPENING else leg.expected
                low, high = sorted((sure * leg.side.sign, leg.most * leg.side.sign))
                before = ours.get(leg.symbol, (ZERO, ZERO))
                ours[leg.symbol] = (before[0] + low, before[1] + high)
    for position in positions:
        net = position.volume * position.side.sign
        low, high = ours.get(position.symbol, (ZERO, ZERO))
        beyond = max(low - net, net - high, ZERO)
        if beyond or position.symbol not in ours:
            yield position.symbol, Side.SELL if net < low else Side.BUY, beyond, position.symbol not in ours
