"""The repair path's eyes: asks each account's books regularly, and at once when somebody doubts."""

from collections.abc import Awaitable, Callable

import structlog
import trio

from adapters.base import Account, SessionLost, SignInRefused, Throttled, UtcNow
from copier.engine.inputs import Input, Polled
from copier.service.weather import Backoff
from copier.telling.logs import redact
from rules.model.events import AccountReported
from rules.model.values import AccountId

GAP_S_MIN = 0.5
"""Doubts come in bunches: the books are asked at most twice a second."""

DEADLINE_S = 15.0

_log = structlog.get_logger("polls")


class Poller:
    """Asks one account for its positions and figures, every `every_s` and on demand."""

    def __init__(
        self,
        name: AccountId,
        account: Account,
        *,
        every_s: float,
        emit: Callable[[Input], Awaitable[None]],
        backoff: Backoff,
        now: UtcNow,
    ) -> None:
        self._name = name
        self._account = account
        self._every_s = every_s
        self._emit = emit
        self._backoff = backoff
        self._now = now
        self._wanted = trio.Event()

    def ask(self) -> None:
        """Want the books soon; never waits."""
        self._wanted.set()

    async def run(self) -> None:
        """Ask until cancelled; a venue that refuses the account is asked again, rarely."""
        failing = False
        while True:
            self._wanted = trio.Event()
            try:
                with trio.fail_after(DEADLINE_S):
                    snapshot, status = await self._account.snapshot()
            except SignInRefused as error:
                wait_s = self._backoff.refused_s()
                _log.error("refused", account=self._name, reason=str(error), again_in_s=wait_s)
                await self._emit(Polled(self._name, redact(f"refused: {error}"), refused=True))
                await trio.sleep(wait_s)
                continue
            except (SessionLost, Throttled, trio.TooSlowError) as error:
                if not failing:
                    _log.warning("books cannot be asked", account=self._name, reason=str(error) or "no answer in time")
                failing = True
                await self._emit(Polled(self._name, redact(str(error)) or "no answer in time"))
                await trio.sleep(self._backoff.next_s())
                continue
            failing = False
            self._backoff.reset()
            await self._emit(AccountReported(self._name, self._now(), status))
            await self._emit(snapshot)
            await trio.sleep(GAP_S_MIN)
            with trio.move_on_after(max(self._every_s - GAP_S_MIN, 0.0)):
                await self._wanted.wait()
