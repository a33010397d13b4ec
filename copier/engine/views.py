"""What the engine starts from: an empty view of each account, as its venue, its caps and its maintenance make it."""

from collections.abc import Mapping
from datetime import timedelta

from adapters.base import Capabilities
from copier.rulebook import Rulebook
from rules.limits.conduct_policy import PositionRule, PositionRuleKind
from rules.model.state import AccountView
from rules.model.values import AccountId


def empty_views(capabilities: Mapping[AccountId, Capabilities], rulebook: Rulebook) -> dict[AccountId, AccountView]:
    """Return a view of each account before anything was seen of it."""
    holds: dict[AccountId, timedelta] = {}
    for rule in rulebook.conduct:
        if isinstance(rule, PositionRule) and rule.kind is PositionRuleKind.MIN_HOLD and rule.within is not None:
            holds[rule.account] = max(rule.within, holds.get(rule.account, rule.within))
    return {
        name: AccountView(
            name,
            can.oms,
            can.volumes_grow,
            keeps_take_profit=can.keeps_take_profit,
            stop_loss_lasts=can.stop_loss_lasts,
            takes_orders=can.trades and can.pending_orders,
            orders_expire=can.orders_expire,
            caps=tuple(cap for cap in rulebook.caps if cap.account == name),
            maintenance=rulebook.maintenance.get(name, ()),
            min_hold=holds.get(name),
        )
        for name, can in capabilities.items()
    }
