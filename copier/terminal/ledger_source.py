"""Views out of the ledger on this machine: what is alive in it, whether a service runs or not."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import trio

from copier.clock import utc_now
from copier.config.model import Configuration
from copier.engine.mismatches import holds_back
from copier.ledger.kept_alerts import kept_alerts
from copier.ledger.ledger import Ledger
from copier.ledger.recovery import recover
from copier.telling.overview import Overview, is_running, overview
from copier.terminal.happenings import Happening, Stages, latest, of_ledger
from copier.terminal.held import Held, of_copy
from copier.web.dto.events import Alert, alert_of
from copier.web.dto.limits import Limit, conduct_of, limit_of, results_of
from copier.web.dto.links import Link, link_of
from copier.web.dto.mismatches import Mismatch, mismatch_of
from rules.limits.limits import judge, ruling
from rules.model.levers import SetLink, state_of_link
from rules.policy.links import LinkState

T = TypeVar("T")

LOOK_EVERY_S: Final = 0.5
"""A person sees no difference, and to look costs a query by the primary key."""

_NO_SERVICE: Final = "no service is running: figures are as the last one left them"


class LedgerSource:
    """Folds the ledger for each reading. `config` may be None for what needs none."""

    def __init__(self, path: Path, config: Callable[[], Configuration]) -> None:
        """`config` is read where a view needs it: links and limits are not in the ledger."""
        self._path = path
        self._config = config
        self._stages = Stages()
        self._seq = 0

    @property
    def where(self) -> str:
        return str(self._path)

    async def overview(self) -> Overview:
        running = is_running(self._path)
        return self._read(lambda ledger: overview(ledger, running=running))

    async def positions(self) -> list[Held]:
        recovered = self._read(recover)
        held = [each for copy in recovered.copies.values() for each in of_copy(copy)]
        return sorted(held, key=lambda each: (each.account, each.position or ""))

    async def links(self) -> list[Link]:
        recovered, now, shown = self._read(recover), utc_now(), []
        for link in self._config().links:
            lever = recovered.levers.get(SetLink(link.link_id, LinkState.ACTIVE).key)
            set_to = lever.lever.state if lever is not None and isinstance(lever.lever, SetLink) else None
            differing = [each for each in recovered.mismatches.values() if each.link_id == link.link_id]
            held_back = any(map(holds_back, differing))
            shown.append(
                link_of(
                    link,
                    state_of_link(link.state, set_to, held_back=held_back),
                    held_back=held_back,
                    lever=lever,
                    own=[copy for copy in recovered.copies.values() if copy.link_id == link.link_id],
                    mismatches=len(differing),
                    now=now,
                )
            )
        return shown

    async def limits(self) -> list[Limit]:
        config, states, now = self._config(), self._read(recover).limits, utc_now()
        judged = [(limit, judge(limit, states.get(limit.limit_id), None, now)) for limit in config.limits]
        nearest = [ruling(pair for pair in judged if pair[0].account == account) for account in config.accounts]
        shown = [
            limit_of(limit, judgement, rules=any(limit is each for each in nearest), now=now)
            for limit, judgement in judged
        ]
        shown += [conduct_of(rule, states, now) for rule in config.conduct]
        return shown + [results_of(rule, states) for rule in config.results]

    async def mismatches(self) -> list[Mismatch]:
        return [mismatch_of(each) for each in self._read(recover).mismatches.values()]

    async def alerts(self, *, open_only: bool, most: int | None) -> list[Alert]:
        def read(ledger: Ledger) -> list[Alert]:
            found = (each for each in kept_alerts(ledger) if each.is_open or not open_only)
            return [alert_of(each.seq, each.at, each.record, each.acknowledged) for each in islice(found, most)]

        return self._read(read)

    async def happened(self, count: int) -> list[Happening]:
        def read(ledger: Ledger) -> list[Happening]:
            self._seq = ledger.last_seq
            return latest(ledger, count, self._stages)

        return self._read(read)

    async def note(self) -> str:
        return "" if is_running(self._path) else _NO_SERVICE

    @asynccontextmanager
    async def changes(self, events: Iterable[str]) -> AsyncIterator["_Changes"]:
        """Watch for rows of any kind: to fold again is all that one can do."""
        yield _Changes(lambda: (self._read(lambda ledger: ledger.last_seq), is_running(self._path)))

    async def following(self) -> AsyncIterator[Happening]:
        while True:
            for each in self._read(self._news):
                yield each
            await trio.sleep(LOOK_EVERY_S)

    def _news(self, ledger: Ledger) -> list[Happening]:
        found = list(of_ledger(ledger, self._seq, self._stages))
        self._seq = ledger.last_seq
        return found

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()

    def _read(self, reading: Callable[[Ledger], T]) -> T:
        """Open the ledger for one reading: a reader that stays keeps the writer from tidying its journal."""
        ledger = Ledger.open(self._path, readonly=True)
        try:
            return reading(ledger)
        finally:
            ledger.close()


class _Changes:
    """Looks every now and then whether something is other than it was."""

    def __init__(self, look: Callable[[], tuple[int, bool]]) -> None:
        self._look = look
        self._seen = look()

    async def some(self, patience_s: float) -> bool:
        until = trio.current_time() + patience_s
        while trio.current_time() < until:
            await trio.sleep(min(patience_s, LOOK_EVERY_S))
            before, self._seen = self._seen, self._look()
            if self._seen != before:
                return True
        return False
