"""What is known of an account follows its messages, and ends at what the venue really holds."""

from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from attrs import evolve

from rules.model import state
from rules.model.events import Origin, PositionClosed, PositionReported, SnapshotReceived
from rules.model.observed import Position, Quote
from rules.model.state import AccountView, Change, Doubt
from rules.model.values import AccountId, PositionId, Side, Symbol
from tests.rules.playbook import T0, position

ACCOUNT, P1 = AccountId("a"), PositionId("p1")
SECOND = timedelta(seconds=1)


def view(**changes: object) -> AccountView:
    return AccountView(ACCOUNT, **changes)  # type: ignore[arg-type]


def reported(seen: AccountView, held: Position, at_s: float = 0) -> Change | Doubt | None:
    return seen.report(PositionReported(ACCOUNT, T0 + at_s * SECOND, held))


def closed(seen: AccountView, position_id: str = "p1", at_s: float = 0) -> Change | Doubt | None:
    return seen.close(PositionClosed(ACCOUNT, T0 + at_s * SECOND, PositionId(position_id), Decimal("1.2")))


def asked(seen: AccountView, *held: Position, at_s: float, answered_s: float | None = None) -> list[Change | Doubt]:
    """Let the books, asked for at `at_s`, show these positions."""
    answered = T0 + (at_s if answered_s is None else answered_s) * SECOND
    return seen.sync(SnapshotReceived(ACCOUNT, answered, held, Origin.RECONCILED, T0 + at_s * SECOND))


def test_a_report_is_a_change_and_its_repetition_is_none() -> None:
    seen = view()
    assert reported(seen, position()) == Change(P1, position())
    assert reported(seen, position()) is None


def test_a_new_price_alone_is_no_change_and_is_kept() -> None:
    seen = view()
    reported(seen, position())
    assert reported(seen, position(current_price=Decimal("1.3"))) is None
    assert seen.positions[P1].current_price == Decimal("1.3")


def test_a_close_is_told_once_with_its_price() -> None:
    seen = view()
    reported(seen, position())
    assert closed(seen) == Change(P1, None, Decimal("1.2"))
    assert closed(seen) is None
    assert seen.positions == {}


@pytest.mark.parametrize("earlier_s", [0, 3])
def test_a_close_that_may_be_of_the_life_before_is_a_doubt_and_closes_nothing(earlier_s: float) -> None:
    seen, turned = view(), position(side=Side.SELL, opened_at=T0 + 5 * SECOND)
    reported(seen, position())
    asked(seen, turned, at_s=6)
    early = PositionClosed(ACCOUNT, T0 + 7 * SECOND, P1, closed_at=turned.opened_at - earlier_s * SECOND)
    assert isinstance(seen.close(early), Doubt)
    assert seen.positions[P1] == turned
    assert isinstance(seen.close(early), Change), "the next one is its own"


def test_a_position_that_was_closed_in_the_second_of_its_opening_is_closed() -> None:
    seen = view()
    reported(seen, position())
    assert isinstance(seen.close(PositionClosed(ACCOUNT, T0, P1, closed_at=T0)), Change)


def test_a_close_that_overtook_its_opening_opens_nothing() -> None:
    seen = view()
    closed(seen)
    assert isinstance(reported(seen, position(), 1), Doubt)
    assert seen.positions == {}


def test_a_late_report_of_a_closed_position_is_a_doubt_and_a_later_life_is_not() -> None:
    seen = view()
    reported(seen, position())
    closed(seen, at_s=1)
    assert isinstance(reported(seen, position(), 2), Doubt)
    again = position(opened_at=T0 + 60 * SECOND)
    assert reported(seen, again, 61) == Change(P1, again)


def test_a_volume_that_grew_is_an_old_message_where_volumes_only_shrink() -> None:
    seen = view()
    reported(seen, position("0.5"))
    assert isinstance(reported(seen, position("1")), Doubt)
    growing = view(volumes_grow=True)
    reported(growing, position("0.5"))
    assert isinstance(reported(growing, position("1")), Change)


def test_what_is_missing_in_the_books_is_closed() -> None:
    seen = view()
    asked(seen, position(), at_s=0)
    assert asked(seen, at_s=10) == [Change(P1, None)]


def test_books_asked_for_before_an_opening_was_learned_of_do_not_close_it() -> None:
    seen = view()
    reported(seen, position(), 5.5)
    assert asked(seen, at_s=5, answered_s=20) == []
    assert set(seen.positions) == {P1}


def test_books_asked_for_in_the_instant_in_which_an_opening_was_learned_of_are_asked_again() -> None:
    seen = view()
    reported(seen, position(), 5.0)
    assert [type(found) for found in asked(seen, at_s=5, answered_s=20)] == [Doubt]
    assert set(seen.positions) == {P1}


def test_books_asked_for_before_a_close_was_learned_of_do_not_reopen_it() -> None:
    seen = view()
    reported(seen, position())
    closed(seen, at_s=10)
    assert asked(seen, position(), at_s=9, answered_s=20) == []
    assert seen.positions == {}


def test_a_pushed_list_that_lacks_something_quite_new_is_a_doubt() -> None:
    seen = view()
    reported(seen, position())
    pushed = SnapshotReceived(ACCOUNT, T0 + SECOND, (), Origin.LIVE)
    assert [type(each) for each in seen.sync(pushed)] == [Doubt]
    later = evolve(pushed, received_at=T0 + 60 * SECOND)
    assert seen.sync(later) == [Change(P1, None)]


def test_a_list_that_the_venue_cannot_vouch_for_proves_no_absence() -> None:
    seen = view()
    asked(seen, position(), at_s=0)
    uncertain = SnapshotReceived(ACCOUNT, T0 + 60 * SECOND, (), Origin.RECONCILED, certain=False)
    assert [type(each) for each in seen.sync(uncertain)] == [Doubt]
    assert set(seen.positions) == {P1}


def test_closed_positions_are_remembered_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "TOMBSTONES_MAX", 3)
    seen = view()
    for number in range(5):
        closed(seen, f"p{number}")
    assert list(seen.tombstones) == ["p2", "p3", "p4"]


def test_a_quote_is_fresh_up_to_its_age() -> None:
    quote = Quote(Symbol("X"), Decimal(1), Decimal(2), T0)
    seen = view(quotes={Symbol("X"): quote})
    assert seen.fresh_quote(Symbol("X"), T0 + SECOND, SECOND) == quote
    assert seen.fresh_quote(Symbol("X"), T0 + 2 * SECOND, SECOND) is None
    assert seen.fresh_quote(Symbol("Y"), T0, SECOND) is None


@pytest.mark.parametrize("seed", range(20))
def test_after_any_loss_repetition_and_delay_the_books_bring_the_truth(seed: int) -> None:
    random = Random(seed)
    seen = view()
    truth: dict[PositionId, Position] = {}
    late: list[PositionReported | PositionClosed] = []
    for step in range(200):
        at = T0 + step * SECOND
        position_id = PositionId(f"p{random.randrange(8)}")
        event: PositionReported | PositionClosed
        if position_id in truth and random.random() < 0.5:
            del truth[position_id]
            event = PositionClosed(ACCOUNT, at, position_id)
        else:
            opened_at = truth[position_id].opened_at if position_id in truth else at
            most = truth[position_id].volume if position_id in truth else Decimal(10)
            volume = min(most, Decimal(random.randrange(1, 10)))
            truth[position_id] = position(str(volume), position_id=position_id, opened_at=opened_at)
            event = PositionReported(ACCOUNT, at, truth[position_id])
        late.append(event)
        random.shuffle(late)
        while late and random.random() < 0.6:
            message = evolve(late.pop() if random.random() < 0.8 else late[-1], received_at=at)
            if isinstance(message, PositionReported):
                seen.report(message)
            else:
                seen.close(message)
    for wait_s in (300, 310):
        asked(seen, *truth.values(), at_s=wait_s)
    assert seen.positions == truth
    assert set(seen.seen_at) == set(truth)
    assert seen.heard <= set(truth)
