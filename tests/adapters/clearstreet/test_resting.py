"""Pending orders against the simulated venue: placed, changed and canceled once, and what is not known is not said."""

from decimal import Decimal

import pytest
import trio
from attrs import evolve

from adapters.base import RequestNotSent, SessionLost
from adapters.clearstreet.rest import Rest
from rules.model.actions import CancelOrder, PlaceOrder, ReplaceOrder
from rules.model.reports import Accepted, Canceled, Filled, NotSent, Placed, Rejected, Replaced
from rules.model.values import OrderType, Side, VenueOrderId
from tests.adapters.clearstreet.frames import ALIAS
from tests.adapters.clearstreet.simulated import AAPL, XOM
from tests.adapters.clearstreet.world import streaming, tag, world


def placing(side=Side.BUY, price="200", number=1, volume="100", order_type=OrderType.LIMIT, symbol=AAPL, **fields):
    return PlaceOrder(tag(number), ALIAS, symbol, side, order_type, Decimal(volume), Decimal(price), **fields)


def moving(order_id, price, number=2, order_type=OrderType.LIMIT, side=Side.BUY):
    price = Decimal(price)
    return ReplaceOrder(tag(number), ALIAS, VenueOrderId(order_id), AAPL, side, order_type, price, None, None, None)


def canceling(order_id, number=2):
    return CancelOrder(tag(number), ALIAS, VenueOrderId(order_id), AAPL)


async def placed(account, action):
    report = await account.submit(action)
    assert isinstance(report, Placed), report
    return report.venue_order_id


async def test_a_pending_order_rests_for_the_day_and_ends_with_it(autojump_clock):
    async with world() as (made, account):
        order_id = await placed(account, placing())
        (order,) = made.venue.desk.activity.day.orders.values()
        assert (order.time_in_force, order.reference_id, order.state) == ("day", tag(), "open")
        (shown,) = (await account.snapshot())[0].orders
        assert (shown.order_id, shown.tag, shown.expires_at) == (order_id, tag(), None)
        await trio.sleep(86_400)
        assert (await account.snapshot())[0].orders == ()


async def test_a_sale_rests_as_one_order_out_of_what_is_held_or_short_and_never_as_both(autojump_clock):
    async with world() as (made, account):
        made.venue.by_hand(Side.BUY, "60")
        report = await account.submit(placing(Side.SELL, "300"))
        assert "only 60 of AAPL are held long" in report.text
        await placed(account, placing(Side.SELL, "300", 2, "60"))
        assert made.sent[-1] == ("sell", "60", tag(2))
        assert "not easy to borrow" in (await account.submit(placing(Side.SELL, "300", 3, symbol=XOM))).text
        assert len(made.sent) == 2
        by_broker = made.account(locate_broker="ABCD")
        await placed(by_broker, placing(Side.SELL, "300", 4, symbol=XOM))
        assert made.sent[-1] == ("sell-short", "100", tag(4))


async def test_an_order_of_which_the_venue_says_nothing_yet_is_accepted(autojump_clock, monkeypatch):
    async with world() as (made, account):
        ask = Rest.order

        async def hesitant(self, order_id):
            return evolve(await ask(self, order_id), status="pending-new")

        monkeypatch.setattr(Rest, "order", hesitant)
        report = await account.submit(placing())
        assert isinstance(report, Accepted)
        assert isinstance(await account.find(tag(), made.venue.now()), Accepted)
        monkeypatch.setattr(Rest, "order", ask)
        assert await account.find(tag(), made.venue.now()) == Placed(tag(), report.venue_order_id)


async def test_a_price_that_is_reached_executes_at_once(autojump_clock):
    async with world() as (made, account):
        report = await account.submit(placing(price="300"))
        assert isinstance(report, Filled)
        assert made.net == {AAPL: Decimal(100)}
        order_id = await placed(account, placing(number=3))
        assert await account.submit(moving(order_id, "300", 4)) == Replaced(tag(4))
        assert made.net == {AAPL: Decimal(200)}


async def test_a_change_to_the_prices_that_it_has_sends_nothing(autojump_clock):
    async with world() as (made, account):
        order_id = await placed(account, placing())
        (order,) = made.venue.desk.activity.day.orders.values()
        version = order.version
        assert await account.submit(moving(order_id, "200.00")) == Replaced(tag(2))
        assert order.version == version


async def test_a_change_that_the_venue_refuses_later_is_rejected_in_its_words(autojump_clock):
    async with world() as (_, account):
        order_id = await placed(account, placing())
        report = await account.submit(moving(order_id, "200.005"))
        assert isinstance(report, Rejected)
        assert "multiple of 0.01" in report.text
        report = await account.submit(moving(order_id, "210", order_type=OrderType.STOP))
        assert isinstance(report, Rejected)


@pytest.mark.parametrize("streams", [False, True])
async def test_what_the_venue_does_not_settle_is_unknown(autojump_clock, streams):
    async with world() as (made, account):
        order_id = await placed(account, placing())
        desk = made.venue.desk
        desk.replace = desk.cancel = lambda *_: None  # attempted, and nothing comes of it
        for action in (moving(order_id, "210"), canceling(order_id)):
            if streams:
                async with streaming(account):
                    with pytest.raises(SessionLost) as lost:
                        await account.submit(action)
            else:
                with pytest.raises(SessionLost) as lost:
                    await account.submit(action)
            assert not isinstance(lost.value, RequestNotSent)
            assert "has not said" in str(lost.value)


async def test_a_cancel_that_comes_too_late_is_rejected(autojump_clock, monkeypatch):
    async with world() as (made, account):
        order_id = await placed(account, placing())
        cancel = Rest.cancel

        async def late(self, which):
            made.venue.quote("190")
            return await cancel(self, which)

        monkeypatch.setattr(Rest, "cancel", late)
        report = await account.submit(canceling(order_id))
        assert isinstance(report, Rejected)
        assert "filled" in report.text


async def test_a_cancel_that_the_venue_refuses_leaves_the_order_at_work(autojump_clock):
    async with world() as (made, account):
        order_id = await placed(account, placing())
        desk = made.venue.desk
        order = desk.order(order_id)
        desk.cancel = lambda _: desk._announce(order, "new", "cancel-reject", text="not now")
        report = await account.submit(canceling(order_id))
        assert isinstance(report, Rejected)
        assert "not now" in report.text


async def test_a_token_that_is_no_longer_good_means_that_nothing_was_changed(autojump_clock, monkeypatch):
    async with world() as (made, account):
        order_id = await placed(account, placing())
        ask = Rest.order

        async def expiring(self, which):
            order = await ask(self, which)
            made.faults.expire_tokens()
            return order

        for action in (moving(order_id, "210", 2), canceling(order_id, 3)):
            monkeypatch.setattr(Rest, "order", expiring)
            assert isinstance(await account.submit(action), NotSent)
            monkeypatch.setattr(Rest, "order", ask)
        assert await account.submit(moving(order_id, "210", 4)) == Replaced(tag(4))
        assert await account.submit(canceling(order_id, 5)) == Canceled(tag(5))
