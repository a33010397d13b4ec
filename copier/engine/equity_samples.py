"""Samples of equity: taken for the links whose policies ask for a curve, remembered with what else these remember."""

from collections.abc import Iterable
from decimal import Decimal

from attrs import evolve

from copier.engine.desk import Desk
from rules.gates.equity_curve import with_sample
from rules.model.memory import Curve, LinkMemory
from rules.model.values import AccountId, LinkId
from rules.policy.curve import CurveOf, EquityCurve


class EquitySamples:
    """Takes a sample of an account's first figures in each piece of time; the ledger keeps them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._curves: dict[LinkId, tuple[EquityCurve, ...]] = {}
        self._of: dict[AccountId, list[tuple[LinkId, CurveOf]]] = {}
        """By account, the links that ask for its curve, and as which end."""
        for link in desk.in_force.links.values():
            if curves := link.policy.equity_curves:
                self._curves[link.link_id] = curves
                for of, name in ((CurveOf.SOURCE, link.source), (CurveOf.TARGET, link.target)):
                    self._of.setdefault(name, []).append((link.link_id, of))

    def take(self, account: AccountId, equity: Decimal | None) -> None:
        """Take an account's figures."""
        if equity is None:
            return
        for link_id, of in self._of.get(account, ()):
            memory = self._desk.memories.get(link_id) or LinkMemory(link_id)
            sampled = with_sample(memory, self._curves[link_id], of, equity, self._desk.now)
            if sampled is not memory:
                self._desk.remember(sampled)

    def leave(self, link_id: LinkId, recorded: Iterable[Curve]) -> None:
        """Take no samples of a link's curves that a record tells: it met other figures than are told again."""
        told = {(each.of, each.every) for each in recorded}
        kept = tuple(each for each in self._curves.get(link_id, ()) if (each.of, each.every) not in told)
        self._curves[link_id] = kept

    def told(self, link_id: LinkId, recorded: tuple[Curve, ...]) -> None:
        """Remember the samples that a record tells, beside those of other curves."""
        if link_id not in self._desk.in_force.links:
            return
        memory = self._desk.memories.get(link_id) or LinkMemory(link_id)
        names = {(each.of, each.every) for each in recorded}
        own = tuple(each for each in memory.curves if (each.of, each.every) not in names)
        self._desk.memories[link_id] = evolve(memory, curves=(*own, *recorded))
