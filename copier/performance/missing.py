"""What figures of some time cannot tell, and why, in words for people."""

from collections.abc import Iterable, Mapping, Sequence

from copier.performance.gathering import Gathering
from copier.performance.headroom import Headroom, LimitPast
from copier.performance.trades import Trade
from rules.model.values import AccountId


def missing(
    trades: Sequence[Trade],
    bases: Sequence[str | None],
    gathered: Gathering,
    curves: Mapping[AccountId, Sequence[object] | None],
) -> Iterable[str]:
    """Yield what is not known, and why.

    Args:
        bases: what each trade's money is known by; None: it is not.
        curves: the equity that was sampled, by account; None: it cannot be read.
    """
    without = sum(basis is None for basis in bases)
    if without:
        yield (
            f"the result of {_trades(without)}: a price, the contract size or the profit currency was not told; "
            "in no sum of money"
        )
    if "prices" in bases:
        yield "commission and swap: the venue's history was not asked for all trades, so results are before costs"
    unheld = sum(trade.begun_at is None for trade in trades)
    if unheld:
        yield f"how long {_trades(unheld)} lasted: they began before what was read"
    unknown = sum(entry.is_first and entry.points is None for entry in gathered.entries)
    if unknown:
        yield f"the slippage of {_trades(unknown)}: the source's price, the copy's or the tick size was not told"
    for account, curve in curves.items():
        if curve is None:
            yield f"the equity of {account}: there is no file of equity curves beside the ledger, or it cannot be read"
        elif not curve:
            yield f"the equity of {account}: it is sampled while the service serves its surfaces, and was not then"


def missing_headroom(nearest: Iterable[tuple[LimitPast, Headroom | None]], gathered: Gathering) -> Iterable[str]:
    """Yield which headroom is not known, and why."""
    for past, found in nearest:
        if not gathered.limits:
            yield "the headroom to limits: what they allow stands in the config, and none was given"
            return
        if past.limit is not None and found is None:
            yield f"the headroom to {past.limit_id}: the account's figures were not known"


def _trades(count: int) -> str:
    return f"{count} trade{'' if count == 1 else 's'}"
