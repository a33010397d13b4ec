"""Numbers and times as a person reads them in a narrow cell."""

from datetime import datetime
from decimal import Decimal
from typing import Final

_CENT: Final = Decimal("0.01")
_BAR: Final = 10


def money(amount: str | None) -> str:
    """Return an amount to the cent, thousands apart; "unknown" where nobody knows it."""
    return "unknown" if amount is None else f"{Decimal(amount).quantize(_CENT):,}"


def signed(amount: str | None) -> str:
    """Return a result with its sign; nothing where it is not known."""
    return "" if amount is None else f"{Decimal(amount).quantize(_CENT):+,}"


def sign_style(amount: str | None) -> str:
    """Return the colour of a result; the sign says the same without colours."""
    if amount is None or not Decimal(amount):
        return ""
    return "green" if Decimal(amount) > 0 else "red"


def meter(headroom_percent: str | None) -> str:
    """Return how much of a limit is left: `[######....]`, full where nothing is used up."""
    if headroom_percent is None:
        return ""
    left = min(max(Decimal(headroom_percent) / 100, Decimal(0)), Decimal(1))
    full = int(left * _BAR)
    return f"[{'#' * full}{'.' * (_BAR - full)}]"


def clock(at: datetime | None) -> str:
    """Return an instant in UTC, to the second."""
    return "" if at is None else f"{at:%Y-%m-%d %H:%M:%S}"
