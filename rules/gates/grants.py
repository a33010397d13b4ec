"""The last gates of new risk: how large, with which stops, and whether the sum is still allowed."""

from datetime import timedelta
from fractions import Fraction

from rules.gates.alike import Placed
from rules.gates.exposure import free_margin, stop_distance
from rules.gates.market import Market
from rules.gates.question import Grant
from rules.gates.rooms import within_limits
from rules.model.instruments import round_to_step
from rules.model.look_ups import LookUp
from rules.model.reasons import Reason
from rules.model.state import stops_follow
from rules.model.trace import Denied, Note
from rules.model.values import Price, Volume, plain
from rules.policy.stops import StopsMode
from rules.sizes.series import Scale, scale_of
from rules.sizes.sizing import Sized, following_volume, size_copy
from rules.stops.prices import Frame
from rules.stops.stops import TargetStops, entered_later, loss_only, target_stops

UNCAPPED = Volume(10**12)
"""Lots that no venue has."""

GAP_PATIENCE = timedelta(seconds=1)
"""Both quotes are waited for so long; then the distance serves instead: a late copy is worse than such a one."""


def grant(market: Market) -> Grant | Denied:
    """Size it, find its stops, and look at the totals that it would make."""
    placed = market.alike.placed or _place(market)
    sized = _size(market, placed)
    if isinstance(sized, Denied):
        return sized
    market.finding.trace.extend(sized.notes)
    if isinstance(placed, Denied):
        return placed
    market.finding.trace.extend(placed.opened.notes)
    if placed.too_far is not None:
        return placed.too_far
    sized = within_limits(market, sized, placed.stops)
    if isinstance(sized, Denied):
        return sized
    too_little = free_margin(market)
    if too_little is not None:
        return too_little
    gap = market.gap() if market.policy.stops.mode is StopsMode.OFFSET else None
    price = market.expected_price()
    return Grant(market.symbol, market.side, market.instrument, sized, placed.opened, price, gap, market.waits)


def _size(market: Market, placed: Placed | Denied) -> Sized | Denied:
    if market.question.increase_of is not None:
        return _grow(market, *market.question.increase_of)
    stop_loss = None if isinstance(placed, Denied) else placed.stops.stop_loss
    policy, basis = market.policy, market.basis(stop_loss)
    beside = market.question.beside if policy.volume.keep_proportions else ()
    sized = size_copy(policy.size, policy.volume, basis, _scale(market), beside)
    if isinstance(sized, Denied) and sized.reason is Reason.STOP_MISSING and isinstance(placed, Denied):
        return placed  # which says why there is none
    return sized


def _scale(market: Market) -> Scale | None:
    """Return by what the results so far multiply the size, where the policy says so."""
    policy, question = market.policy, market.question
    if policy.progression is None:
        return None
    return scale_of(question.memory, policy.progression, question.position.symbol, policy.row or 0, question.now)


def _grow(market: Market, ratio: Fraction, held: Volume) -> Sized | Denied:
    """Size an increase: what the entry's ratio asks for now, less what the copy has."""
    policy, volume, instrument = market.policy.volume, market.question.position.volume, market.instrument
    cap = UNCAPPED if policy.max is None else policy.max
    more = following_volume(ratio, volume, cap, instrument, policy) - held
    wanted = round_to_step(
        max(more, Volume(0)), instrument.volume_step
    )  # neither the cap nor what is held need be on it
    numbers = (("wanted", plain(wanted)), ("volume_min", plain(instrument.volume_min)))
    if wanted < instrument.volume_min:
        return Denied("size", Reason.VOLUME_BELOW_MIN, numbers)
    capped = min(wanted, round_to_step(instrument.volume_max, instrument.volume_step))
    return Sized(ratio, capped, (capped,), (Note("size", "increase at the entry's ratio", numbers),))


def _place(market: Market) -> Placed | Denied:
    """Find the stops, for all that are alike unless a moment's patience for a quote may find others."""
    question, policy = market.question, market.policy
    gap = None
    if stops_follow(question.source, question.target):
        gap = _gap(market)
        if isinstance(gap, Denied):
            return gap
        stops = _stops(market, gap)
        if isinstance(stops, Denied):
            return stops
    else:
        stops = TargetStops(None, None, (Note("stops", "none: one netted position stands for several copies"),))
    opened = stops if question.target.stop_loss_lasts else entered_later(stops)
    placed = Placed(stops, opened, stop_distance(market, stops.stop_loss))
    if gap is not None or policy.stops.mode is not StopsMode.OFFSET:
        market.alike.placed = placed
    return placed


def _stops(market: Market, gap: Price | None) -> TargetStops | Denied:
    policy, question = market.policy, market.question
    frame = Frame(market.side, market.instrument, market.expected_price(), gap)
    stops = target_stops(policy.stops, policy.reverse, question.position, frame, policy.filter.require_stop_loss)
    if isinstance(stops, Denied):
        return stops
    return stops if question.target.keeps_take_profit else loss_only(stops)


def _gap(market: Market) -> Price | Denied | None:
    """Return the gap that stops are shifted by; where a quote for it is missing it is looked up, for a moment."""
    question = market.question
    if market.policy.stops.mode is not StopsMode.OFFSET or question.increase_of is not None:
        return question.gap
    gap, until = market.gap(), question.seen_at + GAP_PATIENCE
    if gap is not None or question.now >= until:
        return gap
    market.finding.look_ups.append(LookUp(question.target.account, market.symbol, quote=True))
    if question.position.current_price is None:
        market.finding.look_ups.append(LookUp(question.source.account, question.position.symbol, quote=True))
    return Denied("stops", Reason.QUOTE_UNKNOWN, (("symbol", market.symbol),), until)
