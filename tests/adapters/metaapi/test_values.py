"""Numbers, times and names out of MetaApi's messages."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from adapters.base import RemoteProtocolError
from adapters.metaapi.values import instant, iso, name, number, price_or_none


def test_the_noise_of_doubles_is_cut_and_nothing_else():
    assert number(Decimal("0.30000000000000004"), "x") == Decimal("0.3")
    assert number(Decimal("7306.649913200001"), "x") == Decimal("7306.6499132")
    assert number(Decimal("1.23456789012345"), "x") == Decimal("1.23456789012345")
    assert number(9223372036854775, "x") == 9223372036854780


@pytest.mark.parametrize("value", [None, True, 1.5, "NaN", Decimal("NaN"), "1e400", "1_0", [1], 10**30])
def test_what_is_no_number_of_sane_size_is_refused(value):
    with pytest.raises(RemoteProtocolError, match="volume"):
        number(value, "volume")


def test_a_price_of_zero_is_none():
    assert price_or_none(0, "x") is None
    assert price_or_none(None, "x") is None
    with pytest.raises(RemoteProtocolError):
        price_or_none(Decimal("-1"), "x")


@pytest.mark.parametrize(
    "text", ["+053269-01-01T00:00:00.000Z", "+010000-01-01T00:00:00.000Z", "+275760-09-13T00:00:00.000Z"]
)
def test_a_year_beyond_the_calendar_is_its_end(text):
    assert instant(text, "x") == datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-11-20", "2026-11-20T10:00:00", "2026-13-20T10:00:00Z", "+1", "2" * 99]
)
def test_what_is_no_time_with_a_zone_is_refused(text):
    with pytest.raises(RemoteProtocolError, match="time of x"):
        instant(text, "time of x")


def test_times_are_utc_both_ways():
    assert instant("2026-11-20T12:00:00.250+02:00", "x") == datetime(2026, 11, 20, 10, 0, 0, 250000, tzinfo=UTC)
    east = datetime(2026, 11, 20, 12, 0, 0, 999999, tzinfo=timezone(timedelta(hours=2)))
    assert iso(east) == "2026-11-20T10:00:00.999Z"


def test_the_ends_of_the_calendar_do_not_overflow():
    assert instant("9999-12-31T23:59:59.999-14:00", "x") == datetime.max.replace(tzinfo=UTC)


def test_ids_are_text_of_sane_length():
    assert name(18446744073709551615, "id") == "18446744073709551615"
    for value in (None, "", "x" * 101):
        with pytest.raises(RemoteProtocolError, match="id"):
            name(value, "id")
