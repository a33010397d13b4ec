"""The account against the simulated venue: looks, orders that are sent once, and the stream over several tokens."""

from datetime import timedelta
from decimal import Decimal

import pytest
import trio
from attrs import evolve

from adapters.base import RequestNotSent, SessionLost, SignInRefused, Throttled
from adapters.clearstreet.net import UNKNOWN
from adapters.clearstreet.rest import Rest
from adapters.clearstreet.session import Gap
from adapters.clearstreet.simulator_activity import Activity
from adapters.clearstreet.simulator_auth import Tokens
from adapters.secret import Secret
from rules.actions import ReducePosition, ReplaceStops
from rules.events import Origin, PositionClosed, PositionReported, SessionOpened, SnapshotReceived
from rules.instruments import Instrument
from rules.observed import AccountStatus
from rules.reports import Accepted, Filled, NotFound, NotSent, Rejected
from rules.values import OmsType, PositionId, Side, Symbol
from tests.adapters.clearstreet.frames import ALIAS
from tests.adapters.clearstreet.simulated import AAPL, HOST, PORT, START, XOM
from tests.adapters.clearstreet.world import LONG_AGO, Events, closing, opening, streaming, tag, world


@pytest.fixture
def tokens(monkeypatch):
    """Every token that the venue gives out."""
    given, issue = [], Tokens.issue

    def counted(self, subject):
        given.append(issue(self, subject))
        return given[-1]

    monkeypatch.setattr(Tokens, "issue", counted)
    return given


# Looks


async def test_the_venue_is_netting_streams_trades_and_keeps_no_stops(autojump_clock):
    async with world() as (_, account):
        said = account.capabilities
        assert (said.oms, said.streams, said.trades) == (OmsType.NETTING, True, True)
        assert (said.volumes_grow, said.keeps_stops, said.pending_orders) == (True, False, False)


async def test_a_snapshot_has_the_net_positions_and_no_figures(autojump_clock):
    async with world() as (made, account):
        made.venue.by_hand(Side.BUY, "100")
        made.venue.by_hand(Side.SELL, "7", Symbol("MSFT"))
        snapshot, status = await account.snapshot()
        assert (snapshot.account, snapshot.origin, snapshot.certain) == (ALIAS, Origin.RECONCILED, True)
        assert snapshot.requested_at is not None
        shown = {each.position_id: (each.side, each.volume, each.open_price) for each in snapshot.positions}
        assert shown == {
            "AAPL": (Side.BUY, Decimal(100), Decimal("270.02")),
            "MSFT": (Side.SELL, Decimal(7), Decimal(480)),
        }
        assert status == AccountStatus(None, None, "USD")


async def test_an_instrument_is_whole_shares_in_cents_and_other_names_are_none(autojump_clock):
    async with world() as (made, account):
        assert await account.instrument(AAPL) == Instrument(
            symbol=AAPL,
            volume_min=Decimal(1),
            volume_max=Decimal(1_000_000),
            volume_step=Decimal(1),
            tick_size=Decimal("0.01"),
            contract_size=Decimal(1),
            profit_currency="USD",
        )
        for name in ("aapl", "", "NO/SUCH?", "x" * 300, "\x00"):
            assert await account.instrument(Symbol(name)) is None
        assert set(await account.symbols()) == set(made.venue.market.instruments)
        assert await account.quote(AAPL) is None


async def test_lists_of_several_pages_are_read_whole(autojump_clock, monkeypatch):
    monkeypatch.setattr("adapters.clearstreet.rest._PAGE_SIZE", 2)
    async with world() as (made, account):
        names = list(made.venue.market.instruments)[:7]
        for name in names:
            made.venue.by_hand(Side.BUY, "5", name)
        snapshot, _ = await account.snapshot()
        assert {each.symbol for each in snapshot.positions} == set(names)
        assert all(each.opened_at != UNKNOWN for each in snapshot.positions)


async def test_a_token_is_fetched_once_for_all_accounts_and_again_when_the_venue_drops_it(autojump_clock, tokens):
    async with world() as (made, account):
        other = made.account()
        for each in (account, other, account):
            await each.snapshot()
        assert len(tokens) == 1
        made.faults.expire_tokens()
        await account.snapshot()
        await other.snapshot()
        assert len(tokens) == 2


async def test_a_token_is_renewed_before_it_ends(autojump_clock, tokens):
    async with world(token_lifetime=timedelta(minutes=40)) as (_, account):
        for minutes, count in ((0, 1), (34, 1), (2, 2)):
            await trio.sleep(minutes * 60)
            await account.snapshot()
            assert len(tokens) == count


@pytest.mark.parametrize("changes", [{"client_secret": Secret("wrong-one")}, {"client_id": "nobody"}])
async def test_wrong_credentials_are_refused_for_good_and_not_shown(autojump_clock, changes):
    async with world() as (made, _):
        account = made.account(**changes)
        for ask in (account.snapshot, lambda: account.submit(opening()), lambda: account.stream(Events().emit)):
            with pytest.raises(SignInRefused) as refused:
                await ask()
            assert "wrong-one" not in str(refused.value)
        assert made.sent == []


async def test_an_account_that_the_credentials_do_not_show_is_refused_for_good(autojump_clock):
    async with world() as (made, _):
        account = made.account(account_id="777")
        with pytest.raises(SignInRefused, match="777"):
            await account.snapshot()
        with pytest.raises(SignInRefused, match="777"):
            await account.stream(Events().emit)


async def test_maintenance_is_weather(autojump_clock):
    async with world() as (made, account):
        made.faults.maintenance = True
        with pytest.raises(SessionLost):
            await account.snapshot()
        with pytest.raises(RequestNotSent):
            await account.submit(opening())


# Orders


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
        (opening(stop_loss=Decimal(200)), "keeps no stops"),
        (ReplaceStops(tag(), ALIAS, PositionId("AAPL"), AAPL, Decimal(1), None), "keeps no stops"),
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


# Stream


async def test_a_stream_opens_gives_a_snapshot_and_tells_each_change_once(autojump_clock):
    async with world() as (made, account):
        made.venue.by_hand(Side.BUY, "100")
        async with streaming(account) as events:
            opened, snapshot = events.all
            assert isinstance(opened, SessionOpened)
            assert isinstance(snapshot, SnapshotReceived)
            polled, _ = await account.snapshot()
            assert polled.positions == snapshot.positions
            await trio.sleep(2)
            made.venue.by_hand(Side.BUY, "50")
            made.venue.by_hand(Side.SELL, "150")
            made.venue.by_hand(Side.SELL, "20")
            await trio.sleep(2)
            grown, closed, short = events.all[2:]
            assert grown.position.volume == Decimal(150)
            assert isinstance(closed, PositionClosed)
            assert closed.close_price == Decimal(270)
            assert (short.position.side, short.position.volume) == (Side.SELL, Decimal(20))
            polled, _ = await account.snapshot()
            assert polled.positions == (short.position,)


async def test_a_carried_position_is_shown_alike_by_stream_poll_and_after_a_restart(autojump_clock):
    async with world() as (made, account):
        made.venue.by_hand(Side.BUY, "100")
        before, _ = await account.snapshot()
        made.venue.later(days=3)
        async with streaming(account) as events:
            polled, _ = await account.snapshot()
            assert tuple(events.positions.values()) == polled.positions == before.positions
        again, _ = await made.account().snapshot()
        assert again.positions == (evolve(before.positions[0], opened_at=UNKNOWN),)


async def test_a_gap_is_weather_and_a_fresh_session_repairs_it(autojump_clock):
    async with world() as (made, account):
        async with streaming(account) as events:
            made.faults.drop_messages = 1
            made.venue.by_hand(Side.BUY, "10")
            assert isinstance(await events.until_lost(), Gap)
        async with streaming(account) as events:
            assert events.positions["AAPL"].volume == Decimal(10)


async def test_a_new_day_goes_on_without_a_new_session(autojump_clock):
    half_an_hour_before_midnight = START + timedelta(hours=13.5)
    async with world(start=half_an_hour_before_midnight) as (made, account), streaming(account) as events:
        made.venue.by_hand(Side.BUY, "10")
        await trio.sleep(3600)
        made.venue.by_hand(Side.BUY, "5")
        await trio.sleep(60)
        assert events.lost is None
        assert events.positions["AAPL"].volume == Decimal(15)
        polled, _ = await account.snapshot()
        assert polled.positions == tuple(events.positions.values())


async def test_a_second_connection_takes_over_before_the_token_ends(autojump_clock, tokens):
    async with world(token_lifetime=timedelta(minutes=40)) as (made, account), streaming(account) as events:
        for number in range(1, 20):  # 95 minutes: three tokens
            made.venue.by_hand(Side.BUY, "1")
            await trio.sleep(300)
            assert events.positions["AAPL"].volume == Decimal(number)
        assert events.lost is None
        assert len(events.of(SessionOpened)) == 1
        assert len(events.of(SnapshotReceived)) == 3
        assert len(events.of(PositionReported)) == 19
        assert len(tokens) == 3


async def test_a_renewal_that_fails_is_tried_again_while_the_token_lives(autojump_clock):
    async with world(token_lifetime=timedelta(minutes=40)) as (made, account), streaming(account) as events:
        await trio.sleep(34 * 60 + 30)
        made.network.refuse(HOST, PORT, True)
        await trio.sleep(120)
        made.network.refuse(HOST, PORT, False)
        await events.synchronized(2)
        await trio.sleep(20 * 60)
        assert events.lost is None


async def test_a_stream_whose_renewal_never_works_ends_with_its_token(autojump_clock):
    async with world(token_lifetime=timedelta(minutes=40)) as (made, account), streaming(account) as events:
        await trio.sleep(34 * 60)
        made.network.refuse(HOST, PORT, True)
        await trio.sleep(4 * 60)
        assert events.lost is None
        assert isinstance(await events.until_lost(), SessionLost)


async def test_a_silent_stream_is_lost_within_its_limit(autojump_clock):
    async with world() as (made, _):
        account = made.account(stale_after=timedelta(seconds=30))
        async with streaming(account) as events:
            made.faults.half_open = True
            started = trio.current_time()
            lost = await events.until_lost()
            assert "said nothing for 30 s" in str(lost)
            assert trio.current_time() - started < 31


async def test_a_token_that_the_stream_refuses_is_renewed_for_the_next_session(autojump_clock):
    async with world() as (made, account):
        await account.snapshot()
        made.faults.expire_tokens()
        events = Events()
        await events.run(account)
        assert "Invalid access token" in str(events.lost)
        async with streaming(account) as events:
            assert events.lost is None


async def test_an_order_is_over_as_soon_as_the_stream_says_so(autojump_clock, monkeypatch):
    async with world() as (_, account), streaming(account):

        async def slow(self, order_id):
            await trio.sleep(0.1)  # and it shows nothing yet

        monkeypatch.setattr(Rest, "order", slow)
        started = trio.current_time()
        assert isinstance(await account.submit(opening()), Filled)
        assert trio.current_time() - started < 0.2


async def test_executions_without_position_updates_are_told_after_a_moment(autojump_clock, monkeypatch):
    add = Activity.add
    monkeypatch.setattr(Activity, "add", lambda self, kind, data: kind == "position-update" or add(self, kind, data))
    async with world() as (made, account), streaming(account) as events:
        made.venue.by_hand(Side.BUY, "30")
        made.venue.by_hand(Side.BUY, "10")
        await trio.sleep(0.2)
        assert events.positions == {}
        await trio.sleep(0.1)
        (position,) = events.positions.values()
        assert (position.volume, position.open_price) == (Decimal(40), Decimal("270.02"))
        assert len(events.of(PositionReported)) == 1
