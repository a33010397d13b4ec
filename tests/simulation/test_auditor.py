"""The auditor bites: each way of breaking the service on purpose is found, by its own law."""

import pytest
from attrs import evolve

from rules.books.mismatch import Mismatch, MismatchKind
from rules.model.severity import Severity
from rules.model.values import AccountId, LinkId, Symbol, Volume
from rules.policy.limits import PolicyLimits
from tests.simulation import sabotage
from tests.simulation.auditor import audit
from tests.simulation.kinds import METACOPIER, TRADELOCKER
from tests.simulation.run import Outcome, simulate
from tests.simulation.scenario import SOURCES, TARGETS

SEEDS = (5, 9, 11, 13, 14)
"""Busy ones; a sabotage must be found in one of them, since not every trader gives every opportunity."""

VENUES = (TRADELOCKER, METACOPIER)
"""Hedging targets, on which a person may touch copies too."""


@pytest.mark.slow  # simulates some seeds
@pytest.mark.parametrize(
    ("saboteur", "accounts", "words"),
    [
        (sabotage.SendsTwice, TARGETS, "was executed 2 times"),
        (sabotage.IgnoresCloses, TARGETS, "its source is closed, "),
        (sabotage.IgnoresStops, TARGETS, "has stop_loss"),
        (sabotage.OpensLess, TARGETS, "lots, expected"),
        (sabotage.Reopens, TARGETS, "after the target had closed it"),
        (sabotage.OpensLate, TARGETS, "after its source was closed"),
        (sabotage.ClosesForeign, TARGETS, "a person's #"),
        (sabotage.ClosesForeign, TARGETS, "of which 0 are left"),
        (sabotage.CancelsForeign, TARGETS, "was canceled"),
        (sabotage.HidesOrders, SOURCES, "and the service knows None"),
        (sabotage.SeesNothing, SOURCES, "open and not copied, and nothing says why"),
        (sabotage.ForgetsNow, SOURCES, "was closed though its source was open"),
    ],
)
def test_the_auditor_finds_what_breaks_the_laws(
    saboteur: type[sabotage.Honest], accounts: tuple[AccountId, ...], words: str
) -> None:
    findings = [
        finding for seed in SEEDS for finding in audit(simulate(seed, sabotage.on(saboteur, *accounts), VENUES))
    ]
    assert any(words in finding for finding in findings), findings


@pytest.mark.slow  # simulates some seeds
@pytest.mark.parametrize(
    ("saboteur", "accounts", "words"),
    [
        (sabotage.SendsTwice, TARGETS, "was executed 2 times"),
        (sabotage.IgnoresCloses, TARGETS, "its source is closed, "),
        (sabotage.OpensLess, TARGETS, "lots, expected"),
        (sabotage.ForgetsNow, SOURCES, "was closed though its source was open"),
    ],
)
def test_the_auditor_finds_it_on_netted_positions_too(
    saboteur: type[sabotage.Honest], accounts: tuple[AccountId, ...], words: str
) -> None:
    worlds = [simulate(seed, sabotage.on(saboteur, *accounts), ("metaapi", "clearstreet")) for seed in (20, 22, 26)]
    findings = [finding for world in worlds for finding in audit(world)]
    assert any(words in finding for finding in findings), findings


@pytest.mark.slow  # simulates a seed twice
def test_the_auditor_finds_copies_of_what_a_policy_does_not_take_by_its_beginning() -> None:
    """A calm seed whose policies ask what opened a position; nobody can tell where orders are hidden."""
    assert audit(simulate(766)) == []
    findings = audit(simulate(766, sabotage.on(sabotage.HidesOrders, *SOURCES)))
    assert any("copied, though a limit order opened it" in finding for finding in findings), findings


@pytest.mark.slow  # simulates some seeds
def test_a_wrapper_that_changes_nothing_is_no_finding() -> None:
    for seed in SEEDS:
        assert audit(simulate(seed, sabotage.on(sabotage.Honest, *SOURCES, *TARGETS), VENUES)) == []


def _uncopied() -> Outcome:
    return simulate(SEEDS[0], sabotage.on(sabotage.SeesNothing, *SOURCES), VENUES)


@pytest.mark.slow  # simulates a seed for each code
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("SYMBOL_DENIED", "denied as SYMBOL_DENIED, which cannot be"),
        ("PRICE_DEVIATION", "denied as PRICE_DEVIATION, which cannot be"),
        ("REJECTED", "called rejected, but the venue never rejected it"),
    ],
)
def test_a_denial_that_cannot_be_is_not_believed(code: str, words: str) -> None:
    outcome = _uncopied()
    denials = {
        (link.link_id, position_id): code
        for link in outcome.scenario.links
        for position_id in outcome.books[link.source].positions
    }
    assert any(words in finding for finding in audit(evolve(outcome, denials=denials)))


@pytest.mark.slow  # simulates a seed
def test_more_copies_than_the_policy_allows_are_found() -> None:
    outcome = simulate(SEEDS[0], venues=VENUES)
    links = tuple(
        evolve(link, policy=evolve(link.policy, limits=PolicyLimits(max_positions=1)))
        for link in outcome.scenario.links
    )
    findings = audit(evolve(outcome, scenario=evolve(outcome.scenario, links=links)))
    assert any("at most 1 are allowed" in finding for finding in findings)


@pytest.mark.slow  # simulates a seed
@pytest.mark.parametrize(
    ("seed", "reopen", "words"),
    [(110, 0, "copied again by"), (135, 9, "the target closed it, and it was not opened again")],
)
def test_the_auditor_counts_how_often_a_copy_is_opened_again(seed: int, reopen: int, words: str) -> None:
    outcome = simulate(seed)
    assert audit(outcome) == []
    links = tuple(evolve(link, policy=evolve(link.policy, reopen=reopen)) for link in outcome.scenario.links)
    findings = audit(evolve(outcome, scenario=evolve(outcome.scenario, links=links)))
    assert any(words in finding for finding in findings), findings


@pytest.mark.slow  # simulates a seed
def test_a_service_that_does_not_settle_is_found() -> None:
    findings = audit(evolve(simulate(SEEDS[0], venues=VENUES), settled=False))
    assert any("did not settle" in finding for finding in findings)


@pytest.mark.slow  # simulates a seed
def test_the_auditor_finds_a_mismatch_that_is_told_of_books_as_they_should_be() -> None:
    outcome = simulate(SEEDS[0], venues=VENUES)
    lots = Volume(1)
    missing = Mismatch(
        LinkId("a->b"), TARGETS[0], Symbol("X"), MismatchKind.MISSING, lots, lots - 1, lots, Severity.WARNING, ()
    )
    told = evolve(missing, why="the venue rejected the order")
    assert audit(evolve(outcome, mismatches=(told,))) == audit(evolve(outcome, mismatches=()))
    for false in (missing, evolve(told, kind=MismatchKind.UNEXPECTED), evolve(told, kind=MismatchKind.SIDE)):
        findings = audit(evolve(outcome, mismatches=(false,)))
        assert any("told as a mismatch in the end" in finding for finding in findings)
