import pytest

from adapters.simulation.faults import REJECTIONS_MAX, Faults, StreamFaults


@pytest.mark.parametrize(
    ("counter", "take"),
    [
        ("lose_requests", Faults.take_lost_request),
        ("lose_answers", Faults.take_lost_answer),
        ("throttle", Faults.take_throttle),
    ],
)
def test_a_counter_is_used_up_one_by_one(counter, take):
    faults = Faults()
    assert not take(faults)
    setattr(faults, counter, 2)
    assert [take(faults) for _ in range(3)] == [True, True, False]


def test_rejections_come_in_their_order():
    faults = Faults()
    faults.reject("no money", 2)
    faults.reject("closed")
    assert [faults.take_rejection() for _ in range(4)] == ["no money", "no money", "closed", None]


@pytest.mark.parametrize("count", [0, -1, REJECTIONS_MAX + 1])
def test_a_senseless_count_of_rejections_is_refused(count: int):
    with pytest.raises(ValueError, match="count"):
        Faults().reject("no", count)


def sent(faults: Faults, messages: str) -> str:
    stream: StreamFaults[str] = StreamFaults(faults)
    return "".join("".join(stream.deliveries(message)) for message in messages)


def test_without_faults_a_stream_is_as_it_is():
    assert sent(Faults(), "abc") == "abc"


def test_dropped_messages_leave_a_gap():
    assert sent(Faults(drop_messages=2), "abcd") == "cd"


def test_duplicated_messages_come_twice():
    assert sent(Faults(duplicate_messages=2), "abc") == "aabbc"


def test_reordered_messages_come_after_their_follower():
    assert sent(Faults(reorder_messages=2), "abcdef") == "badcef"


def test_a_half_open_stream_says_nothing_and_uses_nothing_up():
    faults = Faults(half_open=True, drop_messages=1)
    assert sent(faults, "abc") == ""
    assert faults.drop_messages == 1


def test_a_message_held_back_belongs_to_its_own_stream():
    faults = Faults(reorder_messages=1)
    one: StreamFaults[str] = StreamFaults(faults)
    other: StreamFaults[str] = StreamFaults(faults)
    assert one.deliveries("a") == []
    assert other.deliveries("x") == ["x"]
    assert one.deliveries("b") == ["b", "a"]


def test_streams_are_cut_and_tokens_expire_for_those_who_still_listen():
    faults, heard = Faults(), []
    stop = faults.on_drop_streams(lambda: heard.append("cut"))
    faults.on_expire_tokens(lambda: heard.append("expired"))
    faults.drop_streams()
    faults.expire_tokens()
    stop()
    faults.drop_streams()
    assert heard == ["cut", "expired"]
