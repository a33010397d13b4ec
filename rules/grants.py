"""The last gates of new risk: how large, with which stops, and whether the sum is still allowed."""

from fractions import Fraction

from rules.caps import totals
from rules.instruments import round_to_step
from rules.market import Market
from rules.question import Grant
from rules.reasons import Reason
from rules.sizing import Sized, following_volume, size_copy
from rules.state import stops_follow
from rules.stops import TargetStops, target_stops
from rules.stops_policy import StopsMode
from rules.trace import Denied, Note
from rules.values import Volume, plain

UNCAPPED = Volume(10**12)
"""Lots that no venue has."""


def grant(market: Market) -> Grant | Denied:
    """Size it, find its stops, and look at the totals that it would make."""
    stops = _stops(market)
    sized = _size(market, stops)
    if isinstance(sized, Denied):
        return sized
    market.finding.trace.extend(sized.notes)
    if isinstance(stops, Denied):
        return stops
    market.finding.trace.extend(stops.notes)
    too_much = totals(market, sized.volume)
    if too_much is not None:
        return too_much
    return Grant(market.symbol, market.side, market.instrument, sized, stops, market.expected_price())


def _size(market: Market, stops: TargetStops | Denied) -> Sized | Denied:
    if market.question.increase_of is not None:
        return _grow(market, *market.question.increase_of)
    stop_loss = None if isinstance(stops, Denied) else stops.stop_loss
    sized = size_copy(market.policy.size, market.policy.volume, market.basis(stop_loss))
    if isinstance(sized, Denied) and sized.reason is Reason.STOP_MISSING and isinstance(stops, Denied):
        return stops  # which says why there is none
    return sized


def _grow(market: Market, ratio: Fraction, held: Volume) -> Sized | Denied:
    """Size an increase: what the entry's ratio asks for now, less what the copy has."""
    policy, volume, instrument = market.policy.volume, market.question.position.volume, market.instrument
    cap = UNCAPPED if policy.max is None else policy.max
    wanted = following_volume(ratio, volume, cap, instrument, policy) - held
    numbers = (("wanted", plain(max(wanted, Volume(0)))), ("volume_min", plain(instrument.volume_min)))
    if wanted < instrument.volume_min:
        return Denied("size", Reason.VOLUME_BELOW_MIN, numbers)
    capped = min(wanted, round_to_step(instrument.volume_max, instrument.volume_step))
    return Sized(ratio, capped, (capped,), (Note("size", "increase at the entry's ratio", numbers),))


def _stops(market: Market) -> TargetStops | Denied:
    policy, question = market.policy, market.question
    if policy.stops.mode is not StopsMode.NONE and not question.target.keeps_stops:
        numbers = (("account", question.target.account), ("stops.mode", policy.stops.mode.value))
        return Denied("stops", Reason.STOPS_UNSUPPORTED, numbers)
    if not stops_follow(question.source, question.target):
        return TargetStops(None, None, (Note("stops", "none: one netted position stands for several copies"),))
    required = policy.filter.require_stop_loss
    entry = market.expected_price()
    return target_stops(
        policy.stops, policy.reverse, question.position, market.side, entry, market.instrument, required
    )
