"""Protective prices: what the policy makes of the source's, on the tick, as far from the market as the venue asks."""

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor
from typing import Any, TypeAlias

from attrs import frozen

from tests.checker.refusals import No
from tests.checker.trees import Tree

Pair: TypeAlias = tuple[Fraction | None, Fraction | None]
"""Stop-loss and take-profit."""


@frozen
class Refused:
    """A stop that cannot be where it is wanted."""

    too_close: bool


@frozen
class Scene:
    """The target's side and instrument, its (expected) entry, the gap kept from the entry for `offset`, and the stops
    that the price has led to."""

    side: str
    instrument: Tree
    entry: Fraction
    gap: Fraction | None
    managed: Tree | None = None

    @property
    def down(self) -> int:
        """The direction in which the side loses."""
        return -1 if self.side == "buy" else 1


def at_entry(stops: Mapping[str, Any], reverse: bool, source: Tree, scene: Scene, required: bool) -> Pair:
    """Return the stops of a copy about to be opened, judged by its expected entry."""
    loss, profit = (
        _placed(stops, which, price, scene, scene.entry)
        for which, price in zip(("loss", "profit"), wanted(stops, reverse, source, scene), strict=True)
    )
    required = required and stops["mode"] != "none" and stops["stop_loss"]
    if required and loss is None:
        raise No("FILTER_STOPS")
    for found, needed in ((loss, required), (profit, False)):
        if isinstance(found, Refused):
            if found.too_close and (needed or stops["min_distance"] == "deny"):
                raise No("STOP_TOO_CLOSE")
            if needed:
                raise No("STOP_WRONG_SIDE")
    return (None if isinstance(loss, Refused) else loss), (None if isinstance(profit, Refused) else profit)


def moved(
    stops: Mapping[str, Any], reverse: bool, source: Tree, scene: Scene, market: Fraction | None, held: Pair
) -> Pair:
    """Return the stops of an open copy: one that today's price does not allow stays where it is, as do locked ones."""
    result: list[Fraction | None] = []
    asked = wanted(stops, reverse, source, scene)
    for which, price, kept in zip(("loss", "profit"), asked, held, strict=True):
        found = _placed(stops, which, price, scene, market)
        new = kept if isinstance(found, Refused) or (market is None and stands(price, kept, scene)) else found
        result.append(kept if kept is not None and _is_locked(stops["lock"], which, new, kept, scene) else new)
    return result[0], result[1]


def wanted(stops: Mapping[str, Any], reverse: bool, source: Tree, scene: Scene) -> Pair:
    """Return the target's stops before rounding and checks."""
    loss, profit = source["stop_loss"], source["take_profit"]
    if reverse:
        loss, profit = profit, loss
    if stops["mode"] == "none":
        loss = profit = None
    shift = Fraction(0)
    if stops["mode"] == "distance" or (stops["mode"] == "offset" and scene.gap is None):
        shift = scene.entry - source["open_price"]
    elif stops["mode"] == "offset" and scene.gap is not None:
        shift = scene.gap
    asked_loss = _one(stops, "stop_loss", "add_stop_points", loss, shift, scene.down, scene)
    asked_profit = _one(stops, "take_profit", "add_profit_points", profit, shift, -scene.down, scene)
    own = scene.managed or {"stop_loss": None, "take_profit": None}
    if own["take_profit"] is not None:
        asked_profit = own["take_profit"]
    if own["stop_loss"] is not None and (asked_loss is None or (asked_loss - own["stop_loss"]) * scene.down > 0):
        asked_loss = own["stop_loss"]  # the one that allows the smaller loss
    return asked_loss, asked_profit


def _one(
    stops: Mapping[str, Any], name: str, added: str, source: Fraction | None, shift: Fraction, way: int, scene: Scene
) -> Fraction | None:
    fixed, tick = stops["fixed"], scene.instrument["tick_size"]
    if not stops[name]:
        source = None
    if fixed[name] is not None and not (fixed["fallback"] and source is not None):
        away = fixed[name].of(scene.instrument, scene.entry)
        if away is not None:
            return scene.entry + way * Fraction(away)
    if source is None:
        return None
    return Fraction(source + shift + (0 if tick is None else way * stops[added] * tick))


def _placed(
    stops: Mapping[str, Any], which: str, price: Fraction | None, scene: Scene, market: Fraction | None
) -> Fraction | Refused | None:
    if price is None:
        return None
    below = (scene.side == "buy") == (which == "loss")
    if price <= 0 or (market is not None and not (price < market if below else price > market)):
        return Refused(too_close=False)
    tick = scene.instrument["tick_size"]
    asked, price = price, on_tick(price, tick, up=price < scene.entry)
    if market is not None:
        least = scene.instrument["stop_distance_min"] or Fraction(0)
        gap = market - price if below else price - market
        if gap <= 0 or gap < least:
            if stops["min_distance"] != "push":
                return Refused(too_close=True)
            away = max(least, tick or Fraction(0))
            price = on_tick(market - away if below else market + away, tick, up=not below)
    elif tick and (asked < scene.entry <= price if below else price <= scene.entry < asked):
        beside = scene.entry - tick if below else scene.entry + tick  # at the entry it might be reached at once
        price = on_tick(beside, tick, up=not below)
    return price if price > 0 else Refused(too_close=False)


def stands(asked: Fraction | None, kept: Fraction | None, scene: Scene) -> bool:
    """Tell whether a target has a stop just where it is wanted, also at the entry itself."""
    return asked is not None and kept == on_tick(asked, scene.instrument["tick_size"], up=asked < scene.entry)


def on_tick(price: Fraction, tick: Fraction | None, *, up: bool) -> Fraction:
    if tick is None or tick <= 0:
        return price
    return (ceil if up else floor)(price / tick) * tick


def _is_locked(lock: str, which: str, new: Fraction | None, kept: Fraction, scene: Scene) -> bool:
    if lock == "away" and which == "loss":
        return new is None or (kept - new) * -scene.down > 0
    return lock == "all"
