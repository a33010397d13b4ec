"""The stream's session: its life from socket to live state, gaps, hosts, silence, refusals, and no ghosts."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import RemoteProtocolError, SessionLost, SignInRefused
from rules.model.events import (
    AccountReported,
    OrderEnded,
    OrderReported,
    Origin,
    PositionClosed,
    PositionReported,
    QuoteReported,
    SessionOpened,
    SnapshotReceived,
)
from rules.model.observed import AccountStatus, Quote
from rules.model.values import OmsType, OrderStatus, PositionId, Symbol, VenueOrderId
from tests.adapters.metaapi.frames import (
    ACCOUNT,
    ALIAS,
    HOST,
    INFORMATION,
    OPEN,
    SESSION_ID,
    TOKEN,
    Talk,
    authenticated,
    event,
    held,
    live,
    packet,
    row,
    subscribed,
    waiting,
    waits,
)

STATUS = AccountStatus(
    balance=Decimal("7319.9"),
    equity=Decimal("7306.6499132"),
    currency="USD",
    margin_used=Decimal("184.1"),
    margin_free=Decimal("7120.22"),
)


def error(kind, **fields):
    return event("processingError", {"id": 1, "error": kind, "message": "no", "accountId": ACCOUNT, **fields})


def snapshot(talk, *positions, orders=()):
    return SnapshotReceived(ALIAS, talk.at, positions, Origin.RECONCILED, orders=orders)


# From the socket to the live state


def test_it_subscribes_once_connected_and_synchronizes_once_authenticated():
    talk = Talk()
    assert talk.feed(OPEN) == []
    assert talk.sent == []
    assert talk.feed("40") == []
    [subscribe] = talk.sent
    assert subscribe == {
        "type": "subscribe",
        "accountId": ACCOUNT,
        "requestId": subscribe["requestId"],
        "application": "MetaApi",
        "instanceIndex": 0,
        "sessionId": SESSION_ID,
    }
    assert talk.feed(authenticated()) == [SessionOpened(ALIAS, talk.at)]
    [_, synchronize] = talk.sent
    assert synchronize == {
        "type": "synchronize",
        "accountId": ACCOUNT,
        "requestId": synchronize["requestId"],
        "application": "MetaApi",
        "instanceIndex": 0,
        "version": 2,
        "host": HOST,
        "startingHistoryOrderTime": "2026-11-20T11:50:00.000Z",
        "startingDealTime": "2026-11-20T11:50:00.000Z",
        "specificationsHashes": [],
        "positionsHashes": [],
        "ordersHashes": [],
    }
    assert synchronize["requestId"] != subscribe["requestId"]
    assert {len(each["requestId"]) for each in talk.sent} == {32}


def test_nothing_is_told_before_the_venue_says_that_the_state_is_whole():
    talk = subscribed()
    *frames, last = talk.synchronization(row())
    assert talk.feed(*frames) == []
    assert talk.feed(last) == [snapshot(talk, held()), AccountReported(ALIAS, talk.at, STATUS)]


def test_an_empty_account_has_an_empty_state_that_is_certain():
    talk = subscribed()
    told, _ = talk.feed(*talk.synchronization())
    assert told == snapshot(talk)
    assert told.certain


def test_a_state_without_positions_is_no_state():
    talk = subscribed()
    frames = talk.synchronization()
    del frames[2]
    talk.feed(*frames)
    assert talk.session.due_s <= 1.5  # the number is missing
    plain = subscribed()
    sync = {"synchronizationId": plain.synchronization_id}
    plain.feed(packet("synchronizationStarted", **sync))
    with pytest.raises(RemoteProtocolError, match="expected positions"):
        plain.feed(packet("dealSynchronizationFinished", **sync))


def test_an_index_of_hashes_that_were_never_sent_breaks_the_protocol():
    talk = subscribed()
    with pytest.raises(RemoteProtocolError, match="never sent"):
        talk.feed(*talk.synchronization(positionsHashIndex=0))


def test_authenticated_of_an_earlier_socket_is_passed_over():
    talk = Talk()
    talk.feed(OPEN, "40", packet("authenticated", sessionId="another"))
    assert not talk.requests("synchronize")
    assert talk.feed(packet("authenticated")) == [SessionOpened(ALIAS, talk.at)]


def test_other_accounts_unknown_types_and_unknown_fields_are_passed_over():
    talk = live(row())
    assert (
        talk.feed(event("synchronization", {"type": "update", "accountId": "other", "removedPositionIds": [1]})) == []
    )
    assert talk.feed(talk.numbered("keepalive"), talk.numbered("from-the-future", positions=[], x={"y": [1]})) == []
    assert talk.feed(event("metadata", {"clientApiHostname": "x"})) == []
    assert talk.feed(talk.numbered("update", updatedPositions=[row("7", unheardOf={"deep": [1]})])) == [
        PositionReported(ALIAS, talk.at, held("7"))
    ]


def test_packets_of_another_synchronization_only_count():
    talk = subscribed()
    frames = talk.synchronization(row(), before_end=[("positions", {"positions": [], "synchronizationId": "foreign"})])
    told, _ = talk.feed(*frames)
    assert told == snapshot(talk, held())


def test_updates_during_the_synchronization_are_played_after_it():
    talk = subscribed()
    before_end = [
        ("update", {"updatedPositions": [row("1", "0.20"), row("2")]}),
        ("update", {"removedPositionIds": ["3"]}),
        ("update", {"removedPositionIds": ["2"]}),
    ]
    told, _ = talk.feed(*talk.synchronization(row("1"), row("3"), before_end=before_end))
    assert told == snapshot(talk, held("1", "0.20"))


def test_what_was_removed_does_not_come_back_with_an_older_list():
    talk = live(row("1"), row("2"))
    talk.feed(talk.numbered("update", removedPositionIds=["1"]), authenticated())
    told, _ = talk.feed(*talk.synchronization(row("1"), row("2")))
    assert told == snapshot(talk, held("2"))


def test_a_later_life_of_a_removed_ticket_is_shown():
    talk = live(row("1"))
    talk.feed(talk.numbered("update", removedPositionIds=["1"]), authenticated())
    told, _ = talk.feed(*talk.synchronization(row("1", time="2026-11-20T11:00:00.000Z")))
    assert [position.position_id for position in told.positions] == ["1"]
    talk.feed(talk.numbered("update", removedPositionIds=["1"]))
    talk.feed(talk.numbered("update", updatedPositions=[row("1", time="2026-11-20T11:00:00.000Z")]), authenticated())
    told, _ = talk.feed(*talk.synchronization(row("1", time="2026-11-20T11:00:00.000Z")))
    assert [position.position_id for position in told.positions] == ["1"]


def test_all_that_was_closed_while_we_were_away_is_gone():
    """The vendor's own client keeps such positions for ever."""
    talk = live(row("1"), row("2"))
    talk.feed(authenticated())
    told, _ = talk.feed(*talk.synchronization())
    assert told == snapshot(talk)
    assert talk.feed(talk.numbered("update", updatedPositions=[row("3")])) == [
        PositionReported(ALIAS, talk.at, held("3"))
    ]


# Live


def test_a_position_is_reported_when_it_is_opened_and_at_every_change():
    talk = live()
    stops = {"stopLoss": Decimal("1.2"), "takeProfit": Decimal("1.3")}
    assert talk.feed(talk.numbered("update", updatedPositions=[row(volume="0.20", **stops)])) == [
        PositionReported(ALIAS, talk.at, held(volume="0.20", stop_loss=Decimal("1.2"), take_profit=Decimal("1.3")))
    ]


def test_a_close_has_the_price_of_the_deal_that_closed_the_whole():
    talk = live(row("1"), row("2"))
    deal = {"id": 9, "type": "DEAL_TYPE_SELL", "entryType": "DEAL_ENTRY_OUT", "time": "2026-11-20T12:00:00.500Z"}
    deal |= {"volume": Decimal("0.3"), "price": Decimal("1.25"), "profit": 1, "positionId": "1"}
    assert talk.feed(talk.numbered("update", removedPositionIds=[1, 2], deals=[deal])) == [
        PositionClosed(
            ALIAS, talk.at, PositionId("1"), Decimal("1.25"), datetime(2026, 11, 20, 12, 0, 0, 500000, tzinfo=UTC)
        ),
        PositionClosed(ALIAS, talk.at, PositionId("2")),
    ]


def test_the_price_of_a_partial_close_is_not_that_of_the_whole():
    talk = live(row("1"))
    deal = {"id": 9, "type": "DEAL_TYPE_SELL", "entryType": "DEAL_ENTRY_OUT", "positionId": "1", "profit": 0}
    deal |= {"volume": Decimal("0.1"), "price": Decimal("1.25")}
    assert talk.feed(talk.numbered("update", removedPositionIds=["1"], deals=[deal])) == [
        PositionClosed(ALIAS, talk.at, PositionId("1"))
    ]


def test_closes_are_told_before_what_opens_in_the_same_moment():
    talk = live(row("1"))
    closed, opened = talk.feed(talk.numbered("update", removedPositionIds=["1"], updatedPositions=[row("2")]))
    assert (closed.position_id, opened.position.position_id) == ("1", "2")


def test_prices_bring_quotes_and_figures():
    talk = live()
    price = {"symbol": "EURUSD", "bid": Decimal("1.1"), "ask": Decimal("1.2"), "time": "2026-11-20T12:00:00.000Z"}
    figures = {"equity": Decimal("7300"), "margin": 0, "freeMargin": Decimal("7300.5")}
    frame = talk.numbered("prices", prices=[price, {"symbol": "NOPRICE"}], **figures)
    assert talk.feed(frame) == [
        QuoteReported(ALIAS, talk.at, Quote(Symbol("EURUSD"), Decimal("1.1"), Decimal("1.2"), talk.at)),
        AccountReported(
            ALIAS, talk.at, AccountStatus(STATUS.balance, Decimal(7300), "USD", Decimal(0), Decimal("7300.5"))
        ),
    ]
    assert talk.feed(talk.numbered("prices", prices=[], **figures)) == []


def test_an_update_brings_the_figures_where_the_venue_puts_them_in():
    talk = live()
    [told] = talk.feed(talk.numbered("update", accountInformation={**INFORMATION, "balance": 8000}))
    assert told.status.balance == 8000


# Gaps and silence


def test_a_missing_packet_is_healed_by_reading_all_anew():
    talk = live(row("1"))
    talk.numbered("update", removedPositionIds=["1"])  # lost
    assert talk.feed(talk.numbered("update", updatedPositions=[row("2")])) == []
    talk.wait(1.4)
    assert len(talk.requests("subscribe")) == 1
    talk.wait(0.2)
    assert len(talk.requests("subscribe")) == 2
    assert talk.feed(authenticated()) == []
    told, _ = talk.feed(*talk.synchronization(row("2")))
    assert told == snapshot(talk, held("2"))
    talk.wait(30)
    assert len(talk.requests("subscribe")) == 2


def test_a_numbering_that_somebody_else_restarts_is_healed():
    talk = live(row("1"))
    talk.number = -1
    foreign = {"synchronizationId": "foreign"}
    talk.feed(talk.numbered("synchronizationStarted", **foreign), talk.numbered("positions", positions=[], **foreign))
    talk.wait(1.6)
    assert len(talk.requests("subscribe")) == 2


def test_a_gap_that_is_not_healed_ends_the_socket():
    talk = live(row("1"))
    talk.numbered("update")
    talk.feed(talk.numbered("update", removedPositionIds=["1"]))
    with pytest.raises(SessionLost):
        talk.wait(120)
    assert 3 <= len(talk.requests("subscribe")) <= 8


def test_gap_after_gap_ends_the_socket():
    talk = subscribed()
    for _ in range(3):
        frames = talk.synchronization(row())
        talk.feed(frames[0], *frames[2:])
        talk.wait(2)
        talk.feed(authenticated())
    frames = talk.synchronization(row())
    talk.feed(frames[0], *frames[2:])
    with pytest.raises(SessionLost, match="missing"):
        talk.wait(2)


def test_a_synchronization_that_stands_still_is_asked_for_again():
    talk = subscribed()
    talk.feed(*talk.synchronization(row())[:3])
    talk.wait(19)
    assert len(talk.requests("subscribe")) == 1
    talk.wait(2)
    assert len(talk.requests("subscribe")) == 2


def test_a_synchronization_that_never_ends_is_asked_for_again():
    talk = subscribed()
    sync = {"synchronizationId": talk.synchronization_id}
    talk.feed(talk.numbered("synchronizationStarted", **sync))
    for _ in range(12):
        talk.wait(10)
        talk.feed(packet("status", connected=True, authenticated=True), talk.numbered("deals", deals=[], **sync))
    assert len(talk.requests("subscribe")) == 2


def test_a_host_without_status_for_a_minute_is_asked_anew():
    talk = live(row())
    talk.wait(50)
    talk.feed(packet("status", connected=True, authenticated=True))
    talk.wait(50)
    assert len(talk.requests("subscribe")) == 1
    talk.wait(11)
    assert len(talk.requests("subscribe")) == 2
    with pytest.raises(SessionLost, match="terminal that is up"):
        talk.wait(120)


def test_a_subscription_is_repeated_ever_slower_until_a_terminal_is_up():
    talk = Talk()
    talk.feed(OPEN, "40")
    moments = []
    for _ in range(90):
        talk.wait(1)
        if len(talk.requests("subscribe")) > len(moments) + 1:
            moments.append(talk.now_s)
    assert moments == [3, 9, 21, 45]
    with pytest.raises(SessionLost, match="terminal that is up"):
        talk.wait(1000)


def test_a_server_that_does_not_open_is_left():
    with pytest.raises(SessionLost, match="expected a connection"):
        Talk().wait(31)


# Hosts


def test_a_disconnected_terminal_ends_the_session():
    talk = live(row())
    with pytest.raises(SessionLost, match="disconnected"):
        talk.feed(packet("disconnected"))


def test_a_terminal_without_broker_ends_the_session():
    talk = live(row())
    with pytest.raises(SessionLost, match="lost the broker"):
        talk.feed(packet("status", connected=False, authenticated=True))


SECOND = "ps-mpa-1"


def two_hosts(*rows):
    """Return a conversation with a leader and another host that is synchronized too, and its frames to come."""
    talk = live(row("1"))
    assert talk.feed(authenticated(host=SECOND)) == []
    number, stamp = talk.number, talk.stamp
    assert talk.feed(*(frame.replace(HOST, SECOND) for frame in talk.synchronization(*rows))) == []
    talk.number, talk.stamp = number, stamp
    return talk


def test_a_second_host_is_heard_only_when_the_first_one_is_gone():
    talk = two_hosts(row("1"), row("2"))
    assert talk.feed(packet("update", host=SECOND, updatedPositions=[row("3")])) == []
    assert talk.feed(talk.numbered("update", updatedPositions=[row("4")])) == [
        PositionReported(ALIAS, talk.at, held("4"))
    ]
    assert talk.feed(packet("disconnected")) == [snapshot(talk, held("1"), held("2"), held("3"))]
    assert talk.feed(packet("update", host=SECOND, removedPositionIds=["2"])) == [
        PositionClosed(ALIAS, talk.at, PositionId("2"))
    ]
    with pytest.raises(SessionLost, match="disconnected"):
        talk.feed(packet("disconnected", host=SECOND))


def test_a_second_host_that_goes_is_no_loss():
    talk = two_hosts(row("1"))
    assert talk.feed(packet("disconnected", host=SECOND)) == []
    assert talk.feed(packet("disconnected", host="never-heard-of")) == []
    assert len(talk.feed(talk.numbered("update", removedPositionIds=["1"]))) == 1


def test_a_gap_of_the_leader_makes_the_other_host_lead_at_once():
    talk = two_hosts(row("1"), row("2"))
    talk.numbered("update")
    talk.feed(talk.numbered("update", removedPositionIds=["1"]))
    told = talk.wait(2)
    assert [event.positions for event in told] == [(held("1"), held("2"))]
    assert len(talk.requests("subscribe")) == 1
    talk.feed(packet("status", connected=True, authenticated=True))  # it lives: back it comes
    assert len(talk.requests("subscribe")) == 2
    assert talk.feed(authenticated()) == []


def test_a_host_that_is_whole_before_the_leader_is_again_leads():
    talk = live(row("1"))
    talk.feed(authenticated(), authenticated(host=SECOND))
    told, _ = talk.feed(*(frame.replace(HOST, SECOND) for frame in talk.synchronization(row("2"))))
    assert told == snapshot(talk, held("2"))


def test_a_leader_that_goes_before_another_is_whole_leaves_the_lead_to_it():
    talk = live(row("1"))
    talk.feed(authenticated(host=SECOND))
    assert talk.feed(packet("disconnected")) == []
    told, _ = talk.feed(*(frame.replace(HOST, SECOND) for frame in talk.synchronization(row("2"))))
    assert told == snapshot(talk, held("2"))


def test_an_unknown_host_that_is_ready_makes_us_subscribe():
    talk = live(row())
    talk.feed(packet("status", host="second", connected=True, authenticated=True))
    talk.feed(packet("status", host="second", connected=True, authenticated=True))
    assert len(talk.requests("subscribe")) == 2


def test_a_host_with_an_absurd_name_breaks_the_protocol():
    talk = Talk()
    talk.feed(OPEN, "40")
    with pytest.raises(RemoteProtocolError, match="host"):
        talk.feed(authenticated(host="x" * 1000))


def test_hosts_without_end_break_the_protocol():
    talk = Talk()
    talk.feed(OPEN, "40")
    hosts = [authenticated(host=f"h{number}") for number in range(9)]
    talk.feed(*hosts[:8])
    with pytest.raises(RemoteProtocolError, match="hosts"):
        talk.feed(hosts[8])


def test_a_second_host_that_falls_silent_is_left_out():
    talk = two_hosts(row("1"))
    for _ in range(5):
        talk.wait(20)
        talk.feed(packet("status", connected=True, authenticated=True))
    assert len(talk.requests("subscribe")) == 1
    with pytest.raises(SessionLost):
        talk.feed(packet("disconnected"))


# Refusals


@pytest.mark.parametrize("kind", ["UnauthorizedError", "ForbiddenError", "NotFoundError"])
def test_a_refused_account_is_final_and_shows_no_token(kind):
    talk = Talk()
    talk.feed(OPEN, "40")
    with pytest.raises(SignInRefused, match=kind) as refused:
        talk.feed(error(kind, message=f"bad token {TOKEN.reveal()}"))
    assert TOKEN.reveal() not in str(refused.value)


def test_a_rate_limit_is_obeyed():
    talk = Talk()
    talk.feed(OPEN, "40")
    until = (talk.at + timedelta(seconds=42)).isoformat()
    talk.feed(error("TooManyRequestsError", metadata={"recommendedRetryTime": until, "type": "X"}))
    talk.wait(41)
    assert len(talk.requests("subscribe")) == 1
    talk.wait(2)
    assert len(talk.requests("subscribe")) == 2


@pytest.mark.parametrize("metadata", [None, {}, {"recommendedRetryTime": "soon"}, {"recommendedRetryTime": 5}, [1]])
def test_a_rate_limit_without_a_time_is_obeyed_too(metadata):
    talk = Talk()
    talk.feed(OPEN, "40", error("TooManyRequestsError", metadata=metadata))
    talk.wait(9)
    assert len(talk.requests("subscribe")) == 1
    talk.wait(2)
    assert len(talk.requests("subscribe")) == 2


@pytest.mark.parametrize("kind", ["NotAuthenticatedError", "TimeoutError", "InternalError", "NewError"])
def test_a_failed_request_is_tried_again(kind):
    talk = subscribed()
    talk.feed(error(kind))
    talk.wait(4)
    assert len(talk.requests("subscribe")) == 2


def test_a_request_that_the_venue_cannot_read_breaks_the_protocol():
    talk = Talk()
    talk.feed(OPEN, "40")
    with pytest.raises(RemoteProtocolError, match="sessionId: wrong"):
        talk.feed(error("ValidationError", details=[{"parameter": "sessionId", "value": 1, "message": "wrong"}]))


def test_an_account_of_another_kind_is_refused_with_what_to_do():
    talk = subscribed(oms=OmsType.NETTING)
    with pytest.raises(SignInRefused, match="set oms = 'hedging'"):
        talk.feed(*talk.synchronization())


@pytest.mark.parametrize("frame", ["41", "1"])
def test_a_closed_connection_is_weather(frame):
    talk = live()
    with pytest.raises(SessionLost, match="closed"):
        talk.feed(frame)


def test_a_refused_namespace_is_weather_unless_it_is_about_the_token():
    with pytest.raises(SessionLost):
        Talk().feed(OPEN, '44"busy"')
    with pytest.raises(SignInRefused) as refused:
        Talk().feed(OPEN, f'44{{"message":"bad token {TOKEN.reveal()}"}}')
    assert TOKEN.reveal() not in str(refused.value)


# Pending orders


def test_the_state_holds_the_pending_orders_and_no_others():
    talk = subscribed()
    at_market = waiting("71", type="ORDER_TYPE_SELL", state="ORDER_STATE_STARTED")
    told, _ = talk.feed(*talk.synchronization(orders=[waiting(), at_market]))
    assert told == snapshot(talk, orders=(waits(),))


def test_what_changes_of_pending_orders_during_the_synchronization_is_played_after_it():
    talk = subscribed()
    before_end = [
        ("update", {"updatedOrders": [waiting("2"), waiting("1", openPrice=Decimal("1.14"))]}),
        ("update", {"completedOrderIds": [2, "3"]}),
    ]
    told, _ = talk.feed(*talk.synchronization(orders=[waiting("1"), waiting("3")], before_end=before_end))
    assert told == snapshot(talk, orders=(waits("1", price=Decimal("1.14")),))


def test_a_pending_order_is_told_when_placed_and_changed():
    talk = live()
    for price in ("1.15", "1.14"):
        frame = talk.numbered("update", updatedOrders=[waiting(openPrice=Decimal(price))])
        assert talk.feed(frame) == [OrderReported(ALIAS, talk.at, waits(price=Decimal(price)))]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("FILLED", OrderStatus.FILLED),
        ("CANCELED", OrderStatus.CANCELED),
        ("EXPIRED", OrderStatus.EXPIRED),
        ("REJECTED", OrderStatus.REJECTED),
        ("FUTURE", None),
        (None, None),
    ],
)
def test_the_end_of_a_pending_order_says_what_the_history_says(state, status):
    talk = subscribed()
    talk.feed(*talk.synchronization(orders=[waiting()]))
    done = [] if state is None else [waiting(state=f"ORDER_STATE_{state}", positionId=46214692)]
    position_id = PositionId("46214692") if status is OrderStatus.FILLED else None
    frame = talk.numbered("update", completedOrderIds=[70, "71"], historyOrders=done)
    assert talk.feed(frame) == [OrderEnded(ALIAS, talk.at, VenueOrderId("70"), status, position_id)]
    assert talk.feed(talk.numbered("update", completedOrderIds=["70"])) == []


def test_market_orders_are_no_news():
    talk = live()
    order = waiting(type="ORDER_TYPE_BUY", state="ORDER_STATE_STARTED")
    assert talk.feed(talk.numbered("update", updatedOrders=[order])) == []
    assert talk.feed(talk.numbered("update", completedOrderIds=["70"], historyOrders=[order])) == []


@pytest.mark.parametrize("fields", [{"type": "ORDER_TYPE_NEW"}, {"openPrice": 0}, {"currentVolume": "x"}])
def test_a_pending_order_that_cannot_be_read_ends_the_session(fields):
    with pytest.raises(RemoteProtocolError, match="order 70"):
        live().feed(packet("update", updatedOrders=[waiting(**fields)]))


# MetaTrader 4: what a partial close leaves has a new ticket


def rest(ticket, old, volume="0.20", **fields):
    return row(ticket, volume, platform="mt4", comment=f"from #{old}", originalComment="mine", **fields)


def test_what_a_partial_close_leaves_keeps_its_id():
    talk = live(row("1", platform="mt4", comment="mine"))
    kept = held("1", "0.20", comment="mine")
    assert talk.feed(talk.numbered("update", removedPositionIds=["1"], updatedPositions=[rest("2", "1")])) == [
        PositionReported(ALIAS, talk.at, kept)
    ]
    talk.feed(authenticated())
    told, _ = talk.feed(*talk.synchronization(rest("2", "1")))
    assert told == snapshot(talk, kept)
    [again] = talk.feed(talk.numbered("update", removedPositionIds=["2"], updatedPositions=[rest("3", "2", "0.10")]))
    assert (again.position.position_id, again.position.volume) == ("1", Decimal("0.10"))
    assert talk.feed(talk.numbered("update", removedPositionIds=["3"])) == [
        PositionClosed(ALIAS, talk.at, PositionId("1"))
    ]


def test_the_new_ticket_may_come_before_the_old_one_goes():
    talk = live(row("1", platform="mt4"))
    [told] = talk.feed(talk.numbered("update", updatedPositions=[rest("2", "1")]))
    assert (told.position.position_id, told.position.volume) == ("1", Decimal("0.20"))
    assert talk.feed(talk.numbered("update", removedPositionIds=["1"])) == []


def test_tickets_between_two_messages_pass_unseen():
    talk = live(row("1", platform="mt4"))
    talk.feed(talk.numbered("update", accountInformation={**INFORMATION, "platform": "mt4"}))
    [told] = talk.feed(talk.numbered("update", removedPositionIds=["1", "2"], updatedPositions=[rest("3", "2")]))
    assert (told.position.position_id, told.position.volume) == ("1", Decimal("0.20"))


def test_a_comment_alone_makes_no_rest_of_another_position():
    talk = live(row("1", platform="mt4"), row("9", comment="from #1"), rest("8", "1"))
    told = talk.feed(talk.numbered("update", updatedPositions=[rest("7", "1", openPrice=Decimal("1.5"))]))
    assert [each.position.position_id for each in told] == ["7"]


# Whatever comes


@pytest.mark.parametrize("seed", range(20))
def test_frames_cut_between_any_two_tell_the_same(seed):
    """The session takes whole messages; between them time may pass."""
    random = Random(seed)
    talk, slow = subscribed(), subscribed()
    frames = talk.synchronization(row("1"), row("2"))
    frames += [talk.numbered("update", removedPositionIds=["1"]), talk.numbered("update", updatedPositions=[row("3")])]
    told = [type(each) for each in talk.feed(*frames)]
    slowly = []
    for frame in frames:
        slowly += [type(each) for each in slow.feed(frame)]
        slow.wait(random.random())
    assert slowly == told


@pytest.mark.slow  # two hundred stories
@settings(max_examples=200)
@given(st.data())
def test_any_loss_doubling_and_disorder_ends_in_the_truth(data):
    """A venue that answers every subscription, over a line that does what it likes with each packet."""
    talk = live(row("1"))
    truth, mirror = {"1": row("1")}, {"1": Decimal("0.30")}
    frames = []
    for step in range(data.draw(st.integers(1, 12))):
        ticket = str(data.draw(st.integers(1, 4)))
        if ticket in truth and data.draw(st.booleans()):
            del truth[ticket]
            frames.append(talk.numbered("update", removedPositionIds=[ticket]))
        else:
            opened_at = truth[ticket]["time"] if ticket in truth else f"2026-11-20T11:{step:02d}:00.000Z"
            truth[ticket] = row(ticket, f"0.{data.draw(st.integers(10, 99))}", time=opened_at)
            frames.append(talk.numbered("update", updatedPositions=[truth[ticket]]))
    copies = [[0, 1, 1, 2][data.draw(st.integers(0, 3))] for _ in frames]
    sent = [frame for frame, count in zip(frames, copies, strict=True) for _ in range(count)]
    heard = [*data.draw(st.permutations(sent)), talk.numbered("update")]  # the last one shows that others are missing
    lost = copies.count(0)

    def apply(events):
        for each in events:
            match each:
                case SnapshotReceived():
                    mirror.clear()
                    mirror.update({held.position_id: held.volume for held in each.positions})
                case PositionReported():
                    mirror[each.position.position_id] = each.position.volume
                case PositionClosed():
                    mirror.pop(each.position_id, None)

    for frame in heard:
        apply(talk.feed(frame))
    talk.wait(2)
    if len(talk.requests("subscribe")) == 1:
        assert lost == 0
    else:
        talk.feed(authenticated())
        apply(talk.feed(*talk.synchronization(*truth.values())))
    assert mirror == {ticket: each["volume"] for ticket, each in truth.items()}
