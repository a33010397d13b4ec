"""An account that is out of sight is told of once, and once when all of it is back."""

from datetime import timedelta

from copier.ledger.records import AlertRecord
from rules.model.events import SessionEnded, SessionOpened
from tests.copier.desk import SOURCE, TARGET, Desk


def told(desk: Desk) -> list[tuple[str, str, bool]]:
    return [(each.code, each.text, each.over) for each in desk.records("alert") if isinstance(each, AlertRecord)]


async def test_a_lost_stream_is_told_once_however_often_it_is_tried_again() -> None:
    desk = await Desk().ready()
    for _ in range(5):
        await desk.takes(SessionEnded(SOURCE, desk.now, "reset by peer"))
    assert told(desk) == [("session.lost", "its stream broke off: reset by peer", False)]


async def test_an_account_is_back_when_all_of_it_is() -> None:
    desk = await Desk().ready()
    await desk.takes(SessionEnded(TARGET, desk.now, "reset by peer"))
    await desk.loses(TARGET)
    desk.now += timedelta(minutes=3)
    await desk.polls(TARGET)
    assert len(told(desk)) == 1, "its stream is still away"
    assert desk.engine.sessions.back_at(TARGET) is None
    await desk.takes(SessionOpened(TARGET, desk.now))
    assert told(desk)[1:] == [("session.lost", "back after 3 min", True)]
    assert desk.engine.sessions.back_at(TARGET) == desk.now


async def test_books_that_cannot_be_asked_are_told_of_and_that_they_can_again() -> None:
    desk = await Desk().ready()
    await desk.loses(SOURCE)
    await desk.loses(SOURCE)
    await desk.polls(SOURCE)
    assert told(desk) == [
        ("session.lost", "its books cannot be asked: no connection", False),
        ("session.lost", "back after 0 s", True),
    ]


async def test_a_refused_account_is_told_of_once_and_is_no_lost_session() -> None:
    desk = await Desk().ready()
    for _ in range(2):
        await desk.takes(SessionEnded(SOURCE, desk.now, "refused: wrong password", refused=True))
    assert told(desk) == [("account.refused", "refused: wrong password", False)]
    desk.now += timedelta(minutes=5)
    await desk.takes(SessionOpened(SOURCE, desk.now))
    assert told(desk)[1:] == [("account.refused", "back after 5 min", True)]


async def test_a_lost_session_that_is_then_refused_is_over_as_both() -> None:
    desk = await Desk().ready()
    await desk.takes(SessionEnded(SOURCE, desk.now, "no connection"))
    await desk.takes(SessionEnded(SOURCE, desk.now, "refused: HTTP 403", refused=True))
    await desk.takes(SessionOpened(SOURCE, desk.now))
    assert [(code, over) for code, _, over in told(desk)] == [
        ("session.lost", False),
        ("account.refused", False),
        ("session.lost", True),
        ("account.refused", True),
    ]


async def test_an_account_that_was_never_lost_is_not_back() -> None:
    desk = await Desk().ready()
    await desk.takes(SessionOpened(SOURCE, desk.now))
    assert told(desk) == []
