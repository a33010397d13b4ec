"""MetaCopier's words into ours: what counts, what is left out, and which numbers cannot be."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from adapters.base import RemoteProtocolError, SessionLost, SignInRefused
from adapters.metacopier import translate
from adapters.metacopier.translator import Translator
from adapters.metacopier.wire import (
    AccountInformationDTO,
    MarketQuoteDTO,
    Message,
    PositionDTO,
    SymbolDTO,
    UnknownMessage,
    UpdateAccountInformationDTO,
    UpdateHistoryDTO,
    UpdateOpenPositionsDTO,
)
from rules.model.events import AccountReported, Event, Origin, PositionClosed, SnapshotReceived
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Quote, WorkingOrder
from rules.model.values import AccountId, OmsType, OrderType, Side, Symbol, VenueOrderId

ALIAS = AccountId("mc")
ID = "33333333-3333-3333-3333-333333333333"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TAG = "cp" + "a" * 20


def row(position_id: str = "1", **changes: object) -> PositionDTO:
    fields: dict[str, object] = {
        "symbol": "EURUSD",
        "order_type": "Buy",
        "volume": Decimal("0.1"),
        "open_price": Decimal("1.1"),
        "open_time": NOW,
    }
    return PositionDTO(position_id, **(fields | changes))  # type: ignore[arg-type]


def closed(position_id: str = "1", minute: int = 0, price: str = "1.2", **changes: object) -> PositionDTO:
    at = NOW + timedelta(minutes=minute)
    return row(position_id, close_time=at, close_price=Decimal(price), **changes)


def listed(*rows: PositionDTO) -> UpdateOpenPositionsDTO:
    return UpdateOpenPositionsDTO(ID, rows)


def history(*rows: PositionDTO) -> UpdateHistoryDTO:
    return UpdateHistoryDTO(ID, rows)


def run(*messages: Message) -> list[Event]:
    translator = Translator(ALIAS, OmsType.HEDGING)
    return [event for message in messages for event in translator.events(message, NOW)]


def closes(events: Sequence[Event]) -> list[tuple[str, Decimal | None]]:
    return [(event.position_id, event.close_price) for event in events if isinstance(event, PositionClosed)]


def test_an_empty_first_list_is_not_certain_and_later_ones_are() -> None:
    assert run(listed(), listed(), listed(row()), listed()) == [
        SnapshotReceived(ALIAS, NOW, (), Origin.RECONCILED, certain=False, orders=()),
        SnapshotReceived(ALIAS, NOW, (), Origin.LIVE, certain=True, orders=()),
        SnapshotReceived(ALIAS, NOW, (translate.position(row()),), Origin.LIVE, certain=True, orders=()),
        SnapshotReceived(ALIAS, NOW, (), Origin.LIVE, certain=True, orders=()),
    ]


def test_a_first_list_with_positions_is_certain() -> None:
    (snapshot,) = run(listed(row()))
    assert isinstance(snapshot, SnapshotReceived)
    assert (snapshot.origin, snapshot.certain) == (Origin.RECONCILED, True)


def test_a_first_list_of_pending_orders_alone_is_as_empty_as_none() -> None:
    pending = row(order_type="BuyLimit")
    (snapshot,) = run(listed(pending, row("2", order_type="SellStopLimit")))
    orders = translate.orders([pending])
    assert snapshot == SnapshotReceived(ALIAS, NOW, (), Origin.RECONCILED, certain=False, orders=orders)


@pytest.mark.parametrize(
    ("order_type", "side", "kind"),
    [
        ("BuyLimit", Side.BUY, OrderType.LIMIT),
        ("SellLimit", Side.SELL, OrderType.LIMIT),
        ("BuyStop", Side.BUY, OrderType.STOP),
        ("SellStop", Side.SELL, OrderType.STOP),
    ],
)
def test_a_pending_order_is_read_exactly_and_is_no_position(order_type: str, side: Side, kind: OrderType) -> None:
    fields = {"open_price": Decimal("1.10"), "stop_loss": Decimal("1.05"), "take_profit": Decimal(0)}
    pending = row("9", order_type=order_type, **fields, comment=f"API|7|{TAG}", magic_number=77)
    held = row("1")
    assert translate.positions([held, pending]) == (translate.position(held),)
    assert translate.orders([held, pending]) == (
        WorkingOrder(
            order_id=VenueOrderId("9"),
            symbol=Symbol("EURUSD"),
            side=side,
            order_type=kind,
            volume=Decimal("0.1"),
            price=Decimal("1.10"),
            stop_loss=Decimal("1.05"),
            placed_at=NOW,
            magic="77",
            comment=f"API|7|{TAG}",
            tag=TAG,
        ),
    )


def test_a_pending_order_without_a_time_has_none() -> None:
    (order,) = translate.orders([row(order_type="BuyLimit", open_time=None)])
    assert order.placed_at is None


def test_pending_orders_of_kinds_that_we_do_not_know_are_left_out() -> None:
    rows = [row(order_type="BuyStopLimit"), row("2", order_type="SellTrailing")]
    assert (translate.orders(rows), translate.positions(rows)) == ((), ())


@pytest.mark.parametrize(
    "changes",
    [
        {"volume": None},
        {"volume": Decimal(0)},
        {"open_price": None},
        {"open_price": Decimal(0)},
        {"open_price": Decimal("1e30")},
        {"stop_loss": Decimal(-1)},
        {"symbol": None},
        {"symbol": "X" * 101},
        {"open_time": NOW.replace(tzinfo=None)},
    ],
)
def test_a_pending_order_that_cannot_be_read_makes_the_list_unreadable(changes: dict[str, object]) -> None:
    with pytest.raises(RemoteProtocolError):
        translate.orders([row(order_type="BuyLimit", **changes)])


def test_a_pending_order_that_comes_twice_makes_the_list_unreadable() -> None:
    with pytest.raises(RemoteProtocolError, match="twice"):
        translate.orders([row(order_type="BuyLimit"), row(order_type="SellStop")])


@pytest.mark.parametrize(
    ("order_type", "deal_type", "side"),
    [
        ("Buy", None, Side.BUY),
        ("Sell", None, Side.SELL),
        (None, "DealBuy", Side.BUY),
        (None, "DealSell", Side.SELL),
        ("Sell", "DealBuy", Side.SELL),
    ],
)
def test_the_side_comes_from_the_order_type_else_from_the_deal_type(
    order_type: str | None, deal_type: str | None, side: Side
) -> None:
    assert translate.position(row(order_type=order_type, deal_type=deal_type)).side is side


@pytest.mark.parametrize(
    "changes",
    [
        {"order_type": None},
        {"order_type": "Short"},
        {"order_type": "buy"},
        {"order_type": None, "deal_type": "Balance"},
        {"volume": None},
        {"volume": Decimal(0)},
        {"volume": Decimal(-1)},
        {"volume": Decimal("NaN")},
        {"volume": Decimal("sNaN")},
        {"volume": Decimal("Infinity")},
        {"volume": Decimal("1E+400000")},
        {"open_price": None},
        {"open_price": Decimal("1E-30")},
        {"stop_loss": Decimal(-1)},
        {"stop_loss": Decimal("sNaN")},
        {"take_profit": Decimal("1" * 25)},
        {"current_price": Decimal("Infinity")},
        {"open_time": None},
        {"open_time": datetime(2026, 11, 20)},
        {"symbol": None},
        {"symbol": ""},
        {"symbol": "X" * 101},
    ],
)
def test_one_position_that_cannot_be_makes_the_list_unreadable(changes: dict[str, object]) -> None:
    with pytest.raises(RemoteProtocolError, match=r"expected|must"):
        run(listed(row("1"), row("2", **changes)))


def test_a_date_at_the_edge_of_the_calendar_is_refused() -> None:
    text = b'{"id":"1","openTime":"0001-01-01T00:00:00+14:00"}'
    at = msgspec.json.decode(text, type=PositionDTO).open_time
    with pytest.raises(RemoteProtocolError, match="calendar"):
        translate.position(row(open_time=at))


def test_an_id_that_comes_twice_makes_the_list_unreadable() -> None:
    with pytest.raises(RemoteProtocolError, match="twice"):
        run(listed(row("1"), row("1")))


def test_zero_stops_and_numbers_as_ids_are_understood() -> None:
    position = translate.position(
        PositionDTO(123456789012345678, "EURUSD", "Sell", volume=Decimal(1), open_price=Decimal(1), open_time=NOW,
                    stop_loss=Decimal(0), take_profit=Decimal("0.0"), magic_number=42)
    )  # fmt: skip
    assert (position.position_id, position.magic) == ("123456789012345678", "42")
    assert (position.stop_loss, position.take_profit) == (None, None)


def test_the_noise_of_a_double_is_taken_off() -> None:
    assert translate.position(row(volume=Decimal("0.30000000000000004"))).volume == Decimal("0.3")
    assert translate.position(row(open_price=Decimal("1.1200000000000001"))).open_price == Decimal("1.12")


@pytest.mark.parametrize(
    ("comment", "tag"),
    [
        (f"API|7|{TAG}", TAG),
        (TAG, TAG),
        (f"API|999|{TAG}[sl]", TAG),
        (f"x{TAG}", None),
        (f"{TAG}b", None),
        ("API|7|", None),
        ("cp", None),
        (None, None),
    ],
)
def test_our_tag_is_read_out_of_the_comment(comment: str | None, tag: str | None) -> None:
    assert translate.position(row(comment=comment)).tag == tag


@pytest.mark.parametrize(
    ("request_id", "comment", "found"),
    [("7", None, "7"), (7, "API|8|", "7"), (None, "API|8|x", "8"), (None, "xAPI|8|", None), (None, None, None)],
)
def test_the_request_number_is_read_from_its_field_or_the_comment(
    request_id: str | int | None, comment: str | None, found: str | None
) -> None:
    assert translate.request_id_of(row(request_id=request_id, comment=comment)) == found


def test_a_close_is_told_with_its_price_whichever_message_comes_first() -> None:
    row_first = run(history(), listed(row()), history(closed()), listed())
    list_first = run(history(), listed(row()), listed(), history(closed()))
    assert closes(row_first) == closes(list_first) == [("1", Decimal("1.2"))]
    assert isinstance(row_first[-1], SnapshotReceived)


def test_the_history_of_the_last_24_hours_is_no_news_when_it_first_comes() -> None:
    assert closes(run(listed(row()), listed(), history(closed(), closed("2")))) == []


def test_a_row_is_news_once() -> None:
    again = history(closed())
    assert closes(run(history(), listed(row()), listed(), again, again, listed(), again)) == [("1", Decimal("1.2"))]


def test_a_partial_close_leaves_its_position_open() -> None:
    partial = closed(price="1.15", volume=Decimal("0.04"))
    half = row(volume=Decimal("0.06"))
    events = run(history(), listed(row()), history(partial), listed(half))
    assert closes(events) == []
    events = run(history(), listed(row()), history(partial), listed(half), history(partial, closed(minute=1)), listed())
    assert closes(events) == [("1", Decimal("1.2"))]


def test_the_price_of_a_partial_close_is_not_told_for_the_whole() -> None:
    partial = closed(price="1.15", volume=Decimal("0.04"))
    went = (history(), listed(row()), history(partial), listed(row(volume=Decimal("0.06"))), listed())
    assert closes(run(*went)) == []
    assert closes(run(*went, history(partial, closed(minute=1)))) == [("1", Decimal("1.2"))]


def test_the_price_of_a_partial_close_whose_row_comes_after_the_list_is_not_told_for_the_whole() -> None:
    half = listed(row(volume=Decimal("0.05")))
    partial = closed(price="1.15", volume=Decimal("0.05"))
    rest = closed(minute=1, volume=Decimal("0.05"))
    began = (history(), listed(row()), half)
    assert closes(run(*began, history(partial), listed())) == []
    assert closes(run(*began, history(partial), listed(), history(partial, rest))) == [("1", Decimal("1.2"))]
    assert closes(run(*began, listed(), history(partial, rest))) == [("1", Decimal("1.2"))]
    assert closes(run(history(), listed(row()), listed(), history(partial, rest))) == [("1", Decimal("1.2"))]
    row_first = (history(), listed(row()), history(partial), listed(), history(partial, rest))
    assert closes(run(*row_first)) == [("1", Decimal("1.2"))]


def test_a_position_that_we_never_saw_open_is_not_told_closed() -> None:
    assert closes(run(history(), listed(), history(closed("9")))) == []


def test_a_position_that_is_back_is_not_told_closed() -> None:
    assert closes(run(history(), listed(row()), listed(), listed(row()), history(closed()))) == []


def test_a_close_with_an_impossible_price_is_told_without_it() -> None:
    events = run(history(), listed(row()), listed(), history(closed(price="NaN")))
    assert closes(events) == [("1", None)]


def test_cash_operations_and_rows_without_a_time_are_left_out() -> None:
    deposit = PositionDTO("1", deal_type="Balance", close_time=None)
    naive = PositionDTO("1", close_time=datetime(2026, 11, 20))
    assert closes(run(history(), listed(row()), listed(), history(deposit, naive))) == []


def test_closes_are_told_in_the_order_of_their_time() -> None:
    rows = (closed("2", minute=2), closed("1", minute=1))
    events = run(history(), listed(row("1"), row("2")), listed(), history(*rows))
    assert [position_id for position_id, _ in closes(events)] == ["1", "2"]


def test_positions_that_went_without_a_row_are_forgotten_at_last() -> None:
    translator = Translator(ALIAS, OmsType.HEDGING)
    for number in range(1500):
        translator.events(listed(row(str(number))), NOW)
    assert len(translator._gone) <= 1001


def information(**fields: object) -> UpdateAccountInformationDTO:
    return UpdateAccountInformationDTO(ID, AccountInformationDTO(**fields))  # type: ignore[arg-type]


def test_figures_are_told_as_far_as_the_key_may_see_them() -> None:
    whole = information(
        balance=Decimal("10000.5"),
        equity=Decimal("9990"),
        currency="EUR",
        used_margin=Decimal(5),
        free_margin=Decimal(6),
    )
    status = AccountStatus(Decimal("10000.5"), Decimal(9990), "EUR", Decimal(5), Decimal(6))
    assert run(whole) == [AccountReported(ALIAS, NOW, status)]
    assert run(information(balance=Decimal(1))) == [AccountReported(ALIAS, NOW, AccountStatus(Decimal(1), None, None))]
    assert run(information(equity=Decimal(1))) == []


@pytest.mark.parametrize("figure", ["NaN", "Infinity", "1E+30", "sNaN"])
def test_a_figure_that_cannot_be_loses_the_session(figure: str) -> None:
    for name in ("balance", "equity", "used_margin", "free_margin"):
        with pytest.raises(RemoteProtocolError):
            run(information(**({"balance": Decimal(1)} | {name: Decimal(figure)})))


def test_a_venue_that_has_lost_the_broker_is_weather() -> None:
    with pytest.raises(SessionLost, match="connected=false"):
        run(information(balance=Decimal(1), connected=False))


def test_a_broker_that_refuses_the_login_is_for_good() -> None:
    with pytest.raises(SignInRefused, match="wrongCredentials"):
        run(information(balance=Decimal(1), connected=False, wrong_credentials=True))


@pytest.mark.parametrize(
    ("mode", "oms", "fits"),
    [
        ("HEDGING", OmsType.HEDGING, True),
        ("NETTING", OmsType.NETTING, True),
        ("EXCHANGE", OmsType.NETTING, True),
        ("NETTING", OmsType.HEDGING, False),
        ("HEDGING", OmsType.NETTING, False),
        ("SOMETHING", OmsType.HEDGING, True),
        (None, OmsType.NETTING, True),
    ],
)
def test_the_configured_kind_of_account_must_be_its_kind(mode: str | None, oms: OmsType, fits: bool) -> None:
    info = AccountInformationDTO(account_mode=mode)
    if fits:
        translate.check_account(info, oms)
        return
    with pytest.raises(SignInRefused, match="accountMode"):
        translate.check_account(info, oms)


def test_unknown_messages_mean_nothing() -> None:
    assert run(UnknownMessage("UpdateWeatherDTO")) == []


SYMBOL = SymbolDTO(
    "EURUSD", Decimal("0.01"), Decimal(100), Decimal("0.01"), 5, Decimal("0.00001"), Decimal(100_000), "EUR", "USD",
    False, "ECHANGE",
)  # fmt: skip


def test_an_instrument_is_read() -> None:
    assert translate.instrument(SYMBOL) == Instrument(
        Symbol("EURUSD"), Decimal("0.01"), Decimal(100), Decimal("0.01"), Decimal("0.00001"), Decimal(100_000), "USD"
    )


def test_the_tick_size_comes_from_the_digits_where_points_are_missing() -> None:
    assert translate.instrument(msgspec.structs.replace(SYMBOL, points=None)).tick_size == Decimal("0.00001")
    assert translate.instrument(msgspec.structs.replace(SYMBOL, points=None, digits=99)).tick_size is None
    assert not translate.instrument(msgspec.structs.replace(SYMBOL, disabled=True)).tradable


@pytest.mark.parametrize(
    "changes",
    [
        {"minimal_volume": None},
        {"step_volume": Decimal(0)},
        {"maximal_volume": Decimal("0.001")},
        {"points": Decimal("NaN")},
        {"lot_size": Decimal(-1)},
    ],
)
def test_an_instrument_without_a_possible_grid_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(RemoteProtocolError):
        translate.instrument(msgspec.structs.replace(SYMBOL, **changes))


def test_a_quote_needs_both_sides() -> None:
    at = NOW - timedelta(seconds=1)
    both = MarketQuoteDTO("EURUSD", Decimal("1.1"), Decimal("1.2"), at)
    assert translate.quote(both, Symbol("EURUSD"), NOW) == Quote(Symbol("EURUSD"), Decimal("1.1"), Decimal("1.2"), at)
    timeless = translate.quote(MarketQuoteDTO(None, Decimal(1), Decimal(2)), Symbol("EURUSD"), NOW)
    assert timeless is not None
    assert timeless.at == NOW
    assert translate.quote(MarketQuoteDTO("EURUSD", Decimal(0), Decimal(1)), Symbol("EURUSD"), NOW) is None
