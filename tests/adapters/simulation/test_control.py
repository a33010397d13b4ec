import json
from decimal import Decimal

import pytest

from adapters.simulation.broker import Broker
from adapters.simulation.control import with_control
from adapters.simulation.control_words import ORDERS_A_PAGE, SetFaults
from adapters.simulation.faults import Faults
from adapters.transport.http import HttpResponse
from adapters.transport.serving import HttpRequest
from rules.model.values import OmsType, Side
from tests.adapters.simulation.worlds import EURUSD, make_broker


class Hands:
    """Calls the control API as a simulator's HTTP service would."""

    def __init__(self) -> None:
        self.broker: Broker = make_broker()
        self.book = self.broker.add_account("a", OmsType.HEDGING, Decimal(10000))
        self.faults = Faults()
        self._handle = with_control(self.broker, self.faults, self._venue)

    async def _venue(self, _request: HttpRequest) -> HttpResponse:
        return HttpResponse(299, {}, b'"the venue itself"')

    async def raw(self, method: str, path: str, body: bytes = b"", **query: str) -> tuple[int, object]:
        response = await self._handle(HttpRequest(method, path, query, {}, body))
        return response.status, json.loads(response.body)

    async def get(self, endpoint: str, **query: str):
        status, answer = await self.raw("GET", f"/control/{endpoint}", **query)
        assert status == 200
        return answer

    async def post(self, endpoint: str, **body: object):
        return await self.raw("POST", f"/control/{endpoint}", json.dumps(body).encode())


async def test_other_paths_fall_through_to_the_venue():
    assert await Hands().raw("GET", "/controls") == (299, "the venue itself")


async def test_a_position_is_opened_modified_and_closed_in_parts():
    hands = Hands()
    status, answer = await hands.post(
        "open", account="a", symbol="EURUSD", side="buy", volume="0.10", stop_loss="1.15", tag="t", magic="7"
    )
    order = answer["order"]
    assert status == 200
    assert (order["status"], order["price"], order["volume"], order["tag"]) == ("filled", "1.16008", "0.1", "t")
    place = {"account": "a", "position_id": order["position_id"]}
    status, answer = await hands.post("modify", **place, stop_loss=None, take_profit="1.17")
    assert (status, answer["position"]["stop_loss"], answer["position"]["take_profit"]) == (200, None, "1.17")
    assert (await hands.post("close", **place, volume="0.04"))[1]["order"]["purpose"] == "reduce"
    assert (await hands.post("close", **place))[1]["order"]["volume"] == "0.06"
    book = await hands.get("book", account="a")
    assert (book["positions"], book["orders_total"]) == ([], 3)
    assert book["balance"] == "9999.2"


async def test_a_book_shows_positions_in_full_and_orders_from_where_asked():
    hands = Hands()
    for tag in ("x", "y"):
        hands.book.open(EURUSD, Side.SELL, Decimal("0.1"), tag=tag)
    book = await hands.get("book", account="a", orders_from="1")
    assert [order["tag"] for order in book["orders"]] == ["y"]
    assert [position["side"] for position in book["positions"]] == ["sell", "sell"]
    assert book["positions"][0]["opened_at"] == "2026-11-20T12:00:00+00:00"


@pytest.mark.slow  # a thousand orders to fill one page
async def test_a_page_of_orders_is_bounded():
    hands = Hands()
    hands.book.deposit(Decimal(100_000))
    for _ in range(ORDERS_A_PAGE + 1):
        hands.book.open(EURUSD, Side.SELL, Decimal("0.01"))
    book = await hands.get("book", account="a")
    assert (len(book["orders"]), book["orders_total"]) == (ORDERS_A_PAGE, ORDERS_A_PAGE + 1)


async def test_accounts_are_added_and_listed():
    hands = Hands()
    status, added = await hands.post("accounts", account="b", oms="netting", balance="500.5", currency="EUR")
    assert (status, added["oms"], added["balance"], added["currency"]) == (200, "netting", "500.5", "EUR")
    assert [account["account"] for account in (await hands.get("accounts"))["accounts"]] == ["a", "b"]


async def test_a_deposit_moves_the_balance():
    hands = Hands()
    assert (await hands.post("deposit", account="a", amount="-100.25"))[1]["balance"] == "9899.75"


async def test_a_quote_is_set_and_triggers_stops():
    hands = Hands()
    hands.book.open(EURUSD, Side.BUY, Decimal("0.1"), stop_loss=Decimal("1.15"))
    status, _ = await hands.post("quote", symbol="EURUSD", bid="1.14", ask="1.1401")
    assert status == 200
    assert hands.book.positions == {}


async def test_the_market_moves_the_same_for_the_same_seed():
    answers = [await Hands().post("move", seed=5, steps=3) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0] != await Hands().post("move", seed=6, steps=3)
    assert answers[0] != (200, await Hands().get("quotes"))


async def test_faults_are_set_one_by_one_and_shown():
    hands = Hands()
    await hands.post("faults", lose_answers=2, reject={"text": "no", "count": 2})
    status, shown = await hands.post("faults", delay_s=1.5, half_open=True)
    assert status == 200
    assert (hands.faults.lose_answers, hands.faults.delay_s, hands.faults.half_open) == (2, 1.5, True)
    assert shown["rejections"] == ["no", "no"]
    assert shown == await hands.get("faults")


async def test_every_fault_can_be_set_from_outside():
    names = {name for name in Faults.__slots__ if not name.startswith("_")} - {"rejections"}
    assert names == set(SetFaults.__struct_fields__) - {"reject"}


async def test_streams_are_cut_and_tokens_expire():
    hands = Hands()
    heard: list[str] = []
    hands.faults.on_drop_streams(lambda: heard.append("cut"))
    hands.faults.on_expire_tokens(lambda: heard.append("expired"))
    assert await hands.post("drop_streams") == (200, {})
    assert await hands.post("expire_tokens") == (200, {})
    assert heard == ["cut", "expired"]


@pytest.mark.parametrize(
    ("endpoint", "body", "named"),
    [
        ("open", {"account": "nobody", "symbol": "EURUSD", "side": "buy", "volume": "1"}, "nobody"),
        ("open", {"account": "a", "symbol": "EURUSD", "side": "long", "volume": "1"}, "side"),
        ("open", {"account": "a", "symbol": "EURUSD", "side": "buy", "volume": "NaN"}, "volume"),
        ("open", {"account": "a", "symbol": "EURUSD", "side": "buy", "volume": 0.1}, "volume"),
        ("open", {"account": "a", "symbol": "EURUSD", "side": "buy", "volume": "1E+400000"}, "volume"),
        ("open", {"account": "a", "symbol": "EURUSD", "side": "buy"}, "volume"),
        ("open", {"account": "a", "symbol": "EURUSD", "side": "buy", "volume": "1", "size": 2}, "size"),
        ("close", {"account": "a", "position_id": "1", "volume": "x"}, "volume"),
        ("modify", {"account": "a", "position_id": "1", "stop_loss": "1"}, "take_profit"),
        ("accounts", {"account": "a", "oms": "netting", "balance": "1"}, "new name"),
        ("accounts", {"account": "c", "oms": "both", "balance": "1"}, "oms"),
        ("accounts", {"account": "c", "oms": "netting", "balance": "-1"}, "balance"),
        ("accounts", {"account": "c", "oms": "netting", "balance": "1e16"}, "balance"),
        ("deposit", {"account": "a", "amount": "0.001"}, "amount"),
        ("deposit", {"account": "a", "amount": "999999999999999"}, "balance"),
        ("quote", {"symbol": "NOPE", "bid": "1", "ask": "2"}, "NOPE"),
        ("quote", {"symbol": "EURUSD", "bid": "2", "ask": "1"}, "bid"),
        ("move", {"steps": 2}, "seed"),
        ("move", {"seed": 1, "steps": 1_000_000}, "steps"),
        ("faults", {"lose_answers": -1}, "lose_answers"),
        ("faults", {"lose_answer": 1}, "lose_answer"),
        ("faults", {"delay_s": 1e9}, "delay_s"),
    ],
)
async def test_a_senseless_request_is_told_what_is_wrong_and_changes_nothing(endpoint, body, named):
    hands = Hands()
    before = (await hands.get("accounts"), await hands.get("quotes"), await hands.get("faults"))
    status, answer = await hands.post(endpoint, **body)
    assert status == 400
    assert named in answer["error"]
    assert (await hands.get("accounts"), await hands.get("quotes"), await hands.get("faults")) == before


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
async def test_a_body_that_is_no_object_is_a_bad_request(body: bytes):
    status, answer = await Hands().raw("POST", "/control/open", body)
    assert status == 400
    assert "Open" in answer["error"]


async def test_a_bad_query_is_a_bad_request():
    hands = Hands()
    assert (await hands.raw("GET", "/control/book"))[0] == 400
    assert (await hands.raw("GET", "/control/book", account="a", orders_from="-1"))[0] == 400
    assert (await hands.raw("GET", "/control/book", account="a", orders_from="²"))[0] == 400


async def test_what_the_venue_refuses_is_a_conflict_in_its_words():
    hands = Hands()
    status, answer = await hands.post("open", account="a", symbol="EURUSD", side="buy", volume="0.001")
    assert (status, answer) == (409, {"error": "Invalid volume"})
    assert await hands.post("close", account="a", position_id="9") == (409, {"error": "Position not found"})


async def test_unknown_endpoints_and_methods_are_told_apart():
    hands = Hands()
    assert (await hands.raw("GET", "/control/nothing"))[0] == 404
    assert (await hands.raw("GET", "/control/open"))[0] == 405


async def test_a_pending_order_is_placed_replaced_shown_and_canceled():
    hands = Hands()
    order = {"symbol": "EURUSD", "side": "sell", "order_type": "stop_limit", "volume": "0.1", "price": "1.15"}
    words = {"limit_price": "1.155", "tag": "t", "expires_at": "2026-11-21T12:00:00Z"}
    status, answer = await hands.post("place", account="a", **order, **words)
    placed = answer["order"]
    assert status == 200
    assert {name: placed[name] for name in (*order, *words)} == {
        **order,
        **words,
        "expires_at": "2026-11-21T12:00:00+00:00",
    }
    place = {"account": "a", "order_id": placed["order_id"]}
    prices = {"price": "1.14", "limit_price": "1.141", "stop_loss": "1.2", "take_profit": None}
    status, answer = await hands.post("replace", **place, **prices, volume="0.2")
    assert (status, answer["order"]) == (200, {**placed, **prices, "volume": "0.2"})
    book = await hands.get("book", account="a")
    assert (book["working"], book["working_total"]) == ([answer["order"]], 1)
    assert (await hands.post("replace", **place, **{**prices, "price": "1.2"}))[0] == 409
    status, answer = await hands.post("cancel", **place)
    assert (status, answer["order"]["status"], answer["order"]["pending"]["price"]) == (200, "canceled", "1.14")
    assert (await hands.post("cancel", **place)) == (409, {"error": "Order not found"})
    assert (await hands.get("book", account="a"))["working"] == []


@pytest.mark.parametrize(
    "words", [{"order_type": "market"}, {"side": "up"}, {"expires_at": "2026-11-21T12:00:00"}, {"price": "x"}]
)
async def test_a_pending_order_that_makes_no_sense_is_a_bad_request(words: dict[str, str]):
    order = {"symbol": "EURUSD", "side": "buy", "order_type": "limit", "volume": "0.1", "price": "1.15"}
    assert (await Hands().post("place", account="a", **{**order, **words}))[0] == 400


async def test_a_look_at_the_book_lets_orders_expire():
    hands = Hands()
    order = {"symbol": "EURUSD", "side": "buy", "order_type": "limit", "volume": "0.1", "price": "1.15"}
    await hands.post("place", account="a", **order, expires_at="2026-11-20T12:01:00Z")
    hands.broker.now.advance(60)  # type: ignore[attr-defined]
    book = await hands.get("book", account="a")
    assert (book["working"], [each["status"] for each in book["orders"]]) == ([], ["expired"])
