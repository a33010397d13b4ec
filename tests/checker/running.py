"""One run of the engine on a ledger, without a network and without tasks."""

from collections.abc import Callable, Mapping
from datetime import datetime

from adapters.base import Capabilities
from copier.config.model import Configuration
from copier.engine.book import CopyBook
from copier.engine.engine import Engine
from copier.engine.inputs import Outside
from copier.engine.limit_watch import LimitWatch
from copier.engine.views import empty_views
from copier.ledger.journal import Journal
from copier.ledger.ledger import Ledger
from copier.ledger.recovery import Recovered
from copier.telling.latency import Latency
from rules.model.state import AccountView
from rules.model.values import AccountId, OmsType


def start(
    config: Configuration,
    ledger: Ledger,
    recovered: Recovered,
    nets: Mapping[AccountId, bool],
    outside: Outside,
    utc_now: Callable[[], datetime],
    recall: Mapping[AccountId, Callable[[datetime], None]],
) -> tuple[dict[AccountId, AccountView], Journal, Engine]:
    """Return what a run begins with.

    `nets` tells which accounts keep one position a symbol; `recall` asks the histories of those that have one.
    """
    capabilities = {
        name: Capabilities(
            OmsType.NETTING if netting else OmsType.HEDGING,
            streams=True,
            trades=True,
            volumes_grow=netting,
            pending_orders=True,
            orders_expire=True,
        )
        for name, netting in nets.items()
    }
    views = empty_views(capabilities, config.rulebook)
    book = CopyBook(views)
    for copy in recovered.copies.values():
        book.store(copy)
    journal = Journal(ledger, threads=False)
    engine = Engine(
        links=config.links,
        views=views,
        book=book,
        journal=journal,
        limits=LimitWatch(config.rulebook, recovered.limits.values(), journal, utc_now(), recall=recall),
        utc_now=utc_now,
        latency=Latency(),
        outside=outside,
        mismatches=recovered.mismatches.values(),
        memories=recovered.memories.values(),
        levers=recovered.levers.values(),
    )
    return views, journal, engine
