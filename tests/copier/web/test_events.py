"""The event stream: what changed, to whom it may be told, from where a reader left off, in bounded memory."""

from pathlib import Path

import msgspec
import pytest
import trio

from copier.ledger.ledger import Ledger
from copier.web.dto.copies import Copy
from copier.web.dto.decisions import Decision
from copier.web.dto.events import Acknowledged
from copier.web.dto.levers import Lever
from copier.web.rest import event_log, events
from copier.web.rest.event_log import EventLog
from rules.model.values import AccountId
from tests.copier.web.clients import TENANT, WORLD, serving, told_before

pytestmark = pytest.mark.slow  # each test runs a whole service on a ledger of its own

WHY = {"reason": "payrolls"}


async def test_a_copy_is_told_with_the_decision_that_made_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as client, client.events() as stream:
        position_id = await client.open()
        decision = await stream.next("decision")
        shown = msgspec.convert(decision.data, Decision)
        assert shown.source_position == position_id
        copy = msgspec.convert((await stream.next("copy")).data, Copy)
        assert (copy.link, copy.source_position) == (shown.link, position_id)
        ledger = Ledger.open(tmp_path / "copier.db", readonly=True)
        entry = next(ledger.entries(after=shown.seq - 1))
        ledger.close()
        assert (entry.kind, entry.at) == ("decision", shown.at)  # the number that the log shows, too


async def test_accounts_and_positions_are_told_when_they_look_different(tmp_path: Path) -> None:
    async with serving(tmp_path) as client, client.events("?account=small&event=positions&event=account") as stream:
        await client.open()
        assert (await stream.next("account")).data["name"] == "small"
        told = await stream.next("positions")
        assert (told.data["account"], [each["link"] for each in told.data["items"]]) == ("small", ["master->small"])


async def test_positions_that_came_and_went_between_two_looks_are_told_as_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "SHOW_EVERY_S", 4.0)
    async with serving(tmp_path) as client, client.events("?account=small&event=positions") as stream:
        await client.open("GBPUSD", account="foreign")
        await trio.sleep(0.1)  # what is shown first is shown at once; the next look is four seconds later
        await client.open()
        await client.until(lambda: bool(client.surface.views[AccountId("small")].positions))
        assert len((await client.get("/accounts/small/positions")).json["items"]) == 1  # somebody reads it meanwhile
        await client.post("/accounts/small/flatten", {"reason": "the broker calls", "confirm": "small"})
        await client.until(lambda: not client.surface.views[AccountId("small")].positions)
        assert (await stream.next("positions")).data == {"account": "small", "items": []}


async def test_a_lever_is_told_and_the_link_that_it_changed(tmp_path: Path) -> None:
    async with serving(tmp_path) as client, client.events() as stream:
        await client.post("/links/master-%3Esmall/pause", WHY)
        lever = msgspec.convert((await stream.next("lever")).data, Lever)
        assert (lever.subject, lever.state, lever.by) == ("master->small", "paused", "desk")
        link = await stream.next("link")
        assert (link.data["link"], link.data["state"]) == ("master->small", "paused")
        await client.post("/links/master-%3Esmall/resume", WHY)
        assert (await stream.next("lever")).data["state"] == "active"


async def test_who_acknowledged_an_alert_is_told_to_whom_it_concerns(tmp_path: Path) -> None:
    await told_before(tmp_path, ("foreign", "not for the tenant"), ("", "neither"), ("small", "for both"))
    async with (
        serving(tmp_path) as client,
        client.events("?event=acknowledged") as stream,
        client.events("?event=acknowledged", TENANT) as theirs,
    ):
        await client.post("/alerts/acknowledge", {"alerts": [1]})
        await client.post("/alerts/acknowledge", {"alerts": [2, 3], "note": "on it"})
        told = [msgspec.convert((await stream.next()).data, Acknowledged) for _ in range(3)]
        assert [(each.seq, each.account, each.by, each.note) for each in told] == [
            (1, "foreign", "desk", ""),
            (2, "", "desk", "on it"),
            (3, "small", "desk", "on it"),
        ]
        assert msgspec.convert((await theirs.next()).data, Acknowledged) == told[2]


async def test_a_tenant_hears_of_its_own_only(tmp_path: Path) -> None:
    async with serving(tmp_path) as client, client.events(who=TENANT) as stream:
        await client.post("/accounts/foreign/halt", WHY)
        await client.open("GBPUSD", account="foreign")
        await client.copied(1)
        held = await stream.next("positions")  # on an account of its own, of a source that is not
        assert [(each["symbol"], each["link"]) for each in held.data["items"]] == [("GBPUSD", None)]
        await client.post("/accounts/small/halt", WHY)
        while (told := await stream.next()).event != "lever":
            assert "foreign" not in str(told.data)
        assert told.data["subject"] == "small"


async def test_a_reader_that_comes_back_goes_on_where_it_left_off(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        async with client.events("?event=lever") as stream:
            await client.post("/accounts/small/halt", WHY)
            left_off = (await stream.next()).id
        await client.post("/accounts/small/resume", WHY)
        await client.post("/accounts/master/halt", WHY)
        async with client.events("?event=lever", last_id=left_off) as stream:
            assert (await stream.next()).data["state"] == "active"
            assert (await stream.next()).data["subject"] == "master"


@pytest.mark.parametrize("last_id", ["0-1", "nonsense", "1e240-99999999999999999999"])
async def test_a_place_that_is_not_known_is_told_to_read_everything_anew(tmp_path: Path, last_id: str) -> None:
    async with serving(tmp_path) as client, client.events(last_id=last_id) as stream:
        assert (await stream.next()).event == "reset"
        await client.post("/accounts/small/halt", WHY)
        assert (await stream.next("lever")).data["subject"] == "small"


async def test_who_comes_back_after_the_ring_has_moved_on_starts_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "EVENTS_MAX", 2)
    async with serving(tmp_path) as client:
        async with client.events("?event=lever") as stream:
            await client.post("/accounts/small/halt", WHY)
            left_off = (await stream.next()).id
            for account in ("master", "small", "asking"):
                await client.post(f"/accounts/{account}/halt", WHY)
                await stream.next("lever")
        async with client.events("?event=lever", last_id=left_off) as stream:
            assert (await stream.next()).event == "reset"


async def test_nothing_is_rendered_for_nobody_and_what_was_before_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "LINGER_S", 0.01)
    monkeypatch.setattr(event_log, "SHOW_EVERY_S", 0.01)
    async with serving(tmp_path) as client:
        async with client.events("?event=lever") as stream:
            await client.post("/accounts/small/halt", WHY)
            left_off = (await stream.next()).id
        await client.post("/accounts/master/halt", WHY)  # lets the log see that nobody listens
        await trio.sleep(0.1)
        async with client.events("?event=lever", last_id=left_off) as stream:
            assert (await stream.next()).event == "reset"


async def test_silence_is_broken_by_comments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.02)
    async with serving(tmp_path) as client, client.events("?event=mismatch") as stream:
        assert await stream.line() == b":"
        assert await stream.line() == b":"


async def test_a_thousand_changes_of_an_account_are_told_at_most_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    real = event_log.show_account

    def counted(*args: object) -> object:
        shown.append(str(args[1]))
        return real(*args)  # type: ignore[arg-type]  # whatever it takes

    monkeypatch.setattr(event_log, "show_account", counted)
    async with serving(tmp_path) as client, client.events():
        await client.post("/accounts/small/halt", WHY)
        shown.clear()
        for _ in range(1000):
            client.surface.changes.touch([AccountId("small")])
            await trio.lowlevel.checkpoint()
        assert shown.count("small") <= 1


async def test_the_ring_is_of_bounded_size(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        log = EventLog(client.surface)
        for _ in range(event_log.EVENTS_MAX + 10):
            log._tell("lever", (None, Lever("account", "small", "halted", "me", "why")))
        assert len(log.after(0)) == event_log.EVENTS_MAX
        assert not log.is_whole_after(9)
        assert log.is_whole_after(10)
        assert [each.number for each in log.after(log.last - 2)] == [log.last - 1, log.last]


async def test_a_key_has_only_so_many_streams(tmp_path: Path) -> None:
    text = WORLD.replace("[service]", "[service]\nsessions_per_key = 1")
    async with serving(tmp_path, text) as client:
        async with client.events():
            refused = await client.get("/events")
            assert (refused.status, refused.headers["content-type"]) == (429, "application/problem+json")
            assert "1 sessions already" in refused.json["detail"]
            async with client.events(who=TENANT):
                pass
        async with client.events():
            pass
