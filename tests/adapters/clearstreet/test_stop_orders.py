"""A position's stop-loss as an order of the day, against the simulated venue: never two orders over the same shares."""

from decimal import Decimal

import pytest
import trio

from adapters.base import RequestNotSent, SessionLost, Throttled
from adapters.clearstreet.rest import NotExecuted, Rest
from rules.model.actions import ReducePosition, ReplaceStops
from rules.model.events import PositionReported
from rules.model.reports import Filled, NotSent, Rejected, StopsReplaced
from rules.model.values import PositionId, Side
from tests.adapters.clearstreet.frames import ALIAS
from tests.adapters.clearstreet.simulated import AAPL
from tests.adapters.clearstreet.world import closing, opening, streaming, tag, world

STOP = Decimal(250)


def replacing(stop_loss=STOP, number=20, side=Side.BUY, symbol=AAPL):
    return ReplaceStops(tag(number), ALIAS, PositionId(symbol), symbol, stop_loss, None, side)


def resting(made):
    """Return what rests at the venue as stops: side, quantity, price."""
    orders = [each for each in made.venue.desk.activity.day.orders.values() if each.state == "open"]
    return [(each.side, str(each.quantity), str(each.stop_price)) for each in orders if each.order_type == "stop"]


async def shown(account):
    """Return the stop-loss that each position shows, and the pending orders."""
    snapshot, _ = await account.snapshot()
    return {each.symbol: each.stop_loss for each in snapshot.positions}, snapshot.orders


async def protected(account):
    assert isinstance(await account.submit(opening()), Filled)
    assert await account.submit(replacing()) == StopsReplaced(tag(20))


async def test_a_stop_loss_rests_over_the_whole_position_until_the_end_of_the_day(autojump_clock):
    async with world() as (made, account):
        await protected(account)
        assert resting(made) == [("sell", "100", "250")]
        assert await shown(account) == ({AAPL: STOP}, ())
        await trio.sleep(86_400)
        assert await shown(account) == ({AAPL: None}, ())
        assert await account.submit(replacing(number=21)) == StopsReplaced(tag(21))
        assert await shown(account) == ({AAPL: STOP}, ())


async def test_a_short_position_is_protected_by_a_purchase(autojump_clock):
    async with world() as (made, account):
        await account.submit(opening(Side.SELL))
        assert await account.submit(replacing(Decimal(300), side=Side.SELL)) == StopsReplaced(tag(20))
        assert resting(made) == [("buy", "100", "300")]
        made.venue.quote("300")
        assert made.net == {}
        made.venue.quote("270")
        assert made.net == {}


async def test_one_that_is_there_as_asked_is_not_sent_again_and_another_is_changed_in_its_place(autojump_clock):
    async with world() as (made, account):
        await protected(account)
        assert await account.submit(replacing(number=21)) == StopsReplaced(tag(21))
        assert len(made.sent) == 2
        assert await account.submit(replacing(Decimal(255), 22)) == StopsReplaced(tag(22))
        assert (len(made.sent), resting(made)) == (2, [("sell", "100", "255")])


async def test_a_position_that_grew_shows_none_until_the_whole_is_covered(autojump_clock):
    async with world() as (made, account):
        await protected(account)
        await account.submit(opening(number=2, volume="50"))
        assert (await shown(account))[0] == {AAPL: None}
        assert await account.submit(replacing(number=21)) == StopsReplaced(tag(21))
        assert (resting(made), (await shown(account))[0]) == ([("sell", "150", "250")], {AAPL: STOP})


async def test_a_stream_tells_of_one_that_is_entered_changed_and_gone(autojump_clock):
    async with world() as (_, account):
        await account.submit(opening())
        async with streaming(account) as events:
            for number, stop in enumerate((STOP, Decimal(255), None), start=21):
                await account.submit(replacing(stop, number))
                await events.until(lambda stop=stop: events.positions["AAPL"].stop_loss == stop)
            told = [event.position.stop_loss for event in events.of(PositionReported)]
            assert told == [STOP, Decimal(255), None]


async def test_what_rests_is_lowered_before_a_part_is_sold_and_gone_before_the_whole_is(autojump_clock):
    async with world() as (made, account):
        await protected(account)
        reduce = ReducePosition(tag(3), ALIAS, PositionId("AAPL"), AAPL, Side.BUY, Decimal(30), Decimal(70))
        assert (await account.submit(reduce)).volume == Decimal(30)
        assert (resting(made), (await shown(account))[0]) == ([("sell", "70", "250")], {AAPL: STOP})
        assert (await account.submit(closing(volume="70", number=4))).volume == Decimal(70)
        assert (resting(made), made.net) == ([], {})


async def test_another_process_finds_what_rests_before_it_sells(autojump_clock):
    async with world() as (made, account):
        await protected(account)
        assert (await made.account().submit(closing())).volume == Decimal(100)
        assert (resting(made), made.net) == ([], {})


async def test_a_stop_that_is_reached_while_it_is_canceled_is_not_sold_over(autojump_clock, monkeypatch):
    async with world() as (made, account):
        await protected(account)
        cancel = Rest.cancel

        async def late(self, order_id):
            made.venue.quote("240")
            return await cancel(self, order_id)

        monkeypatch.setattr(Rest, "cancel", late)
        report = await account.submit(closing(opening=tag(1)))
        assert (report.volume, report.price) == (Decimal(100), Decimal(240))
        assert (made.net, len(made.sent)) == ({}, 2)


async def test_a_stop_that_is_reached_while_it_is_lowered_is_not_sold_over(autojump_clock, monkeypatch):
    async with world() as (made, account):
        await protected(account)
        change = Rest.change

        async def late(self, order_id, body):
            made.venue.quote("240")
            return await change(self, order_id, body)

        monkeypatch.setattr(Rest, "change", late)
        reduce = ReducePosition(tag(3), ALIAS, PositionId("AAPL"), AAPL, Side.BUY, Decimal(30), Decimal(70))
        assert isinstance(await account.submit(reduce), Rejected)
        assert made.net == {}


async def test_a_cancel_of_unknown_outcome_is_looked_after_before_anything_is_sold(autojump_clock):
    async with world() as (made, account):
        await protected(account)
        made.faults.lose_answers = 1
        assert (await account.submit(closing())).volume == Decimal(100)
        assert (resting(made), made.net, len(made.sent)) == ([], {}, 3)


@pytest.mark.parametrize("deaf", ["cancel", "replace"])
async def test_while_the_stop_does_not_give_way_nothing_is_sold(autojump_clock, deaf):
    async with world() as (made, account):
        await protected(account)
        attempt = getattr(made.venue.desk, deaf)
        setattr(made.venue.desk, deaf, lambda *_: None)
        reduce = ReducePosition(tag(3), ALIAS, PositionId("AAPL"), AAPL, Side.BUY, Decimal(30), Decimal(70))
        action = closing() if deaf == "cancel" else reduce
        with pytest.raises(RequestNotSent, match="out of the way"):
            await account.submit(action)
        assert (made.net, len(made.sent)) == ({AAPL: Decimal(100)}, 2)
        setattr(made.venue.desk, deaf, attempt)
        assert isinstance(await account.submit(action), Filled)


async def test_a_throttled_or_signed_out_cancel_sells_nothing(autojump_clock, monkeypatch):
    async with world() as (made, account):
        await protected(account)
        made.faults.throttle = 1
        with pytest.raises(Throttled):
            await account.submit(closing())

        async def signed_out(self, order_id):
            raise NotExecuted("no token")

        monkeypatch.setattr(Rest, "cancel", signed_out)
        with pytest.raises(RequestNotSent):
            await account.submit(closing())
        assert (made.net, len(made.sent)) == ({AAPL: Decimal(100)}, 2)


async def test_an_opening_meets_no_stop_of_an_earlier_position(autojump_clock):
    async with world() as (made, account):
        await protected(account)
        made.venue.close_by_hand()
        stops, orders = await shown(account)
        assert stops == {}
        assert [(each.tag, each.side) for each in orders] == [(tag(20), Side.SELL)]  # it protects nothing
        assert isinstance(await account.submit(opening(number=2)), Filled)
        assert resting(made) == []
        assert await shown(account) == ({AAPL: None}, ())


async def test_a_stop_for_the_other_side_is_rejected_and_leaves_the_one_that_is_there(autojump_clock):
    async with world() as (made, account):
        await protected(account)
        report = await account.submit(replacing(Decimal(300), 21, Side.SELL))
        assert isinstance(report, Rejected)
        assert "other side" in report.text
        assert resting(made) == [("sell", "100", "250")]


async def test_nothing_held_is_protected_by_nothing_and_what_rests_there_is_canceled(autojump_clock):
    async with world() as (made, account):
        await protected(account)
        made.venue.close_by_hand()
        assert isinstance(await account.submit(replacing(number=21)), Rejected)
        assert (resting(made), len(made.sent)) == ([], 3)


async def test_several_become_one_over_the_whole(autojump_clock):
    async with world() as (made, account):
        await account.submit(opening())
        for number, price in ((21, "240.00"), (22, "245.00")):
            fields = {"order_type": "stop", "stop_price": price, "reference_id": tag(number) + "-stop"}
            await made.venue.place("sell", "50", **fields)
        assert (await shown(account))[0] == {AAPL: None}
        assert await account.submit(replacing(number=23)) == StopsReplaced(tag(23))
        assert resting(made) == [("sell", "100", "250")]


async def test_a_stop_whose_answer_was_lost_is_found_and_not_entered_twice(autojump_clock):
    async with world() as (made, account):
        await account.submit(opening())
        made.faults.lose_answers = 1
        with pytest.raises(SessionLost):
            await account.submit(replacing())
        assert (await shown(account))[0] == {AAPL: STOP}
        assert await account.submit(replacing(number=21)) == StopsReplaced(tag(21))
        assert (resting(made), len(made.sent)) == ([("sell", "100", "250")], 2)


async def test_a_list_that_lags_behind_does_not_hide_a_stop_that_was_sent(autojump_clock, monkeypatch):
    async with world() as (made, account):
        await protected(account)
        orders = Rest.orders

        async def lagging(self):
            return [row for row in await orders(self) if not (row.reference_id or "").endswith("-stop")]

        monkeypatch.setattr(Rest, "orders", lagging)
        assert (await account.submit(closing())).volume == Decimal(100)
        assert (resting(made), made.net) == ([], {})


async def test_a_token_that_is_no_longer_good_enters_nothing(autojump_clock, monkeypatch):
    async with world() as (made, account):
        await account.submit(opening())

        async def signed_out(self, body):
            raise NotExecuted("no token")

        monkeypatch.setattr(Rest, "place", signed_out)
        assert isinstance(await account.submit(replacing()), NotSent)
        assert resting(made) == []


async def test_the_venues_refusal_of_a_stop_comes_in_its_words(autojump_clock):
    async with world() as (made, account):
        await account.submit(opening())
        made.faults.reject("no stops today")
        report = await account.submit(replacing())
        assert isinstance(report, Rejected)
        assert "no stops today" in report.text


async def test_where_no_stop_can_rest_nobody_asks_for_orders(autojump_clock, monkeypatch):
    async with world() as (_, account):
        await account.snapshot()
        asked = []
        orders = Rest.orders

        async def counted(self):
            asked.append(self)
            return await orders(self)

        monkeypatch.setattr(Rest, "orders", counted)
        await account.submit(opening())
        await account.submit(opening(Side.SELL, "50", 2))
        await account.submit(closing(volume="50", number=3))
        assert asked == []


async def test_what_a_stop_left_nothing_of_is_not_closed_out_of_what_was_opened_since(autojump_clock):
    async with world() as (made, account):
        await protected(account)
        made.venue.quote("240")
        assert made.net == {}
        await account.submit(opening(number=2, volume="60"))
        report = await account.submit(closing(number=3, opening=tag(1)))
        assert (report.volume, report.price, made.net) == (Decimal(100), Decimal(240), {AAPL: Decimal(60)})
        report = await account.submit(closing(volume="60", number=4, opening=tag(2)))
        assert (report.volume, made.net) == (Decimal(60), {})


async def test_a_reached_stop_is_in_the_history_under_its_own_tag(autojump_clock):
    async with world() as (made, account):
        since = made.venue.now()
        await protected(account)
        made.venue.quote("240")
        _, reached = await account.history(since)
        assert (reached.tag, reached.side, reached.volume, reached.opens) == (tag(20), Side.SELL, Decimal(100), False)
