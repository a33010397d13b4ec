"""The order of packets: each rule about numbers and timestamps."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.metaapi.sequence import WAITING_MAX, Sequencer
from adapters.metaapi.wire import Packet


def packet(number, stamp=None):
    return Packet(type="update", account_id="a", sequence_number=number, sequence_timestamp=stamp)


def started(number=0, stamp=100):
    sequencer = Sequencer(1.5)
    first = packet(number, stamp)
    assert sequencer.take(first, 0.0, starts=True) == [first]
    return sequencer


def test_a_packet_without_a_number_passes_at_once():
    sequencer, plain = started(), packet(None)
    assert sequencer.take(plain, 0.0) == [plain]
    assert sequencer.gap_at_s is None


def test_a_start_takes_whatever_number_it_has():
    sequencer, following = started(17), packet(18, 101)
    assert sequencer.take(following, 0.0) == [following]


def test_a_start_that_is_not_newer_than_what_we_saw_is_none():
    sequencer = started(5, 100)
    assert sequencer.take(packet(0, 99), 0.0, starts=True) == []
    again = packet(5, 100)
    assert sequencer.take(again, 0.0, starts=True) == [again]  # the same one, doubled


def test_a_start_drops_what_waited_before_it_and_releases_what_follows():
    sequencer = Sequencer(1.5)
    old, second, third = packet(41, 50), packet(1, 101), packet(2, 102)
    for early in (third, old, second):
        assert sequencer.take(early, 0.0) == []
    first = packet(0, 100)
    assert sequencer.take(first, 1.0, starts=True) == [first, second, third]
    assert sequencer.gap_at_s is None


def test_a_packet_with_an_older_timestamp_is_of_an_earlier_session():
    sequencer = started(0, 100)
    assert sequencer.take(packet(1, 99), 0.0) == []
    assert sequencer.gap_at_s is None


def test_the_same_number_again_passes():
    sequencer, again = started(3, 100), packet(3, 100)
    assert sequencer.take(again, 0.0) == [again]


def test_what_comes_too_early_waits_for_its_turn():
    sequencer = started()
    second, third = packet(2, 102), packet(3, 103)
    assert sequencer.take(third, 1.0) == []
    assert sequencer.take(second, 2.0) == []
    first = packet(1, 101)
    assert sequencer.take(first, 2.2) == [first, second, third]
    assert sequencer.gap_at_s is None


def test_a_gap_is_told_when_the_oldest_has_waited_long_enough_and_once():
    sequencer = started()
    sequencer.take(packet(3, 103), 10.0)
    sequencer.take(packet(2, 102), 11.0)
    assert sequencer.gap_at_s == 11.5
    sequencer.tell_gap()
    assert sequencer.gap_at_s is None
    assert sequencer.take(packet(0, 200), 12.0, starts=True)
    sequencer.take(packet(2, 202), 13.0)
    assert sequencer.gap_at_s == 14.5


def test_there_is_no_gap_before_the_first_start():
    sequencer = Sequencer(1.5)
    sequencer.take(packet(7, 70), 0.0)
    assert sequencer.gap_at_s is None


def test_a_numbering_that_restarts_by_itself_is_a_gap():
    sequencer = started(50, 100)
    assert sequencer.take(packet(0, 200), 1.0) == []
    following = packet(51, 101)
    assert sequencer.take(following, 1.1) == [following]
    assert sequencer.gap_at_s == 2.5


def test_a_doubled_packet_that_waited_is_forgotten_once_its_number_was_seen():
    sequencer = started()
    for _ in range(2):
        sequencer.take(packet(2, 102), 1.0)
    assert len(sequencer.take(packet(1, 101), 1.0)) == 2
    assert sequencer.gap_at_s is None


def test_timestamps_may_be_missing():
    sequencer = Sequencer(1.5)
    first, second, third = packet(0), packet(1), packet(2)
    assert sequencer.take(first, 0.0, starts=True) == [first]
    assert sequencer.take(third, 0.0) == []
    assert sequencer.take(second, 0.0) == [second, third]
    assert sequencer.take(packet(0), 5.0) == []
    assert sequencer.gap_at_s == 6.5  # old or restarted, nobody knows


def test_a_long_gap_does_not_grow_without_bound():
    sequencer = started()
    for number in range(2, 10 * WAITING_MAX):
        assert sequencer.take(packet(number, 100 + number), 1.0) == []
    released = sequencer.take(packet(1, 101), 1.0)
    assert len(released) == 1
    last = 10 * WAITING_MAX
    assert sequencer.take(packet(last - WAITING_MAX - 1, last), 1.0) == []
    assert sequencer.gap_at_s is not None


@pytest.mark.slow  # a hundred orders of thirty packets
@given(st.permutations(range(1, 30)), st.booleans())
def test_any_order_of_all_packets_gives_the_right_one(order, stamped):
    sequencer = started()
    released = []
    for number in order:
        each = packet(number, 100 + number if stamped else None)
        released += [ready.sequence_number for ready in sequencer.take(each, 1.0)]
    if stamped:
        assert released == sorted(released)
    assert [number for number in released if number >= 1] == list(range(1, 30))
    assert sequencer.gap_at_s is None


@given(st.lists(st.integers(1, 20)))
def test_whatever_comes_what_is_released_never_goes_back(numbers):
    sequencer = started()
    released = [0]
    for number in numbers:
        released += [ready.sequence_number for ready in sequencer.take(packet(number, 100 + number), 1.0)]
    assert all(later - earlier in (0, 1) for earlier, later in pairwise(released))
    missing = set(numbers) - set(released)
    assert (sequencer.gap_at_s is not None) is bool(missing)
