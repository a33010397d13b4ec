"""A person at the levers of a simulated day."""

from random import Random

from copier.engine.inputs import Input, Pulled
from copier.ledger.records import LeverRecord
from rules.model.levers import Lever, SetAccount, SetLink, TradingState
from rules.policy.links import CopyLink, LinkState


def draw_levers(random: Random, link: CopyLink) -> tuple[Lever, Lever]:
    """Return what holds a link or its target back, and what lifts that."""
    if random.random() < 0.5:
        state = random.choice((LinkState.PAUSED, LinkState.CLOSE_ONLY))
        return SetLink(link.link_id, state), SetLink(link.link_id, LinkState.ACTIVE)
    halted = random.choice((TradingState.HALTED, TradingState.FLAT))
    return SetAccount(link.target, halted), SetAccount(link.target, TradingState.ACTIVE)


def pulled(lever: Lever) -> Input:
    """Return the lever as somebody pulls it; nobody listens to the answer."""
    return Pulled(LeverRecord(lever, "somebody", "because"), lambda _: None)
