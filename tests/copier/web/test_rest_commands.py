"""Commands over REST: durable when answered, done once for a key, by who the key says."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
import trio

from copier.ledger.codec import decode
from copier.ledger.ledger import Ledger
from copier.ledger.records import LeverRecord
from copier.ledger.recovery import recover
from copier.web import surface as surface_module
from copier.web.rest.links import waits_for_approval
from rules.model.levers import SetAccount, SetLink, TradingState
from rules.model.values import AccountId
from rules.policy.links import LinkState
from tests.copier.web.clients import OPERATOR, TENANT, Client, serving

pytestmark = pytest.mark.slow  # each test runs a whole service on a ledger of its own

WHY = {"reason": "payrolls"}
LINK = "/links/master-%3Esmall"


def levers(folder: Path) -> list[LeverRecord]:
    """Return all levers that the ledger holds."""
    ledger = Ledger.open(folder / "copier.db", readonly=True)
    try:
        return [decode(LeverRecord, entry.body) for entry in ledger.entries(kinds=("lever",))]
    finally:
        ledger.close()


async def test_a_link_is_paused_and_resumed_by_the_keys_name_with_the_reason(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        assert (await client.post(f"{LINK}/pause", WHY)).json == {"says": "link master->small: paused"}
        [record] = levers(tmp_path)  # durable by now
        assert (record.by, record.why) == ("desk", "payrolls")
        assert record.lever == SetLink(record.lever.link_id, LinkState.PAUSED)
        link = (await client.get(LINK)).json
        assert (link["state"], link["lever"], link["lever_by"]) == ("paused", "paused", "desk")
        shown = {"kind": "link", "subject": "master->small", "state": "paused", "by": "desk", "why": "payrolls"}
        assert (await client.get("/levers")).json["items"] == [shown]
        assert (await client.post(f"{LINK}/close-only", WHY)).status == 200
        assert (await client.get(LINK)).json["state"] == "close_only"
        assert (await client.post(f"{LINK}/resume", WHY)).status == 200
        assert (await client.get(LINK)).json["state"] == "active"
        assert (await client.get("/levers")).json["items"] == []


async def test_flattening_closes_what_is_held_only_when_it_is_confirmed(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        await client.open()
        await client.copied(1)
        assert (await client.post("/accounts/small/flatten", WHY)).status == 422
        await client.copied(1)
        said = await client.post("/accounts/small/flatten", {**WHY, "confirm": "small"})
        assert said.json == {"says": "account small: flat, 1 copies are closed"}
        await client.copied(0)
        await client.until(lambda: not client.surface.views[AccountId("small")].positions)
        assert (await client.get("/accounts/small/positions")).json["items"] == []
        account = (await client.get("/accounts/small")).json
        assert (account["lever"], account["lever_by"], account["lever_why"]) == ("flat", "desk", "payrolls")
        assert (await client.post("/accounts/small/resume", WHY)).status == 200
        assert (await client.get("/accounts/small")).json["lever"] == "active"


async def test_a_waiting_copy_is_opened_when_it_is_approved(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        position_id = await client.open()
        await client.until(lambda: any(map(waits_for_approval, client.surface.book.all())))
        [waiting] = (await client.get("/approvals")).json["items"]
        assert (waiting["source_position"], waiting["reason"]) == (position_id, "APPROVAL_NEEDED")
        confirmed = {**WHY, "confirm": position_id}
        assert (await client.post(f"/approvals/{position_id}", confirmed, TENANT)).status == 404
        said = await client.post(f"/approvals/{position_id}", confirmed)
        assert said.json == {"says": f"position {position_id}: approved on master->asking"}
        await client.copied(1, "asking")


async def test_a_limit_is_lifted(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        said = await client.post("/limits/small%2Fmax_loss/reset", {**WHY, "confirm": "small/max_loss"})
        assert said.json == {"says": "small/max_loss: nothing was in force"}


async def halted(client: Client, key: str, reason: str = "payrolls") -> tuple[int, str]:
    answer = await client.post("/accounts/small/halt", {"reason": reason}, idempotency_key=key)
    return answer.status, answer.body.decode()


async def test_a_command_asked_again_with_its_key_is_answered_again_and_not_done_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        first = await client.post("/accounts/small/halt", WHY, idempotency_key="k1")
        again = await client.post("/accounts/small/halt", WHY, idempotency_key="k1")
        assert (again.status, again.body) == (first.status, first.body)
        assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
        assert len(levers(tmp_path)) == 1
        await client.post("/accounts/small/halt", WHY, TENANT, idempotency_key="k1")  # another key's k1 is another
        assert len(levers(tmp_path)) == 2


async def test_a_key_given_with_another_request_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        assert (await halted(client, "k1"))[0] == 200
        assert (await halted(client, "k1", "another reason"))[0] == 422
        assert (await client.post("/accounts/master/halt", WHY, idempotency_key="k1")).status == 422
        assert len(levers(tmp_path)) == 1


async def test_a_hundred_at_once_with_one_key_do_it_once(tmp_path: Path) -> None:
    statuses: list[int] = []

    async def ask(client: Client) -> None:
        statuses.append((await halted(client, "k1"))[0])

    async with serving(tmp_path) as client:
        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(ask, client)
        assert 200 in statuses
        assert set(statuses) <= {200, 409}  # 409: it was begun, and not yet answered
        assert len(levers(tmp_path)) == 1


async def test_a_command_whose_answer_was_lost_in_a_crash_is_not_done_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        assert (await halted(client, "k1"))[0] == 200
        client.surface.store._connection.execute("UPDATE answers SET status = NULL, body = NULL")
        status, body = await halted(client, "k1")
        assert (status, "/levers" in body) == (409, True)
        assert len(levers(tmp_path)) == 1


async def test_a_store_that_cannot_be_written_refuses_keys_and_not_commands(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        client.surface.store._connection.pragma("query_only", 1)
        assert (await halted(client, "k1"))[0] == 503
        assert levers(tmp_path) == []
        assert (await client.post("/accounts/small/halt", WHY)).status == 200


async def test_an_engine_that_does_not_answer_in_time_leaves_it_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(record: LeverRecord) -> str:
        await trio.sleep_forever()
        raise AssertionError(record)

    async with serving(tmp_path) as client:
        with monkeypatch.context() as patched:
            patched.setattr(surface_module, "PATIENCE_S", 0.01)
            patched.setattr(client.surface._service, "pull", never)
            assert (await halted(client, "k1"))[0] == 503
        assert (await halted(client, "k1"))[0] == 409  # nobody knows whether it was done


async def test_what_was_refused_may_be_tried_again_with_its_key(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        for _ in range(2):
            answer = await client.post("/accounts/nobody/halt", WHY, idempotency_key="k1")
            assert answer.status == 404
        assert (await halted(client, "k1"))[0] == 200


async def test_levers_hold_after_a_restart(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        await client.post("/accounts/small/halt", WHY)
    ledger = Ledger.open(tmp_path / "copier.db")
    kept = recover(ledger).levers["account small"].lever
    ledger.close()
    assert isinstance(kept, SetAccount)
    assert kept.state is TradingState.HALTED
    async with serving(tmp_path) as client:
        assert (await client.get("/accounts/small")).json["lever"] == "halted"
        await client.open(price=str(Decimal("1.1")))
        await client.until(lambda: len(list(client.surface.book.all())) == 2)
        [denied] = (await client.get("/decisions?code=ACCOUNT_HALTED")).json["items"]
        assert denied["link"] == "master->small"


async def test_a_reason_may_be_in_any_language(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        reason = 'zpráva o mzdách "NFP" \\ 非農'
        assert (await client.post(f"{LINK}/pause", {"reason": reason}, OPERATOR)).status == 200
        assert levers(tmp_path)[0].why == reason
        body = b'{"reason": "\\ud800"}'  # half of a character
        assert (await client.post(f"{LINK}/pause", body)).status == 400
        assert json.loads((await client.get("/levers")).body)["items"][0]["why"] == reason
