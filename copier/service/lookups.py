"""Questions to venues on behalf of decisions: instruments and quotes, each asked once at a time, with a bound."""

from collections.abc import Awaitable, Callable, Mapping

import structlog
import trio

from adapters.base import Account, SessionLost, SignInRefused, Throttled, UtcNow
from rules.model.events import Event, InstrumentReported, QuoteReported
from rules.model.look_ups import LookUp
from rules.model.values import AccountId, Symbol

PENDING_MAX = 1000
"""Questions that may wait per service; a decision whose question finds no room asks again at its next turn."""

DEADLINE_S = 10.0
TRIES = 4
"""With pauses of 0.25, 0.5 and 1 s this outlasts a hiccup, and ends before a copy's patience usually does."""

PARALLEL = 8

_log = structlog.get_logger("lookups")


class LookUps:
    """Answers `LookUp`s by events; the same question asked while it is under way is asked once."""

    def __init__(
        self, accounts: Mapping[AccountId, Account], emit: Callable[[Event], Awaitable[None]], now: UtcNow
    ) -> None:
        self._accounts = accounts
        self._emit = emit
        self._now = now
        self._under_way: set[tuple[AccountId, Symbol]] = set()
        self._send, self._receive = trio.open_memory_channel[LookUp](PENDING_MAX)

    def ask(self, look_up: LookUp) -> None:
        """Take a question; never waits."""
        key = (look_up.account, look_up.symbol)
        if key in self._under_way:
            return
        try:
            self._send.send_nowait(look_up)
            self._under_way.add(key)
        except trio.WouldBlock:
            _log.warning("too many look-ups wait", account=look_up.account, symbol=look_up.symbol)

    async def run(self) -> None:
        """Answer until cancelled, a few at a time."""
        async with trio.open_nursery() as nursery:
            for _ in range(PARALLEL):
                nursery.start_soon(self._answer_all)

    async def _answer_all(self) -> None:
        async for look_up in self._receive:
            try:
                await self._answer(look_up)
            finally:
                self._under_way.discard((look_up.account, look_up.symbol))

    async def _answer(self, look_up: LookUp) -> None:
        account = self._accounts[look_up.account]
        pause_s = 0.25
        for left in reversed(range(TRIES)):
            try:
                with trio.fail_after(DEADLINE_S):
                    instrument = await account.instrument(look_up.symbol)
                    quote = await account.quote(look_up.symbol) if look_up.quote and instrument is not None else None
            except (SessionLost, Throttled, trio.TooSlowError) as error:
                if not left:
                    _log.warning("look-up failed", account=look_up.account, symbol=look_up.symbol, error=str(error))
                    return
                await trio.sleep(pause_s)
                pause_s *= 2
            except SignInRefused:
                return  # the account's own task says so, once
            else:
                break
        if quote is not None:  # before the instrument: what waits for both is decided with both
            await self._emit(QuoteReported(look_up.account, self._now(), quote))
        await self._emit(InstrumentReported(look_up.account, self._now(), look_up.symbol, instrument))
