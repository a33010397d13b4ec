"""What a limit will do next: the stages still ahead, each with the figure that reaches it."""

from decimal import Decimal

from rules.limits.figures import Figures
from rules.limits.limits import Judgement
from rules.limits.policy import Limit
from rules.limits.state import LimitStage
from rules.model.frozen import frozen


@frozen
class Ahead:
    """A stage that is not reached yet: at which metric it is, and how far that is, in the account's currency."""

    stage: LimitStage
    metric: Decimal
    away: Decimal


def ahead(limit: Limit, judgement: Judgement) -> tuple[Ahead, ...]:
    """Return the stages that the metric has not reached, the nearest first; the last is the breach itself."""
    if judgement.floor is None or judgement.amount is None or judgement.metric is None or judgement.headroom is None:
        return ()
    figures = Figures(judgement.amount, judgement.floor, judgement.metric, judgement.headroom)
    stages = [(LimitStage.BREACHED, judgement.floor)]
    if not limit.is_target:
        fractions = (
            (LimitStage.FLATTEN, limit.flatten_at),
            (LimitStage.HALT, limit.halt_at),
            (LimitStage.BLOCK, limit.block_at),
            (LimitStage.WARN, limit.warn_at),
        )
        stages += [(stage, figures.level(fraction)) for stage, fraction in fractions if fraction is not None]
    distances = [Ahead(stage, level, judgement.headroom - abs(level - judgement.floor)) for stage, level in stages]
    return tuple(sorted((each for each in distances if each.away > 0), key=lambda each: each.away))


def headroom_share(judgement: Judgement) -> Decimal | None:
    """Return the headroom as a part of the limit's amount; None where it is not known."""
    if judgement.headroom is None or not judgement.amount:
        return None
    return judgement.headroom / judgement.amount
