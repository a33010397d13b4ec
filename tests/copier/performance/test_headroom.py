"""The least headroom to a limit, from the states that the ledger keeps and the figures that were sampled between."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from attrs import evolve

from copier.performance.headroom import Headroom, LimitPast
from copier.web.store import Sample
from rules.limits.days import ResetTime
from rules.limits.policy import Limit
from rules.limits.state import LimitState
from rules.limits.terms import LimitKind, Metric, Part, Trailing
from tests.copier.performance.test_gathering import LIMIT, state
from tests.rules.playbook import T0

# Of an account with 1000 at first, 10 % may be lost: the floor is 900.


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def past(*states: tuple[float, LimitState, str], limit: Limit | None = LIMIT, begins: float = 0) -> LimitPast:
    found = LimitPast(LIMIT.limit_id, LIMIT.account, limit)
    for minutes, each, stage in states:
        found.take(at(minutes), each, stage, within=minutes >= begins)
    return found


def samples(**equities: int) -> list[Sample]:
    """Return samples by their minutes: `m5=950`; the balance stays at 1000."""
    return [Sample(at(int(name[1:])), Decimal(1000), Decimal(equity)) for name, equity in equities.items()]


def lowest(found: LimitPast, some: Sequence[Sample] = (), since: datetime | None = None) -> Headroom:
    nearest = found.lowest(some, since)
    assert nearest is not None
    return nearest


def test_the_least_headroom_is_that_of_the_states_that_were_kept() -> None:
    found = past((0, state("1000", 0), "unknown"), (1, state("920", 1), "warn"), (2, state("990", 2), "ok"))
    assert lowest(found) == Headroom(Decimal(20), Decimal("0.2"), Decimal(900), Decimal(920), at(1))
    assert (found.worst, found.currency) == ("warn", "USD")


def test_what_was_sampled_between_two_states_tells_it_by_the_minute() -> None:
    found = past((0, state("1000", 0), "ok"), (10, state("990", 10), "ok"))
    nearest = lowest(found, samples(m3=950, m5=910, m7=980, m12=940))
    assert nearest == Headroom(Decimal(10), Decimal("0.1"), Decimal(900), Decimal(910), at(5))
    assert lowest(found, samples(m12=905)).headroom == 5, "after the last state it stays as it was"


def test_a_sample_belongs_to_a_state_only_where_no_other_came_within_its_minute() -> None:
    risen = evolve(state("1000", 10), high_water_mark=Decimal(1100))
    trailing = evolve(LIMIT, trailing=Trailing.LIVE_EQUITY)
    begun = evolve(state("1000", 0), high_water_mark=Decimal(1000))
    found = past((0, begun, "ok"), (10.5, risen, "ok"), limit=trailing)
    # From 10:30 on the floor is 1100 less 10 % of 1000. The sample of minute 10 may be of before or after.
    assert lowest(found, samples(m10=950)).headroom == 0
    assert lowest(found, samples(m9=950)).at == at(10)
    assert lowest(found, samples(m11=1001)).headroom == 0
    assert lowest(found, samples(m11=999)).headroom == -1


def test_samples_before_the_limit_was_moved_by_a_deposit_or_withdrawal_are_left_out() -> None:
    moved = evolve(state("500", 10), flows=Decimal(-500))
    found = past((0, state("1000", 0), "ok"), (10, moved, "ok"))
    assert lowest(found, samples(m5=950, m9=450)).headroom == 50, "at minute 9 the money was gone, and not told of yet"


def test_what_was_before_the_time_says_only_where_the_floor_was() -> None:
    found = past((0, state("905", 0), "warn"), (20, state("990", 20), "ok"), begins=10)
    assert found.worst == "ok"
    since = at(10)
    assert lowest(found, samples(m5=901, m15=930), since).headroom == 30
    assert lowest(found, (), since).headroom == 90


def test_balance_is_what_counts_for_a_limit_on_it_and_a_target_is_nearest_at_the_top() -> None:
    on_balance = evolve(LIMIT, metric=Metric.BALANCE)
    assert lowest(past((0, state("1000", 0), "ok"), limit=on_balance), samples(m5=901)).headroom == 100
    target = evolve(LIMIT, kind=LimitKind.PROFIT_TARGET, metric=Metric.EQUITY)
    nearest = lowest(past((0, state("1000", 0), "ok"), limit=target), samples(m3=1090, m5=950))
    assert (nearest.headroom, nearest.at) == (10, at(3))


def test_where_costs_do_not_count_samples_tell_nothing() -> None:
    reset = ResetTime(time(0), ZoneInfo("UTC"))
    apart = evolve(LIMIT, kind=LimitKind.DAILY_LOSS, reset=reset, include=frozenset(Part) - {Part.SWAP})
    start = Decimal(1000)
    with_costs = evolve(state("1000", 0), day_balance=start, day_equity=start, commission=Decimal(0), swap=Decimal(0))
    assert lowest(past((0, with_costs, "ok"), limit=apart), samples(m5=901)).headroom == 100


def test_without_the_config_only_stages_are_told_and_unknown_only_where_it_never_was_anything_else() -> None:
    found = past((0, state("1000", 0), "unknown"), limit=None)
    assert (found.worst, found.lowest(samples(m5=901), None)) == ("unknown", None)
    found.take(at(1), state("1000", 1), "ok", within=True)
    assert found.worst == "ok"


def test_figures_that_were_never_known_are_not_guessed() -> None:
    unknown = evolve(state("1000", 0), balance=None, equity=None)
    assert past((0, unknown, "unknown")).lowest(samples(m5=901), None) is None
