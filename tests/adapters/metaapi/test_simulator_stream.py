"""The simulated stream: subscribing, synchronizing, updates, prices, and the weather between the packets."""

from decimal import Decimal

import pytest
import trio
from trio.testing import MockClock

from adapters.base import SessionLost
from adapters.simulation.broker import OrderRefused
from rules.model.values import OmsType, OrderType, PositionId, Side, Symbol
from tests.adapters.metaapi.venue import EURUSD, Client, Venue, open_venue

SYNCHRONIZATION = [
    "synchronizationStarted",
    "accountInformation",
    "specifications",
    "positions",
    "orders",
    "orderSynchronizationFinished",
    "deals",
    "dealSynchronizationFinished",
]


async def live(client: Client, index: int = 0) -> None:
    """Bring a client to where it gets what changes, with nothing due."""
    await client.subscribe(index)
    await client.synchronize(index=index)
    await client.packet("prices")


async def wait_for_the_end(venue: Venue, *, cut: bool = False) -> None:
    async with venue.client() as client:
        await live(client)
        if cut:
            venue.faults.drop_streams()
        await client.packet("never")


async def test_a_subscription_is_answered_and_the_terminal_says_that_it_is_up(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        answer = await client.ask("subscribe", instanceIndex=1, sessionId="s" * 32)
        assert answer == {"type": "response", "accountId": venue.account_id, "requestId": "r1"}
        assert await client.packet() == {
            "type": "authenticated",
            "accountId": venue.account_id,
            "instanceIndex": 1,
            "host": "ps-mpa-0",
            "replicas": 1,
            "sessionId": "s" * 32,
        }


async def test_a_synchronization_brings_everything_in_order(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        venue.book.open(EURUSD, Side.BUY, Decimal("0.3"), tag="hand", magic="77", comment="by hand")
        await client.subscribe()
        packets = await client.synchronize("sync1")
        with_history = [*SYNCHRONIZATION[:5], "historyOrders", *SYNCHRONIZATION[5:]]
        assert [packet["type"] for packet in packets] == with_history
        assert [packet["sequenceNumber"] for packet in packets] == list(range(len(packets)))
        stamps = [packet["sequenceTimestamp"] for packet in packets]
        assert stamps == sorted(set(stamps))
        assert {packet["synchronizationId"] for packet in packets} == {"sync1"}
        assert {(packet["host"], packet["instanceIndex"]) for packet in packets} == {("ps-mpa-0", 0)}
        (position,) = packets[3]["positions"]
        (held,) = venue.book.positions.values()
        assert position["id"] == held.position_id
        assert position["type"] == "POSITION_TYPE_BUY"
        assert (position["volume"], position["openPrice"]) == (Decimal("0.3"), Decimal("1.16008"))
        assert (position["clientId"], position["magic"], position["comment"]) == ("hand", 77, "by hand")
        assert position["time"] == "2026-11-20T12:00:00.000Z"
        assert position["brokerTime"] == "2026-11-20 14:00:00.000"
        assert packets[1]["accountInformation"]["marginMode"] == "ACCOUNT_MARGIN_MODE_RETAIL_HEDGING"
        assert len(packets[2]["specifications"]) == 8
        deposit, deal = packets[7]["deals"]
        assert (deposit["type"], deposit["profit"]) == ("DEAL_TYPE_BALANCE", 10_000)
        assert (deal["entryType"], deal["positionId"], deal["clientId"]) == ("DEAL_ENTRY_IN", held.position_id, "hand")


async def test_history_comes_in_chunks_and_from_the_time_that_was_asked_for(autojump_clock: MockClock) -> None:
    async with open_venue(records_a_packet=2) as venue, venue.client() as client:
        for _ in range(5):
            venue.book.open(EURUSD, Side.BUY, Decimal("0.01"))
        await trio.sleep(60)
        venue.book.open(EURUSD, Side.SELL, Decimal("0.02"))
        await client.subscribe()
        packets = await client.synchronize()
        sizes = [len(packet["historyOrders"]) for packet in packets if packet["type"] == "historyOrders"]
        assert sizes == [2, 2, 2]
        later = "2026-11-20T12:00:30.000Z"
        packets = await client.synchronize("again", startingHistoryOrderTime=later, startingDealTime=later)
        (orders,) = [packet["historyOrders"] for packet in packets if packet["type"] == "historyOrders"]
        (deals,) = [packet["deals"] for packet in packets if packet["type"] == "deals"]
        assert [order["volume"] for order in orders] == [deal["volume"] for deal in deals] == [Decimal("0.02")]


async def test_a_new_session_begins_at_zero_and_its_stamps_go_on(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        await client.subscribe()
        first = await client.synchronize("one")
        second = await client.synchronize("two")
        assert second[0]["sequenceNumber"] == first[0]["sequenceNumber"] == 0
        assert second[0]["sequenceTimestamp"] > first[-1]["sequenceTimestamp"]


async def test_what_happens_is_told_with_all_that_it_left_behind(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        await live(client)
        order = venue.book.open(EURUSD, Side.BUY, Decimal("0.3"))
        assert order.position_id is not None
        update = await client.packet()
        assert update["type"] == "update"
        assert [position["id"] for position in update["updatedPositions"]] == [order.position_id]
        assert [deal["orderId"] for deal in update["deals"]] == [order.order_id]
        assert "removedPositionIds" not in update
        venue.quote("1.17", "1.17008")
        venue.book.close(order.position_id)
        update = await client.packet("update")
        assert update["removedPositionIds"] == [order.position_id]
        (deal,) = update["deals"]
        assert (deal["entryType"], deal["profit"]) == ("DEAL_ENTRY_OUT", Decimal("297.6"))
        assert update["accountInformation"]["balance"] == Decimal("10297.6")
        assert "updatedPositions" not in update


async def test_packets_are_numbered_without_a_gap_until_one_is_lost(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        await client.subscribe()
        number = (await client.synchronize())[-1]["sequenceNumber"]
        assert (await client.packet())["sequenceNumber"] == number + 1  # prices
        venue.book.open(EURUSD, Side.BUY, Decimal("0.3"))
        assert (await client.packet())["sequenceNumber"] == number + 2
        venue.faults.drop_messages = 1
        venue.book.open(EURUSD, Side.BUY, Decimal("0.4"))
        await trio.testing.wait_all_tasks_blocked()
        venue.book.open(EURUSD, Side.BUY, Decimal("0.5"))
        update = await client.packet("update")
        assert update["sequenceNumber"] > number + 3
        assert [position["volume"] for position in update["updatedPositions"]] == [Decimal("0.5")]


async def test_packets_are_doubled_and_swapped_when_that_is_asked_for(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        await live(client)
        venue.faults.duplicate_messages = 1
        venue.book.open(EURUSD, Side.BUY, Decimal("0.3"))
        first, second = await client.packet(), await client.packet()
        assert first == second
        await client.packet("prices")
        venue.faults.reorder_messages = 1
        venue.book.open(EURUSD, Side.BUY, Decimal("0.4"))
        await trio.testing.wait_all_tasks_blocked()
        venue.book.open(EURUSD, Side.BUY, Decimal("0.5"))
        later, earlier = await client.packet(), await client.packet()
        assert later["sequenceNumber"] == earlier["sequenceNumber"] + 1


async def test_a_partial_close_and_new_stops_are_updates_of_the_position(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        position_id = venue.book.open(EURUSD, Side.BUY, Decimal("0.3")).position_id
        assert position_id is not None
        await live(client)
        venue.book.replace_stops(position_id, Decimal("1.1"), None)
        (position,) = (await client.packet("update"))["updatedPositions"]
        assert (position["stopLoss"], "takeProfit" in position) == (Decimal("1.1"), False)
        venue.book.close(position_id, Decimal("0.1"))
        (position,) = (await client.packet("update"))["updatedPositions"]
        assert (position["id"], position["volume"]) == (position_id, Decimal("0.2"))
        assert position["realizedProfit"] == Decimal("-0.8")
        assert position["profit"] == position["realizedProfit"] + position["unrealizedProfit"]


async def test_a_netted_position_that_turns_around_is_one_update(autojump_clock: MockClock) -> None:
    async with open_venue(OmsType.NETTING) as venue, venue.client() as client:
        first = venue.book.open(EURUSD, Side.BUY, Decimal("0.3"))
        await live(client)
        order = venue.book.open(EURUSD, Side.SELL, Decimal("0.5"))
        update = await client.packet("update")
        assert update["removedPositionIds"] == [first.position_id]
        (position,) = update["updatedPositions"]
        assert (position["type"], position["volume"]) == ("POSITION_TYPE_SELL", Decimal("0.2"))
        (deal,) = update["deals"]
        assert (deal["entryType"], deal["volume"], deal["orderId"]) == (
            "DEAL_ENTRY_INOUT",
            Decimal("0.5"),
            order.order_id,
        )


async def test_the_rest_of_a_partial_close_has_a_new_ticket_in_metatrader_4(autojump_clock: MockClock) -> None:
    async with open_venue(mt4=True) as venue, venue.client() as client:
        position_id = venue.book.open(EURUSD, Side.BUY, Decimal("0.3"), comment="mine").position_id
        assert position_id is not None
        await live(client)
        done = await client.trade("POSITION_PARTIAL", positionId=position_id, volume=Decimal("0.1"))
        assert (done["stringCode"], done["positionId"]) == ("ERR_NO_ERROR", position_id)
        update = await client.packet("update")
        assert update["removedPositionIds"] == [position_id]
        (rest,) = update["updatedPositions"]
        assert rest["id"] != position_id
        assert (rest["comment"], rest["originalComment"]) == (f"from #{position_id}", "mine")
        assert update["deals"][0]["positionId"] == position_id
        gone = await client.trade("POSITION_CLOSE_ID", positionId=position_id)
        assert gone["stringCode"] == "ERR_TRADE_POSITION_NOT_FOUND"
        await client.trade("POSITION_CLOSE_ID", positionId=rest["id"])
        assert not venue.book.positions
        assert (await client.packet("update"))["removedPositionIds"] == [rest["id"]]
        orders = (await client.ask("getHistoryOrdersByPosition", positionId=position_id))["historyOrders"]
        assert [order["type"] for order in orders] == ["ORDER_TYPE_BUY", "ORDER_TYPE_SELL"]


async def test_updates_may_be_called_status_as_one_page_has_it(autojump_clock: MockClock) -> None:
    async with open_venue(update_type="status") as venue, venue.client() as client:
        await live(client)
        venue.book.open(EURUSD, Side.BUY, Decimal("0.3"))
        update = await client.packet()
        assert update["type"] == "status"
        assert "connected" not in update
        assert update["updatedPositions"]


async def test_pending_orders_are_in_the_synchronization_and_in_updates_until_they_end(
    autojump_clock: MockClock,
) -> None:
    async with open_venue() as venue, venue.client() as client:
        order = venue.book.place_order(EURUSD, Side.BUY, OrderType.LIMIT, Decimal("0.3"), Decimal("1.15"), tag="mine")
        await client.subscribe()
        (shown,) = (await client.synchronize())[4]["orders"]
        assert (shown["id"], shown["type"], shown["clientId"]) == (order.order_id, "ORDER_TYPE_BUY_LIMIT", "mine")
        await client.packet("prices")
        venue.book.replace_order(order.order_id, Decimal("1.14"), stop_loss=None, take_profit=None)
        update = await client.packet("update")
        assert [each["openPrice"] for each in update["updatedOrders"]] == [Decimal("1.14")]
        other = venue.book.place_order(EURUSD, Side.SELL, OrderType.STOP, Decimal("0.1"), Decimal("1.13"))
        venue.book.cancel_order(other.order_id)
        update = await client.packet("update")
        assert update["completedOrderIds"] == [other.order_id]
        assert [each["state"] for each in update["historyOrders"]] == ["ORDER_STATE_CANCELED"]
        venue.quote("1.1399", "1.13998")
        update = await client.packet("update")
        assert update["completedOrderIds"] == [order.order_id]
        (position,) = update["updatedPositions"]
        assert (position["openPrice"], position["clientId"]) == (Decimal("1.13998"), "mine")
        (done,) = update["historyOrders"]
        assert (done["state"], done["positionId"]) == ("ORDER_STATE_FILLED", position["id"])
        assert (done["type"], done["openPrice"]) == ("ORDER_TYPE_BUY_LIMIT", Decimal("1.14"))
        assert [deal["orderId"] for deal in update["deals"]] == [order.order_id]


async def test_a_deposit_is_told_with_the_new_balance(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        await live(client)
        venue.book.deposit(Decimal(500))
        update = await client.packet()
        assert update["accountInformation"]["balance"] == 10_500
        assert [deal["profit"] for deal in update["deals"]] == [500]


async def test_a_refused_order_is_in_the_history_as_rejected(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        await live(client)
        refused = await client.trade("ORDER_TYPE_BUY", symbol=EURUSD, volume=Decimal("0.001"), clientId="c_x_0")
        assert (refused["numericCode"], refused["message"]) == (10014, "Invalid volume")
        update = await client.packet("update")
        (order,) = update["historyOrders"]
        assert (order["state"], order["clientId"]) == ("ORDER_STATE_REJECTED", "c_x_0")
        assert "deals" not in update


async def test_a_refusal_that_the_venue_keeps_no_order_of_is_told_to_nobody(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        await live(client)
        with pytest.raises(OrderRefused):
            venue.book.close(PositionId("1"))
        await client.hears_nothing(30)


async def test_prices_come_for_what_is_held_or_watched_and_at_most_once_a_second(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        await live(client)
        venue.quote("1.2", "1.20008")
        venue.quote("4000", "4000.25", Symbol("XAUUSD"))
        await client.hears_nothing(5)
        await client.ask("subscribeToMarketData", instanceIndex=0, symbol="XAUUSD", subscriptions=[{"type": "quotes"}])
        packet = await client.packet("prices")
        assert [price["symbol"] for price in packet["prices"]] == ["XAUUSD"]
        assert (packet["equity"], packet["margin"], "marginLevel" in packet) == (10_000, 0, False)
        venue.book.open(EURUSD, Side.BUY, Decimal("0.3"))
        packet = await client.packet("prices")
        assert [price["symbol"] for price in packet["prices"]] == ["EURUSD"]
        at = trio.current_time()
        for cents in range(10, 20):
            venue.quote(f"1.{cents}", f"1.{cents}008")
        packet = await client.packet("prices")
        assert packet["prices"][0]["bid"] == Decimal("1.19")
        assert packet["equity"] == Decimal(10_000) + Decimal("0.3") * 100_000 * (Decimal("1.19") - Decimal("1.20008"))
        assert trio.current_time() - at <= 1
        await client.ask("unsubscribeFromMarketData", instanceIndex=0, symbol="XAUUSD")
        await client.packet("prices")
        venue.quote("4100", "4100.25", Symbol("XAUUSD"))
        await client.hears_nothing(5)


async def test_a_status_comes_at_least_every_half_minute(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        await client.subscribe()
        for _ in range(3):
            with trio.fail_after(30):
                status = await client.packet("status")
            assert (status["connected"], status["authenticated"]) == (True, True)
        await client.packet("keepalive")


async def test_every_packet_goes_only_to_those_who_subscribed_and_with_their_index(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as first, venue.client() as second:
        other = venue.broker.add_account("other", OmsType.HEDGING, Decimal(1000))
        async with venue.client() as third:
            await live(first, 0)
            await live(second, 1)
            third.account_id = venue.simulator.desk("other").account_id
            await live(third)
            venue.book.open(EURUSD, Side.BUY, Decimal("0.1"))
            for client, index in ((first, 0), (second, 1)):
                update = await client.packet("update")
                assert (update["accountId"], update["instanceIndex"]) == (venue.account_id, index)
            await third.hears_nothing(5)
            other.open(EURUSD, Side.BUY, Decimal("0.01"))
            assert (await third.packet("update"))["accountId"] == third.account_id
            with trio.move_on_after(3):
                while True:
                    assert (await first.packet())["accountId"] == venue.account_id


async def test_after_unsubscribing_nothing_comes(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        await live(client)
        assert (await client.ask("unsubscribe", instanceIndex=0))["type"] == "response"
        venue.book.open(EURUSD, Side.BUY, Decimal("0.1"))
        await client.hears_nothing(70)


async def test_a_terminal_that_reconnects_says_goodbye_and_comes_back(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as asking, venue.client() as other:
        await live(other, 1)
        answer = await asking.ask("reconnect", application="MetaApi")
        assert answer == {"type": "response", "accountId": venue.account_id, "requestId": "r1"}
        assert (await other.packet())["type"] == "disconnected"
        refused = await other.ask("synchronize", instanceIndex=1)
        assert refused["error"] == "NotAuthenticatedError"
        assert (await asking.ask("getPositions"))["error"] == "NotSynchronizedError"
        for client in (asking, other):
            assert (await client.packet())["type"] == "authenticated"
        venue.book.open(EURUSD, Side.BUY, Decimal("0.1"))
        packets = await other.synchronize(index=1)
        assert [packet["type"] for packet in packets][:4] == SYNCHRONIZATION[:4]
        assert len(packets[3]["positions"]) == 1


async def test_a_terminal_that_is_down_signs_in_when_it_is_up_again(autojump_clock: MockClock) -> None:
    async with open_venue(hosts=("ps-mpa-0", "ps-mpa-7")) as venue, venue.client() as client:
        venue.desk.take_down()
        await client.ask("subscribe", instanceIndex=0, sessionId="s1")
        await client.hears_nothing(5)
        trade = {"actionType": "ORDER_TYPE_BUY", "symbol": EURUSD, "volume": 1}
        assert (await client.ask("trade", trade=trade))["error"] == "TimeoutError"
        venue.desk.bring_up("ps-mpa-7")
        packet = await client.packet("authenticated")
        assert (packet["host"], packet["sessionId"]) == ("ps-mpa-7", "s1")


async def test_nothing_is_told_between_a_goodbye_and_the_next_synchronization(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        await live(client)
        venue.desk.take_down()
        venue.book.open(EURUSD, Side.BUY, Decimal("0.1"))
        venue.desk.bring_up()
        assert [(await client.packet())["type"] for _ in range(2)] == ["disconnected", "authenticated"]
        packets = await client.synchronize()
        assert len(packets[3]["positions"]) == 1
        assert (await client.packet())["type"] == "prices"


@pytest.mark.parametrize("seed", range(4))
async def test_a_change_within_a_synchronization_is_an_update_after_its_start(
    autojump_clock: MockClock, seed: int
) -> None:
    async with open_venue(records_a_packet=1) as venue, venue.client() as client:
        for _ in range(20):
            venue.book.open(EURUSD, Side.BUY, Decimal("0.01"))
        await client.subscribe()
        await client.ask("synchronize", requestId="s", instanceIndex=0)
        for _ in range(seed + 1):
            await client.packet()
        venue.book.close(next(iter(venue.book.positions)))
        seen: list[str] = []
        removed: list[str] = []
        while "dealSynchronizationFinished" not in seen or not removed:
            packet = await client.packet()
            seen.append(packet["type"])
            removed += packet.get("removedPositionIds", ())
        assert "update" in seen
        assert len(removed) == 1


async def test_streams_are_cut_and_fall_silent_when_that_is_asked_for(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as silent:
        await live(silent)
        venue.faults.half_open = True
        venue.book.open(EURUSD, Side.BUY, Decimal("0.1"))
        await silent.send("getPositions")
        silent.session.ping()
        await silent.hears_nothing(80)
        venue.faults.half_open = False
        with pytest.raises(SessionLost):
            await wait_for_the_end(venue, cut=True)


async def test_a_socket_that_never_pings_is_given_up(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        with trio.fail_after(100), pytest.raises(SessionLost):
            await wait_for_the_end(venue)


async def test_pings_are_answered(autojump_clock: MockClock) -> None:
    async with open_venue() as venue, venue.client() as client:
        await client.socket.send_message("2")
        assert await client.socket.get_message() == "3"
        assert venue.simulator.desks()


async def test_two_hosts_each_tell_everything_in_an_order_of_their_own(autojump_clock: MockClock) -> None:
    async with open_venue(hosts=("ps-mpa-0", "ps-mpa-1")) as venue, venue.client() as client:
        await client.ask("subscribe", instanceIndex=0, sessionId="s1")
        first, second = await client.packet("authenticated"), await client.packet("authenticated")
        assert [(packet["host"], packet["replicas"]) for packet in (first, second)] == [
            ("ps-mpa-0", 2),
            ("ps-mpa-1", 2),
        ]
        for host in ("ps-mpa-1", "ps-mpa-0"):
            packets = await client.synchronize(f"sync of {host}", host=host)
            assert {packet["host"] for packet in packets if "synchronizationId" in packet} == {host}
        venue.book.open(EURUSD, Side.BUY, Decimal("0.1"))
        updates = [await client.packet("update") for _ in range(2)]
        assert {update["host"] for update in updates} == {"ps-mpa-0", "ps-mpa-1"}
        venue.desk.take_down("ps-mpa-0")
        assert (await client.packet("disconnected"))["host"] == "ps-mpa-0"
        assert len((await client.ask("getPositions"))["positions"]) == 1
        refused = await client.ask("synchronize", instanceIndex=0, host="ps-mpa-0")
        assert refused["error"] == "NotAuthenticatedError"
        venue.book.open(EURUSD, Side.BUY, Decimal("0.1"))
        assert (await client.packet("update"))["host"] == "ps-mpa-1"
        venue.desk.bring_up("ps-mpa-0")
        assert (await client.packet("authenticated"))["host"] == "ps-mpa-0"
