"""The operator's levers: in force at once, in the ledger with who and why, and after a restart."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from copier.engine.inputs import Pulled
from copier.engine.operator import REFUSED
from copier.ledger.codec import decode
from copier.ledger.records import AcknowledgedRecord, AlertRecord, LeverRecord
from rules.limits.policy import Limit
from rules.limits.state import LimitStage
from rules.limits.terms import Cash, LimitKind
from rules.model.actions import Action
from rules.model.copies import Ending
from rules.model.levers import Acknowledge, Approve, Lever, ResetLimit, SetAccount, SetLink, TradingState
from rules.model.observed import AccountStatus
from rules.model.values import AccountId, LinkId, PositionId
from rules.policy.guard import Guard
from rules.policy.links import CopyPolicy, LinkState
from tests.copier.desk import LINK, SOURCE, TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import shape

HALT, FLAT = SetAccount(TARGET, TradingState.HALTED), SetAccount(TARGET, TradingState.FLAT)
PAUSE, LIFT = SetLink(LINK.link_id, LinkState.PAUSED), SetLink(LINK.link_id, LinkState.ACTIVE)
ASKING = evolve(LINK, policy=CopyPolicy("asks", approval=True, guard=Guard(max_age=timedelta(minutes=10))))


async def pulled(desk: Desk, lever: Lever) -> tuple[list[Action], str]:
    """Pull a lever; return the orders that left, and what the operator was told."""
    said: list[str] = []
    actions = await desk.takes(Pulled(LeverRecord(lever, "anna", "why not"), said.append))
    [text] = said
    return actions, text


def code(desk: Desk, position_id: str) -> str | None:
    copy = desk.book.get((LINK.link_id, PositionId(position_id)))
    return None if copy is None or copy.reason is None else copy.reason.value


@pytest.mark.parametrize(
    ("lever", "reason"),
    [
        (HALT, "ACCOUNT_HALTED"),
        (FLAT, "ACCOUNT_HALTED"),
        (PAUSE, "LINK_PAUSED"),
        (SetLink(LINK.link_id, LinkState.CLOSE_ONLY), "LINK_CLOSE_ONLY"),
    ],
)
async def test_what_is_set_by_hand_stops_new_risk_also_after_a_restart(lever: Lever, reason: str) -> None:
    desk = await Desk().ready()
    await pulled(desk, lever)
    assert await desk.sees(source_position()) == []
    assert code(desk, "p1") == reason
    again = await Desk(desk.ledger, now=desk.now).ready()
    assert await again.sees(source_position("p2")) == []
    assert code(again, "p2") == reason


async def test_a_halted_account_still_closes_with_its_source() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position())
    for lever in (HALT, PAUSE):
        assert (await pulled(desk, lever))[0] == []
    assert shape(await desk.closes()) == [("close", "1.00")]


async def test_lifting_lets_new_positions_through_and_revives_none() -> None:
    desk = await Desk().ready()
    await pulled(desk, HALT)
    await desk.sees(source_position())
    actions, text = await pulled(desk, SetAccount(TARGET, TradingState.ACTIVE))
    assert (actions, text) == ([], "account target: active")
    assert shape(await desk.sees(source_position("p2"))) == [("open", "1.00")]
    again = await Desk(desk.ledger, now=desk.now).ready()
    assert shape(await again.sees(source_position("p3"))) == [("open", "1.00")]


async def test_flatten_closes_every_copy_and_what_the_source_holds_is_not_opened_again() -> None:
    desk = await Desk().ready()
    await desk.copied(source_position())
    actions, text = await pulled(desk, FLAT)
    assert shape(actions) == [("close", "1.00")]
    assert "1 copies are closed" in text
    await desk.fills(actions)
    assert desk.copy.ending is Ending.FLATTENED
    await pulled(desk, SetAccount(TARGET, TradingState.ACTIVE))
    assert await desk.sees(source_position()) == []


async def test_a_flatten_that_was_left_in_the_ledger_is_done_at_the_next_start() -> None:
    from copier.clock import utc_now
    from copier.ledger.codec import encode
    from copier.ledger.ledger import Entry
    from copier.ledger.records import KINDS

    desk = await Desk().ready()
    await desk.copied(source_position())
    left = LeverRecord(FLAT, "anna", "went home")
    desk.ledger.append([Entry(KINDS[LeverRecord], "", encode(left))], utc_now())
    again = Desk(desk.ledger, now=desk.now)
    assert shape(await again.takes()) == [("close", "1.00")]


async def test_an_opening_that_has_not_left_is_not_wanted_any_more() -> None:
    desk = await Desk().ready()
    [opening] = await desk.sees(source_position())
    assert desk.engine.wanted(opening)
    for lever, lift in ((HALT, SetAccount(TARGET, TradingState.ACTIVE)), (PAUSE, LIFT)):
        await pulled(desk, lever)
        assert not desk.engine.wanted(opening)
        await pulled(desk, lift)
        assert desk.engine.wanted(opening)


async def test_what_the_config_pauses_stays_paused_and_the_operator_is_told() -> None:
    desk = await Desk(links=[evolve(LINK, state=LinkState.PAUSED)]).ready()
    _, text = await pulled(desk, LIFT)
    assert "the config has it paused" in text
    assert await desk.sees(source_position()) == []


@pytest.mark.parametrize(
    "lever",
    [
        SetLink(LinkId("nobody->nothing"), LinkState.PAUSED),
        SetAccount(AccountId("nobody"), TradingState.HALTED),
        Approve(PositionId("p9")),
        ResetLimit("target/daily_loss"),
    ],
)
async def test_what_is_not_there_is_refused_and_not_written(lever: Lever) -> None:
    desk = await Desk().ready()
    _, text = await pulled(desk, lever)
    assert text.startswith(REFUSED)
    assert list(desk.ledger.entries(kinds=("lever",))) == []


async def test_the_ledger_tells_who_and_why() -> None:
    desk = await Desk().ready()
    await pulled(desk, HALT)
    [entry] = desk.ledger.entries(kinds=("lever",))
    assert decode(LeverRecord, entry.body) == LeverRecord(HALT, "anna", "why not")


# Approval


async def test_a_copy_waits_for_its_approval_and_is_opened_with_it() -> None:
    desk = await Desk(links=[ASKING]).ready()
    assert await desk.sees(source_position()) == []
    assert code(desk, "p1") == "APPROVAL_NEEDED"
    desk.now += timedelta(minutes=5)
    actions, text = await pulled(desk, Approve(PositionId("p1")))
    assert shape(actions) == [("open", "1.00")]
    assert text == "position p1: approved on source->target"


async def test_an_approval_waits_over_a_restart_within_the_guards_age() -> None:
    desk = await Desk(links=[ASKING]).ready()
    await desk.sees(source_position())
    again = Desk(desk.ledger, links=[ASKING], now=desk.now + timedelta(minutes=1))
    await again.polls(TARGET)
    await again.polls(SOURCE, source_position())
    assert shape((await pulled(again, Approve(PositionId("p1"))))[0]) == [("open", "1.00")]


async def test_an_approval_is_of_one_account_where_two_have_a_position_of_that_id() -> None:
    other = AccountId("other")
    theirs = evolve(ASKING, link_id=LinkId("other->target"), source=other)
    desk = await Desk(links=[ASKING, theirs], accounts=(SOURCE, TARGET, other)).ready()
    await desk.polls(other)
    await desk.sees(source_position())
    await desk.sees(source_position(volume="7"), other)
    actions, text = await pulled(desk, Approve(PositionId("p1")))
    assert actions == []
    assert text == f"{REFUSED}position p1 waits on other, source: name one of them"
    actions, text = await pulled(desk, Approve(PositionId("p1"), SOURCE))
    assert shape(actions) == [("open", "1.00")]
    actions, text = await pulled(desk, Approve(PositionId("p1")))
    assert text == "position p1: approved on other->target", "the only one that is left"


async def test_without_an_approval_the_copy_is_denied_when_its_time_is_over() -> None:
    desk = await Desk(links=[ASKING]).ready()
    await desk.sees(source_position())
    desk.now += timedelta(minutes=10)
    await desk.takes()
    assert desk.copy.ending is Ending.DENIED
    assert (await pulled(desk, Approve(PositionId("p1"))))[1].startswith(REFUSED)


async def test_an_approved_copy_still_passes_the_other_gates() -> None:
    desk = await Desk(links=[ASKING]).ready()
    await desk.sees(source_position())
    await pulled(desk, HALT)
    assert code(desk, "p1") == "ACCOUNT_HALTED"
    assert (await pulled(desk, Approve(PositionId("p1"))))[0] == []


async def test_what_an_approved_copy_grows_by_needs_no_second_approval() -> None:
    desk = await Desk(links=[ASKING]).ready()
    desk.views[SOURCE].volumes_grow = True
    await desk.sees(source_position())
    [opening], _ = await pulled(desk, Approve(PositionId("p1")))
    await desk.fills([opening])
    assert shape(await desk.sees(source_position(volume="1.5"))) == [("open", "0.50")]


# Limits

LIMIT = Limit("target/max_loss", TARGET, LimitKind.MAX_LOSS, Cash(Decimal(4000)), initial_balance=Decimal(100_000))
RESET = ResetLimit(LIMIT.limit_id)


def worth(equity: int) -> AccountStatus:
    return AccountStatus(Decimal(equity), Decimal(equity), "USD")


async def test_a_lifted_limit_lets_new_risk_through_again_also_after_a_restart() -> None:
    desk = await Desk(limits=[LIMIT]).ready()
    await desk.polls(TARGET, status=worth(95_000))
    await desk.polls(TARGET, status=worth(99_000))  # the breach stays in force
    assert await desk.sees(source_position()) == []
    assert await pulled(desk, RESET) == ([], "target/max_loss: lifted")
    assert shape(await desk.sees(source_position("p2"))) == [("open", "1.00")]
    texts = [alert.text for alert in desk.records("alert") if isinstance(alert, AlertRecord)]
    assert "target/max_loss was lifted by hand, by anna: why not" in texts
    again = await Desk(desk.ledger, limits=[LIMIT], now=desk.now).ready()
    await again.polls(TARGET, status=worth(99_000))
    assert shape(await again.sees(source_position("p3"))) == [("open", "1.00")]


async def test_a_limit_that_is_still_in_breach_stays_so_when_it_is_lifted() -> None:
    desk = await Desk(limits=[LIMIT]).ready()
    await desk.polls(TARGET, status=worth(95_000))
    assert await pulled(desk, RESET) == ([], "target/max_loss: lifted, but by its last figures it is breached")
    assert await desk.sees(source_position()) == []
    assert code(desk, "p1") == "LIMIT_MAX_LOSS"


async def test_a_halt_of_a_limit_is_lifted_too() -> None:
    desk = await Desk(limits=[evolve(LIMIT, halt_at=Decimal("0.5"))]).ready()
    await desk.polls(TARGET, status=worth(97_000))
    await desk.polls(TARGET, status=worth(99_000))
    assert desk.limits.stage(LIMIT.limit_id) is LimitStage.HALT
    assert (await pulled(desk, RESET))[1] == "target/max_loss: lifted"
    assert shape(await desk.sees(source_position())) == [("open", "1.00")]


async def test_where_nothing_is_in_force_nothing_is_written() -> None:
    desk = await Desk(limits=[LIMIT]).ready()
    await desk.polls(TARGET, status=worth(99_000))
    before = desk.ledger.last_seq
    assert await pulled(desk, RESET) == ([], "target/max_loss: nothing was in force")
    assert desk.ledger.last_seq == before


# Alerts


async def alerted() -> tuple[Desk, int]:
    """Return a desk that lost its target, and the place of the alert that tells of it."""
    desk = await Desk().ready()
    await desk.loses(TARGET)
    [entry] = desk.ledger.entries(kinds=("alert",))
    return desk, entry.seq


def acknowledged(desk: Desk) -> list[tuple[int, str, str]]:
    records = [each for each in desk.records("acknowledged") if isinstance(each, AcknowledgedRecord)]
    return [(each.alert, each.by, each.note) for each in records]


async def test_an_alert_is_acknowledged_once_and_the_first_one_counts() -> None:
    desk, alert = await alerted()
    assert await pulled(desk, Acknowledge((alert,))) == ([], "1 alert acknowledged")
    assert await pulled(desk, Acknowledge((alert, alert))) == ([], "0 alerts acknowledged, 1 had been before")
    assert acknowledged(desk) == [(alert, "anna", "why not")]


async def test_two_who_acknowledge_in_one_round_leave_one_row() -> None:
    desk, alert = await alerted()
    said: list[str] = []
    by_two = [LeverRecord(Acknowledge((alert,)), by, "") for by in ("anna", "boris")]
    await desk.takes(*(Pulled(record, said.append) for record in by_two))
    assert said == ["1 alert acknowledged"] * 2
    assert acknowledged(desk) == [(alert, "anna", "")]


@pytest.mark.parametrize("wrong", [1, 10**6, 0, 2**70])
async def test_with_one_that_is_no_alert_nothing_is_acknowledged(wrong: int) -> None:
    desk, alert = await alerted()
    assert wrong != alert
    said = (await pulled(desk, Acknowledge((alert, wrong))))[1]
    assert said == f"{REFUSED}there is no alert {wrong} to acknowledge"
    assert acknowledged(desk) == []


async def test_what_an_alert_tells_of_goes_on_after_somebody_has_seen_it() -> None:
    desk, alert = await alerted()
    await pulled(desk, Acknowledge((alert,)))
    assert desk.engine.sessions.loss(TARGET) is not None
    assert desk.engine.desk.in_force.levers == {}, "it is no lever that stays in force"
    assert await desk.sees(source_position()) == []
    assert code(desk, "p1") == "TARGET_NOT_READY"
