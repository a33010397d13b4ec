"""What a signal says: read strictly, numbers exactly, every fault by its key."""

import contextlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import SignalFault
from adapters.signals.words import Close, Modify, Open, Signal, Which, decoded, read_signal
from rules.model.values import PositionId, Side, Symbol

AT = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
BASE: dict[str, Any] = {"id": "s1", "time": "2026-11-21T15:00:00Z"}
OPEN = {**BASE, "action": "open", "symbol": "EURUSD", "side": "buy", "volume": "0.10", "price": 1.0851}


def read(message: dict[str, Any]) -> Signal:
    return read_signal(decoded(msgspec.json.encode(message)))


def test_an_opening_is_exact_whether_numbers_come_as_text_or_as_numbers() -> None:
    raw = decoded(
        b'{"id":"s1","time":1795273200,"action":"open","symbol":"EURUSD","side":"long","volume":0.10,"price":"1.0851"}'
    )
    signal = read_signal(raw)
    assert signal.instruction == Open(PositionId("s1"), Symbol("EURUSD"), Side.BUY, Decimal("0.10"), Decimal("1.0851"))
    assert (signal.signal_id, signal.at) == ("s1", AT)


def test_the_side_may_be_the_action_as_strategies_have_it() -> None:
    instruction = read({**OPEN, "action": "sell", "side": None, "stop_loss": 0, "take_profit": "1.05", "magic": 7})
    assert instruction.instruction == Open(
        *(PositionId("s1"), Symbol("EURUSD"), Side.SELL, Decimal("0.10"), Decimal("1.0851")),
        take_profit=Decimal("1.05"),
        magic="7",
    )


@pytest.mark.parametrize(
    ("message", "instruction"),
    [
        ({"action": "close", "position": "p1"}, Close(Which(PositionId("p1")))),
        ({"action": "close", "symbol": "EURUSD", "side": "short"}, Close(Which(None, Symbol("EURUSD"), Side.SELL))),
        ({"action": "close", "position": 5, "volume": "0.5"}, Close(Which(PositionId("5")), Decimal("0.5"))),
        ({"action": "close_all"}, Close(Which())),
        ({"action": "close_all", "symbol": "EURUSD"}, Close(Which(None, Symbol("EURUSD")))),
        (
            {"action": "modify", "position": "p1", "stop_loss": None, "volume": 2},
            Modify(Which(PositionId("p1")), {"stop_loss": None, "volume": Decimal(2)}),
        ),
    ],
)
def test_other_instructions(message: dict[str, Any], instruction: object) -> None:
    assert read({**BASE, **message}).instruction == instruction


def test_what_a_signature_says_stands_for_id_and_time() -> None:
    signal = read_signal({"action": "close_all"}, "msg_1", AT)
    assert (signal.signal_id, signal.at) == ("msg_1", AT)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"id": "x" * 201}, "id"),
        ({"id": True}, "id"),
        ({"time": None}, "time"),
        ({"time": "2026-11-21T15:00:00"}, "time"),
        ({"time": 10**30}, "time"),
        ({"time": 1.5}, "time"),
        ({"action": "explode"}, "action"),
        ({"action": None}, "action"),
        ({"symbol": None}, "symbol"),
        ({"side": None}, "side"),
        ({"side": "up"}, "side"),
        ({"action": "sell", "side": "buy"}, "side"),
        ({"volume": 0}, "volume"),
        ({"volume": "-1"}, "volume"),
        ({"volume": "1_000"}, "volume"),
        ({"volume": "NaN"}, "volume"),
        ({"volume": "1E+400000"}, "volume"),
        ({"volume": [1]}, "volume"),
        ({"price": None}, "price"),
        ({"stop_loss": "-1"}, "stop_loss"),
        ({"comment": 5}, "comment"),
        ({"quantity": 5}, "quantity"),
        ({"action": "close", "symbol": None}, "position"),
        ({"action": "modify", "position": "p1", "volume": None}, "volume"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_key(change: dict[str, Any], key: str) -> None:
    with pytest.raises(SignalFault) as refused:
        read({**OPEN, **change})
    assert refused.value.key == key
    assert refused.value.expected
    assert refused.value.found


@pytest.mark.parametrize("number", ["-1e9999999991795273200", "1e30", "0." + "1" * 30])
def test_a_number_of_absurd_size_is_refused(number: str) -> None:
    body = f'{{"id": "s1", "time": "2026-11-21T15:00:00Z", "action": "close_all", "price": {number}}}'
    with pytest.raises(SignalFault, match="at most 20 digits"):
        read_signal(decoded(body.encode()))


def test_a_change_of_nothing_is_refused() -> None:
    with pytest.raises(SignalFault, match="a change"):
        read({**BASE, "action": "modify", "position": "p1"})


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_signal_or_refused(body: bytes) -> None:
    with contextlib.suppress(SignalFault):
        read_signal(decoded(body))


@given(
    st.dictionaries(
        st.sampled_from(
            ["id", "time", "action", "position", "symbol", "side", "volume", "price", "stop_loss", "magic"]
        ),
        st.none() | st.integers() | st.text(max_size=20) | st.sampled_from(["open", "close", "modify", "buy", "2026"]),
    )
)
def test_any_values_are_a_signal_or_refused(message: dict[str, Any]) -> None:
    with contextlib.suppress(SignalFault):
        assert read_signal(message).signal_id
