"""The operator's levers over REST: confirmed where money moves, done once for each idempotency key, durable when
answered."""

from typing import Any, Final

from copier.engine.operator import REFUSED
from copier.web.dto.levers import Command, ConfirmedCommand, Done, Lever, lever_of
from copier.web.dto.words import Page
from copier.web.principal import Principal
from copier.web.rest import accounts, links
from copier.web.rest.endpoints import Call, Endpoint
from copier.web.rest.once import IDEMPOTENCY_KEY, once
from copier.web.rest.pages import page
from copier.web.rest.refusals import Refused, bad_field, not_found
from copier.web.surface import NotPulled, Surface
from rules.model import levers
from rules.model.levers import Approve, ResetLimit, SetAccount, SetLink, TradingState
from rules.model.values import PositionId
from rules.policy.links import LinkState


def sees_lever(surface: Surface, principal: Principal, lever: levers.Lever) -> bool:
    """Tell whether a link's or an account's lever may be shown."""
    if isinstance(lever, SetAccount):
        return principal.sees(lever.account)
    link = surface.links.get(lever.link_id) if isinstance(lever, SetLink) else None
    return principal.accounts is None if link is None else principal.sees_link(link)


async def _levers(call: Call) -> Page:
    in_force = [each for each in call.surface.levers if sees_lever(call.surface, call.principal, each.lever)]
    shown = [lever for lever in map(lever_of, in_force) if lever is not None]
    return page(call, shown, lambda lever: (lever.kind, lever.subject), lambda lever: lever)


async def _set_link(call: Call, state: LinkState) -> Any:
    link = links.visible(call)
    return await _pull(call, SetLink(link.link_id, state))


async def _pause(call: Call) -> Any:
    return await _set_link(call, LinkState.PAUSED)


async def _close_only(call: Call) -> Any:
    return await _set_link(call, LinkState.CLOSE_ONLY)


async def _resume_link(call: Call) -> Any:
    return await _set_link(call, LinkState.ACTIVE)


async def _set_account(call: Call, state: TradingState) -> Any:
    return await _pull(call, SetAccount(accounts.visible(call).account, state))


async def _halt(call: Call) -> Any:
    return await _set_account(call, TradingState.HALTED)


async def _resume_account(call: Call) -> Any:
    return await _set_account(call, TradingState.ACTIVE)


async def _flatten(call: Call) -> Any:
    accounts.visible(call)
    _check_confirmed(call, call.path["account"])
    return await _set_account(call, TradingState.FLAT)


async def _approve(call: Call) -> Any:
    position_id = PositionId(call.path["position"])
    waiting = [
        copy
        for copy in call.surface.book.all()
        if copy.source_position_id == position_id and links.waits_for_approval(copy)
    ]
    seen = {copy.source for copy in waiting if links.sees_copy(call.principal, copy)}
    # One lever approves of all copies of a position, so that who gives it must see all of them.
    if not seen or not all(links.sees_copy(call.principal, copy) for copy in waiting if copy.source in seen):
        raise not_found("position that waits for an approval")
    _check_confirmed(call, position_id)
    return await _pull(call, Approve(position_id, min(seen) if len(seen) == 1 else None))


async def _reset_limit(call: Call) -> Any:
    limit_id = call.path["limit"]
    account = call.surface.limits.account_of(limit_id)
    if account is None or not call.principal.sees(account):
        raise not_found("limit on losses or profits")
    _check_confirmed(call, limit_id)
    return await _pull(call, ResetLimit(limit_id))


def _check_confirmed(call: Call, subject: str) -> None:
    if call.body.confirm != subject:
        raise bad_field("body", "confirm", f"{subject!r}, to be sure that you mean it", call.body.confirm)


async def _pull(call: Call, lever: levers.Lever) -> Any:
    return await pull(call, lever, call.body.reason)


async def pull(call: Call, lever: levers.Lever, why: str) -> Any:
    """Pull a lever in the name of who asks, once for each idempotency key.

    Raises:
        Refused: it was not pulled, or nobody knows.
    """

    async def pulled() -> Done:
        try:
            says = await call.surface.pull(lever, call.principal, why)
        except NotPulled:
            detail = "the engine did not answer in time: whether it was done is in `/levers` and `/decisions`"
            raise Refused(503, detail) from None
        if says.startswith(REFUSED):
            raise Refused(409, says.removeprefix(REFUSED))
        return Done(says)

    return await once(call, pulled)


def _command(path: str, summary: str, handler: Any, *, confirmed: bool = False) -> Endpoint:
    return Endpoint(
        "POST",
        path,
        summary,
        handler,
        Done,
        headers=(IDEMPOTENCY_KEY,),
        body=ConfirmedCommand if confirmed else Command,
        operates=True,
        refusals=(409,),
    )


ENDPOINTS: Final = (
    Endpoint("GET", "/levers", "What operators set by hand and nobody lifted", _levers, Lever, paged=True),
    _command("/links/{link}/pause", "Let a link open nothing new", _pause),
    _command("/links/{link}/close-only", "Let a link only close", _close_only),
    _command("/links/{link}/resume", "Lift what was set by hand on a link", _resume_link),
    _command("/accounts/{account}/halt", "Let an account take no new risk", _halt),
    _command("/accounts/{account}/resume", "Lift what was set by hand on an account", _resume_account),
    _command(
        "/accounts/{account}/flatten",
        "Close every copy on an account, and let it take no new risk",
        _flatten,
        confirmed=True,
    ),
    _command(
        "/approvals/{position}", "Let the waiting copies of a source position be opened", _approve, confirmed=True
    ),
    _command("/limits/{limit}/reset", "Lift a limit after a breach", _reset_limit, confirmed=True),
)
