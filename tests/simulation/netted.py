"""What happened on netting accounts: whose their orders were, and whether what rests there protects what is held."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from adapters.simulation.broker import Book, Result
from rules.model.observed import Position
from rules.model.values import AccountId, OmsType, PositionId, Symbol, Volume, plain
from rules.policy.links import CopyLink
from rules.policy.stops import StopsMode
from tests.simulation.history import STOP, ZERO, PositionLife
from tests.simulation.run import Outcome
from tests.simulation.tags import Tags


def netted_wrongly(
    outcome: Outcome,
    target: AccountId,
    shares: Mapping[PositionId, PositionLife],
    strays: Iterable[PositionLife],
    tags: Tags,
) -> Iterator[str]:
    """Every order on a netting account belongs to a copy, was executed once, and closes no more than was opened.

    Args:
        shares: what each copy had of the netted positions.
        strays: what is left of lots that closes of ours opened, since a stop was faster.
    """
    orders = outcome.books[target].orders
    for tag, count in Counter(order.tag for order in orders if order.tag and order.status is Result.FILLED).items():
        if tags.opening_of(tag) is None:
            yield f"{target}: {tag} was executed for no copy that ever was"
        if count > 1:
            yield f"{target}: {tag} was executed {count} times"
    for stray in strays:
        if not outcome.kills:  # what a process knew of an order under way, the next one may not
            yield f"{target}: {stray.tag} closed nothing, and the lots that it opened were left"
    for share in shares.values():
        least = min(volume for _, volume in share.volumes)
        if least < ZERO:
            yield f"{target}: {share.tag} was closed by {plain(-least)} lots too many"


def rested_wrongly(
    outcome: Outcome, target: AccountId, legs: Iterable[tuple[CopyLink, PositionLife, PositionLife]]
) -> Iterator[str]:
    """What rests as stop-losses covers each position whole where one of its copies wants one, and never more.

    Args:
        legs: all open legs of the target's copies, each after its link and its source position.
    """
    book, legs = outcome.books[target], list(legs)
    held = {position.symbol: position for position in book.positions.values()}
    resting: dict[Symbol, Volume] = {}
    for order in book.working.values():
        if order.tag is None or not order.tag.endswith(STOP):
            continue
        resting[order.symbol] = resting.get(order.symbol, ZERO) + order.volume
        position = held.get(order.symbol)
        if position is None or position.side is order.side:
            yield f"{target}: a stop-loss of {order.symbol} rests and protects nothing"
    for symbol, position in held.items():
        wanted = any(_wants_stop(link, outcome.books[link.source], source, leg, position) for link, source, leg in legs)
        covered = resting.get(symbol, ZERO)
        if covered > position.volume or (wanted and covered != position.volume):
            yield f"{target}: {plain(covered)} of {plain(position.volume)} {symbol} rest as stop-losses"


def _wants_stop(link: CopyLink, book: Book, source: PositionLife, leg: PositionLife, held: Position) -> bool:
    """Tell whether a leg asks for a stop-loss of the position that it is in."""
    if link.policy.stops.mode is StopsMode.NONE or book.oms is OmsType.HEDGING:
        return False
    original = book.positions.get(source.position_id)
    if original is None or leg.symbol != held.symbol or leg.side is not held.side:
        return False
    return (original.take_profit if link.policy.reverse else original.stop_loss) is not None
