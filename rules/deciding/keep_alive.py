"""A keep-alive trade: the smallest that an account can do, opened and closed because it has not traded for too long."""

from collections.abc import Iterator
from datetime import datetime

from attrs import evolve

from rules.deciding.decision import Decision
from rules.deciding.shape import opening
from rules.gates.judge import forbids_entry
from rules.gates.quiet_times import maintained
from rules.limits.past import Past
from rules.limits.policy import CapKind
from rules.limits.results import last_trade
from rules.limits.results_policy import Inactivity, KeepAlive
from rules.model.copies import Copy, CopyStatus, Ending, Leg, Pending, Purpose
from rules.model.events import Origin
from rules.model.identity import cl_ord_id
from rules.model.instruments import Instrument
from rules.model.reasons import Reason
from rules.model.state import AccountView
from rules.model.trace import Denied, Note, Numbers
from rules.model.values import LinkId, PositionId, Side, Volume, plain
from rules.sizes.volumes import least_of

_LINK = "keep-alive:"


def is_keep_alive(copy: Copy) -> bool:
    """Tell whether a record is of a keep-alive trade, which has no source position and is opened to be closed."""
    return copy.link_id.startswith(_LINK)


def keep_alive(
    rule: Inactivity, trade: KeepAlive, firing: datetime, past: Past | None, target: AccountView, now: datetime
) -> Decision:
    """Return what becomes of a firing: a trade, a denial, or nothing where the account has traded lately.

    The record asks for its own end: what was opened is closed, at once or `lasts` after now. A denial is final for this
    firing.

    Args:
        rule: the limit on inactivity whose trade it is.
        trade: what is traded.
        firing: when its cron fired; the orders' ids follow from it.
        past: what the account's history told since; None: it did not.
        target: the account.
        now: aware.
    """
    if past is not None and now - last_trade(rule, past) < trade.after:
        return Decision(None)
    copy = Copy(
        link_id=LinkId(f"{_LINK}{target.account}"),
        source=target.account,
        target=target.account,
        source_position_id=PositionId(f"{rule.rule_id} {firing.isoformat()}"),
        opened_at=firing,
        source_symbol=trade.symbol,
        side=Side.BUY,
        first_seen_at=now,
        origin=Origin.LIVE,
        status=CopyStatus.ENDED,
        target_symbol=trade.symbol,
    )
    instrument = target.instruments.get(trade.symbol)
    denied = next(_denials(rule, trade, past, target, now), None)
    if denied is not None or instrument is None or past is None:
        assert denied is not None  # neither is let pass
        return Decision(evolve(copy, ending=Ending.DENIED, reason=denied.reason), (), (denied,))
    lasts = max(trade.lasts, target.min_hold or trade.lasts)
    return _opened(copy, instrument, evolve(trade, lasts=lasts), last_trade(rule, past))


def _opened(copy: Copy, instrument: Instrument, trade: KeepAlive, last: datetime) -> Decision:
    volume, now = least_of(instrument), copy.first_seen_at
    order_id = cl_ord_id(copy.link_id, copy.source_position_id, copy.opened_at, 0, 0)
    leg = Leg(0, order_id, trade.symbol, copy.side, volume, pending=Pending(Purpose.OPEN, order_id, volume))
    opened = evolve(
        copy,
        status=CopyStatus.ACTIVE,
        granted=volume,
        followed=volume,
        left=True,
        close_at=now + trade.lasts if trade.lasts else None,
        legs=(evolve(leg, asked_at=now),),
        legs_made=1,
    )
    numbers = (("last_trade", last.isoformat(timespec="minutes")), ("volume", plain(volume)))
    note = Note("keep_alive", "no trade for too long", numbers)
    return Decision(opened, (opening(opened, opened.legs[0]),), (note,), (), opened.close_at)


def _denials(
    rule: Inactivity, trade: KeepAlive, past: Past | None, target: AccountView, now: datetime
) -> Iterator[Denied]:
    """Yield what forbids the trade, in the order of the gates that it shares with copies."""
    symbol = trade.symbol
    if past is None:
        numbers: Numbers = (("limit", rule.rule_id), ("note", "the history does not tell when it last traded"))
        yield Denied("keep_alive", Reason.LIMIT_UNKNOWN, numbers)
    forbidden = forbids_entry(target)
    if forbidden is not None:
        yield forbidden
    instrument = target.instruments.get(symbol)
    if symbol not in target.instruments:
        yield Denied("keep_alive", Reason.INSTRUMENT_UNKNOWN, (("symbol", symbol),))
    elif instrument is None:
        yield Denied("keep_alive", Reason.SYMBOL_ABSENT, (("symbol", symbol), ("account", target.account)))
    elif not instrument.tradable:
        yield Denied("keep_alive", Reason.SYMBOL_NOT_TRADABLE, (("symbol", symbol),))
    held = any(position.symbol == symbol for position in target.positions.values())
    if held or any(target.lots.get((symbol, side), Volume(0)) for side in Side):
        yield Denied("keep_alive", Reason.KEEP_ALIVE_HELD, (("symbol", symbol), ("account", target.account)))
    for no in (maintained(target, now), target.denied, target.spent):
        if no is not None:
            yield no
    if instrument is not None:
        yield from _too_much(target, least_of(instrument))


def _too_much(target: AccountView, volume: Volume) -> Iterator[Denied]:
    """Yield the account's own caps that the trade would pass, over everything that is held there."""
    held, lots = target.copies + target.foreign, target.volume + target.foreign_volume
    for cap in target.caps:
        allowed = cap.allowed(target.status)
        if cap.kind is CapKind.MAX_POSITIONS and held + 1 > allowed:
            numbers: Numbers = (("held", str(held)), ("max_positions", plain(allowed)))
            yield Denied("[[limits]]", Reason.MAX_POSITIONS, numbers)
        elif cap.kind is CapKind.MAX_TOTAL_VOLUME and lots + volume > allowed:
            numbers = (("held", plain(lots)), ("wanted", plain(volume)), ("max_total_volume", plain(allowed)))
            yield Denied("[[limits]]", Reason.MAX_TOTAL_VOLUME, numbers)
