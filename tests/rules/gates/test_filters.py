from datetime import UTC, datetime
from decimal import Decimal

import pytest
from attrs import evolve

from rules.gates.filters import Filter, check_filter
from rules.model.observed import Position
from rules.model.reasons import Reason
from rules.model.values import PositionId, Side, Symbol
from rules.policy.patterns import PatternError

POSITION = Position(
    PositionId("1"), Symbol("XAUUSD"), Side.BUY, Decimal("0.5"), Decimal(2600), datetime(2026, 11, 20, tzinfo=UTC)
)


def reason(wanted: Filter, **changes: object) -> Reason | None:
    denied = check_filter(wanted, evolve(POSITION, **changes))
    assert denied is None or denied.numbers, "a denial carries its numbers"
    return None if denied is None else denied.reason


def test_empty_filter_passes_everything():
    assert reason(Filter()) is None


def test_symbols_are_allowed_by_whole_name():
    assert reason(Filter(symbols=("EURUSD", "XAU.*"))) is None
    assert reason(Filter(symbols=("XAU",))) is Reason.FILTER_SYMBOL


def test_block_wins_over_allow():
    assert reason(Filter(symbols=("XAU.*",), not_symbols=("XAUUSD",))) is Reason.FILTER_SYMBOL


def test_side_is_the_sources_own():
    assert reason(Filter(sides=frozenset({Side.SELL}))) is Reason.FILTER_SIDE
    assert reason(Filter(sides=frozenset({Side.SELL})), side=Side.SELL) is None


def test_magic_and_comment_refuse_what_has_none():
    assert reason(Filter(magic=(r"12\d\d",))) is Reason.FILTER_MAGIC
    assert reason(Filter(magic=(r"12\d\d",)), magic="1234") is None
    assert reason(Filter(magic=(r"12\d\d",)), magic="12345") is Reason.FILTER_MAGIC
    assert reason(Filter(comment=("grid.*",))) is Reason.FILTER_COMMENT
    assert reason(Filter(comment=("grid.*",)), comment="grid 7") is None
    assert reason(Filter(comment=("grid.*",)), comment="my grid") is Reason.FILTER_COMMENT


@pytest.mark.parametrize(("volume", "passes"), [("0.09", False), ("0.1", True), ("2", True), ("2.01", False)])
def test_both_ends_of_the_volume_range_are_allowed(volume, passes):
    wanted = Filter(volume_min=Decimal("0.1"), volume_max=Decimal(2))
    assert (reason(wanted, volume=Decimal(volume)) is None) == passes


def test_required_stop_that_is_missing_waits():
    wanted = Filter(require_stop_loss=True, require_take_profit=True)
    assert reason(wanted) is Reason.FILTER_STOPS
    assert Reason.FILTER_STOPS.waits
    assert reason(wanted, stop_loss=Decimal(2500)) is Reason.FILTER_STOPS
    assert reason(wanted, stop_loss=Decimal(2500), take_profit=Decimal(2700)) is None


def test_final_denial_comes_before_one_that_waits():
    wanted = Filter(require_stop_loss=True, volume_max=Decimal("0.1"))
    assert reason(wanted) is Reason.FILTER_VOLUME


def test_broken_pattern_names_its_key_and_number():
    with pytest.raises(PatternError, match=r"filter\.not_symbols, pattern 2.*look-ahead"):
        Filter(not_symbols=("A", "(?=B)"))


def test_filter_that_can_never_pass_is_refused():
    with pytest.raises(ValueError, match="sides"):
        Filter(sides=frozenset())
    with pytest.raises(ValueError, match="volume"):
        Filter(volume_min=Decimal(2), volume_max=Decimal(1))


def test_filters_are_equal_by_what_they_ask():
    assert Filter(symbols=("A",)) == Filter(symbols=("A",))
    assert hash(Filter(symbols=("A",))) == hash(Filter(symbols=("A",)))
