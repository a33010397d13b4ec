"""When a copy is closed later than its source, or sooner; stops of our own that follow the price."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from tests.checker.facts import is_live
from tests.checker.links import Rules
from tests.checker.pacing import draw
from tests.checker.text import Span
from tests.checker.trees import Tree

NEVER = datetime.max.replace(tzinfo=UTC)
"""The source's close is ignored for good: the stops end the copy."""


def opened_at(copy: Tree) -> datetime:
    asked: list[datetime] = [leg["asked_at"] for leg in copy["legs"] if leg["asked_at"] is not None]
    return min(asked, default=copy["first_seen_at"])


def is_over(copy: Tree, rules: Rules, now: datetime) -> bool:
    """Tell whether a copy has been open for as long as it may."""
    longest = rules["exits"]["max_open"]
    return longest is not None and now >= opened_at(copy) + longest


def close_at(copy: Tree, rules: Rules, now: datetime, account_hold: timedelta) -> datetime | None:
    """Return when a copy closes whose source has closed now: the latest of what holds it back; None: at once.

    `account_hold` is the `min_hold` of the target's own rules, whatever the link's say.
    """
    exits, span = rules["exits"], rules["delay"]["close"]
    moments = [now]
    if span is not None:
        moments.append(now + draw(span, "close", copy["link_id"], copy["source_position_id"], copy["opened_at"]))
    if exits["min_hold"] is not None:
        moments.append(opened_at(copy) + exits["min_hold"])
    if account_hold:
        moments.append(opened_at(copy) + account_hold)
    due = max(moments)
    if exits["ignore_close"] and ends_by_itself(copy):
        ignored = exits["ignore_close_for"]
        due = NEVER if ignored is None else max(due, now + ignored)
    if exits["max_open"] is not None:
        due = min(due, opened_at(copy) + exits["max_open"])
    return due if due > now else None


def follows_price(rules: Rules) -> bool:
    """Tell whether stops of our own follow the price."""
    return any(rules["exits"][name] is not None for name in ("break_even", "reverse_break_even", "trailing"))


def led_to(rules: Rules, leg: Tree, instrument: Tree, market: Fraction) -> Tree | None:
    """Return the stops that the price has led to by now, None for none; they are never loosened."""
    exits, entry, way = rules["exits"], leg["open_price"], 1 if leg["side"] == "buy" else -1
    before = leg["managed"] or {"stop_loss": None, "take_profit": None}
    loss, profit, gain = before["stop_loss"], before["take_profit"], (market - entry) * way

    def of(span: Span | None) -> Fraction | None:
        return Fraction(0) if span is None else span.of(instrument, entry)

    def has_come(span: Span | None, so_far: Fraction) -> bool:
        needed = of(span)
        return needed is not None and so_far >= needed

    def better(price: Fraction) -> Fraction:
        return price if loss is None or (price - loss) * way > 0 else loss

    even, back, trail = exits["break_even"], exits["reverse_break_even"], exits["trailing"]
    if even is not None and has_come(even["trigger"], gain):
        loss = better(entry + way * (of(even["lock"]) or Fraction(0)))
    behind = None if trail is None else of(trail["distance"])
    if trail is not None and behind is not None and has_come(trail["activate"], gain):
        wanted = market - way * behind
        if loss is None or has_come(trail["step"], (wanted - loss) * way):
            loss = better(wanted)
    if back is not None and profit is None and has_come(back["trigger"], -gain):
        profit = entry + way * (of(back["lock"]) or Fraction(0))
    return None if loss is None and profit is None else {"stop_loss": loss, "take_profit": profit}


def ends_by_itself(copy: Tree) -> bool:
    """Tell whether all that is held has both stops."""
    legs = [leg for leg in copy["legs"] if is_live(leg)]
    return all(leg["stage"] == "open" and None not in (leg["stop_loss"], leg["take_profit"]) for leg in legs)
