"""How source positions began: at market, or as a pending order that was filled, from what was seen of orders."""

from datetime import datetime, timedelta
from fractions import Fraction

from attrs import define, field, frozen

from tests.checker.trees import Tree

SEEN_WITHIN = timedelta(seconds=10)
"""A position that is seen so long after an order went did not come of it."""
BELIEVED_AFTER = timedelta(seconds=2)
"""Books that were asked so long after a position was seen are believed."""
WORSE = Fraction(1, 1000)
"""Of its price, an order may be filled worse."""
CLOCKS = timedelta(seconds=1)

Name = tuple[str, str, str, datetime]
"""An account, a position of it, its side, and when it was opened: one that turns has another life under its id."""


@frozen
class End:
    """An order that works no more."""

    account: str
    order: Tree
    at: datetime
    status: str | None
    position_id: str | None
    watched: bool = True
    """Whether this run saw it work: what was not seen may have been moved since."""


@define
class Beginnings:
    """The orders that were seen in this run, and what is known of positions by them."""

    working: dict[tuple[str, str], Tree] = field(factory=dict)
    ends: list[End] = field(factory=list)
    seen: dict[Name, datetime] = field(factory=dict)
    """When each position was first seen."""
    known: dict[Name, Tree | None] = field(factory=dict)
    """What opened each, None: the market."""
    claimed: list[End] = field(factory=list)
    remembered: set[tuple[str, str]] = field(factory=set)
    """Orders that an earlier run mirrored, and this one has not seen yet."""

    def restart(self) -> None:
        for kept in (self.working, self.ends, self.seen, self.known, self.claimed, self.remembered):
            kept.clear()

    def remember(self, account: str, order: Tree) -> None:
        self.working[account, order["order_id"]] = order
        self.remembered.add((account, order["order_id"]))

    def reported(self, account: str, order: Tree) -> None:
        self.working[account, order["order_id"]] = order
        self.remembered.discard((account, order["order_id"]))

    def ended(self, event: Tree) -> None:
        """Take the end of an order; a list may have been faster than the stream, without saying why."""
        key = (event["account"], event["order_id"])
        order = self.working.pop(key, None)
        if order is None:
            earlier = [end for end in self.ends if (end.account, end.order["order_id"]) == key and end.status is None]
            if not earlier:
                return
            order = earlier[0].order
            self.ends.remove(earlier[0])
        told = (event["received_at"], event["status"], event["position_id"])
        self.ends.append(End(key[0], order, *told, watched=key not in self.remembered))

    def forget(self, account: str, position_id: str) -> None:
        for name in [each for each in {**self.seen, **self.known} if each[:2] == (account, position_id)]:
            self.seen.pop(name, None)
            self.known.pop(name, None)

    def of(
        self, account: str, position: Tree, held: list[Tree], now: datetime, *, undecided: bool
    ) -> Tree | str | None:
        """Return the order that a position began with, None for the market, or "unknown".

        Args:
            held: what the account holds.
            undecided: it is said to be unknown still: when the books were looked at, no row tells.
        """
        name = name_of(account, position)
        if name in self.known:
            return self.known[name]
        first = self.seen[name]
        late = [end for end in self.ends if end.account == account and end.at >= first - SEEN_WITHIN]
        fitting = [end for end in late if end not in self.claimed and opened(end, position)]
        fitting = [end for end in fitting if not self._belongs_to_another(end, position, held)]
        if fitting:
            end = min(reversed(fitting), key=lambda each: (each.position_id is None, lots(each) != position["volume"]))
            self.claimed.append(end)
            self.known[name] = end.order
        else:
            waits = any(key[0] == account and could_open(order, position) for key, order in self.working.items())
            if waits and (undecided or now < first + BELIEVED_AFTER):
                return "unknown"
            self.known[name] = None
        return self.known[name]

    def _belongs_to_another(self, end: End, position: Tree, held: list[Tree]) -> bool:
        """Tell whether another new position has as many lots as the order had, and this one not."""
        if end.position_id is not None or lots(end) == position["volume"]:
            return False
        others = (each for each in held if name_of(end.account, each) not in self.known)
        return any(each["volume"] == lots(end) and opened(end, each) for each in others)


def name_of(account: str, position: Tree) -> Name:
    return account, position["position_id"], position["side"], position["opened_at"]


def lots(end: End) -> Fraction:
    return Fraction(end.order["volume"])


def opened(end: End, position: Tree) -> bool:
    if end.status not in (None, "filled"):
        return False
    if end.position_id is None:
        return could_open(end.order, position, at_any_price=not end.watched)
    same = (end.order["symbol"], end.order["side"]) == (position["symbol"], position["side"])
    return same and end.position_id == position["position_id"]


def could_open(order: Tree, position: Tree, *, at_any_price: bool = False) -> bool:
    """Tell whether a position can have come of an order: the same symbol and side, no more lots, a price allowed."""
    if (order["symbol"], order["side"]) != (position["symbol"], position["side"]):
        return False
    if position["volume"] > order["volume"]:
        return False
    if order["placed_at"] is not None and position["opened_at"] < order["placed_at"] - CLOCKS:
        return False
    if at_any_price:
        return True
    way = 1 if order["side"] == "buy" else -1
    allowed = order["price"] * WORSE
    if order["order_type"] == "stop":
        return bool((position["open_price"] - order["price"]) * way >= -allowed)
    limit = order["price"] if order["order_type"] == "limit" else order["limit_price"]
    return bool(limit is None or (position["open_price"] - limit) * way <= allowed)
