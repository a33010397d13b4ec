"""Asks an account's history when its limits need to know what the figures alone do not tell."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog
import trio

from adapters.base import Account, SessionLost, SignInRefused, Throttled, UtcNow
from copier.engine.inputs import Input, Remembered
from copier.service.weather import REFUSED_S_MIN
from rules.limits.past import Past
from rules.model.values import AccountId

DEADLINE_S = 15.0

GAP_S_MIN = 1.0
"""Samples that do not add up come in bunches; a venue's history is the dearest of its requests."""

_log = structlog.get_logger("history")


class HistoryReader:
    """Reads one account's history on demand; a failure is told in the log, and whoever needs it asks again."""

    def __init__(
        self, name: AccountId, account: Account, *, emit: Callable[[Input], Awaitable[None]], now: UtcNow
    ) -> None:
        self._name = name
        self._account = account
        self._emit = emit
        self._now = now
        self._since: datetime | None = None
        self._wanted = trio.Event()

    def ask(self, since: datetime) -> None:
        """Want what was booked from `since` on; never waits."""
        self._since = since if self._since is None else min(since, self._since)
        self._wanted.set()

    async def run(self) -> None:
        """Answer until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted = trio.Event()
            since, self._since = self._since, None
            assert since is not None  # ask sets both
            asked_at = self._now()
            try:
                with trio.fail_after(DEADLINE_S):
                    entries = await self._account.history(since)
            except SignInRefused as error:
                _log.error("refused", account=self._name, reason=str(error), again_in_s=REFUSED_S_MIN)
                await trio.sleep(REFUSED_S_MIN)
            except (SessionLost, Throttled, trio.TooSlowError) as error:
                _log.warning("history cannot be read", account=self._name, reason=str(error) or "no answer in time")
            else:
                await self._emit(Remembered(self._name, Past(since, asked_at, entries)))
            await trio.sleep(GAP_S_MIN)
