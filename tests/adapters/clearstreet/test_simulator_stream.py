"""The simulated activity stream: subscription, replay, sequence, and the weather."""

import json
from contextlib import suppress
from datetime import timedelta

import pytest
import trio
from trio.testing import MockClock
from trio_websocket import ConnectionClosed

from adapters.base import SessionLost
from rules.model.values import OmsType, Side
from tests.adapters.clearstreet.simulated import (
    ACCOUNT,
    ACCOUNT_ID,
    ACCOUNT_NUMBER,
    START,
    Stream,
    Venue,
    kinds,
    sequences,
    served,
    stream_of,
    streaming,
)

TRADE = ["order-update", "order-update", "trade-notice", "position-update", "buying-power-update"]
"""What one market order brings."""


async def closed(stream: Stream) -> int | None:
    """Return the code with which the venue closes; heartbeats may come before."""
    with trio.fail_after(100_000):
        while True:
            try:
                await stream.next()
            except ConnectionClosed as error:
                return None if error.reason is None else error.reason.code


async def test_a_subscription_is_acknowledged_and_an_empty_day_is_replayed_at_once(autojump_clock: MockClock) -> None:
    async with stream_of() as (_, stream):
        await stream.subscribe()
        first, second = await stream.take(2)
        assert first["payload"] == {
            "type": "subscribe-activity-ack",
            "account_id": ACCOUNT_ID,
            "success": True,
            "details": "Subscribed successfully",
        }
        assert second["payload"] == {"type": "replay-complete"}
        assert "sequence" not in first
        assert "sequence" not in second
        assert first["timestamp"] == int(START.timestamp() * 1000)


async def test_the_acknowledgment_can_leave_the_account_out(autojump_clock: MockClock) -> None:
    async with stream_of(ack_names_account=False) as (_, stream):
        await stream.subscribe()
        [first] = await stream.take(1)
        assert "account_id" not in first["payload"]


async def test_the_account_number_names_an_account_too(autojump_clock: MockClock) -> None:
    async with stream_of() as (_, stream):
        await stream.subscribe(ACCOUNT_NUMBER)
        [first] = await stream.take(1)
        assert (first["payload"]["success"], first["payload"]["account_id"]) == (True, ACCOUNT_NUMBER)


async def test_the_whole_day_is_replayed_and_goes_on_live_without_a_gap(autojump_clock: MockClock) -> None:
    async with stream_of() as (venue, stream):
        await venue.place()
        await venue.place("sell", "4")
        await stream.subscribe()
        replayed = await stream.until_replayed()
        assert sequences(replayed) == list(range(1, 11))
        assert kinds(replayed) == TRADE * 2
        await venue.place("sell", "6")
        live = await stream.take(5)
        assert sequences(live) == list(range(11, 16))
        assert kinds(live) == TRADE
        assert live[3]["payload"]["data"] == {**ACCOUNT, "symbol": "AAPL", "quantity": "0", "average_cost": 0}


async def test_what_happens_during_a_replay_comes_after_its_end(autojump_clock: MockClock) -> None:
    async with stream_of() as (venue, stream):
        await venue.place()
        venue.faults.delay_s = 3
        await stream.subscribe()
        await trio.sleep(1)  # subscribed, and nothing is sent yet
        venue.by_hand(Side.BUY, "1")
        assert sequences(await stream.until_replayed()) == [1, 2, 3, 4, 5]
        assert sequences(await stream.take(5)) == [6, 7, 8, 9, 10]


async def test_a_second_stream_replays_the_same_and_both_live_on(autojump_clock: MockClock) -> None:
    venue = Venue()
    async with served(venue) as network, streaming(venue, network) as first, streaming(venue, network) as second:
        await venue.place()
        for stream in (first, second):
            await stream.subscribe()
        before, after = await first.until_replayed(), await second.until_replayed()
        assert [frame["payload"] for frame in before] == [frame["payload"] for frame in after]
        await venue.place()
        assert sequences(await first.take(5)) == sequences(await second.take(5)) == [6, 7, 8, 9, 10]


async def test_each_account_has_a_sequence_of_its_own(autojump_clock: MockClock) -> None:
    venue = Venue()
    other = venue.broker.add_account("200000", OmsType.NETTING, venue.book.balance)
    async with served(venue) as network, streaming(venue, network) as stream:
        for account_id in (ACCOUNT_ID, "200000"):
            await stream.subscribe(account_id)
            assert await stream.until_replayed() == []
        venue.by_hand(Side.BUY, "1")
        assert sequences(await stream.take(5)) == [1, 2, 3, 4, 5]
        other.open(next(iter(venue.market.instruments)), Side.BUY, venue.book.balance / 1_000_000)
        frames = await stream.take(5)
        assert sequences(frames) == [1, 2, 3, 4, 5]
        assert {frame["payload"]["data"]["account_id"] for frame in frames} == {"200000"}


@pytest.mark.parametrize(("account_id", "token"), [("999", None), (ACCOUNT_ID, "wrong"), (ACCOUNT_ID, "")])
async def test_a_subscription_that_fails_is_acknowledged_as_failed_and_may_be_tried_again(
    autojump_clock: MockClock, account_id: str, token: str | None
) -> None:
    async with stream_of() as (_, stream):
        await stream.subscribe(account_id, token)
        [answer] = await stream.take(1)
        assert (answer["payload"]["type"], answer["payload"]["success"]) == ("subscribe-activity-ack", False)
        await stream.subscribe()
        assert await stream.until_replayed() == []


async def test_a_second_subscription_to_one_account_fails(autojump_clock: MockClock) -> None:
    async with stream_of() as (_, stream):
        await stream.subscribe()
        await stream.until_replayed()
        await stream.subscribe(ACCOUNT_NUMBER)
        [answer] = await stream.take(1)
        assert (answer["payload"]["success"], answer["payload"]["details"]) == (False, "Already subscribed")


@pytest.mark.parametrize(
    "request_text",
    [
        "no JSON",
        "[]",
        "{}",
        b"\xff\xfe",
        '{"authorization": "t", "payload": {"type": "unsubscribe"}}',
        '{"authorization": "t", "payload": {"type": "subscribe-activity"}}',
        '{"authorization": "t", "payload": {"type": "subscribe-activity", "account_id": 100000}}',
        '{"payload": {"type": "subscribe-activity", "account_id": "100000"}}',
    ],
)
async def test_a_malformed_request_gets_an_error_notice(autojump_clock: MockClock, request_text: str | bytes) -> None:
    async with stream_of() as (_, stream):
        await stream.socket.send_message(request_text)
        [notice] = await stream.take(1)
        assert notice["payload"]["type"] == "error-notice"
        assert notice["payload"]["details"].startswith("Malformed request: ")
        await stream.subscribe()
        assert await stream.until_replayed() == []


async def test_who_does_not_subscribe_within_30_seconds_is_told_and_disconnected(autojump_clock: MockClock) -> None:
    async with stream_of() as (_, stream):
        await trio.sleep(20)
        await stream.subscribe("999")  # a failed one does not count
        await stream.take(1)
        [notice] = await stream.take(1)
        assert notice["payload"] == {"type": "error-notice", "details": "No subscription within 30 seconds"}
        assert await closed(stream) == 1000
        assert trio.current_time() == pytest.approx(30, abs=1)


async def test_heartbeats_come_at_their_interval_and_are_not_numbered(autojump_clock: MockClock) -> None:
    async with stream_of(heartbeat_s=7) as (_, stream):
        await stream.subscribe()
        await stream.until_replayed()
        for beat in range(1, 4):
            frame = json.loads(await stream.socket.get_message())
            at = int((START + timedelta(seconds=7 * beat)).timestamp() * 1000)
            assert frame == {"timestamp": at, "payload": {"type": "heartbeat"}}


async def test_a_connection_ends_with_its_token(autojump_clock: MockClock) -> None:
    async with stream_of(token_lifetime=timedelta(hours=2)) as (venue, stream):
        await stream.subscribe()
        await stream.until_replayed()
        await trio.sleep(3600)
        await venue.sign_in()  # a newer token does not help a connection that lives on the old one
        await trio.sleep(3550)
        [notice] = await stream.take(1)
        assert notice["payload"] == {"type": "error-notice", "details": "Access token expired"}
        assert await closed(stream) == 1000
        assert trio.current_time() == pytest.approx(7200, abs=1)


async def test_expired_tokens_end_the_connection_at_once(autojump_clock: MockClock) -> None:
    async with stream_of() as (venue, stream):
        await stream.subscribe()
        await stream.until_replayed()
        venue.faults.expire_tokens()
        assert await closed(stream) == 1000
        assert trio.current_time() < 5


async def test_the_sequence_restarts_with_the_day_on_a_stream_that_lives_on(autojump_clock: MockClock) -> None:
    async with stream_of() as (venue, stream):
        await stream.subscribe()
        await stream.until_replayed()
        await venue.place(order_type="limit", price="1.00")
        assert sequences(await stream.take(1)) == [1]
        venue.later(hours=14)  # 00:00 in New York
        [expired] = await stream.take(1)  # without anybody's request
        assert (expired["sequence"], expired["payload"]["data"]["status"]) == (2, "expired")
        venue.by_hand(Side.BUY, "1")
        assert sequences(await stream.take(5)) == [1, 2, 3, 4, 5]


async def test_the_replay_holds_the_present_day_only(autojump_clock: MockClock) -> None:
    async with stream_of() as (venue, stream):
        await venue.place()
        venue.later(hours=14)
        await venue.place("sell", "3")
        await stream.subscribe()
        replayed = await stream.until_replayed()
        assert sequences(replayed) == [1, 2, 3, 4, 5]
        assert replayed[3]["payload"]["data"]["quantity"] == "7"


async def test_a_lost_message_is_a_gap_that_the_replay_repairs(autojump_clock: MockClock) -> None:
    venue = Venue()
    async with served(venue) as network:
        async with streaming(venue, network) as stream:
            await stream.subscribe()
            await stream.until_replayed()
            venue.faults.drop_messages = 2
            venue.by_hand(Side.BUY, "1")
            assert sequences(await stream.take(3)) == [3, 4, 5]
        async with streaming(venue, network) as stream:
            await stream.subscribe()
            assert sequences(await stream.until_replayed()) == [1, 2, 3, 4, 5]


async def test_faults_of_messages_leave_answers_heartbeats_and_the_replay_alone(autojump_clock: MockClock) -> None:
    async with stream_of() as (venue, stream):
        await venue.place()
        venue.faults.drop_messages = venue.faults.duplicate_messages = 1
        await stream.subscribe()
        assert sequences(await stream.until_replayed()) == [1, 2, 3, 4, 5]
        await trio.sleep(60)
        assert (venue.faults.drop_messages, venue.faults.duplicate_messages) == (1, 1)


async def test_live_messages_come_twice_or_swapped_when_asked_for(autojump_clock: MockClock) -> None:
    async with stream_of() as (venue, stream):
        await stream.subscribe()
        await stream.until_replayed()
        venue.faults.duplicate_messages = 1
        venue.by_hand(Side.BUY, "1")
        assert sequences(await stream.take(6)) == [1, 1, 2, 3, 4, 5]
        venue.faults.reorder_messages = 1
        venue.by_hand(Side.BUY, "1")
        assert sequences(await stream.take(5)) == [7, 6, 8, 9, 10]


async def test_a_half_open_stream_says_nothing_at_all(autojump_clock: MockClock) -> None:
    async with stream_of() as (venue, stream):
        await stream.subscribe()
        await stream.until_replayed()
        venue.faults.half_open = True
        venue.by_hand(Side.BUY, "1")
        with trio.move_on_after(200) as patience:
            await stream.socket.get_message()
        assert patience.cancelled_caught


async def test_streams_are_cut_without_a_word(autojump_clock: MockClock) -> None:
    async with stream_of() as (venue, stream):
        await stream.subscribe()
        await stream.until_replayed()
        venue.faults.drop_streams()
        assert await closed(stream) == 1006


async def test_maintenance_refuses_the_handshake(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.sign_in()
    venue.faults.maintenance = True
    async with served(venue) as network:
        with pytest.raises(SessionLost, match="503"):
            async with streaming(venue, network):
                pytest.fail("expected no WebSocket")


async def test_a_stream_that_has_ended_listens_to_nothing(autojump_clock: MockClock) -> None:
    venue = Venue()
    async with served(venue) as network:
        async with streaming(venue, network) as stream:
            await stream.subscribe()
            await stream.until_replayed()
            assert len(venue.desk.activity.listeners._callbacks) == 1
        await trio.sleep(2)
        assert not venue.desk.activity.listeners._callbacks
        assert not venue.faults._cutters
        assert len(venue.faults._expirers) == 1  # the simulator's own


async def test_a_client_that_asks_and_never_reads_is_cut(autojump_clock: MockClock) -> None:
    async with stream_of() as (venue, stream):
        venue.faults.delay_s = 10  # as if it did not read
        with suppress(ConnectionClosed):
            for _ in range(1100):
                await stream.socket.send_message("nonsense")
        assert await closed(stream) == 1006
        assert trio.current_time() < 1
