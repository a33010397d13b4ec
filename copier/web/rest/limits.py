"""Limits over REST: every rule of the accounts, how far it is used up, and lifting one by hand."""

from typing import Final

from copier.web.dto.limits import Limit, conduct_of, limit_of, results_of
from copier.web.dto.words import Page
from copier.web.rest.endpoints import Call, Endpoint
from copier.web.rest.pages import page
from copier.web.rest.params import OneOf, Param, Text
from copier.web.surface import Surface
from rules.limits.limits import ruling
from rules.limits.state import LimitStage
from rules.model.values import AccountId


def shown_limits(surface: Surface, account: AccountId) -> list[Limit]:
    """Return all rules of an account as they are shown."""
    now, judged = surface.utc_now(), surface.limits.judgements(account)
    states = {state.limit_id: state for state in surface.limits.states}
    nearest = ruling(judged)
    shown = [limit_of(limit, judgement, rules=limit is nearest, now=now) for limit, judgement in judged]
    shown += [conduct_of(rule, states, now) for rule in surface.config.conduct if rule.account == account]
    return shown + [results_of(rule, states) for rule in surface.config.results if rule.account == account]


async def _limits(call: Call) -> Page:
    wanted, stage = call.query["account"], call.query["stage"]
    names = [name for name in call.surface.views if call.principal.sees(name) and wanted in (None, name)]
    shown = [limit for name in names for limit in shown_limits(call.surface, name) if stage in (None, limit.stage)]
    return page(call, shown, lambda limit: (limit.limit,), lambda limit: limit)


ENDPOINTS: Final = (
    Endpoint(
        "GET",
        "/limits",
        "All limits",
        _limits,
        Limit,
        paged=True,
        query=(
            Param("account", Text(), "Only of that account."),
            Param("stage", OneOf(tuple(stage.value for stage in LimitStage)), "Only those at that stage."),
        ),
    ),
)
