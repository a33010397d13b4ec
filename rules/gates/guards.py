"""Gates of new risk on age and price. They look at what the target would trade; what they cannot judge, they deny."""

from datetime import datetime, timedelta
from decimal import Decimal

from rules.model.instruments import Instrument
from rules.model.observed import Quote
from rules.model.reasons import Reason
from rules.model.trace import Denied, Note
from rules.model.values import Price, Side, plain
from rules.policy.distances import Distance, in_price, shown_distance


def check_age(max_age: timedelta | None, opened_at: datetime, now: datetime) -> Denied | None:
    """Return the denial of a source position that was opened longer than `max_age` ago; None for the age: no gate.

    A position from the future (the venue's clock runs ahead of ours) is young.
    """
    if max_age is None or now - opened_at <= max_age:
        return None
    age = now - opened_at
    return Denied("guard.max_age", Reason.TOO_OLD, (("age", _seconds(age)), ("max_age", _seconds(max_age))))


def check_deviation(
    max_deviation: Distance | None, source_price: Price, quote: Quote | None, side: Side, instrument: Instrument
) -> Denied | None:
    """Return the denial of a copy whose entry would be worse than the source's by more than `max_deviation`.

    Args:
        max_deviation: None: no gate. A percentage is of the source's price.
        source_price: what the source paid or got.
        quote: the target's; None denies, waiting for it.
        side: the target's, after `reverse`.
        instrument: the target's.
    """
    if max_deviation is None:
        return None
    if quote is None:
        return Denied("guard.max_deviation", Reason.QUOTE_UNKNOWN, (("symbol", instrument.symbol),))
    entry = quote.entry(side)
    # A better price than the source's is no deviation.
    adverse = entry - source_price if side is Side.BUY else source_price - entry
    allowed = in_price(max_deviation, instrument, source_price)
    if allowed is not None and adverse <= allowed:
        return None
    numbers = (
        ("source_price", plain(source_price)),
        ("target_price", plain(entry)),
        ("worse_by", plain(adverse)),
        ("max_deviation", shown_distance(max_deviation, allowed)),
    )
    return Denied("guard.max_deviation", Reason.PRICE_DEVIATION, numbers)


def check_spread(max_spread: Distance | None, quote: Quote | None, instrument: Instrument) -> Denied | None:
    """Return the denial of a copy while the target's spread is wider than `max_spread`; a percentage is of its mid."""
    if max_spread is None:
        return None
    if quote is None:
        return Denied("guard.max_spread", Reason.QUOTE_UNKNOWN, (("symbol", instrument.symbol),))
    spread = quote.ask - quote.bid
    allowed = in_price(max_spread, instrument, quote.mid())
    if allowed is not None and spread <= allowed:
        return None
    numbers = (
        ("bid", plain(quote.bid)),
        ("ask", plain(quote.ask)),
        ("spread", plain(spread)),
        ("max_spread", shown_distance(max_spread, allowed)),
    )
    return Denied("guard.max_spread", Reason.SPREAD, numbers)


def check_price_ratio(
    ratio: Decimal | None, source_mid: Price | None, target_mid: Price | None, require_quotes: bool
) -> Denied | Note | None:
    """Return the denial of a mapped pair whose prices say that it is two different instruments.

    Args:
        ratio: how far the target's price may be from the source's, as a fraction of the latter; None: no gate.
        source_mid: None: unknown.
        target_mid: None: unknown.
        require_quotes: denies (waiting) where a price is unknown, instead of letting the copy pass with a note.
    """
    if ratio is None:
        return None
    if source_mid is not None and target_mid is not None and abs(target_mid - source_mid) <= ratio * source_mid:
        return None
    shown = tuple(
        (name, "unknown" if price is None else plain(price))
        for name, price in (("source_price", source_mid), ("target_price", target_mid))
    )
    rule = "guard.max_price_ratio"
    if source_mid is None or target_mid is None:
        if require_quotes:
            return Denied(rule, Reason.QUOTE_UNKNOWN, shown)
        return Note(rule, "could not be judged without both prices", shown)
    return Denied(rule, Reason.SYMBOL_WRONG_PRICE, (*shown, ("max_price_ratio", plain(ratio))))


def _seconds(length: timedelta) -> str:
    return f"{plain(Decimal(length // timedelta(milliseconds=1)).scaleb(-3))} s"
