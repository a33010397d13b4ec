"""What an operator may do by hand, beside the config: to links, accounts, single copies, limits, alerts."""

from enum import Enum
from typing import TypeAlias

from rules.model.frozen import frozen
from rules.model.values import AccountId, LinkId, PositionId
from rules.policy.links import LinkState


class TradingState(Enum):
    """What an operator lets an account do."""

    ACTIVE = "active"
    HALTED = "halted"
    """No new risk; what is held still closes with its source."""
    FLAT = "flat"
    """No new risk, and everything copied is closed."""


@frozen
class SetLink:
    """A link acts as told until it is told otherwise; ACTIVE leaves it to the config."""

    link_id: LinkId
    state: LinkState

    @property
    def key(self) -> str:
        return f"link {self.link_id}"


@frozen
class SetAccount:
    """A target account may do what is told until it is told otherwise."""

    account: AccountId
    state: TradingState

    @property
    def key(self) -> str:
        return f"account {self.account}"


@frozen
class Approve:
    """The copies of a source position that wait for an approval may be opened."""

    source_position_id: PositionId
    source: AccountId | None = None
    """Whose position it is, as each venue numbers its own. None: the only account where one of that id waits."""

    @property
    def key(self) -> str:
        return f"position {self.source_position_id}"


@frozen
class ResetLimit:
    """Nothing of a limit stays in force. One that is still in breach is breached again by the figures."""

    limit_id: str

    @property
    def key(self) -> str:
        return f"limit {self.limit_id}"


@frozen
class Acknowledge:
    """Somebody has seen some alerts. What they tell of goes on as it is, and so does all trading."""

    alerts: tuple[int, ...]
    """Their places in the ledger."""

    @property
    def key(self) -> str:
        return f"alerts {', '.join(map(str, self.alerts))}"


Lever: TypeAlias = SetLink | SetAccount | Approve | ResetLimit | Acknowledge


def lasts(lever: Lever) -> bool:
    """Tell whether the lever is a state that stays in force."""
    if isinstance(lever, SetLink):
        return lever.state is not LinkState.ACTIVE
    return isinstance(lever, SetAccount) and lever.state is not TradingState.ACTIVE


def state_of_link(configured: LinkState, set_to: LinkState | None, *, held_back: bool) -> LinkState:
    """Return what a link may do: as the config says, unless that is everything and a lever or a mismatch says less.

    Args:
        set_to: what an operator set; None: nothing.
        held_back: a mismatch whose policy says so lets it only close.
    """
    if configured is not LinkState.ACTIVE:
        return configured
    if set_to is not None:
        return set_to
    return LinkState.CLOSE_ONLY if held_back else configured
