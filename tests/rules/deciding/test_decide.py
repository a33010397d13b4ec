from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve

from rules.gates.filters import Filter
from rules.limits.policy import Cap, CapKind
from rules.model.actions import OpenPosition
from rules.model.copies import CopyStatus, Ending, LegStage
from rules.model.events import Origin
from rules.model.observed import AccountStatus, Quote
from rules.model.reasons import Reason
from rules.model.reports import NotFound, NotSent, OutcomeUnknown, Rejected
from rules.model.trace import Denied
from rules.model.values import Money, Side, Symbol
from rules.policy.guard import Guard, StartOpen, StartPolicy
from rules.policy.limits import PolicyLimits
from rules.policy.links import CopyPolicy, LinkState
from rules.policy.size import Size, SizeMode, VolumePolicy
from rules.policy.stops import Stops, StopsMode
from tests.rules.playbook import EURUSD, T0, Playbook, filled, position, shape

THIRD = CopyPolicy("third", size=Size(multiplier=Decimal("0.3")))


def opened(policy: CopyPolicy = THIRD, volume: str = "1") -> Playbook:
    play = Playbook(policy)
    play.fills(play.sees(position(volume)))
    return play


def test_a_new_position_is_copied_at_the_ratio():
    play = Playbook(THIRD)
    assert shape(play.sees(position())) == [("open", "0.30")]


def test_second_report_of_one_position_opens_nothing():
    play = Playbook(THIRD)
    play.sees(position())
    assert play.sees(position()) == []
    assert play.fills([]) == []


def test_second_report_of_one_fill_changes_nothing():
    play = Playbook(THIRD)
    [order] = play.sees(position())
    play.reports(filled(order))
    once = play.copy
    assert play.reports(filled(order, "another")) == []
    assert play.copy == once


def test_a_closed_source_closes_the_whole_copy():
    play = opened()
    closing = play.sees(None)
    assert shape(closing) == [("close", "0.30")]
    assert play.fills(closing) == []
    assert play.copy is not None
    assert (play.copy.status, play.copy.ending) == (CopyStatus.ENDED, Ending.SOURCE_CLOSED)


def test_a_close_passes_every_gate():
    play = opened()
    play.link = evolve(play.link, state=LinkState.PAUSED)
    play.target.ready = False
    play.target.denied = Denied("limits", Reason.LIMIT_DAILY_LOSS)
    assert shape(play.sees(None)) == [("close", "0.30")]


def test_a_source_that_closes_while_its_copy_is_being_opened_closes_it_after_the_fill():
    play = Playbook(THIRD)
    opening = play.sees(position())
    assert play.sees(None) == []
    assert shape(play.fills(opening)) == [("close", "0.30")]


def test_a_refused_close_is_tried_again_under_a_new_id_and_never_given_up():
    play = opened()
    [first] = play.sees(None)
    assert play.reports(Rejected(first.cl_ord_id, "market closed")) == []
    [second] = play.waits(1)
    assert shape([second]) == [("close", "0.30")]
    assert second.cl_ord_id != first.cl_ord_id
    for _ in range(20):
        assert play.reports(Rejected(second.cl_ord_id, "market closed")) == []
        [second] = play.waits(30)
    assert shape([second]) == [("close", "0.30")]


def test_a_refused_opening_ends_the_copy():
    play = Playbook(THIRD)
    [order] = play.sees(position())
    assert play.reports(Rejected(order.cl_ord_id, "no money")) == []
    assert play.copy is not None
    assert (play.copy.status, play.copy.ending) == (CopyStatus.ENDED, Ending.REJECTED)
    assert play.sees(position("0.5")) == []


def test_an_unknown_outcome_orders_nothing_until_the_books_were_asked():
    play = Playbook(THIRD)
    [order] = play.sees(position())
    assert play.reports(OutcomeUnknown(order.cl_ord_id, "connection lost")) == []
    assert play.waits(3600) == []
    assert play.sees(None) == []


def test_an_opening_that_the_books_do_not_know_goes_out_again_under_its_own_id():
    play = Playbook(THIRD)
    [order] = play.sees(position())
    play.reports(OutcomeUnknown(order.cl_ord_id, "connection lost"))
    assert play.reports(NotFound(order.cl_ord_id)) == [order]


def test_an_opening_that_the_books_do_not_know_is_dropped_when_its_source_has_closed():
    play = Playbook(THIRD)
    [order] = play.sees(position())
    play.sees(None)
    assert play.reports(NotFound(order.cl_ord_id)) == []
    assert play.copy is not None
    assert play.copy.status is CopyStatus.ENDED


def test_an_opening_that_could_not_leave_in_time_is_dropped():
    play = Playbook(evolve(THIRD, guard=Guard(max_age=timedelta(seconds=3))))
    [order] = play.sees(position())
    assert play.reports(NotSent(order.cl_ord_id, "no connection")) == []
    assert shape(play.waits(1)) == [("open", "0.30")]
    assert play.reports(NotSent(order.cl_ord_id, "no connection")) == []
    assert play.waits(10) == []
    assert play.copy is not None
    assert play.copy.status is CopyStatus.ENDED
    assert not play.copy.holds


def test_partial_closes_follow_cumulatively_and_do_not_drift():
    play = opened(volume="1")
    held = Decimal("0.30")
    for tenths in range(9, 0, -1):
        for order in play.sees(position(f"0.{tenths}")):
            play.fills([order])
    assert play.copy is not None
    held = sum((leg.held for leg in play.copy.legs), Decimal(0))
    assert held == Decimal("0.03")
    assert shape(play.sees(None)) == [("close", "0.03")]


def test_a_copy_below_the_minimum_stays_until_the_source_is_flat():
    play = opened(volume="0.04")  # 0.012 lots: rounds down to 0.01
    assert play.sees(position("0.01")) == []
    assert shape(play.sees(None)) == [("close", "0.01")]


def test_a_larger_source_opens_the_difference_at_the_ratio_of_the_entry():
    play = opened()
    assert shape(play.sees(position("2"))) == [("open", "0.30")]


def test_an_increase_is_new_risk_and_passes_the_gates():
    play = opened()
    play.link = evolve(play.link, state=LinkState.CLOSE_ONLY)
    assert play.sees(position("2")) == []
    assert play.codes == ["LINK_CLOSE_ONLY"]
    play.link = evolve(play.link, state=LinkState.ACTIVE)
    assert play.sees(position("2")) == [], "a denied increase stays denied"
    assert play.sees(position("1")) == [], "what it was granted it keeps"
    assert shape(play.sees(position("0.5"))) == [("reduce", "0.15")]


def test_an_increase_counts_on_no_reduction_that_is_not_proven():
    play = opened(evolve(THIRD, size=Size(multiplier=Decimal(1))))
    [reduction] = play.sees(position("0.5"))
    assert play.reports(OutcomeUnknown(reduction.cl_ord_id, "no answer")) == []
    assert shape(play.sees(position("2"))) == [("open", "1.00")], "the reduction may not have been executed"


def test_nothing_is_cut_for_an_increase_that_may_never_come_to_be():
    play = opened(evolve(THIRD, size=Size(multiplier=Decimal(1))))
    [increase] = play.sees(position("2"))
    play.reports(OutcomeUnknown(increase.cl_ord_id, "no answer"))
    assert play.sees(position("1.4")) == [], "what is sure is less than the source asks for"
    assert play.reports(Rejected(increase.cl_ord_id, "no money")) == []
    assert shape(play.sees(position("0.7"))) == [("reduce", "0.30")]


def test_an_increase_that_was_executed_late_is_cut_at_once():
    play = opened(evolve(THIRD, size=Size(multiplier=Decimal(1))))
    [increase] = play.sees(position("2"))
    play.reports(OutcomeUnknown(increase.cl_ord_id, "no answer"))
    play.sees(position("1.4"))
    assert shape(play.fills([increase])) == [("reduce", "0.60")]


def test_an_increase_found_never_executed_is_given_up_before_anything_held_is_cut():
    play = opened(evolve(THIRD, size=Size(multiplier=Decimal(1))), "0.1")
    [increase] = play.sees(position("2"))
    play.reports(OutcomeUnknown(increase.cl_ord_id, "no answer"))
    assert play.sees(position("1")) == []
    play.now += timedelta(minutes=4)
    assert play.reports(NotFound(increase.cl_ord_id)) == []
    assert play.copy is not None
    assert play.copy.expected == Decimal("0.1")


def test_a_piece_that_never_came_to_be_lowers_the_grant_once():
    play = opened(evolve(THIRD, size=Size(multiplier=Decimal(1))))
    [increase] = play.sees(position("2"))
    play.reports(OutcomeUnknown(increase.cl_ord_id, "no answer"))
    [reduction] = play.sees(position("0.9"))
    play.reports(OutcomeUnknown(reduction.cl_ord_id, "no answer"), Rejected(increase.cl_ord_id, "no money"))
    assert shape(play.reports(NotFound(reduction.cl_ord_id))) == [("reduce", "0.10")]


def test_volume_max_caps_the_whole_copy_with_its_increases():
    play = opened(evolve(THIRD, volume=VolumePolicy(max=Decimal("0.4"))))
    assert shape(play.sees(position("9"))) == [("open", "0.10")]


def test_a_flip_closes_first_and_opens_after_that():
    play = opened()
    closing = play.sees(position(side=Side.SELL))
    assert shape(closing) == [("close", "0.30")]
    assert shape(play.fills(closing)) == [("open", "0.30")]
    assert play.copy is not None
    assert play.copy.side is Side.SELL
    assert play.copy.life == 1


def test_an_id_that_is_used_again_for_another_symbol_is_another_position():
    book = Playbook()
    opened = book.sees(position("1"))
    book.fills(opened)
    other = Symbol("GBPUSD")
    book.target.instruments[other] = evolve(EURUSD, symbol=other)
    later = position("2", symbol=other, opened_at=T0 + timedelta(hours=1))
    closed = book.sees(later, Origin.RECONCILED)
    assert shape(closed) == [("close", "1.00")], "nothing of it is an increase of the first"
    book.now = later.opened_at
    assert shape(book.fills(closed)) == [("open", "2.00")]
    assert book.copy is not None
    assert (book.copy.source_symbol, book.copy.target_symbol) == (other, other)


def test_the_two_lives_of_a_flip_have_different_order_ids():
    play = Playbook(THIRD)
    [first] = play.sees(position())
    play.fills([first])
    [second] = play.fills(play.sees(position(side=Side.SELL)))
    assert isinstance(second, OpenPosition)
    assert second.cl_ord_id != first.cl_ord_id


def test_a_copy_that_the_target_closed_is_never_reopened():
    play = opened()
    assert play.copy is not None
    play.copy = evolve(play.copy, legs=tuple(evolve(leg, stage=LegStage.GONE) for leg in play.copy.legs))
    assert play.again() == []
    assert play.copy is not None
    assert play.copy.ending is Ending.TARGET_CLOSED
    assert play.sees(position("5")) == []


def test_moved_stops_are_followed_once():
    play = opened()
    moved = position(stop_loss=Decimal("1.05"))
    [order] = play.sees(moved)
    assert shape([order]) == [("stops", "1.05")]
    assert play.fills([order]) == []
    assert play.sees(moved) == []


def test_a_stop_that_was_moved_into_profit_is_followed():
    play = opened()
    assert shape(play.sees(position(stop_loss=Decimal("1.15")))) == [("stops", "1.15")]


def test_stops_by_distance_are_measured_from_the_real_fill():
    play = Playbook(evolve(THIRD, stops=Stops(StopsMode.DISTANCE)))
    [order] = play.sees(position(stop_loss=Decimal("1.09"), open_price=Decimal("1.10500")))
    assert isinstance(order, OpenPosition)
    assert shape(play.fills([order])) == [("stops", "1.08500")]


def test_stops_that_the_venue_refuses_are_not_asked_for_for_ever():
    play = opened()
    [order] = play.sees(position(stop_loss=Decimal("1.05")))
    asked = 1
    while True:
        play.reports(Rejected(order.cl_ord_id, "invalid stops"))
        later = play.waits(60)
        if not later:
            break
        [order] = later
        asked += 1
    assert asked == 5


def test_reverse_opens_the_other_side_with_stop_and_target_swapped():
    play = Playbook(evolve(THIRD, reverse=True))
    [order] = play.sees(position(stop_loss=Decimal("1.05"), take_profit=Decimal("1.20")))
    assert isinstance(order, OpenPosition)
    assert (order.side, order.stop_loss, order.take_profit) == (Side.SELL, Decimal("1.20"), Decimal("1.05"))


def test_a_denied_position_stays_denied_and_its_close_is_silent():
    play = Playbook(THIRD)
    play.link = evolve(play.link, state=LinkState.PAUSED)
    assert play.sees(position()) == []
    play.link = evolve(play.link, state=LinkState.ACTIVE)
    assert play.sees(position()) == []
    assert play.copy is not None
    assert play.copy.reason is Reason.LINK_PAUSED
    assert play.sees(None) == []


def test_a_target_that_is_not_ready_is_waited_for_within_the_guards_age():
    play = Playbook(evolve(THIRD, guard=Guard(max_age=timedelta(seconds=3))))
    play.target.ready = False
    assert play.sees(position()) == []
    assert play.last.look_again_at == play.now + timedelta(seconds=3)
    play.now += timedelta(seconds=1)
    play.target.ready = True
    assert shape(play.again()) == [("open", "0.30")]


def test_waiting_ends_in_a_denial_for_good():
    play = Playbook(evolve(THIRD, guard=Guard(max_age=timedelta(seconds=3))))
    play.target.ready = False
    play.sees(position())
    assert play.waits(3) == []
    play.target.ready = True
    assert play.again() == []
    assert play.copy is not None
    assert (play.copy.status, play.copy.reason) == (CopyStatus.ENDED, Reason.TARGET_NOT_READY)


def test_an_unknown_instrument_is_looked_up_and_then_copied():
    play = Playbook(THIRD)
    known = play.target.instruments.pop(Symbol("EURUSD"))
    assert play.sees(position()) == []
    assert [look_up.symbol for look_up in play.last.look_ups] == ["EURUSD"]
    play.target.instruments[Symbol("EURUSD")] = known
    assert shape(play.again()) == [("open", "0.30")]


def test_a_symbol_that_the_target_lacks_is_denied():
    play = Playbook(THIRD)
    play.target.instruments[Symbol("EURUSD")] = None
    assert play.sees(position()) == []
    assert play.codes == ["SYMBOL_UNMAPPED"]


def test_what_is_found_by_reconciliation_obeys_the_start_policy():
    young = position(opened_at=position().opened_at - timedelta(seconds=59))
    old = position(opened_at=position().opened_at - timedelta(seconds=61))
    assert shape(Playbook(THIRD).sees(young, Origin.RECONCILED)) == [("open", "0.30")]
    play = Playbook(THIRD)
    assert play.sees(old, Origin.RECONCILED) == []
    assert play.codes == ["DENIED_STALE"]
    anything = evolve(THIRD, on_start=StartPolicy(StartOpen.COPY))
    assert shape(Playbook(anything).sees(old, Origin.RECONCILED)) == [("open", "0.30")]


def test_totals_of_the_account_deny():
    play = Playbook(evolve(THIRD, limits=PolicyLimits(max_positions=2)))
    play.target.copies = 2
    play.sees(position())
    assert play.codes == ["MAX_POSITIONS"]
    play = Playbook(evolve(THIRD, limits=PolicyLimits(max_total_volume=Decimal(1))))
    play.target.volume = Decimal("0.71")
    play.sees(position())
    assert play.codes == ["MAX_TOTAL_VOLUME"]


def test_a_limit_that_forbids_new_risk_denies_and_says_which():
    play = Playbook(THIRD)
    play.target.denied = Denied("limits", Reason.LIMIT_DAILY_LOSS, (("floor", "96000"),))
    play.sees(position())
    assert play.codes == ["LIMIT_DAILY_LOSS"]


def test_a_flattened_copy_closes_and_is_not_opened_again():
    play = opened()
    assert play.copy is not None
    play.copy = evolve(play.copy, flatten="limit daily")
    closing = play.again()
    assert shape(closing) == [("close", "0.30")]
    assert play.fills(closing) == []
    assert play.copy is not None
    assert play.copy.ending is Ending.FLATTENED
    assert play.sees(position("3")) == []


def test_a_split_volume_is_one_copy_of_several_legs_and_closes_whole():
    play = Playbook(CopyPolicy("big", volume=VolumePolicy(over_max=VolumePolicy().over_max.SPLIT)))
    opening = play.sees(position("120"))
    assert sum(Decimal(volume) for _, volume in shape(opening)) == 120
    assert len(opening) == 3
    play.fills(opening)
    assert shape(play.sees(position("60"))) != []
    play.fills(play.last.actions)
    assert play.copy is not None
    assert sum((leg.held for leg in play.copy.legs), Decimal(0)) == 60
    play.fills(play.sees(None))
    assert play.copy is not None
    assert not play.copy.holds


def test_the_ratio_is_exact():
    play = Playbook(CopyPolicy("sevenths", size=Size(multiplier=Decimal("0.7"))))
    play.sees(position("0.33"))
    assert play.copy is not None
    assert play.copy.ratio == Fraction(7, 10)


@pytest.mark.parametrize("change", [{"volume": Decimal("0.5")}, {"stop_loss": Decimal("1.05")}])
def test_a_close_overtakes_a_reduction_or_stops_whose_answer_was_lost(change: dict[str, Decimal]):
    play = Playbook()
    play.fills(play.sees(position()))
    [lost] = play.sees(position(**change))
    assert play.reports(OutcomeUnknown(lost.cl_ord_id, "connection lost")) == []
    [closing] = play.sees(None)
    assert shape([closing]) == [("close", "1.00")]
    assert closing.cl_ord_id != lost.cl_ord_id
    assert play.reports(filled(lost)) == [], "what became of it matters no more"
    play.fills([closing])
    assert play.copy is not None
    assert play.copy.ending is Ending.SOURCE_CLOSED


def test_a_close_waits_for_stops_that_have_just_been_sent():
    play = Playbook()
    play.fills(play.sees(position()))
    [stops] = play.sees(position(stop_loss=Decimal("1.05")))
    assert play.sees(None) == []
    assert shape(play.fills([stops])) == [("close", "1.00")]


def test_a_reduction_whose_instrument_could_not_be_looked_up_is_asked_about_again():
    play = Playbook()
    play.fills(play.sees(position()))
    known = play.target.instruments.pop(Symbol("EURUSD"))
    assert play.sees(position("0.5")) == []
    assert play.last.look_again_at == play.now + timedelta(seconds=10)
    play.target.instruments[Symbol("EURUSD")] = known
    assert shape(play.waits(10)) == [("reduce", "0.50")]


def test_an_increase_that_was_taken_back_while_it_waited_leaves_no_wait_behind():
    play = Playbook()
    play.fills(play.sees(position()))
    play.target.ready = False
    assert play.sees(position("2")) == []
    play.sees(position())
    assert play.copy is not None
    assert play.copy.wait_until is None
    play.waits(3600)
    assert play.sees(position("2")) == []
    play.target.ready = True
    assert shape(play.waits(1)) == [("open", "1.00")], "the second increase waits anew"


def test_a_copy_that_closes_while_an_increase_waits_leaves_no_wait_behind():
    play = Playbook()
    play.fills(play.sees(position()))
    play.target.ready = False
    play.sees(position("2"))
    play.fills(play.sees(None))
    assert play.copy is not None
    assert (play.copy.status, play.copy.wait_until) == (CopyStatus.ENDED, None)


def test_an_opening_time_that_is_a_little_off_is_no_second_life():
    play = Playbook()
    [order] = play.sees(position())
    play.reports(Rejected(order.cl_ord_id, "no money"))
    assert play.sees(position(opened_at=T0 + timedelta(microseconds=400))) == []
    assert shape(play.sees(position(opened_at=T0 + timedelta(seconds=30)))) == [("open", "1.00")]


def test_an_increase_that_never_left_is_tried_again_however_old_its_copy_is():
    play = Playbook()
    play.fills(play.sees(position()))
    play.waits(3600)
    [more] = play.sees(position("2"))
    assert play.reports(NotSent(more.cl_ord_id, "the token was no longer good")) == []
    assert play.waits(2) == [more]
    assert play.reports(NotSent(more.cl_ord_id, "no connection")) == []
    assert play.waits(60) == [], "too late by then"


def test_the_accounts_own_caps_count_what_is_not_ours():
    play = Playbook(THIRD)
    play.target.caps = (Cap(play.target.account, CapKind.MAX_POSITIONS, Decimal(3)),)
    play.target.copies, play.target.foreign = 1, 2
    play.sees(position())
    assert play.codes == ["MAX_POSITIONS"]
    play = Playbook(THIRD)
    play.target.caps = (Cap(play.target.account, CapKind.MAX_TOTAL_VOLUME, Decimal(1)),)
    play.target.volume, play.target.foreign_volume = Decimal("0.3"), Decimal("0.4")
    assert shape(play.sees(position())) == [("open", "0.30")]
    play = Playbook(THIRD)
    play.target.caps = (Cap(play.target.account, CapKind.MAX_TOTAL_VOLUME, Decimal(1)),)
    play.target.volume, play.target.foreign_volume = Decimal("0.31"), Decimal("0.4")
    play.sees(position())
    assert play.codes == ["MAX_TOTAL_VOLUME"]


def test_skip_means_what_was_open_before_we_looked():
    skipping = evolve(THIRD, on_start=StartPolicy(StartOpen.SKIP))
    play = Playbook(skipping)
    play.source.known_at = T0 - timedelta(seconds=1)
    assert shape(play.sees(position(), Origin.RECONCILED)) == [("open", "0.30")], "a poll was faster than the stream"
    play = Playbook(skipping)
    play.source.known_at = T0 + timedelta(seconds=1)
    assert play.sees(position(), Origin.RECONCILED) == []
    assert play.codes == ["DENIED_STALE"]


def test_a_stop_beyond_todays_price_is_tried_again_when_the_price_comes_back():
    play = opened()
    eurusd = Symbol("EURUSD")
    play.target.quotes[eurusd] = Quote(eurusd, Decimal("1.04"), Decimal("1.0401"), play.now)
    held = position(stop_loss=Decimal("1.05"))
    assert play.sees(held) == [], "the stop lies above the price"
    assert play.last.look_again_at == play.now + timedelta(seconds=10)
    assert [look_up.awaited for look_up in play.last.look_ups] == [False], "else each answer would ask again"
    play.now += timedelta(seconds=10)
    play.target.quotes[eurusd] = Quote(eurusd, Decimal("1.10"), Decimal("1.1001"), play.now)
    assert shape(play.again()) == [("stops", "1.05")]


def test_what_opens_again_under_the_same_id_while_the_close_is_under_way_is_another_life() -> None:
    play = opened()
    [close] = play.sees(None)
    again = position("1", opened_at=T0 + timedelta(seconds=30))
    assert play.sees(again) == []
    orders = play.fills([close])
    assert shape(orders) == [("open", "0.30")]
    assert orders[0].cl_ord_id != close.cl_ord_id


def test_what_opens_under_the_same_id_while_all_is_flattened_is_another_life() -> None:
    play = opened()
    assert play.copy is not None
    play.copy = evolve(play.copy, flatten="a limit")
    [close] = play.again()
    again = position("1", opened_at=T0 + timedelta(seconds=30))
    assert play.sees(again) == []
    assert shape(play.fills([close])) == [("open", "0.30")]


def test_a_close_does_not_wait_until_refused_stops_may_be_tried_again() -> None:
    play = opened()
    [stops] = play.sees(position("1", stop_loss=Decimal("1.09")))
    assert play.reports(Rejected(stops.cl_ord_id, "Invalid stops")) == [], "they wait for their next try"
    assert shape(play.sees(None)) == [("close", "0.30")]


def test_a_refused_close_still_waits_for_its_own_next_try() -> None:
    play = opened()
    [close] = play.sees(None)
    assert play.reports(Rejected(close.cl_ord_id, "Market is closed")) == []
    assert play.again() == []
    assert shape(play.waits(1.1)) == [("close", "0.30")]


def test_a_stop_that_the_size_needs_is_waited_for_no_longer_than_said() -> None:
    policy = CopyPolicy("risk", Size(SizeMode.RISK_AMOUNT, amount=Money(Decimal(100), "USD")))
    play = Playbook(policy)
    play.target.status = AccountStatus(Decimal(1000), Decimal(1000), "USD")
    play.target.instruments[Symbol("EURUSD")] = evolve(EURUSD, profit_currency="USD")
    quote = Quote(Symbol("EURUSD"), Decimal("1.0999"), Decimal("1.1"), T0 + timedelta(seconds=1))
    play.target.quotes[Symbol("EURUSD")] = quote
    assert play.sees(position()) == []
    assert play.codes == ["STOP_MISSING"]
    assert play.last.look_again_at == T0 + timedelta(seconds=2)
    late = evolve(play, copy=play.copy, now=T0 + timedelta(seconds=2))
    assert shape(play.sees(position(stop_loss=Decimal("1.09")))) == [("open", "0.10")]
    assert late.sees(position(stop_loss=None)) == []
    assert late.copy is not None
    assert (late.copy.ending, late.copy.reason) == (Ending.DENIED, Reason.STOP_MISSING)


def test_a_stop_is_waited_for_within_the_guards_age() -> None:
    guard = Guard(max_age=timedelta(seconds=1))
    play = Playbook(CopyPolicy("young", guard=guard, filter=Filter(require_stop_loss=True)))
    play.sees(position())
    assert play.last.look_again_at == T0 + timedelta(seconds=1)


def test_a_moved_stop_is_shifted_by_the_gap_of_the_entry_whatever_the_quotes_are_now() -> None:
    play = Playbook(CopyPolicy("offset", stops=Stops(StopsMode.OFFSET)))
    play.target.quotes[Symbol("EURUSD")] = Quote(Symbol("EURUSD"), Decimal("1.102"), Decimal("1.1021"), T0)
    stopped = position(stop_loss=Decimal("1.09"), current_price=Decimal("1.1"))
    [order] = play.sees(stopped)
    assert isinstance(order, OpenPosition)
    assert order.stop_loss == Decimal("1.092")
    play.fills([order])
    play.target.quotes[Symbol("EURUSD")] = Quote(Symbol("EURUSD"), Decimal("1.105"), Decimal("1.1051"), T0)
    assert play.sees(evolve(stopped, current_price=Decimal("1.1"))) == []
    assert shape(play.sees(evolve(stopped, stop_loss=Decimal("1.095")))) == [("stops", "1.097")]


def test_increase_under_a_cap_off_the_grid_is_on_the_step():
    policy = CopyPolicy("test", volume=VolumePolicy(max=Decimal("0.25")))
    play = Playbook(policy)
    play.target.instruments[EURUSD.symbol] = evolve(EURUSD, volume_step=Decimal("0.02"), volume_min=Decimal("0.02"))
    play.fills(play.sees(position("0.1")))
    assert shape(play.sees(position("5"))) == [("open", "0.14")]


@pytest.mark.parametrize("forbidden", ["link", "limit", "halt", "source"])
def test_opening_that_never_left_is_given_up_once_new_risk_is_forbidden(forbidden):
    play = Playbook(CopyPolicy("test", limits=PolicyLimits(obey_source=True)))
    [action] = play.sees(position("1"))
    play.reports(NotSent(action.cl_ord_id, "busy"))
    match forbidden:
        case "link":
            play.link = evolve(play.link, state=LinkState.CLOSE_ONLY)
        case "limit":
            play.target.denied = Denied("[[limits]]", Reason.LIMIT_DAILY_LOSS)
        case "halt":
            play.target.halted = "by hand"
        case "source":
            play.source.denied = Denied("[[limits]]", Reason.LIMIT_DAILY_LOSS)
    assert play.waits(2) == []
    assert play.copy is not None
    assert not play.copy.holds


def test_a_reduction_is_on_the_step_also_where_the_minimum_is_not():
    play = Playbook()
    play.target.instruments[EURUSD.symbol] = evolve(EURUSD, volume_step=Decimal("0.02"), volume_min=Decimal("0.05"))
    play.fills(play.sees(position("0.18")))
    assert shape(play.sees(position("0.01"))) == [("reduce", "0.12")]


def test_what_is_held_is_not_closed_for_an_increase_that_goes_out_again():
    play = Playbook()
    play.fills(play.sees(position("0.01")))
    [increase] = play.sees(position("0.05"))
    play.reports(NotSent(increase.cl_ord_id, "busy"))
    assert play.sees(position("0.03")) == []
    assert shape(play.waits(2)) == [("open", "0.04")]
    assert shape(play.fills([increase])) == [("close", "0.01"), ("reduce", "0.01")]
