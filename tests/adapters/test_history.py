"""What all histories have in common: order, beginning, doubles, bounds."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from adapters import history
from adapters.base import RemoteProtocolError
from adapters.history import bounded_comment, bounded_kind, kind_of_balance, oldest_first
from rules.model.observed import CashFlow

AT = datetime(2026, 11, 20, 12, 0, 0, 123_456, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def flow(exec_id: str, at: datetime = AT, amount: str = "1") -> CashFlow:
    return CashFlow(exec_id, at, Decimal(amount), "deposit")


def test_entries_come_oldest_first_and_those_of_one_instant_as_they_came() -> None:
    entries = [flow("c", AT + SECOND), flow("b"), flow("a"), flow("z", AT - SECOND)]
    assert [entry.exec_id for entry in oldest_first(entries, AT - SECOND)] == ["z", "b", "a", "c"]


def test_what_was_before_is_left_out_by_the_millisecond_that_venues_tell() -> None:
    told = AT.replace(microsecond=123_000)
    entries = [flow("before", told - timedelta(microseconds=1)), flow("now", told)]
    assert [entry.exec_id for entry in oldest_first(entries, AT)] == ["now"]


def test_an_entry_that_comes_twice_is_told_once() -> None:
    assert oldest_first([flow("a"), flow("b"), flow("a")], AT) == (flow("a"), flow("b"))


def test_two_entries_of_one_id_are_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="found 'a' twice"):
        oldest_first([flow("a"), flow("a", amount="2")], AT)


def test_more_entries_than_an_account_can_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "ENTRIES_MAX", 3)
    assert len(oldest_first(map(flow, "abc"), AT)) == 3
    with pytest.raises(RemoteProtocolError, match="at most 3"):
        oldest_first(map(flow, "abcd"), AT)


def test_words_of_others_are_bounded() -> None:
    assert [kind_of_balance(Decimal(amount)) for amount in (1, 0, -1)] == ["deposit", "deposit", "withdrawal"]
    assert bounded_kind("X" * 1000) == "X" * 40
    assert [bounded_comment(text) for text in (None, "", "why", "x" * 257)] == [None, None, "why", None]
