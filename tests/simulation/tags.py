"""The tags of all orders that there can be, reckoned anew from the links and the source positions."""

from collections.abc import Iterable
from datetime import datetime

from attrs import define, field

from rules.books.reconcile import OVERTAKEN
from rules.model.identity import CL_ORD_ID_LENGTH, cl_ord_id
from rules.model.values import AccountId, LinkId, PositionId
from rules.policy.links import CopyLink
from tests.simulation.history import PositionLife

LEGS_MAX = 40
"""Orders of one source position: the pieces of a split copy, and the increases of a netting source."""

STEPS_MAX = 60
"""Orders of one leg: its opening, reductions, changes of stops, the close, and every try of each again."""

Key = tuple[CopyLink, PositionLife]


@define
class Tags:
    """Tells whose an order is by its tag."""

    openings: dict[str, list[Key]] = field(factory=dict, init=False)
    """By an opening's tag whose it is; of several where a venue has one name for what it opened at one instant."""
    _netted: dict[str, str] = field(factory=dict, init=False)
    """On netting targets: for the tag of each order that there can be, the tag of the opening that it belongs to."""
    _opened_at: dict[str, datetime] = field(factory=dict, init=False)
    """On netting targets: by an opening's tag when its source position was opened, as the copier knows it."""

    def name_orders(self, link: CopyLink, source: PositionLife, times: Iterable[datetime], *, nets: bool) -> None:
        """Note all orders for a source position that was opened at one of these times; `nets` says how the target."""
        for opened_at in times:
            for leg in range(LEGS_MAX):
                tag = cl_ord_id(link.link_id, source.told_id, opened_at, leg, 0)
                self.openings.setdefault(tag, []).append((link, source))
                if nets:
                    self._name_steps(tag, link.link_id, source.told_id, opened_at, leg)

    def name_second_closes(self, target: AccountId, tag: str) -> None:
        """Note the orders that close again what the close of that tag opened, since a stop had been faster."""
        opened_at = self._opened_at[self._netted[tag[:CL_ORD_ID_LENGTH]]]
        self._name_steps(tag, LinkId(f"{OVERTAKEN}:{target}"), PositionId(tag), opened_at, 0)

    def _name_steps(self, tag: str, link: LinkId, position: PositionId, opened_at: datetime, leg: int) -> None:
        self._opened_at[tag] = opened_at
        for step in range(STEPS_MAX):
            self._netted[cl_ord_id(link, position, opened_at, leg, step)] = tag

    def opening_of(self, tag: str) -> str | None:
        """Return the tag of the opening that an order belongs to; one of two that a venue wanted ends in a number."""
        return self._netted.get(tag[:CL_ORD_ID_LENGTH])
