"""Alerts over REST: the latest first, in pages, to whom they concern."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from copier.web.dto.events import Alert
from tests.copier.web.clients import OPERATOR, TENANT, serving, told_before
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


async def test_the_decisions_about_one_position_are_found(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        wanted = await client.open()
        await client.open("GBPUSD")
        await client.copied(2)
        found = (await client.get(f"/decisions?position={wanted}")).json["items"]
        assert {each["source_position"] for each in found} == {wanted}
        assert {each["link"] for each in found} == {"master->small", "master->asking"}
