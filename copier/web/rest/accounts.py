"""Accounts over REST: figures, positions, pending orders, what was booked, limits, the equity curve."""

from collections.abc import Iterable
from datetime import UTC, timedelta
from typing import Final

import trio

from adapters.base import SessionLost, SignInRefused, Throttled
from copier.web.dto.accounts import (
    Account,
    Booking,
    EquityCurve,
    EquityPoint,
    Order,
    Position,
)
from copier.web.dto.limits import Limit
from copier.web.dto.words import Page, amount
from copier.web.principal import Principal
from copier.web.rest.endpoints import Call, Endpoint
from copier.web.rest.limits import shown_limits
from copier.web.rest.pages import page
from copier.web.rest.params import Instant, Param, Whole
from copier.web.rest.refusals import Refused, not_found
from copier.web.rest.show_accounts import owners_of, show_account, show_booking, show_order, show_position
from copier.web.store import StoreFailed
from copier.web.surface import Surface
from rules.model.observed import Position as Held
from rules.model.state import AccountView
from rules.model.values import AccountId

HISTORY_S: Final = 15.0
"""What a venue's history may take: as long as the limits wait for it."""

HISTORY_DEFAULT: Final = timedelta(days=1)
CURVE_DEFAULT: Final = timedelta(days=1)
POINTS_MAX: Final = 2000
"""More than any screen has columns."""


def visible(call: Call) -> AccountView:
    """Return the account that a request names.

    Raises:
        Refused: there is none, or it is not for who asks.
    """
    name = AccountId(call.path["account"])
    view = call.surface.views.get(name)
    if view is None or not call.principal.sees(name):
        raise not_found("account")
    return view


def visible_accounts(surface: Surface, principal: Principal) -> list[AccountView]:
    """Return all accounts that a principal may see."""
    return [view for name, view in surface.views.items() if principal.sees(name)]


async def _accounts(call: Call) -> Page:
    views = visible_accounts(call.surface, call.principal)
    return page(call, views, lambda view: (view.account,), lambda view: show_account(call.surface, view.account))


async def _account(call: Call) -> Account:
    return show_account(call.surface, visible(call).account)


async def _positions(call: Call) -> Page:
    view = visible(call)
    owners = owners_of(call.surface, call.principal, view)

    def show(position: Held) -> Position:
        return show_position(view.account, position, owners.get(position.position_id))

    return page(call, view.positions.values(), lambda position: (position.position_id,), show)


async def _orders(call: Call) -> Page:
    view = visible(call)
    return page(
        call, view.orders.values(), lambda order: (order.order_id,), lambda order: show_order(view.account, order)
    )


async def _history(call: Call) -> Page:
    name = visible(call).account
    since = call.query["since"] or call.surface.utc_now() - HISTORY_DEFAULT
    if not call.surface.account(name).capabilities.history:
        raise not_found(f"history: the venue of {name} tells none")
    try:
        with trio.fail_after(HISTORY_S):
            booked = await call.surface.account(name).history(since)
    except (SessionLost, SignInRefused, Throttled, trio.TooSlowError):
        # What a venue says of it may hold what is not for everybody; it is in the log.
        raise Refused(503, f"the history of {name} cannot be asked now") from None
    return page(
        call,
        booked,
        lambda each: (each.at.astimezone(UTC).isoformat(), each.exec_id),
        lambda each: show_booking(name, each),
    )


async def _limits(call: Call) -> Page:
    shown: Iterable[Limit] = shown_limits(call.surface, visible(call).account)
    return page(call, shown, lambda limit: (limit.limit,), lambda limit: limit)


async def _equity(call: Call) -> EquityCurve:
    view, now = visible(call), call.surface.utc_now()
    since = call.query["since"] or now - CURVE_DEFAULT
    curve = call.surface.store.curve
    try:
        every, samples = await trio.to_thread.run_sync(curve, view.account, since, now, call.query["points"])
    except StoreFailed:
        raise Refused(503, "the equity curve cannot be read now") from None
    return EquityCurve(
        account=view.account,
        currency=None if view.status is None else view.status.currency,
        every_s=int(every.total_seconds()),
        points=[EquityPoint(each.at, amount(each.balance), amount(each.equity)) for each in samples],
    )


_SINCE = "From then on; the last day where nothing is said."

ENDPOINTS: Final = (
    Endpoint("GET", "/accounts", "All accounts", _accounts, Account, paged=True),
    Endpoint("GET", "/accounts/{account}", "One account", _account, Account),
    Endpoint("GET", "/accounts/{account}/positions", "Its open positions", _positions, Position, paged=True),
    Endpoint("GET", "/accounts/{account}/orders", "Its pending orders", _orders, Order, paged=True),
    Endpoint(
        "GET",
        "/accounts/{account}/history",
        "What its venue booked, oldest first; asked of the venue each time",
        _history,
        Booking,
        paged=True,
        dear=True,
        query=(Param("since", Instant(), _SINCE),),
    ),
    Endpoint("GET", "/accounts/{account}/limits", "Its limits", _limits, Limit, paged=True),
    Endpoint(
        "GET",
        "/accounts/{account}/equity",
        "Its equity curve",
        _equity,
        EquityCurve,
        query=(
            Param("since", Instant(), _SINCE),
            Param("points", Whole(2, POINTS_MAX), "How many at most.", default=500),
        ),
    ),
)
