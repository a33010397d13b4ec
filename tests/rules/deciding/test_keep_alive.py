"""Keep-alive trades: due or not on both sides of the time, forbidden by what forbids copies, always to be closed."""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from rules.deciding.decision import Decision
from rules.deciding.keep_alive import is_keep_alive, keep_alive
from rules.limits.past import Past
from rules.limits.policy import Cap, CapKind
from rules.limits.results_policy import Inactivity, KeepAlive
from rules.model.actions import OpenPosition
from rules.model.copies import CopyStatus
from rules.model.observed import Fill
from rules.model.reasons import Reason
from rules.model.state import AccountView
from rules.model.trace import Denied
from rules.model.values import AccountId, PositionId, Side, Symbol
from rules.times.cron import Cron
from rules.times.schedule import Schedule, Window
from tests.rules.playbook import EURUSD, T0, position

A = AccountId("small")
TRADE = KeepAlive(EURUSD.symbol, (Cron("0 12 * * *", ZoneInfo("UTC")),), timedelta(days=20))
RULE = Inactivity("small/inactivity", A, timedelta(days=30), T0 - timedelta(days=60), keep_alive=TRADE)


def account(**changes: object) -> AccountView:
    view = AccountView(A, known=True, ready=True, instruments={EURUSD.symbol: EURUSD})
    for name, value in changes.items():
        setattr(view, name, value)
    return view


def traded(ago: timedelta) -> Past:
    fill = Fill("f", T0 - ago, EURUSD.symbol, Side.SELL, Decimal(1), Decimal("1.1"))
    return Past(T0 - timedelta(days=90), T0, (fill,))


IDLE = traded(timedelta(days=25))


def at_noon(view: AccountView, past: Past | None = IDLE, trade: KeepAlive = TRADE) -> Decision:
    return keep_alive(RULE, trade, T0, past, view, T0)


@pytest.mark.parametrize(
    ("ago", "due"), [(timedelta(days=20) - timedelta(seconds=1), False), (timedelta(days=20), True)]
)
def test_it_is_due_when_the_account_has_not_traded_for_so_long(ago: timedelta, due: bool) -> None:
    assert bool(at_noon(account(), traded(ago)).actions) is due


def test_an_account_that_never_traded_counts_from_the_beginning_of_its_rule() -> None:
    assert at_noon(account(), Past(T0 - timedelta(days=90), T0, ())).actions


def test_it_is_the_smallest_that_the_instrument_takes_and_asks_for_its_own_end() -> None:
    coarse = evolve(EURUSD, volume_min=Decimal("0.25"), volume_step=Decimal("0.1"))
    decision = at_noon(account(instruments={EURUSD.symbol: coarse}))
    [order] = decision.actions
    assert isinstance(order, OpenPosition)
    assert (order.side, order.volume, order.stop_loss, order.take_profit) == (Side.BUY, Decimal("0.3"), None, None)
    copy = decision.copy
    assert copy is not None
    assert is_keep_alive(copy)
    assert (copy.status, copy.left, copy.close_at, copy.granted) == (CopyStatus.ACTIVE, True, None, Decimal("0.3"))


def test_it_is_held_for_as_long_as_is_asked() -> None:
    decision = at_noon(account(), trade=evolve(TRADE, lasts=timedelta(minutes=2)))
    assert decision.copy is not None
    assert decision.copy.close_at == decision.look_again_at == T0 + timedelta(minutes=2)


def test_a_firing_has_one_order_id_whenever_it_is_asked() -> None:
    [first], [again] = at_noon(account()).actions, at_noon(account(), traded(timedelta(days=26))).actions
    later = keep_alive(RULE, TRADE, T0 + timedelta(days=1), IDLE, account(), T0 + timedelta(days=1)).actions
    assert first.cl_ord_id == again.cl_ord_id != later[0].cl_ord_id


DENIED = Denied("limits", Reason.LIMIT_DAILY_LOSS)
SPENT = Denied("limits", Reason.BUDGET_USED_UP)
ONE = Cap(A, CapKind.MAX_POSITIONS, Decimal(1))
LOTS = Cap(A, CapKind.MAX_TOTAL_VOLUME, Decimal("0.5"))
NIGHT = Schedule("night", "UTC", closed=(Window("0 11 * * *", timedelta(hours=2), "works"),))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"halted": "by hand"}, Reason.ACCOUNT_HALTED),
        ({"ready": False}, Reason.TARGET_NOT_READY),
        ({"lagging": True}, Reason.TARGET_LAGGING),
        ({"instruments": {}}, Reason.INSTRUMENT_UNKNOWN),
        ({"instruments": {EURUSD.symbol: None}}, Reason.SYMBOL_ABSENT),
        ({"instruments": {EURUSD.symbol: evolve(EURUSD, tradable=False)}}, Reason.SYMBOL_NOT_TRADABLE),
        ({"positions": {PositionId("x"): position()}}, Reason.KEEP_ALIVE_HELD),
        ({"lots": {(EURUSD.symbol, Side.SELL): Decimal(1)}}, Reason.KEEP_ALIVE_HELD),
        ({"maintenance": (NIGHT,)}, Reason.MAINTENANCE),
        ({"denied": DENIED}, Reason.LIMIT_DAILY_LOSS),
        ({"spent": SPENT}, Reason.BUDGET_USED_UP),
        ({"caps": (ONE,), "copies": 1}, Reason.MAX_POSITIONS),
        ({"caps": (ONE,), "foreign": 1}, Reason.MAX_POSITIONS),
        ({"caps": (LOTS,), "volume": Decimal("0.3"), "foreign_volume": Decimal("0.2")}, Reason.MAX_TOTAL_VOLUME),
    ],
)
def test_what_forbids_a_copy_forbids_it(changes: dict[str, object], reason: Reason) -> None:
    decision = at_noon(account(**changes))
    assert decision.actions == ()
    assert decision.copy is not None
    assert (decision.copy.status, decision.copy.reason) == (CopyStatus.ENDED, reason)
    assert [each.reason for each in decision.trace if isinstance(each, Denied)] == [reason]


@pytest.mark.parametrize(
    "changes",
    [
        {"caps": (ONE,)},
        {"caps": (LOTS,), "volume": Decimal("0.29"), "foreign_volume": Decimal("0.2")},
        {"positions": {PositionId("x"): position(symbol=Symbol("XAUUSD"))}},
        {"lots": {(EURUSD.symbol, Side.SELL): Decimal(0)}},
    ],
)
def test_what_leaves_room_does_not(changes: dict[str, object]) -> None:
    assert at_noon(account(**changes)).actions


def test_without_a_history_nothing_is_opened_on_doubt() -> None:
    decision = at_noon(account(), None)
    assert decision.actions == ()
    assert decision.copy is not None
    assert decision.copy.reason is Reason.LIMIT_UNKNOWN
