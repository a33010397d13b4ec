"""What the stops would leave, and what a limit does next."""

from decimal import Decimal

import pytest
from attrs import evolve

from rules.limits.exposure import AtStops, at_stops
from rules.limits.limits import LimitStage
from rules.limits.outlook import ahead, headroom_share
from rules.model.instruments import Instrument
from rules.model.observed import Position
from rules.model.values import PositionId, Price, Side, Symbol, Volume
from tests.rules.limit_parts import Watch, at, daily, target

LOT = Volume(Decimal(1))
GOLD = Instrument(Symbol("XAUUSD"), LOT, LOT, LOT, contract_size=Decimal(100), profit_currency="USD")
KNOWN = {GOLD.symbol: GOLD}


def gold(side: Side = Side.BUY, stop: str | None = "2590", volume: str = "2") -> Position:
    stop_loss = None if stop is None else Price(Decimal(stop))
    return Position(
        PositionId("p"), GOLD.symbol, side, Volume(Decimal(volume)), Price(Decimal(2600)), at("15 12:00"), stop_loss
    )


def test_stops_leave_the_balance_less_what_each_would_lose():
    # 2 lots x 100 oz x 10 USD below the entry, and half a lot whose stop lies 4 USD in profit.
    found = at_stops(Decimal(100_000), "USD", [gold(), gold(Side.SELL, "2596", "0.5")], KNOWN)
    assert found == AtStops(Decimal(98_200))


def test_position_without_a_stop_bounds_nothing():
    assert at_stops(Decimal(100_000), "USD", [gold(), gold(stop=None)], KNOWN) == AtStops(None, 1)


@pytest.mark.parametrize(
    ("instrument", "currency"),
    [(None, "USD"), (evolve(GOLD, contract_size=None), "USD"), (GOLD, "EUR"), (GOLD, None),
     (evolve(GOLD, profit_currency=None), "USD")],
)  # fmt: skip
def test_worth_that_is_not_known_is_not_guessed(instrument: Instrument | None, currency: str | None):
    assert at_stops(Decimal(100_000), currency, [gold()], {GOLD.symbol: instrument}) == AtStops(None, 0, 1)


def test_contract_size_of_the_position_itself_counts():
    own = evolve(gold(), contract_size=Decimal(10))
    assert at_stops(Decimal(100_000), "USD", [own], KNOWN) == AtStops(Decimal(99_800))


def test_unknown_balance_leaves_nothing_to_tell():
    assert at_stops(None, "USD", [], KNOWN) == AtStops(None)


def test_stages_ahead_are_told_from_the_nearest_on():
    watch = Watch(daily("4000", warn_at=Decimal("0.5"), block_at=Decimal("0.75"), flatten_at=Decimal("0.9")))
    watch.report("15 12:00", "100000")
    judged = watch.report("15 12:01", "100000", "97500")
    assert [(each.stage, each.metric, each.away) for each in ahead(watch.limit, judged)] == [
        (LimitStage.BLOCK, Decimal(97_000), Decimal(500)),
        (LimitStage.FLATTEN, Decimal(96_400), Decimal(1100)),
        (LimitStage.BREACHED, Decimal(96_000), Decimal(1500)),
    ]
    assert headroom_share(judged) == Decimal("0.375")


def test_target_has_only_its_level_ahead():
    watch = Watch(target("10 %"))
    judged = watch.report("15 12:00", "104000")
    assert [(each.stage, each.metric, each.away) for each in ahead(watch.limit, judged)] == [
        (LimitStage.BREACHED, Decimal(110_000), Decimal(6000))
    ]


def test_limit_that_cannot_be_judged_has_nothing_ahead():
    judged = Watch(daily()).clock("15 12:00")
    assert (ahead(daily(), judged), headroom_share(judged)) == ((), None)
