"""Single values of Clear Street: exact, whether they come as strings or as JSON numbers, or refused."""

from decimal import Decimal

import pytest

from adapters.base import RemoteProtocolError
from adapters.clearstreet import values, wire
from adapters.numbers import number


def quantity(written: str) -> Decimal:
    """Return a number that a position was told with."""
    row = wire.decoded(f'{{"symbol":"A","quantity":{written}}}', wire.Position, "a position")
    return number(row.quantity, "quantity")


@pytest.mark.parametrize(
    ("written", "exactly"),
    [
        ('"70"', "70"),
        ("70", "70"),
        ("187.250", "187.250"),
        ('"187.250"', "187.250"),
        ("1e2", "1E+2"),
        ("-0.10", "-0.10"),
    ],
)
def test_a_number_is_what_is_written_digit_for_digit(written, exactly):
    assert str(quantity(written)) == exactly


@pytest.mark.parametrize(
    "written",
    [
        "1e999",
        "1e99999999999999999999",
        "0." + "1" * 21,
        "9" * 21,
        "9" * 5000,
        '"NaN"',
        "null",
        "true",
        "[1]",
        "{}",
        '"1_0"',
    ],
)
def test_what_is_no_number_of_sane_size_is_refused(written):
    with pytest.raises(RemoteProtocolError):
        quantity(written)


@pytest.mark.parametrize("written", [-1, 253_402_000_000_001, Decimal("1.5"), "soon", None, True, 10**30])
def test_a_time_beyond_the_calendar_is_refused(written):
    with pytest.raises(RemoteProtocolError):
        values.epoch_ms(written, "timestamp")


def test_a_time_is_whole_milliseconds_however_they_are_written():
    assert [values.epoch_ms(written, "timestamp") for written in (0, "1700000000000", Decimal("17E11"))] == [
        0,
        1_700_000_000_000,
        1_700_000_000_000,
    ]
