"""What a `processingError` means, and what of it may be shown. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from adapters.base import RemoteProtocolError
from adapters.metaapi.values import instant
from adapters.metaapi.wire import ProcessingError, retry_time
from adapters.secret import Secret

RETRY_S: Final = 10.0
"""Until we come again where a rate limit does not say when."""

RETRY_S_MAX: Final = 300.0
RETRY_S_MIN: Final = 0.5

_FINAL = frozenset({"UnauthorizedError", "ForbiddenError", "NotFoundError"})


def is_final(error: str) -> bool:
    """Tell whether an error about the account itself will be the same the next time."""
    return error in _FINAL


def retry_after_s(error: ProcessingError, at: datetime) -> float:
    """Return how long to wait after a rate limit, seconds, bounded; its `recommendedRetryTime` may be missing.

    Args:
        at: our clock, which may differ from theirs: hence the bounds.
    """
    text = retry_time(error)
    if text is None:
        return RETRY_S
    try:
        wait_s = (instant(text, "recommendedRetryTime") - at).total_seconds()
    except RemoteProtocolError:
        return RETRY_S
    return min(max(wait_s, RETRY_S_MIN), RETRY_S_MAX)


def text_of(error: ProcessingError, token: Secret) -> str:
    """Return the venue's words, bounded, with what it finds wrong in a request, and without the token."""
    words = f"{error.error[:60]}: {error.message[:300]}"
    if isinstance(error.details, list):
        words += "".join(f"; {_detail(each)}" for each in error.details[:5] if isinstance(each, Mapping))
    return words.replace(token.reveal(), "***")


def _detail(detail: Mapping[str, Any]) -> str:
    return f"{str(detail.get('parameter'))[:60]}: {str(detail.get('message'))[:120]}"
