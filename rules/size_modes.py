"""What volume each size mode asks for, before any cap: exact fractions."""

from decimal import Decimal
from fractions import Fraction

from rules.instruments import Instrument
from rules.observed import AccountStatus, Position
from rules.reasons import Reason
from rules.size_policy import Size, SizeMode
from rules.trace import Denied, Note, Numbers
from rules.values import plain
from rules.volumes import fraction, shown

_ONE = Fraction(1)


def wanted_volume(
    size: Size,
    source: Position,
    source_status: AccountStatus | None,
    target_status: AccountStatus | None,
    source_contract_size: Decimal | None,
    instrument: Instrument,
    notes: list[Note],
) -> Fraction | Denied:
    """Return the volume that the mode asks for, before any cap."""
    if size.mode is SizeMode.FIXED:
        if size.volume is None or size.volume <= 0:
            raise ValueError(f"size.volume must be > 0 lots in mode fixed, was {size.volume}")
        notes.append(Note("size", "fixed", (("volume", plain(size.volume)),)))
        return fraction(size.volume)
    wanted = fraction(source.volume) * fraction(size.multiplier)
    numbers: list[tuple[str, str]] = [
        ("source_volume", plain(source.volume)),
        ("multiplier", plain(size.multiplier)),
    ]
    contracts = _contract_ratio(size, source_contract_size, instrument.contract_size, numbers)
    if isinstance(contracts, Denied):
        return contracts
    if contracts is not _ONE:
        wanted *= contracts
    if size.mode is not SizeMode.MULTIPLIER:
        references = _reference_ratio(size, source_status, target_status, numbers)
        if isinstance(references, Denied):
            return references
        wanted *= references
    notes.append(Note("size", size.mode.value, (*numbers, ("wanted", shown(wanted)))))
    return wanted


def _contract_ratio(
    size: Size, source: Decimal | None, target: Decimal | None, numbers: list[tuple[str, str]]
) -> Fraction | Denied:
    """Return source over target contract size."""
    if size.ignore_contract_size:
        return _ONE
    if source is None and target is None:
        numbers.append(("contract_sizes", "neither is known: lots count as equal"))
        return _ONE
    sizes = (("source_contract_size", or_unknown(source)), ("target_contract_size", or_unknown(target)))
    if source is None or target is None or source <= 0 or target <= 0:
        return Denied("size", Reason.CONTRACT_SIZE_UNKNOWN, sizes)
    if source == target:
        return _ONE
    numbers.extend(sizes)
    return fraction(source) / fraction(target)


def _reference_ratio(
    size: Size, source: AccountStatus | None, target: AccountStatus | None, numbers: list[tuple[str, str]]
) -> Fraction | Denied:
    """Return target over source balance or equity."""
    source_reference = _reference(size.mode, size.source_reference, source)
    target_reference = _reference(size.mode, size.target_reference, target)
    figures: Numbers = (
        ("source_reference", or_unknown(source_reference)),
        ("target_reference", or_unknown(target_reference)),
    )
    if source_reference is None or target_reference is None:
        return Denied("size", Reason.REFERENCE_UNKNOWN, figures)
    if source_reference <= 0 or target_reference <= 0:
        return Denied("size", Reason.REFERENCE_NOT_POSITIVE, figures)
    numbers.extend(figures)
    if not size.ignore_currency:
        source_currency = None if source is None else source.currency
        target_currency = None if target is None else target.currency
        currencies = (
            ("source_currency", source_currency or "unknown"),
            ("target_currency", target_currency or "unknown"),
        )
        if source_currency != target_currency:
            return Denied("size", Reason.CURRENCY_RATE_UNKNOWN, currencies)
        if source_currency is None:
            numbers.append(("currencies", "neither is known: they count as equal"))
    return fraction(target_reference) / fraction(source_reference)


def _reference(mode: SizeMode, pinned: Decimal | None, status: AccountStatus | None) -> Decimal | None:
    if pinned is not None or status is None:
        return pinned
    return status.balance if mode is SizeMode.BALANCE_RATIO else status.equity


def or_unknown(number: Decimal | None) -> str:
    return "unknown" if number is None else plain(number)
