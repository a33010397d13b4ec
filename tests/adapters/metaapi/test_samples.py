"""Every sample message of the documents' pages, through the real session, field by field."""

import json
from pathlib import Path

import pytest

from adapters.metaapi.wire import EVENT_SYNCHRONIZATION, Packet, converted
from rules.model.events import Origin, PositionClosed, SessionOpened, SnapshotReceived
from rules.model.values import PositionId
from tests.adapters.metaapi.frames import ACCOUNT, ALIAS, OPEN, Talk, event, held, row

DATA = Path(__file__).parents[2] / "data" / "metaapi"
SEEDS = Path(__file__).parents[3].parent / "shared" / "seeds"
PAGES = ("metaapi-update.txt", "metaapi-reconnect.txt")
DECODER = json.JSONDecoder()


def sample(name):
    return json.loads((DATA / f"{name}.json").read_text())


def published_messages(text):
    """Yield every JSON object in a page; the objects of its program are JavaScript and no JSON."""
    at = text.find("{")
    while at != -1:
        try:
            message, end = DECODER.raw_decode(text, at)
        except ValueError:
            end = at + 1
        else:
            yield message
        at = text.find("{", end)


@pytest.mark.skipif(not SEEDS.exists(), reason="the venue's pages do not lie beside this project")
def test_no_published_sample_is_missing_from_the_data():
    ours = [json.loads(path.read_text()) for path in DATA.glob("*.json")]
    published = [message for page in PAGES for message in published_messages((SEEDS / page).read_text()) if message]
    assert len(published) == 3
    assert [message for message in published if message not in ours] == []


def synchronized():
    """Return a conversation in the samples' own style: no host, no instance, no session, no numbers."""
    talk = Talk()
    opened = talk.feed(OPEN, "40", event(EVENT_SYNCHRONIZATION, sample("reconnect-authenticated")))
    assert opened == [SessionOpened(ALIAS, talk.at)]
    parts = (("synchronizationStarted", {}), ("positions", {"positions": [row()]}), ("dealSynchronizationFinished", {}))
    for kind, fields in parts:
        told = {"type": kind, "accountId": ACCOUNT, "synchronizationId": talk.synchronization_id, **fields}
        events = talk.feed(event(EVENT_SYNCHRONIZATION, told))
    assert events == [SnapshotReceived(ALIAS, talk.at, (held(),), Origin.RECONCILED)]
    return talk


def test_the_authenticated_sample_opens_the_session_and_asks_for_the_state():
    talk = synchronized()
    [asked] = talk.requests("synchronize")
    assert (asked["accountId"], asked["host"], asked["instanceIndex"]) == (ACCOUNT, "", 0)


def test_the_response_sample_says_nothing_new():
    talk = synchronized()
    sent = len(talk.sent)
    assert talk.feed(event("response", sample("reconnect-response"))) == []
    assert len(talk.sent) == sent


def test_the_update_sample_closes_the_position_although_it_calls_itself_a_status():
    talk = synchronized()
    assert talk.feed(event(EVENT_SYNCHRONIZATION, sample("update"))) == [
        PositionClosed(ALIAS, talk.at, PositionId("46214692"))
    ]


def test_the_update_sample_is_read_field_by_field():
    packet = converted(sample("update"), Packet, "sample")
    assert packet == Packet(type="status", account_id=ACCOUNT, removed_position_ids=("46214692",))
    assert packet.is_update
    assert not converted(sample("reconnect-authenticated"), Packet, "sample").is_update


def test_the_samples_work_as_json_text_too():
    talk = synchronized()
    [closed] = talk.feed(event(EVENT_SYNCHRONIZATION, json.dumps(sample("update"))))
    assert isinstance(closed, PositionClosed)
