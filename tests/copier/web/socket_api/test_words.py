"""The three messages, field by field: what is known is told as the reference has it, the rest is absent."""

from datetime import time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from attrs import evolve

from adapters.metacopier.translator import Translator
from adapters.metacopier.wire import decode_message
from copier.web.socket_api import words
from copier.web.socket_api.past import Past
from copier.web.socket_api.words import AccountNow, MissingMapping, account_id
from rules.limits.days import ResetTime
from rules.limits.limits import judge
from rules.limits.policy import Limit
from rules.limits.terms import LimitKind, Percent
from rules.model.events import AccountReported, OrderReported, Origin, SnapshotReceived
from rules.model.observed import AccountStatus, Fill, Position, WorkingOrder
from rules.model.state import AccountView
from rules.model.values import AccountId, LinkId, OmsType, OrderType, PositionId, Side, Symbol, VenueOrderId
from tests.rules.playbook import EURUSD, T0, position

NAME = AccountId("prop-1")
ORDER = WorkingOrder(VenueOrderId("o1"), EURUSD.symbol, Side.SELL, OrderType.LIMIT, Decimal("0.5"), Decimal("1.2"))

INFO_FIELDS = {
    "id", "accountMode", "environment", "balance", "equity", "credit", "freeMargin", "usedMargin", "unrealizedProfit",
    "profitToday", "profitThisWeek", "profitThisMonth", "currency", "leverage", "drawdown", "maxDrawdown",
    "avgDrawdown", "connected", "status", "wrongCredentials", "isInvestorPassword", "isNative", "compatibilityMode",
    "hftMode", "fallbackMode", "isHyperactive", "historyDeactivated", "latencyInMs", "brokeTimeOffsetToUtc",
    "openPositions", "openPositionsCount", "pendingOrders", "pendingOrdersCount", "positionMismatch",
    "missingSymbolMappings", "pendingApprovals", "riskLimitsStatus", "profitTargetsStatus", "walletBalances", "proxy",
    "configuredProxy", "accountDuplicationInProjectDetected", "timestamp", "lastConnectedTimestamp",
    "lastCTraderTokenRefreshed", "allSymbolsInfoLoaded",
}  # fmt: skip
"""Every field that the interface has for an account."""

POSITION_FIELDS = {
    "id", "symbol", "orderType", "dealType", "placedType", "state", "volume", "openPrice", "closePrice", "stopLoss",
    "takeProfit", "openTime", "closeTime", "brokerTimeOpen", "brokerTimeClose", "profit", "swap", "commission",
    "netProfit", "comment", "magicNumber", "requestId", "currentPrice",
}  # fmt: skip


def view(*positions: Position, **changes: Any) -> AccountView:
    made = AccountView(NAME, known=True, ready=True, status=AccountStatus(Decimal(1000), Decimal("980.50"), "USD"))
    made.positions = {each.position_id: each for each in positions}
    made.instruments = {EURUSD.symbol: evolve(EURUSD, profit_currency="USD")}
    for order in changes.pop("orders", ()):
        made.waiting.report(OrderReported(NAME, T0, order))
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def shown(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def test_an_account_keeps_one_uuid_and_a_name_that_is_one_stays() -> None:
    assert account_id(NAME) == account_id(AccountId("prop-1")) == str(UUID(account_id(NAME)))
    assert account_id(NAME) == "ff4ad9b4-cc79-5f61-9545-a71decd60b17", "clients have written it down"
    assert account_id(AccountId("11111111-1111-1111-1111-111111111111")) == "11111111-1111-1111-1111-111111111111"
    assert words.by_id([NAME]) == {account_id(NAME): NAME}


def test_information_tells_what_is_known_of_the_figures_and_nothing_else() -> None:
    told = shown(words.information(AccountNow(view(), T0, connected=True, connected_at=T0)))
    assert told == {
        "id": account_id(NAME),
        "accountMode": "HEDGING",
        "balance": 1000,
        "equity": 980.5,
        "unrealizedProfit": -19.5,
        "currency": "USD",
        "connected": True,
        "status": "active",
        "wrongCredentials": False,
        "historyDeactivated": False,
        "openPositions": False,
        "openPositionsCount": 0,
        "positionMismatch": False,
        "lastConnectedTimestamp": "2026-11-20T12:00:00Z",
        "missingSymbolMappings": [],
        "pendingApprovals": [],
        "riskLimitsStatus": [],
        "profitTargetsStatus": [],
    }


def test_an_account_that_was_never_seen_tells_no_figures_and_no_counts() -> None:
    told = shown(words.information(AccountNow(AccountView(NAME, OmsType.NETTING), T0, connected=False, refused=True)))
    assert not {"balance", "equity", "openPositions", "openPositionsCount", "lastConnectedTimestamp"} & told.keys()
    assert (told["accountMode"], told["connected"]) == ("NETTING", False)
    assert (told["status"], told["wrongCredentials"]) == ("stopped", True)


def test_positions_and_orders_are_counted_where_the_venue_shows_them() -> None:
    stop_limit = evolve(ORDER, order_id=VenueOrderId("o2"), order_type=OrderType.STOP_LIMIT)
    held = view(position(), orders=(ORDER, stop_limit))
    told = shown(words.information(AccountNow(held, T0, connected=True, shows_orders=True)))
    assert (told["openPositions"], told["openPositionsCount"]) == (True, 1)
    assert (told["pendingOrders"], told["pendingOrdersCount"]) == (True, 1), "there is no word for a stop-limit"


def test_margins_profits_and_drawdown_are_told_once_they_are_known() -> None:
    status = AccountStatus(Decimal(1000), Decimal(950), "USD", margin_used=Decimal("12.5"), margin_free=Decimal(900))
    past = Past(T0 - timedelta(days=40))
    closed = Fill("e", T0, EURUSD.symbol, Side.SELL, Decimal(1), Decimal(1), opens=False, realized_pnl=Decimal(25))
    past = past.extended([closed], past.since, keep=past.since)
    now = AccountNow(view(status=status), T0, connected=True, past=past, high_water_mark=Decimal(1050))
    told = shown(words.information(now))
    assert (told["usedMargin"], told["freeMargin"]) == (12.5, 900)
    assert (told["profitToday"], told["profitThisWeek"], told["profitThisMonth"]) == (25, 25, 25)
    assert told["drawdown"] == 9.52


def test_limits_tell_whether_they_are_hit_and_what_they_count_from() -> None:
    reset = ResetTime(time(0), ZoneInfo("UTC"))
    daily = Limit("prop-1/daily", NAME, LimitKind.DAILY_LOSS, Percent(Decimal("0.05")), reset=reset)
    target = Limit("prop-1/target", NAME, LimitKind.PROFIT_TARGET, Percent(Decimal("0.1")))
    whole = AccountStatus(Decimal(1000), Decimal(1000), "USD")
    lost = evolve(whole, equity=Decimal(940))
    state = judge(daily, None, whole, T0).state
    limits = ((daily, judge(daily, state, lost, T0)), (target, judge(target, None, whole, T0)))
    told = shown(words.information(AccountNow(view(), T0, connected=True, limits=limits)))
    assert told["riskLimitsStatus"] == [
        {
            "riskLimitId": "prop-1/daily",
            "limitIsHit": True,
            "referenceBalance": 1000,
            "balanceLastUpdate": "2026-11-20T00:00:00Z",
        }
    ]
    (told_target,) = told["profitTargetsStatus"]
    assert (told_target["profitTargetIsHit"], told_target["referenceBalance"]) == (False, 1000)
    unknown = ((daily, judge(daily, None, None, T0)),)
    (told_daily,) = shown(words.information(AccountNow(view(), T0, connected=True, limits=unknown)))["riskLimitsStatus"]
    assert told_daily == {"riskLimitId": "prop-1/daily", "limitIsHit": False}


def test_a_symbol_that_no_map_knows_is_told_with_its_link_and_source() -> None:
    missing = MissingMapping(LinkId("master->prop-1"), AccountId("master"), Symbol("DAX"), T0)
    told = shown(words.information(AccountNow(view(), T0, connected=True, missing_mappings=(missing,))))
    assert told["missingSymbolMappings"] == [
        {
            "copierId": "master->prop-1",
            "fromAccount": "master",
            "fromAccountId": account_id(AccountId("master")),
            "symbol": "DAX",
            "lastTimestampDetected": 1795176000000,
        }
    ]


def test_an_open_position_tells_its_profit_where_price_and_worth_are_known() -> None:
    priced = position(current_price=Decimal("1.1005"), stop_loss=Decimal("1.09"), magic="77", comment="hi")
    (told,) = shown(words.open_positions(view(priced)))
    assert told == {
        "id": "p1",
        "symbol": "EURUSD",
        "orderType": "Buy",
        "dealType": "DealBuy",
        "volume": 1,
        "openPrice": 1.1,
        "closePrice": None,
        "stopLoss": 1.09,
        "takeProfit": None,
        "openTime": "2026-11-20T12:00:00Z",
        "closeTime": None,
        "currentPrice": 1.1005,
        "profit": 50,
        "comment": "hi",
        "magicNumber": "77",
    }
    (told,) = shown(words.open_positions(view(priced, instruments={})))
    assert "profit" not in told


@pytest.mark.parametrize("magic", [None, "0"])
def test_no_magic_number_is_no_field(magic: str | None) -> None:
    (told,) = shown(words.open_positions(view(position(magic=magic))))
    assert "magicNumber" not in told


def test_pending_orders_stand_among_the_positions() -> None:
    held = view(position(), orders=(ORDER,))
    _, told = shown(words.open_positions(held))
    assert (told["id"], told["orderType"], told["openPrice"], told["volume"]) == ("o1", "SellLimit", 1.2, 0.5)


def test_no_field_is_told_that_the_interface_does_not_have() -> None:
    past = Past(T0 - timedelta(days=40))
    closed = Fill("e", T0, EURUSD.symbol, Side.SELL, Decimal(1), Decimal(1), opens=False)
    past = past.extended([closed], past.since, keep=past.since)
    held = view(position(magic="1", comment="x", current_price=Decimal(1)), orders=(evolve(ORDER, placed_at=T0),))
    now = AccountNow(held, T0, connected=True, shows_orders=True, past=past, high_water_mark=Decimal(2000))
    assert words.information(now).keys() < INFO_FIELDS
    rows = [*words.open_positions(held), *(words.history(now) or ())]
    assert len(rows) == 3
    assert set().union(*(row.keys() for row in rows)) <= POSITION_FIELDS


def test_a_history_that_is_not_known_is_no_empty_one() -> None:
    assert words.history(AccountNow(view(), T0, connected=True)) is None
    assert words.history(AccountNow(view(), T0, connected=True, past=Past(T0))) == []


def test_a_client_of_the_interface_reads_what_was_there() -> None:
    """Our own adapter of that venue is such a client."""
    held = position(stop_loss=Decimal("1.09"), current_price=Decimal("1.2"), magic="7", contract_size=None)
    account = view(held, orders=(evolve(ORDER, placed_at=T0),))
    translator = Translator(NAME, OmsType.HEDGING)
    body = words.message(words.POSITIONS, NAME, {"openPositions": words.open_positions(account)})
    read = translator.events(decode_message(body, account_id(NAME)), T0)
    assert read == [
        SnapshotReceived(
            NAME, T0, (held,), Origin.RECONCILED, requested_at=None, certain=True, orders=(evolve(ORDER, placed_at=T0),)
        )
    ]
    info = words.information(AccountNow(account, T0, connected=True))
    body = words.message(words.INFORMATION, NAME, {"info": info})
    assert translator.events(decode_message(body, account_id(NAME)), T0) == [AccountReported(NAME, T0, account.status)]  # type: ignore[arg-type]  # it is known


def test_hostile_text_of_a_broker_cannot_leave_its_field() -> None:
    nasty = 'x"},{"\n\0\\'
    body = words.message(words.POSITIONS, NAME, {"openPositions": words.open_positions(view(position(comment=nasty)))})
    assert b"\0" not in body
    assert b"\n" not in body
    assert msgspec.json.decode(body)["data"]["openPositions"][0]["comment"] == nasty


def test_ids_of_positions_stay_text() -> None:
    (told,) = shown(words.open_positions(view(evolve(position(), position_id=PositionId("9007199254740993")))))
    assert told["id"] == "9007199254740993"
    assert isinstance(Symbol(told["symbol"]), str)
