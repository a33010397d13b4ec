"""What the engine starts from: an empty view of each account, as its venue, its caps and its maintenance make it."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from adapters.base import Capabilities
from rules.conduct_policy import Conduct, PositionRule, PositionRuleKind
from rules.limits_policy import Cap
from rules.schedule import Schedule
from rules.state import AccountView
from rules.values import AccountId


def empty_views(
    capabilities: Mapping[AccountId, Capabilities],
    caps: Iterable[Cap],
    maintenance: Mapping[AccountId, tuple[Schedule, ...]],
    conduct: Iterable[Conduct] = (),
) -> dict[AccountId, AccountView]:
    """Return a view of each account before anything was seen of it."""
    caps = tuple(caps)
    holds: dict[AccountId, timedelta] = {}
    for rule in conduct:
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
            caps=tuple(cap for cap in caps if cap.account == name),
            maintenance=maintenance.get(name, ()),
            min_hold=holds.get(name),
        )
        for name, can in capabilities.items()
    }
