"""Reading over REST: what is shown is what is, in pages, to whom it may be shown."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from copier.web.dto.accounts import Account, Booking, EquityCurve, Position
from copier.web.dto.copies import Copy
from copier.web.dto.decisions import Decision, Story
from copier.web.dto.limits import Limit
from copier.web.dto.links import Link, SideBySide
from copier.web.dto.problems import Problem
from copier.web.dto.status import Status
from copier.web.rest.links import waits_for_approval
from tests.copier.web.clients import OPERATOR, READER, TENANT, Client, serving

pytestmark = pytest.mark.slow  # each test runs a whole service on a ledger of its own


def things(answer: Any, kind: type) -> list[Any]:
    """Return a page's things, each checked against its class."""
    assert answer.status == 200, answer.body
    return [msgspec.convert(each, kind) for each in answer.json["items"]]


def thing(answer: Any, kind: type) -> Any:
    assert answer.status == 200, answer.body
    return msgspec.convert(answer.json, kind)


def problem(answer: Any, status: int) -> Problem:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    return msgspec.convert(answer.json, Problem)


async def test_a_copied_position_is_shown_on_both_sides(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        position_id = await client.open(volume="0.50", stop_loss=Decimal("1.05"))
        await client.copied(1)
        [source] = things(await client.get("/accounts/master/positions"), Position)
        assert (source.position, source.volume, source.open_price, source.stop_loss) == (
            position_id,
            "0.5",
            "1.1",
            "1.05",
        )
        assert (source.link, source.source_position) == (None, None)
        [held] = things(await client.get("/accounts/small/positions"), Position)
        assert (held.link, held.source_position, held.symbol) == ("master->small", position_id, "EURUSD")
        [side_by_side] = things(await client.get("/links/master-%3Esmall/copies"), SideBySide)
        assert (side_by_side.source, side_by_side.target) == (source, [held])
        assert side_by_side.copy.legs[0].position == held.position
        [copy] = things(await client.get("/copies?account=small"), Copy)
        assert copy == side_by_side.copy
        assert copy.state == "holds 0.5"


async def test_an_account_shows_its_figures_its_session_and_its_nearest_limit(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        small = thing(await client.get("/accounts/small"), Account)
        assert (small.venue, small.roles, small.oms, small.state) == ("paper", ["target"], "hedging", "ready")
        assert (small.balance, small.equity, small.floating, small.currency) == ("10000", "10000", "0", "USD")
        assert small.nearest_limit is not None
        assert (small.nearest_limit.limit, small.nearest_limit.headroom) == ("small/max_loss", "400")
        assert (small.high_water_mark, small.drawdown, small.latency, small.lever) == (None, None, None, "active")
        names = [each.name for each in things(await client.get("/accounts"), Account)]
        assert names == ["asking", "foreign", "master", "small"]


async def test_what_an_order_took_is_the_latency_of_its_account(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        await client.open()
        await client.copied(1)
        small = thing(await client.get("/accounts/small"), Account)
        assert small.latency is not None
        assert small.latency.count == 1
        assert thing(await client.get("/accounts/master"), Account).latency is None


async def test_limits_and_rules_on_conduct_are_shown_alike(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        loss, orders = things(await client.get("/accounts/small/limits"), Limit)
        assert (loss.limit, loss.stage, loss.floor, loss.headroom, loss.rules) == (
            "small/max_loss",
            "ok",
            "9600",
            "400",
            True,
        )
        assert (orders.limit, orders.floor, orders.says[:12]) == ("small/max_orders", None, "0 of 50 used")
        assert [each.limit for each in things(await client.get("/limits?account=foreign"), Limit)] == [
            "foreign/daily_loss"
        ]
        assert things(await client.get("/limits?stage=breached"), Limit) == []


async def test_a_denial_is_in_the_log_with_its_numbers_and_tells_its_story(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        position_id = await client.open("XAUUSD", volume="0.1", price="2650")
        await client.until(lambda: len(list(client.surface.book.all())) == 2)
        [denied] = things(await client.get("/decisions?kind=denied"), Decision)
        assert (denied.code, denied.link, denied.source_position) == ("FILTER_SYMBOL", "master->small", position_id)
        assert denied.steps[-1].code == "FILTER_SYMBOL"
        assert denied.meaning.startswith("The source symbol is not among")
        assert things(await client.get("/decisions?code=FILTER_SYMBOL"), Decision) == [denied]
        assert things(await client.get("/decisions?code=SPREAD"), Decision) == []
        assert things(await client.get("/decisions?since=2999-01-01T00:00:00Z"), Decision) == []
        story = thing(await client.get(f"/decisions/{position_id}"), Story)
        assert any("FILTER_SYMBOL" in outcome for outcome in story.outcomes)
        assert denied.seq in [line.seq for line in story.lines]


async def test_the_log_comes_in_pages_the_latest_first_and_none_is_shown_twice(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        for _ in range(4):
            await client.open()
        await client.copied(4)
        whole = [each.seq for each in things(await client.get("/decisions?link=master->small"), Decision)]
        assert whole == sorted(whole, reverse=True)
        assert len(whole) >= 4
        paged: list[int] = []
        target = "/decisions?link=master->small&limit=1"
        answer = await client.get(target)
        while answer.json["items"]:
            paged += [each["seq"] for each in answer.json["items"]]
            if answer.json["next"] is None:
                break
            answer = await client.get(f"{target}&cursor={answer.json['next']}")
        assert paged == whole


async def test_lists_come_in_pages(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        first = await client.get("/accounts?limit=3")
        assert [each["name"] for each in first.json["items"]] == ["asking", "foreign", "master"]
        rest = await client.get(f"/accounts?limit=3&cursor={first.json['next']}")
        assert ([each["name"] for each in rest.json["items"]], rest.json["next"]) == (["small"], None)


async def test_what_a_venue_booked_is_asked_of_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        position_id = await client.open()
        await client.close(position_id)
        opened, closed = things(await client.get("/accounts/master/history"), Booking)
        assert (opened.kind, opened.opens, closed.opens, closed.realized) == ("fill", True, False, "0")
        assert things(await client.get("/accounts/master/history?since=2999-01-01T00:00:00Z"), Booking) == []


async def test_asking_a_venue_again_and_again_is_too_much(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        statuses = [(await client.get("/accounts/master/history", READER)).status for _ in range(25)]
        assert statuses[:20] == [200] * 20
        refused = await client.get("/accounts/master/history", READER)
        assert problem(refused, 429).type == "/problems/too-many-requests"
        assert int(refused.headers["retry-after"]) >= 1
        assert (await client.get("/accounts/master/history", OPERATOR)).status == 200


async def test_the_equity_curve_is_what_was_sampled(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        now = client.surface.utc_now()
        figures = (Decimal(10_000), Decimal(9_900))
        client.surface.store.sample({client.surface.views["small"].account: figures}, now)  # type: ignore[index]  # a name
        curve = thing(await client.get("/accounts/small/equity"), EquityCurve)
        assert [(point.balance, point.equity) for point in curve.points] == [("10000", "9900")]
        assert (curve.currency, curve.every_s) == ("USD", 180)
        small = thing(await client.get("/accounts/small"), Account)
        assert (small.high_water_mark, small.drawdown) == ("9900", "0")


async def test_a_link_tells_what_it_may_do(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        link = thing(await client.get("/links/master-%3Esmall"), Link)
        assert (link.source, link.target, link.policy, link.state, link.open_now) == (
            "master",
            "small",
            "picky",
            "active",
            True,
        )
        assert len(things(await client.get("/links"), Link)) == 3


async def test_status_is_ok_until_something_is_not(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        status = thing(await client.get("/status"), Status)
        assert (status.status, status.concerns, status.accounts.ready, status.links.active) == ("ok", [], 4, 3)
        await client.open()
        await client.until(lambda: any(map(waits_for_approval, client.surface.book.all())))
        status = thing(await client.get("/status"), Status)
        assert status.status == "warning"
        assert [(each.kind, each.link) for each in status.concerns] == [("approval", "master->asking")]
        assert status.copies.approvals == 1
        assert status.ledger_seq == client.surface.ledger_seq > 0


# Whom


async def test_a_tenant_sees_its_own_accounts_and_what_lies_between_them_only(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        await client.open()
        await client.open("GBPUSD", account="foreign")
        await client.copied(2)
        for target, names in (
            ("/accounts", {"master", "small"}),
            ("/links", {"master->small"}),
            ("/limits", {"small/max_loss", "small/max_orders"}),
        ):
            found = (await client.get(target, TENANT)).json["items"]
            assert {each.get("name") or each.get("link") or each["limit"] for each in found} == names
        for target in ("/copies", "/decisions"):
            assert {each["link"] for each in (await client.get(target, TENANT)).json["items"]} == {"master->small"}
        held = (await client.get("/accounts/small/positions", TENANT)).json["items"]
        assert {each["link"] for each in held} == {"master->small", None}
        assert (await client.get("/approvals", TENANT)).json["items"] == []
        status = thing(await client.get("/status", TENANT), Status)
        assert (status.accounts.total, status.links.total, status.copies.holding) == (2, 1, 1)


async def test_what_is_foreign_answers_exactly_like_what_does_not_exist(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        position_id = await client.open("GBPUSD", account="foreign")
        await client.copied(1)
        reason, confirmed = {"reason": "why"}, {"reason": "why", "confirm": "it"}
        for foreign, absent, body in (
            ("/accounts/foreign", "/accounts/nobody", None),
            ("/accounts/foreign/positions", "/accounts/nobody/positions", None),
            ("/accounts/foreign/history", "/accounts/nobody/history", None),
            ("/accounts/foreign/equity", "/accounts/nobody/equity", None),
            ("/links/foreign-%3Esmall", "/links/nobody-%3Esmall", None),
            ("/links/foreign-%3Esmall/copies", "/links/nobody-%3Esmall/copies", None),
            (f"/decisions/{position_id}", "/decisions/none", None),
            ("/links/foreign-%3Esmall/pause", "/links/nobody-%3Esmall/pause", reason),
            ("/accounts/foreign/halt", "/accounts/nobody/halt", reason),
            ("/accounts/foreign/flatten", "/accounts/nobody/flatten", confirmed),
            ("/limits/foreign%2Fdaily_loss/reset", "/limits/nobody%2Fdaily_loss/reset", confirmed),
        ):
            if body is None:
                one, other = await client.get(foreign, TENANT), await client.get(absent, TENANT)
            else:
                one, other = await client.post(foreign, body, TENANT), await client.post(absent, body, TENANT)
            assert (one.status, one.body) == (other.status, other.body)
            assert one.status == 404


# What is not as it should be


async def refusals(client: Client) -> list[tuple[Any, int, str | None]]:
    """Return answers to bad requests, each with the status and the field that it should name."""
    reason = {"reason": "why"}
    pause, flatten = "/links/master-%3Esmall/pause", "/accounts/small/flatten"
    many = b'{"reason": "' + b"x" * 70_000 + b'"}'
    return [
        (await client.get("/nothing"), 404, None),
        (await client.get("/accounts/"), 404, None),
        (await client.get("/accounts/%FF"), 400, None),
        (await client.get(f"/accounts/{'x' * 201}"), 422, "account"),
        (await client.get("/accounts?limit=0"), 422, "limit"),
        (await client.get("/accounts?limit=501"), 422, "limit"),
        (await client.get("/accounts?limit=ten"), 422, "limit"),
        (await client.get("/accounts?limit=1&limit=2"), 422, "limit"),
        (await client.get("/accounts?cursor=nonsense"), 422, "cursor"),
        (await client.get("/accounts?cursor=WzFd"), 422, "cursor"),
        (await client.get("/decisions?cursor=WyJhIl0"), 422, "cursor"),
        (await client.get("/accounts?acount=x"), 422, "acount"),
        (await client.get("/decisions?since=yesterday"), 422, "since"),
        (await client.get("/decisions?since=2026-11-21"), 422, "since"),
        (await client.get("/decisions?code=NONSENSE"), 422, "code"),
        (await client.get("/accounts?limit=%FF"), 400, None),
        (await client.ask("PUT", "/accounts", b"", OPERATOR, {}), 405, None),
        (await client.post("/accounts", reason), 405, None),
        (await client.get("/accounts", accept="text/html"), 406, None),
        (await client.post(pause, reason, READER), 403, None),
        (await client.post(pause, b"{"), 400, None),
        (await client.post(pause, b"\xff"), 400, None),
        (await client.post(pause, b"[" * 5000), 400, None),
        (await client.post(pause, []), 422, "."),
        (await client.post(pause, {}), 422, "reason"),
        (await client.post(pause, {"reason": ""}), 422, "reason"),
        (await client.post(pause, {"reason": "x" * 501}), 422, "reason"),
        (await client.post(pause, {"reason": 5}), 422, "reason"),
        (await client.post(pause, {"reason": None}), 422, "reason"),
        (await client.post(pause, {"reason": "why", "resaon": "why"}), 422, "resaon"),
        (await client.post(pause, many), 413, None),
        (await client.post(pause, reason, content_type="text/plain"), 415, None),
        (await client.post(flatten, reason), 422, "confirm"),
        (await client.post(flatten, {"reason": "why", "confirm": "master"}), 422, "confirm"),
        (await client.post(pause, reason, idempotency_key="x" * 129), 422, "idempotency-key"),
        (await client.post("/approvals/p1", {"reason": "why", "confirm": "p1"}), 404, None),
    ]


async def test_what_is_refused_says_which_field_what_was_expected_and_what_found(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        before = client.surface.ledger_seq
        for answer, status, field in await refusals(client):
            found = problem(answer, status)
            assert found.status == status
            assert [each.field for each in found.errors] == ([] if field is None else [field]), answer.body
            assert all(each.expected and each.found for each in found.errors)
            assert found.detail
        allowed = await client.post("/accounts", {"reason": "why"})
        assert allowed.headers["allow"] == "GET"
        assert client.surface.ledger_seq == before  # none of it did anything


async def test_a_client_that_takes_anything_or_json_among_others_is_answered(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        for accept in ("*/*", "application/json", "text/html, application/*;q=0.5"):
            assert (await client.get("/status", accept=accept)).status == 200
        assert (await client.get("/status", accept="application/json;q=0")).status == 406
