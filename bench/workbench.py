"""The engine without venues: one link that copies, any number that do not, and reports as a venue would give them."""

import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from attrs import evolve

from adapters.registry import CONFIGS
from bench.parts import POLICY
from copier.clock import utc_now
from copier.config.load import load_config
from copier.config.model import Configuration
from copier.engine.book import CopyBook
from copier.engine.engine import Engine
from copier.engine.inputs import Input, Intent, Outside, Reported
from copier.engine.limit_watch import LimitWatch
from copier.ledger.journal import Journal
from copier.ledger.ledger import Ledger
from copier.rulebook import Rulebook
from copier.telling.latency import Latency
from rules.model.actions import Action, ClosePosition, OpenPosition
from rules.model.copies import Copy, CopyStatus, Leg, LegStage
from rules.model.events import Origin, PositionClosed, PositionReported
from rules.model.identity import cl_ord_id
from rules.model.instruments import Instrument
from rules.model.observed import Position
from rules.model.reports import Filled, Report
from rules.model.state import AccountView
from rules.model.values import AccountId, LinkId, PositionId, Side, Symbol
from rules.policy.links import CopyLink

SOURCE, TARGET = AccountId("source"), AccountId("target")
EURUSD = Symbol("EURUSD")
INSTRUMENT = Instrument(
    EURUSD,
    volume_min=Decimal("0.01"),
    volume_max=Decimal(50),
    volume_step=Decimal("0.01"),
    tick_size=Decimal("0.00001"),
    contract_size=Decimal(100000),
)

_ACCOUNTS = """
[accounts.source]
venue = "paper"
balance = 1000
state = "source.db"

[accounts.target]
venue = "paper"
balance = 1000
state = "target.db"

"""


def bench_config(folder: Path, policy: str = POLICY) -> Configuration:
    """Return the bench's config, with two paper accounts whose files lie in `folder`."""
    file = folder / "copier.toml"
    file.write_text(_ACCOUNTS + policy)
    return load_config(file, env={}, venues=CONFIGS)


def bench_link(policy: str = POLICY) -> CopyLink:
    """Return the link of the bench's config."""
    with tempfile.TemporaryDirectory() as folder:
        return bench_config(Path(folder), policy).links[0]


def source_position(number: int) -> Position:
    """Return a source position that was opened now."""
    return Position(
        PositionId(f"p{number}"),
        EURUSD,
        Side.BUY,
        Decimal("0.1"),
        Decimal("1.16008"),
        datetime.now(UTC),
        contract_size=Decimal(100000),
    )


def view(name: str) -> AccountView:
    """Return an account that is known, ready and at rest."""
    return AccountView(AccountId(name), known=True, ready=True, instruments={EURUSD: INSTRUMENT})


def living_copy(number: int, link: LinkId, source: AccountId, target: AccountId) -> Copy:
    """Return a copy that is open at its target and wants nothing."""
    position = source_position(number)
    order_id = cl_ord_id(link, position.position_id, position.opened_at, 0, 0)
    half = position.volume / 2
    leg = Leg(
        0,
        order_id,
        EURUSD,
        Side.BUY,
        half,
        stage=LegStage.OPEN,
        held=half,
        position_id=PositionId(f"t{number}"),
        expected_price=position.open_price,
        open_price=position.open_price,
        settled_at=position.opened_at,
    )
    return Copy(
        link,
        source,
        target,
        position.position_id,
        position.opened_at,
        EURUSD,
        Side.BUY,
        position.opened_at,
        Origin.LIVE,
        CopyStatus.ACTIVE,
        target_symbol=EURUSD,
        granted=half,
        followed=position.volume,
        legs=(leg,),
        legs_made=1,
    )


def filled(action: Action) -> Report:
    """Return the report of an opening or a close that was executed as wished."""
    assert isinstance(action, OpenPosition | ClosePosition)
    position_id = action.position_id if isinstance(action, ClosePosition) else PositionId(f"t{action.cl_ord_id}")
    return Filled(action.cl_ord_id, position_id, action.volume, Decimal("1.16"))


def engine_over(
    links: Iterable[CopyLink], views: Mapping[AccountId, AccountView], book: CopyBook, sent: list[Action]
) -> Engine:
    """Return an engine over a ledger in memory; its orders go into `sent`."""
    journal = Journal(Ledger.in_memory(), threads=False)

    def send(_: AccountId, intent: Intent) -> None:
        sent.append(intent.action)

    return Engine(
        links=links,
        views=views,
        book=book,
        journal=journal,
        limits=LimitWatch(Rulebook(), (), journal, utc_now()),
        utc_now=utc_now,
        latency=Latency(),
        outside=Outside(
            send=send,
            full=lambda _: False,
            look_up=lambda _: None,
            poll=lambda _: None,
            find=lambda *_: None,
        ),
    )


class Workbench:
    """An engine over a ledger in memory, beside what is at rest.

    Args:
        idle_links: links of other sources, each with the same policy, to other targets.
        idle_copies: copies that live on those links, or on one that needs no link.
    """

    def __init__(self, link: CopyLink, *, idle_links: int = 0, idle_copies: int = 0) -> None:
        links = [link]
        views = {SOURCE: view(SOURCE), TARGET: view(TARGET)}
        for number in range(max(idle_links, idle_copies)):
            source, target = AccountId(f"source{number}"), AccountId(f"target{number}")
            views[source], views[target] = view(source), view(target)
            if number < idle_links:
                links.append(evolve(link, link_id=LinkId(f"{source}->{target}"), source=source, target=target))
        book = CopyBook(views)
        for number in range(idle_copies):
            source, target = AccountId(f"source{number}"), AccountId(f"target{number}")
            views[source].positions[PositionId(f"p{number}")] = source_position(number)
            book.store(living_copy(number, LinkId(f"{source}->{target}"), source, target))
        self._sent: list[Action] = []
        self._number = 10**6
        self.engine = engine_over(links, views, book, self._sent)

    async def cycle(self) -> None:
        """Open a source position, fill, close it, fill: four rounds of the engine, two orders."""
        self._number += 1
        position = source_position(self._number)
        await self._order(PositionReported(SOURCE, utc_now(), position))
        await self._order(PositionClosed(SOURCE, utc_now(), position.position_id))

    async def _order(self, event: Input) -> None:
        await self.engine.round([event])
        (action,) = self._sent
        self._sent.clear()
        await self.engine.round([Reported(TARGET, filled(action))])
