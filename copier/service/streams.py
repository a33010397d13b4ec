"""One supervised stream per account: a lost session is replaced by a fresh one; a bug is not caught."""

from collections.abc import Awaitable, Callable

import structlog
import trio

from adapters.base import Account, SessionLost, SignInRefused, UtcNow
from copier.service.weather import Backoff
from copier.telling.logs import redact
from rules.model.events import Event, SessionEnded, SnapshotReceived
from rules.model.values import AccountId

_log = structlog.get_logger("stream")


async def run_stream(
    name: AccountId, account: Account, emit: Callable[[Event], Awaitable[None]], backoff: Backoff, now: UtcNow
) -> None:
    """Keep the account's stream open until cancelled; a refused one is tried again, rarely."""

    async def pass_on(event: Event) -> None:
        if isinstance(event, SnapshotReceived):
            backoff.reset()  # only a session that got as far as its snapshot was a good one
        await emit(event)

    while True:
        refused, lost = None, ""
        try:
            await account.stream(pass_on)
        except* SignInRefused as group:
            refused = _texts(group)
        except* SessionLost as group:
            lost = _texts(group)
        if refused is not None:
            wait_s = backoff.refused_s()
            _log.error("refused", account=name, reason=refused, again_in_s=wait_s)
            await emit(SessionEnded(name, now(), f"refused: {refused}", refused=True))
            await trio.sleep(wait_s)
            continue
        wait_s = backoff.next_s()
        _log.warning("session lost", account=name, reason=lost, again_in_s=round(wait_s, 1))
        await emit(SessionEnded(name, now(), lost))
        await trio.sleep(wait_s)


def _texts(group: BaseExceptionGroup[BaseException]) -> str:
    texts: list[str] = []
    for error in group.exceptions:
        texts.append(_texts(error) if isinstance(error, BaseExceptionGroup) else str(error))
    return redact("; ".join(texts))  # a venue may repeat what it was sent
