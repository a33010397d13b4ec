"""What a trade's result code means for us: done, not done for sure, refused, or anybody's guess.

A code that nobody documents is anybody's guess. Source: trade page and MetaTrader's own lists, read 2026-11-20.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum

from adapters.metaapi.values import number_or_none
from adapters.metaapi.wire import TradeResult


class Outcome(Enum):
    """The classes of result codes."""

    DONE = "done"
    """Executed, at least in part, or as asked already."""
    PLACED = "placed"
    """The venue took it; what became of it the books will say."""
    UNKNOWN = "unknown"
    """May have been executed: only the books can tell."""
    NOT_DELIVERED = "not delivered"
    """Never reached the broker: it may be sent again."""
    BUSY = "busy"
    """Refused for being one too many, before it was looked at: it may be sent again later."""
    REFUSED = "refused"
    """Would be refused again."""
    GONE = "gone"
    """What it was about is not there any more."""


# Requotes, moved prices and a busy broker are commonly called safe to retry. But users saw a trade open behind
# ERR_OFF_QUOTES, and none of these codes says that the broker did not go on with an order that it already had. So the
# books are asked first, which costs the settle time; then a new price is decided upon anyway.
_DOUBTFUL = (10004, 10020, 10021, 10023, 10028, 10031, 4, 6, 129, 135, 136, 137, 138, 146)

_CODES: Mapping[Outcome, Iterable[int]] = {
    Outcome.DONE: (0, 10009, 10010, 10025),
    Outcome.PLACED: (10008,),
    Outcome.UNKNOWN: (-11, -7, -1, 1, 10012, 128, 142, 143, *_DOUBTFUL),
    Outcome.NOT_DELIVERED: (-10, -6, -5),
    Outcome.BUSY: (10024, 8, 141),
    Outcome.REFUSED: (
        *(-9, -8, -4, 10006, 10007, 10011, 10013, 10014, 10015, 10016, 10017, 10018, 10019, 10022, 10026, 10027),
        *(10029, 10030, 10032, 10033, 10034, 10035, 10038, 10039, 10040, 10041, 10042, 10043, 10044, 10045),
        *(3, 5, 64, 65, 130, 131, 132, 133, 134, 139, 140, 145, 147, 148),
    ),
    Outcome.GONE: (4753, 4754, 10036),
}

_DONE_PARTIAL = 10010

_BY_NUMBER: Mapping[int, Outcome] = {code: outcome for outcome, codes in _CODES.items() for code in codes}

# For answers that name the code and do not number it; other names are anybody's guess, which is safe.
_BY_NAME: Mapping[str, int] = {
    "ERR_NO_ERROR": 0,
    "TRADE_RETCODE_PLACED": 10008,
    "TRADE_RETCODE_DONE": 10009,
    "TRADE_RETCODE_DONE_PARTIAL": 10010,
    "TRADE_RETCODE_NO_CHANGES": 10025,
    "DISCONNECTED_BEFORE_TRADE": -10,
    "ERR_NO_QUOTES": -6,
    "ERR_NOT_SYNCHRONIZED": -5,
    "TRADE_RETCODE_TOO_MANY_REQUESTS": 10024,
    "TRADE_RETCODE_REJECT": 10006,
    "TRADE_RETCODE_INVALID": 10013,
    "TRADE_RETCODE_INVALID_VOLUME": 10014,
    "TRADE_RETCODE_INVALID_STOPS": 10016,
    "TRADE_RETCODE_TRADE_DISABLED": 10017,
    "TRADE_RETCODE_MARKET_CLOSED": 10018,
    "TRADE_RETCODE_NO_MONEY": 10019,
    "TRADE_RETCODE_POSITION_CLOSED": 10036,
    "ERR_TRADE_POSITION_NOT_FOUND": 4753,
    "ERR_TRADE_ORDER_NOT_FOUND": 4754,
}


def outcome_of(numeric_code: object, string_code: object) -> Outcome:
    """Return the class of a result code; the number counts, or the name where there is no number.

    Raises:
        RemoteProtocolError: the number is none.
    """
    code = number_or_none(numeric_code, "numericCode")
    if code is None and isinstance(string_code, str):
        named = _BY_NAME.get(string_code)
        code = None if named is None else Decimal(named)
    if code is None or code != code.to_integral_value():
        return Outcome.UNKNOWN
    return _BY_NUMBER.get(int(code), Outcome.UNKNOWN)


def outcome_of_result(result: TradeResult) -> Outcome:
    """Return the class of a trade's result, in its newer or its older words."""
    number = result.error if result.numeric_code is None else result.numeric_code
    return outcome_of(number, result.string_code)


def is_partial(result: TradeResult) -> bool:
    """Tell whether only a part was executed; how much of it the answer does not say."""
    return _DONE_PARTIAL in (result.numeric_code, result.error) or result.string_code == "TRADE_RETCODE_DONE_PARTIAL"


def text_of_result(result: TradeResult) -> str:
    """Return the venue's own words of a result, with the code's name and number."""
    code = result.error if result.numeric_code is None else result.numeric_code
    words = result.message or result.description or "no text"
    return f"{words[:300]} ({str(result.string_code)[:60]}, {str(code)[:20]})"
