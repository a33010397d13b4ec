"""Every sample message of the published page, through the real session, field by field."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.clearstreet import translate, values, wire
from adapters.clearstreet.session import SubscriptionRefused
from adapters.numbers import number
from rules.model.events import PositionReported, SessionOpened, SnapshotReceived
from rules.model.observed import Position
from rules.model.values import OrderType, PositionId, Side, Symbol
from tests.adapters.clearstreet.frames import ALIAS, AT, DATA, Talk, books, decoded, live, order, sample

SEED = Path(__file__).parents[3].parent / "shared" / "seeds" / "clearstreet-activity.txt"
SENT = datetime(2024, 3, 22, 3, 7, 27, 30_000, tzinfo=UTC)
TRADED = datetime(2024, 3, 22, 3, 7, 26, 990_000, tzinfo=UTC)
ACCOUNT_ID = "<account-id>"


def published_messages(text):
    """Yield every JSON object of the page, its `{...}` emptied."""
    text, decoder = text.replace("{...}", "{}"), json.JSONDecoder()
    at = text.find("{\n")
    while at != -1:
        message, end = decoder.raw_decode(text, at)
        yield message
        at = text.find("{\n", end)


def emptied(message):
    if "data" in message["payload"]:
        message["payload"]["data"] = {}
    return message


@pytest.mark.skipif(not SEED.exists(), reason="the venue's documentation text does not lie beside this project")
def test_no_published_sample_is_missing_from_the_data():
    ours = [emptied(json.loads(path.read_text())) for path in DATA.glob("*.json")]
    published = list(published_messages(SEED.read_text()))
    assert len(published) == 8
    assert [message for message in published if message not in ours] == []


def test_our_subscription_is_the_sample():
    assert json.loads(Talk(ACCOUNT_ID).session.subscribe("<access-token>")) == json.loads(sample("subscribe-activity"))


def test_the_sample_of_an_acknowledgement_opens_the_session():
    assert Talk(ACCOUNT_ID).feed(sample("subscribe-activity-ack")) == [SessionOpened(ALIAS, AT)]
    frame = decoded(sample("subscribe-activity-ack"))
    assert frame.message == wire.SubscribeAck(success=True, account_id=ACCOUNT_ID, details="Subscribed successfully")
    assert values.instant(frame.timestamp, "timestamp") == SENT
    assert frame.sequence is None


def test_the_same_acknowledgement_without_success_is_a_refusal():
    with pytest.raises(SubscriptionRefused, match="Subscribed successfully"):
        Talk(ACCOUNT_ID).feed(sample("subscribe-activity-ack").replace("true", "false"))


def test_the_sample_of_the_replays_end_asks_for_the_books():
    talk = Talk(ACCOUNT_ID)
    assert talk.feed(sample("subscribe-activity-ack"), sample("replay-complete"))[1:] == []
    assert talk.session.needs_books
    assert talk.learn(books()) == [SnapshotReceived(ALIAS, AT, (), origin=talk.events[-1].origin, orders=())]


def test_the_sample_of_an_order_update_is_news_of_that_order():
    talk = live(order(122), account_id=ACCOUNT_ID)
    talk.session.take_orders()
    assert talk.feed(sample("order-update")) == []
    (told,) = talk.session.take_orders()
    assert told == translate.VenueOrder(
        order_id="o-1",
        reference="cpaaaaaaaaaaaaaaaaaaaa",
        symbol=Symbol("AAPL"),
        sign=1,
        quantity=Decimal(100),
        filled=Decimal(100),
        average_price=Decimal("190.095"),
        is_over=True,
        said="filled",
        status="filled",
        reason="execution-report",
        version=3,
        order_type=OrderType.LIMIT,
    )
    message = decoded(sample("order-update")).message
    assert (message.order_type, message.time_in_force, message.price) == ("limit", "day", "190.10")
    assert (message.running_position, message.updated_at) == ("100", 1711076847000)
    assert message.strategy["type"] == "sor"
    assert talk.session.take_orders() == []
    assert talk.session.sequence == 123


def test_the_samples_of_an_execution_and_its_position_are_one_reported_position():
    talk = live(order(123), account_id=ACCOUNT_ID)
    assert talk.feed(sample("trade-notice")) == []
    update = sample("position-update").replace("124", "125")  # the page numbers its samples alike
    assert talk.feed(update) == [
        PositionReported(
            ALIAS,
            AT,
            Position(
                position_id=PositionId("AAPL"),
                symbol=Symbol("AAPL"),
                side=Side.BUY,
                volume=Decimal(100),
                open_price=Decimal("190.095"),
                opened_at=TRADED,
            ),
        )
    ]
    trade = decoded(sample("trade-notice")).message
    assert translate.trade(trade, trade.symbol) == translate.Trade(
        trade_id="t-1",
        order_id="o-1",
        symbol=Symbol("AAPL"),
        quantity=Decimal(100),
        price=Decimal("190.095"),
        running=Decimal(100),
        at=TRADED,
    )


def test_the_sample_of_buying_power_is_read_and_is_no_figure_of_ours():
    talk = live(order(123), account_id=ACCOUNT_ID)
    assert talk.feed(sample("buying-power-update")) == []
    figure = decoded(sample("buying-power-update")).message.figure
    assert number(figure, "buying power") == Decimal("199809.905")
    other_name = decoded(sample("buying-power-update").replace("amount", "buying_power")).message.figure
    assert number(other_name, "buying power") == Decimal("199809.905")
    assert talk.session.unknown == {}


def test_the_sample_of_located_inventory_is_read_and_changes_nothing():
    talk = live(order(123), account_id=ACCOUNT_ID)
    assert talk.feed(sample("locate-inventory-update")) == []
    message = decoded(sample("locate-inventory-update")).message
    assert message.symbol == "XOM"
    assert [number(raw, "shares") for raw in (message.available, message.reserved, message.used)] == [
        Decimal(500),
        Decimal(100),
        Decimal(0),
    ]
    assert talk.session.sequence == 124
