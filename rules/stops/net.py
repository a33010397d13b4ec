"""The one pair of stops of a netted position that stands for many copies: what the policy makes of each copy's own."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from attrs import evolve

from rules.model.copies import Copy, LegStage, SetStops
from rules.model.frozen import frozen
from rules.model.instruments import Instrument, round_toward
from rules.model.observed import Position
from rules.model.values import Price, Side, Volume
from rules.policy.links import CopyPolicy
from rules.policy.stops import Aggregate
from rules.sizes.volumes import WIDE, fraction
from rules.stops.prices import Frame
from rules.stops.stops import TargetStops, moved_stops


@frozen
class Share:
    """Lots (> 0) of a netted position that are a copy's, and the stops that these would have alone."""

    side: Side
    volume: Volume
    stops: SetStops
    aggregate: Aggregate


def shares_of(copy: Copy, source: Position, policy: CopyPolicy, instrument: Instrument) -> Iterable[Share]:
    """Yield a share for each open leg of a copy, with the stops that its policy makes of the source's."""
    for leg in copy.legs:
        if leg.stage is LegStage.OPEN and leg.open_price is not None:
            frame = Frame(leg.side, instrument, leg.open_price, copy.stop_gap)
            alone = moved_stops(policy.stops, policy.reverse, source, frame, None, TargetStops(None, None, ()))
            yield Share(leg.side, leg.held, SetStops(alone.stop_loss, alone.take_profit), policy.aggregate)


def net_stops(shares: Iterable[Share], side: Side, instrument: Instrument) -> SetStops:
    """Return the stops of a netted position on `side`; those of lots on the other side are not asked.

    Where one share asks for the tightest, that holds for all. A mean is rounded to the tick that is reached first;
    where no tick is known it is no price that a venue takes, and the tightest stands in.
    """
    own = [each for each in shares if each.side is side and each.aggregate is not Aggregate.NONE]
    tightest = any(each.aggregate is Aggregate.TIGHTEST for each in own)
    losses = [(each.stops.stop_loss, each.volume) for each in own if each.stops.stop_loss is not None]
    profits = [(each.stops.take_profit, each.volume) for each in own if each.stops.take_profit is not None]
    return SetStops(
        _one(losses, tightest, side, instrument),
        _one(profits, tightest, side.opposite, instrument),
    )


def _one(stops: Sequence[tuple[Price, Volume]], tightest: bool, beyond: Side, instrument: Instrument) -> Price | None:
    """Return one price for several; `beyond` is the side whose stop-loss would lie where they do."""
    if not stops:
        return None
    if tightest or not instrument.tick_size:
        prices = [price for price, _ in stops]
        return max(prices) if beyond is Side.BUY else min(prices)
    lots = sum((fraction(volume) for _, volume in stops), Fraction(0))
    mean = sum((fraction(price) * fraction(volume) for price, volume in stops), Fraction(0)) / lots
    price = WIDE.divide(Decimal(mean.numerator), Decimal(mean.denominator))
    return round_toward(price, instrument.tick_size, price + beyond.sign)


def without_profit(stops: SetStops) -> SetStops:
    """Return stops for a venue that keeps no take-profit."""
    return evolve(stops, take_profit=None)
