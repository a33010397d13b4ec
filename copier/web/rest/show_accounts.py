"""How accounts are shown: figures with what follows from them, positions with their owners, orders, what was booked."""

from decimal import Decimal
from typing import Literal

from copier.ledger.records import LeverRecord
from copier.web.dto.accounts import Account, Booking, Denial, Latency, NearestLimit, Order, Position
from copier.web.dto.words import amount
from copier.web.principal import Principal
from copier.web.surface import Surface
from rules.limits.limits import ruling
from rules.limits.outlook import headroom_share
from rules.model.copies import Copy
from rules.model.levers import SetAccount, TradingState
from rules.model.observed import AccountStatus, CashFlow, Fill, WorkingOrder
from rules.model.observed import Position as Held
from rules.model.state import AccountView
from rules.model.trace import Denied
from rules.model.values import AccountId, OmsType, PositionId, plain


def show_account(surface: Surface, name: AccountId) -> Account:
    """Return an account as it is shown."""
    view, config, session = surface.views[name], surface.config.accounts[name], surface.session(name)
    status = view.status or AccountStatus(None, None, None)
    lever, set_by = _lever(surface, name)
    peak = surface.store.peak(name)
    drawdown = None if peak is None or status.equity is None else max(peak - status.equity, Decimal(0))
    level = None if not status.margin_used or status.equity is None else status.equity / status.margin_used * 100
    return Account(
        name=name,
        venue=config.venue,
        broker=config.broker,
        roles=_roles(surface, name),
        oms=view.oms.value,
        state=session.state,
        state_since=session.since,
        state_why=session.why,
        streams=surface.account(name).capabilities.streams,
        lagging=view.lagging,
        books_at=view.looked_at,
        currency=status.currency,
        balance=amount(status.balance),
        equity=amount(status.equity),
        floating=None if status.equity is None or status.balance is None else plain(status.equity - status.balance),
        margin_used=amount(status.margin_used),
        margin_free=amount(status.margin_free),
        margin_level=None if level is None else f"{level:.2f}",
        high_water_mark=amount(peak),
        drawdown=amount(drawdown),
        drawdown_percent=f"{drawdown / peak * 100:.2f}" if drawdown is not None and peak else None,
        positions=len(view.positions),
        orders=len(view.orders),
        copies=view.copies,
        copied_volume=plain(view.volume),
        latency=_latency(surface, name),
        nearest_limit=_nearest(surface, name),
        denied=_denial(view.denied or view.spent),
        lever=lever.value,
        lever_by=None if set_by is None else set_by.by,
        lever_why=None if set_by is None else set_by.why,
    )


def show_positions(surface: Surface, principal: Principal, view: AccountView) -> list[Position]:
    """Return all open positions of an account, by their ids, each with what it is a copy of."""
    owners = owners_of(surface, principal, view)
    held = sorted(view.positions.values(), key=lambda position: position.position_id)
    return [show_position(view.account, position, owners.get(position.position_id)) for position in held]


def show_position(account: AccountId, position: Held, owner: Copy | None) -> Position:
    """Return an open position as it is shown."""
    return Position(
        account=account,
        position=position.position_id,
        symbol=position.symbol,
        side=position.side.value,
        volume=plain(position.volume),
        open_price=plain(position.open_price),
        opened_at=position.opened_at,
        current_price=amount(position.current_price),
        stop_loss=amount(position.stop_loss),
        take_profit=amount(position.take_profit),
        magic=position.magic,
        comment=position.comment,
        link=None if owner is None else owner.link_id,
        source_position=None if owner is None else owner.source_position_id,
    )


def owners_of(surface: Surface, principal: Principal, view: AccountView) -> dict[PositionId, Copy]:
    """Return the copies that hold positions of an account; where several share a netted one, none is named."""
    copies = [copy for copy in surface.book.of_target(view.account) if principal.sees(copy.source)]
    if view.oms is OmsType.HEDGING:
        return {leg.position_id: copy for copy in copies for leg in copy.legs if leg.live and leg.position_id}
    by_symbol: dict[str, list[Copy]] = {}
    for copy in copies:
        for symbol in {leg.symbol for leg in copy.legs if leg.live}:
            by_symbol.setdefault(symbol, []).append(copy)
    alone = {symbol: owners[0] for symbol, owners in by_symbol.items() if len(owners) == 1}
    return {each.position_id: alone[each.symbol] for each in view.positions.values() if each.symbol in alone}


def show_order(account: AccountId, order: WorkingOrder) -> Order:
    """Return a pending order as it is shown."""
    return Order(
        account=account,
        order=order.order_id,
        symbol=order.symbol,
        side=order.side.value,
        type=order.order_type.value,
        volume=plain(order.volume),
        price=plain(order.price),
        limit_price=amount(order.limit_price),
        stop_loss=amount(order.stop_loss),
        take_profit=amount(order.take_profit),
        placed_at=order.placed_at,
        expires_at=order.expires_at,
        magic=order.magic,
        comment=order.comment,
    )


def show_booking(account: AccountId, booked: Fill | CashFlow) -> Booking:
    """Return what a venue booked as it is shown."""
    if isinstance(booked, CashFlow):
        return Booking(
            account=account,
            id=booked.exec_id,
            at=booked.at,
            kind=booked.kind,
            symbol=None,
            side=None,
            opens=None,
            volume=None,
            price=None,
            position=None,
            realized=None,
            commission=None,
            swap=None,
            amount=plain(booked.amount),
            comment=booked.comment,
        )
    return Booking(
        account=account,
        id=booked.exec_id,
        at=booked.at,
        kind="fill",
        symbol=booked.symbol,
        side=booked.side.value,
        opens=booked.opens,
        volume=plain(booked.volume),
        price=plain(booked.price),
        position=booked.position_id,
        realized=amount(booked.realized_pnl),
        commission=amount(booked.commission),
        swap=amount(booked.swap),
        amount=None,
        comment=None,
    )


def _roles(surface: Surface, name: AccountId) -> list[Literal["source", "target"]]:
    links = surface.links.values()
    roles: list[Literal["source", "target"]] = []
    if any(link.source == name for link in links):
        roles.append("source")
    if any(link.target == name for link in links):
        roles.append("target")
    return roles


def _lever(surface: Surface, name: AccountId) -> tuple[TradingState, LeverRecord | None]:
    for record in surface.levers:
        if isinstance(record.lever, SetAccount) and record.lever.account == name:
            return record.lever.state, record
    return TradingState.ACTIVE, None


def _latency(surface: Surface, name: AccountId) -> Latency | None:
    found = surface.latency_of(name).get("sent_to_report")
    return None if not found else Latency(int(found["count"]), float(found["p50"]), float(found["p99"]))


def _nearest(surface: Surface, name: AccountId) -> NearestLimit | None:
    judged = surface.limits.judgements(name)
    nearest = ruling(judged)
    for limit, judgement in judged:
        if limit is nearest and judgement.headroom is not None:
            share = headroom_share(judgement)
            percent = None if share is None else f"{share * 100:.2f}"
            kind, stage, currency = limit.kind.value, judgement.stage.value, judgement.state.currency
            return NearestLimit(limit.limit_id, kind, stage, plain(judgement.headroom), percent, currency)
    return None


def _denial(denied: Denied | None) -> Denial | None:
    return None if denied is None else Denial(denied.reason.value, denied.reason.meaning, dict(denied.numbers))
