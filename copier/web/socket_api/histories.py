"""Keeps the past of each account that somebody listens to: asked once, and again when something may have been booked.

A venue's history is the dearest of its requests and may lag by minutes: it is asked soon after a change and then at
growing pauses, a few accounts at a time.
"""

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from itertools import chain, repeat
from typing import Final, TypeAlias

import structlog
import trio
from attrs import define, field

from adapters.base import SessionLost, SignInRefused, Throttled, UtcNow
from copier.service.weather import REFUSED_S_MIN
from copier.web.socket_api.past import DAY, Past, horizon
from rules.model.observed import Booked
from rules.model.values import AccountId

Ask: TypeAlias = Callable[[AccountId, datetime], Awaitable[tuple[Booked, ...]]]
"""Asks an account's venue what was booked since then; raises as `adapters.base.Account.history`."""

PAUSES_S: Final = (1.0, 10.0, 30.0, 60.0, 120.0)
"""After a change; the slowest venue that we know books within three minutes."""

REST_S: Final = 600.0
"""Between two looks where nothing changes: money may come and go without a sign, and the oldest entries go."""

GAP_S_MIN: Final = 10.0
"""Between two looks at one account, however much happens there."""

TRY_AGAIN_S: Final = 30.0
DEADLINE_S: Final = 30.0
AT_ONCE: Final = 4
"""Accounts that are asked at the same time, of any venue."""

_OVERLAP: Final = timedelta(minutes=10)

_log = structlog.get_logger("socket")


@define
class _Keeper:
    past: Past | None = None
    changed: trio.Event = field(factory=trio.Event)
    fingerprint: object = None


class Histories:
    """What each account's history tells, for those that somebody listens to.

    Args:
        is_wanted: whether somebody listens to the account still.
        told: is called when an account's past is another than before.
    """

    def __init__(
        self, ask: Ask, utc_now: UtcNow, *, is_wanted: Callable[[AccountId], bool], told: Callable[[AccountId], None]
    ) -> None:
        self._ask = ask
        self._utc_now = utc_now
        self._is_wanted = is_wanted
        self._told = told
        self._keepers: dict[AccountId, _Keeper] = {}
        self._limiter = trio.CapacityLimiter(AT_ONCE)
        self._nursery: trio.Nursery | None = None

    async def run(self) -> None:
        """Ask, until cancelled."""
        async with trio.open_nursery() as self._nursery:
            await trio.sleep_forever()

    def past(self, account: AccountId, fingerprint: object) -> Past | None:
        """Return an account's past, None where it is not known yet; from now on it is kept.

        Args:
            fingerprint: of what the account holds and has; another one than before says that something was booked.
        """
        keeper = self._keepers.get(account)
        if keeper is None:
            if self._nursery is None:
                return None
            keeper = self._keepers[account] = _Keeper(fingerprint=fingerprint)
            self._nursery.start_soon(self._keep, account, keeper)
        elif keeper.fingerprint != fingerprint:
            keeper.fingerprint = fingerprint
            keeper.changed.set()
        return keeper.past

    async def _keep(self, account: AccountId, keeper: _Keeper) -> None:
        pauses: Iterator[float] = repeat(REST_S)
        while self._is_wanted(account):
            try:
                await self._look(account, keeper)
            except SignInRefused as error:
                _log.warning("history is refused", account=account, reason=str(error), again_in_s=REFUSED_S_MIN)
                await trio.sleep(REFUSED_S_MIN)
                continue
            except (SessionLost, Throttled, trio.TooSlowError) as error:
                _log.info("history cannot be read", account=account, reason=str(error) or "no answer in time")
                await trio.sleep(TRY_AGAIN_S)
                continue
            await trio.sleep(GAP_S_MIN)
            with trio.move_on_after(max(next(pauses) - GAP_S_MIN, 0.0)):
                await keeper.changed.wait()
                await trio.sleep(PAUSES_S[0])
            if keeper.changed.is_set():
                keeper.changed = trio.Event()
                pauses = chain(PAUSES_S[1:], repeat(REST_S))
        del self._keepers[account]

    async def _look(self, account: AccountId, keeper: _Keeper) -> None:
        now, before = self._utc_now(), keeper.past
        since = horizon(now) if before is None else max(now - DAY - _OVERLAP, before.since)
        async with self._limiter:
            with trio.fail_after(DEADLINE_S):
                entries = await self._ask(account, since)
        keeper.past = (before or Past(since)).extended(entries, since, keep=horizon(now))
        if keeper.past != before:
            self._told(account)
