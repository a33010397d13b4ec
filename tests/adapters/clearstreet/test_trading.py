"""Orders against the simulated venue: planned on what is held, sent once, found again, in every weather."""

from decimal import Decimal

import pytest
import trio
from attrs import evolve

from adapters.base import RequestNotSent, SessionLost, SignInRefused, Throttled
from adapters.clearstreet import translate, wire
from adapters.clearstreet.rest import Rest
from rules.model.actions import ReducePosition, ReplaceStops
from rules.model.reports import Accepted, Filled, NotFound, NotSent, Rejected
from rules.model.values import PositionId, Side, Symbol
from tests.adapters.clearstreet.frames import ALIAS
from tests.adapters.clearstreet.simulated import AAPL, XOM
from tests.adapters.clearstreet.world import LONG_AGO, closing, opening, tag, world


async def test_a_purchase_is_filled_in_the_symbols_one_position_and_found_again(autojump_clock):
    async with world() as (made, account):
        report = await account.submit(opening())
        assert isinstance(report, Filled)
        assert (report.position_id, report.volume, report.price) == ("AAPL", Decimal(100), Decimal("270.02"))
        assert made.sent == [("buy", "100", tag())]
        assert await account.find(tag(), made.venue.now()) == report
        assert await made.account().find(tag(), made.venue.now()) == report


async def test_a_sale_through_zero_is_two_orders_found_as_one(autojump_clock):
    async with world() as (made, account):
        made.venue.by_hand(Side.BUY, "40")
        report = await account.submit(opening(Side.SELL))
        assert (report.volume, report.price) == (Decimal(100), Decimal(270))
        assert made.sent[1:] == [("sell", "40", tag() + "-1"), ("sell-short", "60", tag() + "-2")]
        assert made.net == {AAPL: Decimal(-60)}
        assert await made.account().find(tag(), made.venue.now()) == report


async def test_orders_of_one_symbol_go_one_after_the_other(autojump_clock):
    async with world() as (made, account):
        made.venue.by_hand(Side.BUY, "100")
        async with trio.open_nursery() as nursery:
            for number in range(1, 4):
                nursery.start_soon(account.submit, opening(Side.SELL, "60", number))
        assert made.net == {AAPL: Decimal(-80)}
        assert [(side, quantity) for side, quantity, _ in made.sent[1:]] == [
            ("sell", "60"),
            ("sell", "40"),
            ("sell-short", "20"),
            ("sell-short", "60"),
        ]


async def test_a_close_takes_what_is_held_and_no_more(autojump_clock):
    async with world() as (made, account):
        made.venue.by_hand(Side.BUY, "60")
        report = await account.submit(closing(volume="100"))
        assert (report.volume, made.net) == (Decimal(60), {})
        assert isinstance(await account.submit(closing(number=3)), Rejected)
        made.venue.by_hand(Side.SELL, "10")
        rejected = await account.submit(closing(number=4))
        assert "nothing of AAPL is held long" in rejected.text
        assert (await account.submit(closing(Side.SELL, "10", 5))).volume == Decimal(10)
        assert made.net == {}


async def test_a_reduction_leaves_the_rest(autojump_clock):
    async with world() as (made, account):
        made.venue.by_hand(Side.SELL, "100")
        action = ReducePosition(tag(), ALIAS, PositionId("AAPL"), AAPL, Side.SELL, Decimal(30), Decimal(70))
        assert (await account.submit(action)).volume == Decimal(30)
        assert (made.net, made.sent[-1]) == ({AAPL: Decimal(-70)}, ("buy", "30", tag()))


async def test_what_copies_of_the_other_side_offset_can_be_closed(autojump_clock):
    async with world() as (made, account):
        made.venue.by_hand(Side.BUY, "70")
        report = await account.submit(closing(volume="100", locked=Decimal(30)))
        assert (report.volume, made.net) == (Decimal(100), {AAPL: Decimal(-30)})


async def test_a_short_sale_of_what_is_hard_to_borrow_is_rejected_before_anything_is_sent(autojump_clock):
    async with world() as (made, account):
        made.venue.by_hand(Side.BUY, "40", XOM)
        report = await account.submit(opening(Side.SELL, symbol=XOM))
        assert "XOM is not easy to borrow" in report.text
        assert len(made.sent) == 1
        assert (await account.submit(opening(Side.SELL, "40", 2, XOM))).volume == Decimal(40)


async def test_a_named_locate_broker_or_located_inventory_lets_it_be_sold_short(autojump_clock):
    async with world() as (made, account):
        by_broker = made.account(locate_broker="ABCD")
        assert isinstance(await by_broker.submit(opening(Side.SELL, symbol=XOM)), Filled)
        (order,) = made.venue.desk.activity.day.orders.values()
        assert order.locate_broker == "ABCD"
        allowed = made.account(allow_hard_to_borrow=True)
        report = await allowed.submit(opening(Side.SELL, "50", 2, XOM))
        assert "located" in report.text  # the venue's word, since nothing is located
        made.venue.simulator.hard_to_borrow.discard(XOM)
        await trio.sleep(600)
        assert isinstance(await account.submit(opening(Side.SELL, "50", 3, XOM)), Filled)


async def test_the_venues_refusal_comes_in_its_words(autojump_clock):
    async with world() as (made, account):
        made.faults.reject("market is closed")
        report = await account.submit(opening())
        assert isinstance(report, Rejected)
        assert "market is closed" in report.text
        assert await account.find(tag(), made.venue.now()) == report


@pytest.mark.parametrize(
    ("action", "words"),
    [
        (opening(symbol=Symbol("NOSUCH")), "no instrument 'NOSUCH'"),
        (opening(stop_loss=Decimal(200)), "takes no stops with an opening"),
        (ReplaceStops(tag(), ALIAS, PositionId("AAPL"), AAPL, Decimal(1), Decimal(2)), "keeps no take-profits"),
    ],
)
async def test_what_the_venue_cannot_do_is_rejected_and_not_sent(autojump_clock, action, words):
    async with world() as (made, account):
        report = await account.submit(action)
        assert isinstance(report, Rejected)
        assert words in report.text
        assert made.sent == []


async def test_a_lost_answer_is_unknown_and_the_order_is_found(autojump_clock):
    async with world() as (made, account):
        made.faults.lose_answers = 1
        with pytest.raises(SessionLost) as lost:
            await account.submit(opening())
        assert not isinstance(lost.value, RequestNotSent)
        assert (await account.find(tag(), made.venue.now())).volume == Decimal(100)
        assert len(made.sent) == 1


async def test_a_lost_request_is_unknown_and_not_found(autojump_clock):
    async with world() as (made, account):
        await account.snapshot()
        made.faults.lose_requests = 1
        with pytest.raises(SessionLost):
            await account.submit(opening())
        assert await account.find(tag(), made.venue.now()) == NotFound(tag())
        assert made.sent == []


async def test_a_second_order_that_may_be_lost_is_waited_for_before_the_first_is_told(autojump_clock, monkeypatch):
    async with world() as (made, account):
        made.venue.by_hand(Side.BUY, "40")
        submitted_at = made.venue.now()
        place, calls = account._trading._rest.place, []

        async def losing(body):
            calls.append(body)
            if len(calls) == 2:
                made.faults.lose_requests = 1
            return await place(body)

        monkeypatch.setattr(account._trading._rest, "place", losing)
        with pytest.raises(SessionLost):
            await account.submit(opening(Side.SELL))
        assert isinstance(await account.find(tag(), submitted_at), Accepted)
        await trio.sleep(account.capabilities.settle_s)
        assert (await account.find(tag(), submitted_at)).volume == Decimal(40)


async def test_a_throttled_second_order_leaves_what_the_first_did(autojump_clock, monkeypatch):
    async with world() as (made, account):
        place = account._trading._rest.place
        made.venue.by_hand(Side.BUY, "40")

        async def throttling(body):
            if body["reference_id"].endswith("-2"):
                made.faults.throttle = 1
            return await place(body)

        monkeypatch.setattr(account._trading._rest, "place", throttling)
        report = await account.submit(opening(Side.SELL))
        assert (report.volume, made.net) == (Decimal(40), {})


async def test_a_throttled_order_is_not_executed(autojump_clock):
    async with world() as (made, account):
        made.faults.throttle = 1
        with pytest.raises(Throttled):
            await account.submit(opening())
        assert made.sent == []


async def test_an_order_refused_for_its_token_may_be_sent_again(autojump_clock):
    async with world() as (made, account):
        await account.submit(opening(number=1))
        made.faults.expire_tokens()
        report = await account.submit(opening(number=2))  # a look before it has renewed the token, or it says so
        if isinstance(report, NotSent):
            report = await account.submit(opening(number=2))
        assert isinstance(report, Filled)
        assert len(made.sent) == 2


async def test_an_order_that_works_is_accepted_and_its_shares_are_not_sold_twice(autojump_clock):
    async with world() as (made, account):
        made.venue.by_hand(Side.BUY, "100")
        show = made.venue.desk.order
        made.venue.desk.order = lambda order_id: still_working(show(order_id))
        assert isinstance(await account.submit(closing(volume="70")), Accepted)
        made.venue.by_hand(Side.BUY, "70")  # as if it had not been executed
        assert isinstance(await account.submit(closing(volume="100", number=3)), Accepted)
        assert [(side, quantity) for side, quantity, _ in made.sent if side == "sell"] == [
            ("sell", "70"),
            ("sell", "30"),
        ]


@pytest.mark.parametrize("answer_is_late", [True, False])
async def test_an_order_whose_end_the_stream_tells_while_we_ask_for_it_is_done_with(
    autojump_clock, monkeypatch, answer_is_late
):
    async with world() as (made, account):
        made.venue.by_hand(Side.BUY, "100")
        show = made.venue.desk.order
        made.venue.desk.order = lambda order_id: still_working(show(order_id))
        assert isinstance(await account.submit(closing(volume="70")), Accepted)
        made.venue.by_hand(Side.BUY, "70")  # 100 are held, and nothing is about to be taken out of them
        ask = Rest.order

        async def outrun(self, order_id):
            answer = await ask(self, order_id)
            if order_id != its_end.order_id:
                return answer
            account._trading.hear(translate.order(its_end))
            return evolve(answer, is_over=not answer_is_late)

        its_end = wire.Order(
            order_id=made.venue.desk.book.orders[1].order_id,
            state="closed",
            symbol=AAPL,
            side="sell",
            quantity="70",
            filled_quantity="70",
        )
        monkeypatch.setattr(Rest, "order", outrun)
        await account.submit(closing(volume="100", number=3))
        assert made.sent[-1] == ("sell", "100", tag(3))


def still_working(order):
    order.state, order.status, order.filled_quantity = "open", "new", Decimal(0)
    return order


async def test_an_order_of_an_earlier_day_that_is_not_shown_is_missing_only_where_nothing_is_held(autojump_clock):
    async with world() as (made, account):
        assert await account.find(tag(), made.venue.now() - LONG_AGO) == NotFound(tag())
        made.venue.by_hand(Side.BUY, "5")
        report = await account.find(tag(), made.venue.now() - LONG_AGO)
        assert isinstance(report, Rejected)
        assert "by hand" in report.text


async def test_an_order_that_is_in_is_never_called_unsent_whatever_the_look_at_it_says(autojump_clock, monkeypatch):
    async def refuses(self, order_id):
        raise SignInRefused("not any more")

    async with world() as (made, account):
        monkeypatch.setattr(Rest, "order", refuses)
        assert isinstance(await account.submit(opening()), Accepted)
        assert len(made.sent) == 1
