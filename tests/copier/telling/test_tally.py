"""What became durable is counted, by account or link."""

from typing import get_args

from copier.ledger.records import AlertRecord
from copier.telling.tally import OUTCOMES, Tally
from rules.model.actions import OpenPosition
from rules.model.events import SessionEnded, SessionOpened
from rules.model.reports import OutcomeUnknown, Report
from rules.model.values import LinkId
from rules.policy.links import CopyLink, CopyPolicy, LinkState
from tests.copier.desk import LINK, SOURCE, TARGET, Desk
from tests.rules.playbook import T0, position


def test_every_report_has_a_name() -> None:
    assert set(OUTCOMES) == set(get_args(Report))


async def test_an_order_and_all_that_was_said_of_it_is_counted_at_its_account() -> None:
    tally = Tally()
    desk = await Desk(listeners=[tally]).ready()
    [order] = await desk.sees(position())
    assert isinstance(order, OpenPosition)
    await desk.reports(OutcomeUnknown(order.cl_ord_id, "no answer"))
    await desk.fills([order])
    assert tally.intents == {TARGET: 1}
    assert tally.outcomes == {(TARGET, "unknown"): 1, (TARGET, "filled"): 1}
    assert tally.denials == {}


async def test_a_denial_for_good_is_counted_at_its_link_by_its_code() -> None:
    tally = Tally()
    paused = CopyLink(LinkId("paused"), SOURCE, TARGET, CopyPolicy("as is"), state=LinkState.PAUSED)
    desk = await Desk(links=(LINK, paused), listeners=[tally]).ready()
    await desk.sees(position())
    assert tally.denials == {(paused.link_id, "LINK_PAUSED"): 1}


async def test_sessions_that_are_lost_and_come_back_are_counted() -> None:
    tally = Tally()
    desk = await Desk(listeners=[tally]).ready()
    await desk.takes(SessionEnded(SOURCE, desk.now, "reset by peer"))
    await desk.takes(SessionEnded(SOURCE, desk.now, "reset by peer"))
    assert (tally.lost, tally.regained) == ({SOURCE: 1}, {})
    await desk.takes(SessionOpened(SOURCE, desk.now))
    assert (tally.lost, tally.regained) == ({SOURCE: 1}, {SOURCE: 1})


def test_positions_that_nobody_owns_are_counted_and_other_alerts_are_not() -> None:
    tally = Tally()
    tally(AlertRecord("orphan", "position 1", TARGET), T0)
    tally(AlertRecord("flatten", "why", TARGET), T0)
    assert tally.orphans == {TARGET: 1}
