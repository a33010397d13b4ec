"""Every sample of the vendor's Socket API page, through the real session and translator, field by field."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import stomper

from adapters.base import RemoteProtocolError
from adapters.metacopier.session import SUBSCRIBE_TO, Session
from adapters.metacopier.simulator_stomp import Received, ServerSession, SignIn, SubscriptionChanged
from adapters.metacopier.translator import Translator
from adapters.metacopier.wire import (
    AccountInformationDTO,
    PositionDTO,
    UpdateAccountInformationDTO,
    UpdateHistoryDTO,
    UpdateOpenPositionsDTO,
    decode_message,
)
from adapters.secret import Secret
from adapters.transport.stomp import Frame, FrameReader
from adapters.transport.stomp_server import Goodbye
from rules.model.events import AccountReported, Origin, PositionClosed, SnapshotReceived
from rules.model.observed import AccountStatus, Position, WorkingOrder
from rules.model.values import OmsType, OrderType, PositionId, Side, Symbol, VenueOrderId
from tests.adapters.metacopier.samples import ALIAS, FOLDER, account_of, events, message, sample, text
from tests.adapters.metacopier.venue import START


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 2, 13, hour, minute, tzinfo=UTC)


def test_the_account_information_sample_is_read_field_by_field() -> None:
    assert message("update-account-information.json") == UpdateAccountInformationDTO(
        "11111111-1111-1111-1111-111111111111",
        AccountInformationDTO(
            id="11111111-1111-1111-1111-111111111111",
            balance=Decimal("1000.0"),
            equity=Decimal("980.5"),
            leverage=100,
            profit_this_month=Decimal("25.0"),
            currency="USD",
            connected=True,
            fallback_mode=False,
            compatibility_mode=False,
            status="active",
            drawdown=Decimal("2.5"),
            is_investor_password=False,
            broke_time_offset_to_utc=2,
            latency_in_ms=120,
            open_positions=True,
            pending_orders=False,
            position_mismatch=False,
            wrong_credentials=False,
            timestamp=at(12),
            last_connected_timestamp=at(11, 55),
            last_c_trader_token_refreshed=at(11),
            all_symbols_info_loaded=True,
            hft_mode=False,
        ),
    )


def test_the_account_information_sample_becomes_the_accounts_figures() -> None:
    status = AccountStatus(balance=Decimal(1000), equity=Decimal("980.5"), currency="USD")
    assert events(["update-account-information.json"]) == [AccountReported(ALIAS, START, status)]


def test_the_history_sample_is_read_field_by_field() -> None:
    row = PositionDTO("pos-123", deal_type="...", open_time=at(9, 30), close_time=at(10), open_price=Decimal("1.2345"))
    assert message("update-history.json") == UpdateHistoryDTO("22222222-2222-2222-2222-222222222222", (row,))


def test_a_first_history_is_no_news() -> None:
    assert events(["update-history.json"]) == []
    assert events(["update-history-complete.json"]) == []


def test_the_completed_history_sample_tells_the_price_of_a_position_that_has_gone() -> None:
    translator = Translator(ALIAS, OmsType.HEDGING)
    account_id = account_of("update-history-complete.json")
    position = PositionDTO(
        "pos-123", symbol="EURUSD", order_type="Buy", volume=Decimal("0.1"), open_price=Decimal("1.2345"),
        open_time=at(9, 30),
    )  # fmt: skip
    translator.events(UpdateHistoryDTO(account_id, ()), START)
    translator.events(UpdateOpenPositionsDTO(account_id, (position,)), START)
    translator.events(UpdateOpenPositionsDTO(account_id, ()), START)
    history = decode_message(sample("update-history-complete.json"), account_id)
    assert translator.events(history, START) == [
        PositionClosed(ALIAS, START, PositionId("pos-123"), close_price=Decimal("1.2375"), closed_at=at(10))
    ]


def test_the_completed_history_sample_is_read_field_by_field() -> None:
    closed = PositionDTO(
        "pos-123", symbol="EURUSD", order_type="Buy", deal_type="DealSell", placed_type="OnTP", state="closed",
        volume=Decimal("0.1"), open_price=Decimal("1.2345"), close_price=Decimal("1.2375"), stop_loss=Decimal(0),
        take_profit=Decimal("1.2375"), open_time=at(9, 30), close_time=at(10), profit=Decimal("30.0"),
        swap=Decimal("0.0"), commission=Decimal("-0.7"), net_profit=Decimal("29.3"), comment="API|12|manual",
        magic_number="77", request_id="12",
    )  # fmt: skip
    deposit = PositionDTO("deal-9", deal_type="Balance", open_time=at(8), close_time=at(8), profit=Decimal("1000.0"))
    expected = UpdateHistoryDTO("22222222-2222-2222-2222-222222222222", (closed, deposit))
    assert message("update-history-complete.json") == expected


def test_the_open_positions_sample_is_read_field_by_field() -> None:
    row = PositionDTO("pos-456", symbol="EURUSD", open_price=Decimal("1.1200"), volume=Decimal("0.1"))
    found = message("update-open-positions.json")
    assert isinstance(found, UpdateOpenPositionsDTO)
    assert (found.account_id, *found.open_positions) == ("33333333-3333-3333-3333-333333333333", row)


def test_the_open_positions_sample_as_printed_has_no_side_and_none_is_guessed() -> None:
    with pytest.raises(RemoteProtocolError, match="expected orderType Buy or Sell of position 'pos-456', found None"):
        events(["update-open-positions.json"])


def test_the_completed_open_positions_sample_becomes_a_snapshot_of_both() -> None:
    position = Position(
        position_id=PositionId("pos-456"),
        symbol=Symbol("EURUSD"),
        side=Side.BUY,
        volume=Decimal("0.1"),
        open_price=Decimal("1.1200"),
        opened_at=at(9, 30),
        stop_loss=Decimal("1.1150"),
        take_profit=None,
        contract_size=None,
        current_price=Decimal("1.12125"),
        magic="77",
        comment="API|7|cpabcdefghij234567klmn",
        tag="cpabcdefghij234567klmn",
    )
    order = WorkingOrder(
        order_id=VenueOrderId("ord-1"),
        symbol=Symbol("EURUSD"),
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        volume=Decimal("0.2"),
        price=Decimal("1.1100"),
        placed_at=at(9, 31),
    )
    assert events(["update-open-positions-complete.json"] * 2) == [
        SnapshotReceived(ALIAS, START, (position,), origin, requested_at=None, certain=True, orders=(order,))
        for origin in (Origin.RECONCILED, Origin.LIVE)
    ]


def test_the_completed_samples_add_to_the_printed_ones_and_change_nothing() -> None:
    for name, rows in (("update-history", "history"), ("update-open-positions", "openPositions")):
        printed = json.loads(sample(f"{name}.json"))
        complete = json.loads(sample(f"{name}-complete.json"))
        first, completed = printed["data"][rows][0], complete["data"][rows][0]
        told = {field: value for field, value in first.items() if value != "..."}
        assert told.items() <= completed.items()
        assert printed["data"]["accountId"] == complete["data"]["accountId"]


def test_samples_about_other_accounts_are_left_aside() -> None:
    session = Session("44444444-4444-4444-4444-444444444444", Secret("key"))
    assert list(session.receive("CONNECTED\nversion:1.2\n\n\0"))
    for name in ("update-account-information.json", "update-history.json", "update-open-positions.json"):
        body = sample(name).decode()
        assert list(session.receive(f"MESSAGE\n\n{body}\0")) == []
    assert session.skipped.total() == 3


def test_the_printed_subscription_is_what_our_session_sends_for_all_accounts() -> None:
    reader = FrameReader()
    reader.receive(text("subscription-frame.txt").replace("^@", "\0"))
    frame = reader.next_frame()
    assert isinstance(frame, Frame)
    assert frame.headers == {"destination": SUBSCRIBE_TO, "content-type": "application/json"}
    assert json.loads(frame.body) == json.loads(sample("subscription-request.json")) == {"accountIds": []}


CLIENTS: dict[str, list[str]] = json.loads(text("client-frames.json"))


def serve(server: ServerSession, frames: list[str]) -> list[Received]:
    received: list[Received] = []
    for frame in frames:
        for item in server.receive(frame):
            received.append(item)
            if isinstance(item, SignIn):
                server.accept("session-1")
    return received


@pytest.mark.parametrize("client", CLIENTS)
def test_the_frames_of_each_client_sample_subscribe_to_all_accounts(client: str) -> None:
    frames = CLIENTS[client]
    for pieces in (frames, ["".join(frames)], list("".join(frames))):  # one by one, pipelined, and byte by byte
        server = ServerSession()
        received = serve(server, pieces)
        assert isinstance(received[0], SignIn)
        assert received[0].api_key in {"MY_KEY", "REPLACE_WITH_YOUR_API_KEY"}
        assert received[1:3] == [SubscriptionChanged(), SubscriptionChanged()]
        assert received[3:] in ([], [Goodbye()])
        assert server.account_ids == frozenset()
        assert server.wants("33333333-3333-3333-3333-333333333333")
        outgoing = server.take_outgoing()
        assert outgoing[0].startswith("CONNECTED\nversion:1.")
        assert [frame for frame in outgoing[1:] if frame != "RECEIPT\nreceipt-id:close-1\n\n\0"] == []
        assert len(server.messages(sample("update-open-positions.json"))) == 1


def test_the_python_frames_are_what_its_library_writes() -> None:
    connect = stomper.Frame()
    connect.cmd = "CONNECT"
    connect.headers = {"api-key": "MY_KEY"}
    connect.headers["accept-version"] = "1.2"
    connect.headers["heart-beat"] = "10000,10000"
    connect.headers["host"] = "/"
    assert CLIENTS["Python (stomper 0.4.3)"] == [
        connect.pack(),
        stomper.subscribe("/user/queue/accounts/changes", "sub-0"),
        stomper.send("/app/subscribe", json.dumps({"accountIds": []}), content_type="application/json"),
    ]


def test_no_sample_of_the_page_is_missing() -> None:
    page = Path(__file__).parents[4] / "shared" / "seeds" / "metacopier-socket-api.txt"
    if not page.exists():
        pytest.skip("the page that the samples come from is not beside the project")
    lines = page.read_text().splitlines()
    printed = {_block(lines, index) for index, line in enumerate(lines) if _starts_sample(lines, index, line)}
    kept = {path.name: path.read_text().strip() for path in FOLDER.glob("*.json")}
    assert len(printed) == 4  # three messages, and the request that the page prints alone and in a frame
    assert printed <= set(kept.values())
    types = re.findall(r'"type": "(\w+)"', page.read_text())
    assert set(types) == {"UpdateAccountInformationDTO", "UpdateHistoryDTO", "UpdateOpenPositionsDTO"}
    assert text("subscription-frame.txt") in page.read_text()
    assert CLIENTS["C# (raw frames)"][1:] == _frames_of_csharp(page.read_text())


def _starts_sample(lines: list[str], index: int, line: str) -> bool:
    return line.strip() == "{" and bool(re.match(r'\s*"(type|accountIds)": ("Update\w+",|\[\])$', lines[index + 1]))


def _block(lines: list[str], start: int) -> str:
    """Return the braces that open in this line, without their indentation."""
    indent = len(lines[start]) - len(lines[start].lstrip())
    end = lines.index(" " * indent + "}", start)
    return "\n".join(line[indent:] for line in lines[start : end + 1])


def _frames_of_csharp(page: str) -> list[str]:
    frames = []
    for name in ("subscribeFrame", "sendFrame"):
        source = re.search(rf"string {name} =\s*(.*?);", page, re.DOTALL)
        assert source is not None
        parts = re.findall(r'"((?:[^"\\]|\\.)*)"|(jsonBody)', source[1])
        literal = "".join('{"accountIds":[]}' if body else text for text, body in parts)
        frames.append(literal.replace("\\n", "\n").replace("\\0", "\0"))
    return frames
