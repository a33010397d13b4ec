"""Single values of TradeLocker: exact, or refused."""

import pytest

from adapters.base import RemoteProtocolError
from adapters.numbers import number
from adapters.tradelocker.values import is_zero, optional, positive

HOSTILE = ("NaN", "1e999", "Infinity", "1_0", " 1", "", "9" * 21, "9" * 5000, "0x10", None, 1.5, True)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_number_of_sane_size_is_refused(text):
    for read in (number, positive):
        with pytest.raises(RemoteProtocolError):
            read(text, "lots")


@pytest.mark.parametrize("text", ["0", "0.00", "-0", "-0.1"])
def test_zero_and_less_are_not_positive_however_often_they_are_asked_for(text):
    for _ in range(2):
        with pytest.raises(RemoteProtocolError, match="lots must be > 0"):
            positive(text, "lots")


def test_zero_is_told_from_numbers_and_from_what_is_none():
    assert [is_zero(text) for text in ("0", "0.00", "0e5", "0." + "0" * 19)] == [True] * 4
    assert not any(is_zero(text) for text in ("0.1", "-0.1", "1e-20", "0.00000000000000000001", "", "zero", "0" * 30))


def test_nothing_written_is_none():
    assert (optional(None, "swap"), optional("", "swap"), optional("0.10", "swap")) == (None, None, number("0.10", ""))
