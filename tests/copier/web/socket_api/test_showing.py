"""What is told of a running service: sessions lost and found, approvals, symbols without a mapping, who may hear."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from copier.ledger.records import AlertRecord, DecisionRecord
from copier.web.changes import Change
from copier.web.rest.limits import shown_limits
from copier.web.socket_api.fan_out import Shown
from copier.web.socket_api.histories import Histories
from copier.web.socket_api.session import CHANGES, DECISIONS, LIMITS
from copier.web.socket_api.showing import MAPPINGS_MAX, Showing
from copier.web.socket_api.words import HISTORY, INFORMATION, POSITIONS, account_id
from copier.web.surface import Surface
from rules.alerts.kinds import AlertKind
from rules.model.copies import Copy, CopyStatus, Ending
from rules.model.events import Origin
from rules.model.reasons import Reason
from rules.model.trace import Denied
from rules.model.values import AccountId, LinkId, PositionId, Side, Symbol
from tests.copier.web.running import running_surface
from tests.rules.playbook import T0

MASTER, SMALL = AccountId("master"), AccountId("small")

pytestmark = pytest.mark.slow  # a whole service runs


def showing_of(surface: Surface) -> Showing:
    async def nothing(*_: object) -> tuple[()]:
        return ()

    histories = Histories(nothing, surface.utc_now, is_wanted=lambda _: True, told=lambda _: None)
    return Showing(surface, histories, lambda account: shown_limits(surface, account))


def decided(showing: Showing, symbol: str, reason: Reason | None, target_symbol: str | None = None) -> Any:
    copy = Copy(
        LinkId("master->small"),
        MASTER,
        SMALL,
        PositionId(f"p-{symbol}"),
        T0,
        Symbol(symbol),
        Side.BUY,
        T0,
        Origin.LIVE,
        CopyStatus.ENDED,
        ending=None if reason is None else Ending.DENIED,
        reason=reason,
        target_symbol=None if target_symbol is None else Symbol(target_symbol),
    )
    trace = () if reason is None else (Denied("symbols", reason, (("symbol", symbol),)),)
    return showing.take(Change(7, DecisionRecord(copy, "position", trace), T0))


def info(showing: Showing, account: AccountId) -> Any:
    return body(showing.show(account)[INFORMATION])["data"]["info"]


def body(shown: Shown) -> Any:
    return msgspec.json.decode(shown.body)


async def test_each_kind_goes_to_its_queue_and_a_history_waits_until_it_is_known(tmp_path: Path) -> None:
    async with running_surface(tmp_path) as surface:
        shown = showing_of(surface).show(SMALL)
        assert {kind: each.queue for kind, each in shown.items()} == {
            INFORMATION: CHANGES,
            POSITIONS: CHANGES,
            "Limits": LIMITS,
        }
        assert HISTORY not in shown
        assert body(shown["Limits"])["data"] == {"accountId": account_id(SMALL), "account": "small", "limits": []}


async def test_time_alone_is_no_news(tmp_path: Path) -> None:
    async with running_surface(tmp_path) as surface:
        showing = showing_of(surface)
        first, second = showing.show(SMALL), showing.show(SMALL)
        assert {kind: each.key for kind, each in first.items()} == {kind: each.key for kind, each in second.items()}
        assert first[INFORMATION].body != second[INFORMATION].body, "it tells when it was made"


async def test_a_symbol_without_a_mapping_is_told_until_it_has_one(tmp_path: Path) -> None:
    async with running_surface(tmp_path) as surface:
        showing = showing_of(surface)
        decided(showing, "DAX", Reason.SYMBOL_UNMAPPED)
        (missing,) = info(showing, SMALL)["missingSymbolMappings"]
        assert (missing["symbol"], missing["copierId"], missing["fromAccount"]) == ("DAX", "master->small", "master")
        assert info(showing, MASTER)["missingSymbolMappings"] == []
        decided(showing, "DAX", None, "GER40")
        assert info(showing, SMALL)["missingSymbolMappings"] == []
        for number in range(MAPPINGS_MAX + 1):
            decided(showing, f"S{number}", Reason.SYMBOL_UNMAPPED)
        told = [each["symbol"] for each in info(showing, SMALL)["missingSymbolMappings"]]
        assert told == [f"S{number}" for number in range(1, MAPPINGS_MAX + 1)]


async def test_a_decision_is_told_as_the_rest_api_shows_it_to_who_sees_both_ends(tmp_path: Path) -> None:
    async with running_surface(tmp_path) as surface:
        notice = decided(showing_of(surface), "DAX", Reason.SYMBOL_UNMAPPED)
        assert (notice.account, notice.needs, notice.queue) == (SMALL, MASTER, DECISIONS)
        told = msgspec.json.decode(notice.body)
        assert told["type"] == "Decision"
        assert told["data"]["accountId"] == account_id(SMALL)
        decision = told["data"]["decision"]
        assert (decision["seq"], decision["kind"], decision["code"]) == (7, "denied", "SYMBOL_UNMAPPED")
        assert decision["meaning"] == Reason.SYMBOL_UNMAPPED.meaning
        assert decision["steps"][0]["numbers"] == {"symbol": "DAX"}


async def test_an_account_that_came_back_tells_since_when(tmp_path: Path) -> None:
    async with running_surface(tmp_path) as surface:
        showing = showing_of(surface)
        back = AlertRecord(AlertKind.SESSION_LOST.value, "back after 3 s", SMALL, over=True)
        assert showing.take(Change(1, back, T0)) is None
        assert info(showing, SMALL)["lastConnectedTimestamp"] == "2026-11-20T12:00:00Z"
