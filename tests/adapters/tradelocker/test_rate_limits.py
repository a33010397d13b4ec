"""The broker's own limits: kept in a sliding window, by kind of request."""

import pytest
import trio
from trio.testing import MockClock

from adapters.base import Throttled
from adapters.tradelocker.rate_limits import RateLimits, kind_of
from adapters.tradelocker.wire_rest import RateLimit
from rules.model.reports import Filled
from rules.model.values import ClOrdId
from tests.adapters.tradelocker.world import memory_world, opening


def limits(*given: RateLimit) -> RateLimits:
    learned = RateLimits()
    learned.learn(given)
    return learned


def test_so_many_pass_within_the_window_and_the_next_waits_for_the_first_to_leave_it() -> None:
    kept = limits(RateLimit("PLACE_ORDER", "SECONDS", 2, 3))
    assert [kept.take("PLACE_ORDER", at) for at in (10.0, 10.5, 11.0)] == [0, 0, 0]
    assert kept.take("PLACE_ORDER", 11.5) == 0.5
    assert kept.take("PLACE_ORDER", 12.0) == 0
    assert kept.take("PLACE_ORDER", 12.0) == 0.5


def test_one_kind_does_not_use_up_another() -> None:
    kept = limits(RateLimit("PLACE_ORDER", "SECONDS", 1, 1), RateLimit("GET_ORDERS", "MINUTES", 1, 1))
    assert (kept.take("PLACE_ORDER", 0.0), kept.take("GET_ORDERS", 0.0)) == (0, 0)
    assert kept.take("GET_ORDERS", 59.0) == 1.0
    assert kept.take("MODIFY_ORDER", 0.0) == kept.take(None, 0.0) == 0


@pytest.mark.parametrize(
    "absurd",
    [
        RateLimit("PLACE_ORDER", "SECONDS", 0, 1),
        RateLimit("PLACE_ORDER", "SECONDS", 1, 0),
        RateLimit("PLACE_ORDER", "SECONDS", -5, -5),
        RateLimit("PLACE_ORDER", "YEARS", 1, 1),
        RateLimit("PLACE_ORDER", "MINUTES", 10**9, 1),
        RateLimit("PLACE_ORDER", "SECONDS", 1, 10**9),
    ],
)
def test_a_limit_that_makes_no_sense_stops_nothing(absurd: RateLimit) -> None:
    kept = limits(absurd)
    assert {kept.take("PLACE_ORDER", 0.0) for _ in range(50)} == {0}


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/trade/accounts/7/positions", "GET_POSITIONS"),
        ("GET", "/trade/accounts/7/ordersHistory", "GET_ORDERS_HISTORY"),
        ("GET", "/trade/config", None),
        ("POST", "/trade/accounts/7/orders", "PLACE_ORDER"),
        ("PATCH", "/trade/orders/9", "MODIFY_ORDER"),
        ("DELETE", "/trade/positions/9", "MODIFY_POSITION"),
    ],
)
def test_each_request_has_the_brokers_name(method: str, path: str, kind: str | None) -> None:
    assert kind_of(method, path) == kind


async def test_an_order_beyond_the_brokers_limit_is_held_back_and_told_until_when(autojump_clock: MockClock) -> None:
    async with memory_world(rate_limits={"PLACE_ORDER": (1, 2)}) as (world, account):
        await account.snapshot()  # reads the limits
        assert isinstance(await account.submit(opening()), Filled)
        second = opening(tag=ClOrdId("cpbcdefghijklmnopqrstu"))
        with pytest.raises(Throttled) as throttled:
            await account.submit(second)
        assert 0 < throttled.value.retry_after_s <= 2
        assert len(world.book.orders) == 1
        await trio.sleep(throttled.value.retry_after_s)
        assert isinstance(await account.submit(second), Filled)
