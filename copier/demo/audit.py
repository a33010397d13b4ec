"""The demo's auditor: judges the outcome by the venues' own books, not by what the copier says of itself."""

from collections import Counter
from collections.abc import Iterable, Mapping

from adapters.simulation.broker import Book, Purpose, Result
from adapters.simulation.remote import RemoteBook
from copier.engine.book import CopyBook
from rules.model.copies import LegStage
from rules.model.frozen import frozen
from rules.model.identity import is_ours
from rules.model.observed import Position
from rules.model.values import AccountId, PositionId

Seen = Book | RemoteBook


@frozen
class Audit:
    """What was found: counts of things that must not be, and the text of each."""

    mismatches: tuple[str, ...]
    duplicates: tuple[str, ...]
    orphans: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return not (self.mismatches or self.duplicates or self.orphans)


def audit(sources: Mapping[AccountId, Seen], targets: Mapping[AccountId, Seen], book: CopyBook) -> Audit:
    """Compare the targets' books with the sources' books and with what the records claim."""
    source_positions = {(name, position_id) for name, source in sources.items() for position_id in source.positions}
    mismatches: list[str] = []
    orphans: list[str] = []
    for name, target in targets.items():
        claimed = _claimed(book, name)
        for position in target.positions.values():
            if position.position_id not in claimed:
                orphans.append(f"{name} holds #{position.position_id}, which no copy claims")
                continue
            source = claimed[position.position_id][0]
            if source not in source_positions:
                orphans.append(f"{name} holds #{position.position_id} of a source position that is closed")
        mismatches.extend(_differences(name, claimed, target.positions))
    duplicates = [text for name, target in targets.items() for text in _twice(name, target)]
    return Audit(tuple(mismatches), tuple(duplicates), tuple(orphans))


Claim = tuple[tuple[AccountId, PositionId], object]


def _claimed(book: CopyBook, target: AccountId) -> dict[PositionId, Claim]:
    return {
        leg.position_id: ((copy.source, copy.source_position_id), leg.held)
        for copy in book.of_target(target)
        for leg in copy.legs
        if leg.stage is LegStage.OPEN and leg.position_id is not None
    }


def _differences(
    name: AccountId, claimed: Mapping[PositionId, Claim], positions: Mapping[PositionId, Position]
) -> Iterable[str]:
    for position_id, (_, held) in claimed.items():
        position = positions.get(position_id)
        if position is None:
            yield f"{name} should hold #{position_id}, and does not"
        elif position.volume != held:
            yield f"{name} should hold {held} of #{position_id}, and holds {position.volume}"


def _twice(name: AccountId, target: Seen) -> Iterable[str]:
    tags = Counter(
        order.tag
        for order in target.orders
        if order.purpose is Purpose.OPEN and order.status is Result.FILLED and is_ours(order.tag)
    )
    return [f"{name} executed {tag} {count} times" for tag, count in tags.items() if count > 1]
