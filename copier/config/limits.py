"""Reads [[limits]]: how much an account may lose before it is stopped."""

import re
from collections.abc import Collection
from datetime import time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from attrs import field, fields, frozen

from copier.config.caps import KINDS, is_cap
from copier.config.checks import or_off, ratio_above_zero
from copier.config.errors import Fault, nearest, one_of, shown_value
from copier.config.positions import KeyPath
from copier.config.reader import Reader
from copier.config.structure import make_converter, read_zone
from copier.config.units import read_money, read_number, read_percent
from rules.limits_days import ResetTime
from rules.limits_policy import (
    AmountOf,
    Anchor,
    Cash,
    Comparator,
    FlattenScope,
    Limit,
    LimitAmount,
    LimitKind,
    Metric,
    Percent,
    Trailing,
)
from rules.values import AccountId

_AMOUNT = 'an amount such as "4 %" or "4000 USD", or a number in the account\'s currency'
_RESET = 'a time of day such as "00:00" or "17:00 America/New_York"'
_RESET_TEXT = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?(?: (\S+))?", re.ASCII)


def read_amount(value: object) -> LimitAmount:
    """Return a percent or cash; a number without a currency is in the account's own."""
    try:
        if not isinstance(value, str):
            return Cash(read_number(value))
        if value.rstrip().endswith("%"):
            return Percent(read_percent(value))
        money = read_money(value)
    except Fault as fault:
        raise Fault(_AMOUNT, fault.found) from None
    return Cash(money.amount, money.currency)


def _fraction(value: object) -> Decimal:
    fraction = ratio_above_zero(value)
    if fraction > 1:
        raise Fault('a fraction of at most 1, or a percent of at most "100 %"', shown_value(value))
    return fraction


def _read_kind(value: object) -> LimitKind:
    if value in {kind.value for kind in LimitKind}:
        return LimitKind(value)
    text = value[:60] if isinstance(value, str) else ""
    raise Fault(one_of(KINDS), shown_value(value), nearest(text, KINDS))


def _cash_in_account(value: object) -> Decimal:
    number = read_number(value, "a number >= 0 in the account's currency")
    if number < 0:
        raise Fault("a number >= 0 in the account's currency", shown_value(value))
    return number


@frozen
class Reset:
    """A reset whose zone may be left to the service."""

    at: time
    zone: ZoneInfo | None


def _read_reset(value: object) -> Reset:
    match = _RESET_TEXT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise Fault(_RESET, shown_value(value))
    at = time(int(match[1]), int(match[2]), int(match[3] or 0))
    return Reset(at, None if match[4] is None else read_zone(match[4]))


_STAGE = {"read": or_off(_fraction)}


@frozen
class LimitKeys:
    """One loss rule of one account, in force with or without any link."""

    account: str = field(metadata={"doc": "Name of the account."})
    kind: LimitKind = field(
        metadata={
            "doc": "`daily_loss` begins anew at each `reset`; `max_loss` counts from the beginning or trails.",
            "read": _read_kind,
        }
    )
    amount: LimitAmount = field(
        metadata={"doc": 'How much may be lost: `"4 %"`, `"4000 USD"`, or a number.', "read": read_amount}
    )
    name: str | None = field(
        default=None,
        metadata={"doc": "Tells two limits of one kind apart. The limit's state is kept under it: do not rename it."},
    )
    of: AmountOf | None = field(
        default=None,
        metadata={"doc": "What a percent is of: by default the anchor, or the initial balance of `max_loss`."},
    )
    anchor: Anchor | None = field(
        default=None, metadata={"doc": "What a daily loss counts from: by default the higher of balance and equity."}
    )
    metric: Metric = field(default=Metric.EQUITY, metadata={"doc": "Which figure is compared with the floor."})
    trailing: Trailing = field(
        default=Trailing.NONE, metadata={"doc": "What lifts the high-water mark of a `max_loss`."}
    )
    initial_balance: Decimal | None = field(
        default=None,
        metadata={
            "doc": "In the account's currency. Without it the first balance ever seen stands in, as an estimate.",
            "read": _cash_in_account,
        },
    )
    high_water_mark: Decimal | None = field(
        default=None,
        metadata={"doc": "Where the mark of an account taken over in profit starts.", "read": _cash_in_account},
    )
    reset: Reset | None = field(
        default=None,
        metadata={
            "doc": 'When days begin: `"17:00 America/New_York"`; the service\'s zone where none is given. A daily loss'
            " and end-of-day trailing require it.",
            "read": _read_reset,
        },
    )
    comparator: Comparator = field(
        default=Comparator.LE, metadata={"doc": "`le`: touching the floor is a breach; `lt`: only passing it."}
    )
    warn_at: Decimal | None = field(
        default=Decimal("0.75"), metadata={"doc": "Part of the amount whose loss draws a warning.", **_STAGE}
    )
    block_at: Decimal | None = field(
        default=None, metadata={"doc": "Part whose loss stops new risk while it lasts.", **_STAGE}
    )
    flatten_at: Decimal | None = field(
        default=None,
        metadata={"doc": "Part whose loss closes everything in `scope` and stops new risk until the reset.", **_STAGE},
    )
    lock: LimitAmount | None = field(
        default=None,
        metadata={
            "doc": "A trailing floor never passes the initial balance plus this percent or cash.",
            "read": read_amount,
        },
    )
    scope: FlattenScope = field(
        default=FlattenScope.COPIES, metadata={"doc": "What is closed: what links own, or the whole `account`."}
    )


def read_limits(
    reader: Reader, rows: list[Any], accounts: Collection[str], timezone: ZoneInfo
) -> tuple[tuple[Limit, KeyPath], ...]:
    """Return the limits without faults, each with its place.

    Args:
        timezone: of resets that name none.
    """
    converter = make_converter()
    places: dict[str, int] = {}
    found = []
    for index, raw in enumerate(rows):
        path: KeyPath = ("limits", index)
        if is_cap(raw):
            continue
        keys = reader.structure(converter, LimitKeys, raw, path)
        if keys is None:
            continue
        limit = _limit(reader, keys, path, timezone)
        if keys.account not in accounts:
            fault = Fault(
                one_of(accounts), f'the unknown account "{keys.account[:60]}"', nearest(keys.account, accounts)
            )
            reader.fault((*path, "account"), fault)
        elif limit is not None and limit.limit_id in places:
            found_text = f"a second limit {limit.limit_id} (the first is limits[{places[limit.limit_id]}])"
            reader.fault(path, Fault("limits of one account and kind to have names", found_text, "give it a `name`"))
        elif limit is not None:
            places[limit.limit_id] = index
            found.append((limit, path))
    return tuple(found)


def _limit(reader: Reader, keys: LimitKeys, path: KeyPath, timezone: ZoneInfo) -> Limit | None:
    limit_id = f"{keys.account}/{keys.kind.value}" + (f"/{keys.name}" if keys.name else "")
    same = {field.name: getattr(keys, field.name) for field in fields(LimitKeys)}
    same.pop("name")
    reset = keys.reset
    try:
        return Limit(
            limit_id=limit_id,
            **{
                **same,
                "account": AccountId(keys.account),
                "reset": None if reset is None else ResetTime(reset.at, reset.zone or timezone),
            },
        )
    except ValueError as error:
        # Its text is "limit ID: KEY what is wrong with it".
        text = str(error).removeprefix(f"limit {limit_id}: ")
        key = text.partition(" ")[0]
        at = (*path, key) if key in same else path
        reader.fault(at, Fault("keys that fit together", f"a limit whose {text}"))
        return None
