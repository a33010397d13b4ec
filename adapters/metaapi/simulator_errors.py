"""How a simulated MetaApi says no: processing errors by their names, and trades that the terminal refuses by code."""

from datetime import datetime, timedelta

from adapters.metaapi.simulator_words import Json, iso
from adapters.simulation import checks

RETRY_AFTER = timedelta(seconds=2)
"""How long a client is told to wait after too many requests."""

# The codes of MetaTrader 5's trade server and, below zero and at 4753, MetaApi's own and the terminal's.
DONE = (10009, "TRADE_RETCODE_DONE", "Request completed")
DONE_MT4 = (0, "ERR_NO_ERROR", "No error returned")
NO_CHANGES = (10025, "TRADE_RETCODE_NO_CHANGES", "No changes in request")
REJECT = (10006, "TRADE_RETCODE_REJECT")
INVALID_CLOSE_VOLUME = (10038, "TRADE_RETCODE_INVALID_CLOSE_VOLUME")
NOT_SUPPORTED = (-4, "ORDER_TYPE_NOT_SUPPORTED")
TIMED_OUT = (10012, "TRADE_RETCODE_TIMEOUT")
"""Nobody knows whether the trade was executed."""

_CODES = {
    checks.INVALID_VOLUME: (10014, "TRADE_RETCODE_INVALID_VOLUME"),
    checks.INVALID_PRICE: (10015, "TRADE_RETCODE_INVALID_PRICE"),
    checks.INVALID_STOPS: (10016, "TRADE_RETCODE_INVALID_STOPS"),
    checks.TRADE_DISABLED: (10017, "TRADE_RETCODE_TRADE_DISABLED"),
    checks.NO_MONEY: (10019, "TRADE_RETCODE_NO_MONEY"),
    checks.OFF_QUOTES: (10021, "TRADE_RETCODE_PRICE_OFF"),
    checks.UNKNOWN_SYMBOL: (10013, "TRADE_RETCODE_INVALID"),
    checks.INVALID_EXPIRATION: (10022, "TRADE_RETCODE_INVALID_EXPIRATION"),
    checks.POSITION_NOT_FOUND: (4753, "ERR_TRADE_POSITION_NOT_FOUND"),
    checks.ORDER_NOT_FOUND: (4754, "ERR_TRADE_ORDER_NOT_FOUND"),
}


class ProcessingError(Exception):
    """A request that is answered by a `processingError`; `more` are its further fields."""

    def __init__(self, error: str, message: str, **more: object) -> None:
        super().__init__(message)
        self.error = error
        self.more = more


class TradeRefused(Exception):
    """A trade that the terminal refuses: its code's number and name, and the words."""

    def __init__(self, code: tuple[int, str], text: str) -> None:
        super().__init__(text)
        self.code = code


def refused(text: str, *, closing: bool = False) -> TradeRefused:
    """Return the refusal in the books' words as the terminal codes it; words that are not its own are a rejection."""
    if closing and text == checks.INVALID_VOLUME:
        return TradeRefused(INVALID_CLOSE_VOLUME, text)
    return TradeRefused(_CODES.get(text, REJECT), text)


def invalid(parameter: str, value: object, expected: str) -> ProcessingError:
    """Return the error for a request of which one parameter makes no sense."""
    detail = {"parameter": parameter, "value": value, "message": expected}
    return ProcessingError("ValidationError", "Validation failed", details=[detail])


def not_found(text: str) -> ProcessingError:
    """Return the error for an account, position, order or symbol that does not exist."""
    return ProcessingError("NotFoundError", text)


def unauthorized() -> ProcessingError:
    """Return the error for a wrong token. It does not show the token."""
    return ProcessingError("UnauthorizedError", "Authorization token invalid")


def too_many(kind: str, now: datetime) -> ProcessingError:
    """Return the error for a limit that was passed; `kind` is the name of the limit."""
    metadata: Json = {"type": kind, "periodInMinutes": 60, "recommendedRetryTime": iso(now + RETRY_AFTER)}
    return ProcessingError("TooManyRequestsError", "You have used all your request credits", metadata=metadata)
