"""Alerts over REST: the latest first, in pages, to whom they concern; and each acknowledged once."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from copier.ledger.codec import encode
from copier.ledger.ledger import Entry, Ledger
from copier.ledger.records import AlertRecord
from copier.web.dto.events import Alert
from rules.model.values import AccountId
from tests.copier.web.clients import OPERATOR, READER, TENANT, serving, told_before
from tests.rules.playbook import T0

pytestmark = pytest.mark.slow  # each test runs a whole service on a ledger of its own


def alerts(answer: Any) -> list[Alert]:
    assert answer.status == 200, answer.body
    return [msgspec.convert(each, Alert) for each in answer.json["items"]]


async def test_what_was_told_is_listed_the_latest_first(tmp_path: Path) -> None:
    await told_before(tmp_path, ("small", "position 7 is nobody's"), ("foreign", "position 8 is nobody's"))
    async with serving(tmp_path) as client:
        latest, first = alerts(await client.get("/alerts"))
        assert (latest.account, first.account) == ("foreign", "small")
        assert (first.kind, first.text, first.over, first.at) == ("orphan", "position 7 is nobody's", False, T0)
        assert alerts(await client.get("/alerts?account=small")) == [first]
        page = await client.get("/alerts?limit=1")
        assert alerts(page) == [latest]
        rest = await client.get(f"/alerts?limit=1&cursor={page.json['next']}")
        assert alerts(rest) == [first]


async def test_a_tenant_hears_of_its_own_accounts_only(tmp_path: Path) -> None:
    await told_before(tmp_path, ("small", "seen"), ("foreign", "not seen"), ("", "of the service itself"))
    async with serving(tmp_path) as client:
        assert {each.account for each in alerts(await client.get("/alerts", OPERATOR))} == {"small", "foreign", ""}
        assert [each.account for each in alerts(await client.get("/alerts", TENANT))] == ["small"]
        assert alerts(await client.get("/alerts?account=foreign", TENANT)) == []


async def told_two(folder: Path) -> None:
    await told_before(folder, ("small", "position 7 is nobody's"), ("foreign", "position 8 is nobody's"))


async def test_an_alert_is_acknowledged_in_the_keys_name_also_after_a_restart(tmp_path: Path) -> None:
    await told_two(tmp_path)
    async with serving(tmp_path) as client:
        _, first = alerts(await client.get("/alerts"))
        said = await client.post("/alerts/acknowledge", {"alerts": [first.seq], "note": "closed it by hand"})
        assert said.json == {"says": "1 alert acknowledged"}
        again = await client.post("/alerts/acknowledge", {"alerts": [first.seq], "note": "too late"}, TENANT)
        assert again.json == {"says": "0 alerts acknowledged, 1 had been before"}
    async with serving(tmp_path) as client:
        open_, seen = alerts(await client.get("/alerts"))
        assert open_.acknowledged is None
        assert seen.acknowledged is not None
        assert (seen.acknowledged.by, seen.acknowledged.note) == ("desk", "closed it by hand")
        assert alerts(await client.get("/alerts?acknowledged=false")) == [open_]
        assert alerts(await client.get("/alerts?acknowledged=true")) == [seen]
        assert alerts(await client.get("/alerts?acknowledged=true&account=foreign")) == []
        page = await client.get("/alerts?acknowledged=true&limit=1")
        assert (alerts(page), page.json["next"]) == ([seen], None)
        assert (await client.get("/alerts?acknowledged=maybe")).status == 422


async def test_what_tells_that_something_is_over_is_not_waiting_for_anybody(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "copier.db")
    over = AlertRecord("session.lost", "back after 3 s", AccountId("small"), over=True)
    ledger.append([Entry("alert", "small", encode(over))], T0)
    ledger.close()
    async with serving(tmp_path) as client:
        [shown] = alerts(await client.get("/alerts"))
        assert alerts(await client.get("/alerts?acknowledged=false")) == []
        assert (await client.post("/alerts/acknowledge", {"alerts": [shown.seq]})).status == 404


async def test_the_same_idempotency_key_answers_the_same(tmp_path: Path) -> None:
    await told_two(tmp_path)
    async with serving(tmp_path) as client:
        body = {"alerts": [1, 2]}
        first = await client.post("/alerts/acknowledge", body, idempotency_key="k")
        again = await client.post("/alerts/acknowledge", body, idempotency_key="k")
        assert first.json == again.json == {"says": "2 alerts acknowledged"}
        assert again.headers["idempotent-replayed"] == "true"
        assert (await client.post("/alerts/acknowledge", {"alerts": [1]}, idempotency_key="k")).status == 422


async def test_an_alert_of_others_is_as_one_that_does_not_exist_and_then_nothing_is_done(tmp_path: Path) -> None:
    await told_before(tmp_path, ("small", "seen"), ("foreign", "not seen"), ("", "of the service itself"))
    async with serving(tmp_path) as client:
        for theirs in (2, 3, 999, 2**53 - 1):
            said = await client.post("/alerts/acknowledge", {"alerts": [1, theirs]}, TENANT)
            assert (said.status, said.json["detail"]) == (404, "there is no such alert to acknowledge")
        assert len(alerts(await client.get("/alerts?acknowledged=false"))) == 3
        assert (await client.post("/alerts/acknowledge", {"alerts": [1]}, TENANT)).status == 200
        assert (await client.post("/alerts/acknowledge", {"alerts": [3]})).status == 200
        assert [each.seq for each in alerts(await client.get("/alerts?acknowledged=false"))] == [2]


async def test_who_may_only_read_acknowledges_nothing(tmp_path: Path) -> None:
    await told_two(tmp_path)
    async with serving(tmp_path) as client:
        assert (await client.post("/alerts/acknowledge", {"alerts": [1]}, READER)).status == 403
        assert len(alerts(await client.get("/alerts?acknowledged=false"))) == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"alerts": []},
        {"alerts": [0]},
        {"alerts": [2**53]},
        {"alerts": ["1"]},
        {"alerts": list(range(1, 202))},
        {"alerts": [1], "note": "x" * 501},
        {"alerts": [1], "reason": "not a field"},
    ],
)
async def test_what_is_no_list_of_alerts_is_refused(tmp_path: Path, body: dict[str, object]) -> None:
    await told_two(tmp_path)
    async with serving(tmp_path, ready=False) as client:
        assert (await client.post("/alerts/acknowledge", body)).status == 422


async def test_an_acknowledgement_lifts_no_lever_and_hides_no_trouble(tmp_path: Path) -> None:
    await told_two(tmp_path)
    async with serving(tmp_path) as client:
        await client.post("/accounts/small/halt", {"reason": "news"})
        before = (await client.get("/status")).json["concerns"]
        assert (await client.post("/alerts/acknowledge", {"alerts": [1, 2]})).status == 200
        assert (await client.get("/status")).json["concerns"] == before
        assert (await client.get("/accounts/small")).json["lever"] == "halted"
        assert [each["subject"] for each in (await client.get("/levers")).json["items"]] == ["small"]


async def test_the_decisions_about_one_position_are_found(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        wanted = await client.open()
        await client.open("GBPUSD")
        await client.copied(2)
        found = (await client.get(f"/decisions?position={wanted}")).json["items"]
        assert {each["source_position"] for each in found} == {wanted}
        assert {each["link"] for each in found} == {"master->small", "master->asking"}
