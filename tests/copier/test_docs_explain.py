"""The story that the page of the docs shows is one that `copier explain` tells."""

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve

from copier.commands.read import explain
from copier.ledger.ledger import Ledger
from rules.model.actions import Action, ClosePosition, OpenPosition, ReducePosition
from rules.model.events import InstrumentReported, QuoteReported
from rules.model.observed import AccountStatus, Quote
from rules.model.reports import Filled
from rules.model.values import AccountId, LinkId, PositionId, Price, Volume
from rules.policy.distances import Distance, DistanceUnit
from rules.policy.guard import Guard
from rules.policy.links import CopyLink, CopyPolicy
from rules.policy.size import Size, SizeMode
from tests.copier.desk import SOURCE, TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import EURUSD

PAGE = Path("docs/testing.md").read_text(encoding="utf-8")
STORIES = re.findall(r"```\n(5011: .*?)```", PAGE, re.DOTALL)

OTHER = AccountId("other")
HALF = CopyPolicy("half", size=Size(SizeMode.EQUITY_RATIO, Decimal("0.5")))
NARROW = CopyPolicy("narrow", guard=Guard(max_deviation=Distance(Decimal(5), DistanceUnit.POINTS)))
LINKS = [
    CopyLink(LinkId("source->target"), SOURCE, TARGET, HALF),
    CopyLink(LinkId("source->other"), SOURCE, OTHER, NARROW),
]


async def executed(desk: Desk, orders: list[Action], price: str) -> None:
    """Let the target execute the one order that left."""
    [order] = orders
    assert isinstance(order, OpenPosition | ReducePosition | ClosePosition)
    await desk.reports(Filled(order.cl_ord_id, PositionId("88"), order.volume, Price(price)))


@pytest.mark.slow  # each row is synced to the disk
async def test_the_story_on_the_page_is_what_explain_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "copier.db"
    ledger = Ledger.open(file)
    desk = Desk(ledger, links=LINKS, accounts=(SOURCE, TARGET, OTHER))
    await desk.ready()
    await desk.polls(TARGET, status=AccountStatus(Decimal(25_000), Decimal(25_000), "USD"))
    for account in (SOURCE, TARGET):
        await desk.takes(InstrumentReported(account, desk.now, EURUSD.symbol, evolve(EURUSD, profit_currency="USD")))
    desk.now += timedelta(seconds=59)
    quote = Quote(EURUSD.symbol, Price("1.10011"), Price("1.10014"), desk.now)
    await desk.takes(QuoteReported(OTHER, desk.now, quote), QuoteReported(TARGET, desk.now, quote))
    position = source_position("5011", stop_loss=Price("1.095"))
    await executed(desk, await desk.sees(position), "1.10013")
    desk.now += timedelta(minutes=7)
    await executed(desk, await desk.sees(evolve(position, volume=Volume("0.5"))), "1.10391")
    desk.now += timedelta(minutes=3)
    await executed(desk, await desk.closes("5011"), "1.1052")
    ledger.close()

    assert explain("5011", ledger=file) == 0
    shown = capsys.readouterr().out
    assert [shown] == STORIES, "put what is shown here into docs/testing.md"
