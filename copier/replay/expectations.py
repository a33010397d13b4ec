"""Compares what a case expects with what came of it."""

from collections.abc import Iterator
from decimal import Decimal

from copier.config.case_keys import ActionKind, Expected
from copier.config.cases import Case
from copier.config.effective import shown
from copier.replay.cases import Outcome
from copier.telling.wording import action_words, copy_words
from rules.model.actions import (
    Action,
    CancelOrder,
    ClosePosition,
    OpenPosition,
    PlaceOrder,
    ReducePosition,
    ReplaceOrder,
    ReplaceStops,
)
from rules.model.frozen import frozen

_KINDS = {
    OpenPosition: ActionKind.OPEN,
    ReducePosition: ActionKind.REDUCE,
    ClosePosition: ActionKind.CLOSE,
    ReplaceStops: ActionKind.STOPS,
    PlaceOrder: ActionKind.PLACE,
    ReplaceOrder: ActionKind.REPLACE,
    CancelOrder: ActionKind.CANCEL,
}
_PRICES = {OpenPosition: "expected_price", ReducePosition: "expected_price", ClosePosition: "expected_price"}


@frozen
class Miss:
    """One thing that is not as expected, in words."""

    what: str
    expected: str
    found: str


def misses(case: Case, outcome: Outcome) -> tuple[Miss, ...]:
    """Return what is not as the case expects; nothing when all is."""
    return tuple(_misses(case.expected, outcome))


def _misses(expected: tuple[Expected, ...], outcome: Outcome) -> Iterator[Miss]:
    if len(expected) == 1:
        yield from _compared(expected[0], outcome, outcome.orders)
        return
    if len(outcome.orders) != len(expected):
        yield Miss("orders", str(len(expected)), found_words(outcome))
        return
    for each, order in zip(expected, outcome.orders, strict=True):
        yield from _compared(each, outcome, (order,))


def _compared(expected: Expected, outcome: Outcome, orders: tuple[Action, ...]) -> Iterator[Miss]:
    if expected.denied is not None:
        reason = None if outcome.copy is None else outcome.copy.reason
        if orders or reason is not expected.denied:
            yield Miss("denied", expected.denied.value, found_words(outcome))
        return
    kinds = {_KINDS[type(order)] for order in orders} or {ActionKind.NONE}
    if kinds != {expected.action}:
        yield Miss("action", shown(expected.action), found_words(outcome))
        return
    volume = sum((getattr(order, "volume", Decimal(0)) for order in orders), Decimal(0))
    if expected.volume is not None and volume != expected.volume:
        yield Miss("volume", shown(expected.volume), shown(volume))
    if expected.orders is not None and len(orders) != expected.orders:
        yield Miss("orders", str(expected.orders), str(len(orders)))
    for key in ("symbol", "side", "price", "stop_loss", "take_profit"):
        wanted = getattr(expected, key)
        found = {_value(order, key) for order in orders}
        if wanted is not None and found != {wanted}:
            yield Miss(key, shown(wanted), ", ".join(sorted(map(shown, found))))


def _value(order: Action, key: str) -> object:
    """Return a value of an order, "off" where it has none."""
    name = _PRICES.get(type(order), key) if key == "price" else key
    value = getattr(order, name, None)
    return "off" if value is None else value


def found_words(outcome: Outcome) -> str:
    """Return what came of a case, in one line."""
    if outcome.orders:
        return "; ".join(action_words(order) for order in outcome.orders)
    return "nothing" if outcome.copy is None else copy_words(outcome.copy)


def expected_words(case: Case) -> str:
    """Return what a case expects, in one line."""
    return "; ".join(_expected_words(each) for each in case.expected)


def _expected_words(expected: Expected) -> str:
    if expected.denied is not None:
        return f"denied, {expected.denied.value}"
    named = ("side", "volume", "symbol", "orders", "price", "stop_loss", "take_profit")
    parts = [f"{key} {shown(value)}" for key in named if (value := getattr(expected, key)) is not None]
    return ", ".join([shown(expected.action), *parts])
