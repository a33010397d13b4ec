"""Why we said no: stable codes, for people and for programs. The docs page of denial codes is made from here."""

from enum import Enum


class Reason(Enum):
    """A denial code; its value is the code, `meaning` one sentence for a person.

    A code once released is never renamed or reused. `waits` marks those that may clear by themselves within the
    guard's age (a schedule with `outside = "defer"` waits too); all others are final for the source position.
    """

    meaning: str
    waits: bool

    def __new__(cls, code: str, meaning: str, waits: bool = False) -> "Reason":
        member = object.__new__(cls)
        member._value_ = code
        member.meaning = meaning
        member.waits = waits
        return member

    LINK_CLOSE_ONLY = ("LINK_CLOSE_ONLY", "The link only closes: it was set to close-only, or a mismatch lasts.")
    LINK_PAUSED = ("LINK_PAUSED", "The link is paused.")
    ACCOUNT_HALTED = ("ACCOUNT_HALTED", "An operator has halted the target account.")
    TARGET_NOT_READY = ("TARGET_NOT_READY", "The target is not signed in, or its state is not known yet.", True)
    TARGET_LAGGING = ("TARGET_LAGGING", "The target's queue of orders is full.", True)
    FILTER_SYMBOL = ("FILTER_SYMBOL", "The source symbol is not among `filter.symbols`, or is among `not_symbols`.")
    FILTER_SIDE = ("FILTER_SIDE", "The source position's side is not among `filter.sides`.")
    FILTER_MAGIC = ("FILTER_MAGIC", "The source position's magic number matches no pattern of `filter.magic`.")
    FILTER_COMMENT = ("FILTER_COMMENT", "The source position's comment matches no pattern of `filter.comment`.")
    FILTER_VOLUME = ("FILTER_VOLUME", "The source volume lies outside `filter.volume`.")
    FILTER_STOPS = ("FILTER_STOPS", "A stop that `filter.require` names is missing.", True)
    FILTER_ORDER_TYPE = ("FILTER_ORDER_TYPE", "What opened the source position is not among `filter.order_types`.")
    PENDING_SKIPPED = ("PENDING_SKIPPED", "It came of a pending order of the source, and `pending` is skip.")
    PENDING_UNSUPPORTED = ("PENDING_UNSUPPORTED", "The pending order cannot have its like at the target.")
    PENDING_NOT_FILLED = ("PENDING_NOT_FILLED", "What mirrored its pending order was not filled in time.")
    PENDING_ENDED = (
        "PENDING_ENDED",
        "What mirrored its pending order had ended at the target before, or was to be skipped.",
    )
    PENDING_EXPIRED = (
        "PENDING_EXPIRED",
        "What mirrored its pending order had waited for as long as `mirror.max_life`.",
    )
    BEGINNING_UNKNOWN = ("BEGINNING_UNKNOWN", "Whether it came of a pending order is not known yet.", True)
    SYMBOL_DENIED = ("SYMBOL_DENIED", "A row of the symbol map denies this symbol.")
    SYMBOL_UNMAPPED = ("SYMBOL_UNMAPPED", "No row of the symbol map matches, and the target has no such name.")
    CONTRACT_UNKNOWN = (
        "CONTRACT_UNKNOWN",
        "The symbol map names no contract for now: its `roll` begins later, or has ended.",
    )
    SYMBOL_ABSENT = ("SYMBOL_ABSENT", "The target has no instrument of the mapped name.")
    SYMBOL_NOT_TRADABLE = ("SYMBOL_NOT_TRADABLE", "The target's instrument does not take orders.")
    SYMBOL_WRONG_PRICE = ("SYMBOL_WRONG_PRICE", "Source and target price differ too much to be the same instrument.")
    INSTRUMENT_UNKNOWN = ("INSTRUMENT_UNKNOWN", "The target's instrument has not been looked up yet.", True)
    QUOTE_UNKNOWN = ("QUOTE_UNKNOWN", "A guard or the size needs a quote that has not arrived yet.", True)
    SCHEDULE_CLOSED = ("SCHEDULE_CLOSED", "The schedule takes no new risk at this time.")
    NEWS_WINDOW = ("NEWS_WINDOW", "News that concerns the symbol is too near.")
    NEWS_UNKNOWN = ("NEWS_UNKNOWN", "The news calendar is missing or stale, and `on_missing` is deny.", True)
    MAINTENANCE = ("MAINTENANCE", "The target's venue or broker is in a maintenance window.", True)
    TOO_OLD = ("TOO_OLD", "The source position is older than `guard.max_age`.")
    DENIED_STALE = ("DENIED_STALE", "Found by reconciliation and refused by the start policy.")
    PRICE_DEVIATION = ("PRICE_DEVIATION", "The target's price is worse than the source's by more than allowed.")
    LIMIT_NOT_FILLED = (
        "LIMIT_NOT_FILLED",
        "The limit order at the source's price, which `guard.on_deviation` placed, was not filled in time.",
    )
    SPREAD = ("SPREAD", "The target's spread is wider than `guard.max_spread`.")
    EQUITY_CURVE = ("EQUITY_CURVE", "The account's equity is not above its mean, which `equity_curve` asks for.")
    EQUITY_CURVE_SHORT = (
        "EQUITY_CURVE_SHORT",
        "Fewer samples of the account's equity are known than `equity_curve` needs.",
    )
    SKIPPED_FIRST = ("SKIPPED_FIRST", "It is among the first positions after a quiet time, which `skip_first` skips.")
    THROTTLED = ("THROTTLED", "As many copies as `throttle` allows were opened within its window.")
    APPROVAL_NEEDED = ("APPROVAL_NEEDED", "Nobody has approved of the copy yet.", True)
    DELAYED = ("DELAYED", "The copy is held back for the time that `delay` says.", True)
    LIMIT_DAILY_LOSS = ("LIMIT_DAILY_LOSS", "The target account's daily loss limit forbids new risk.")
    LIMIT_WEEKLY_LOSS = ("LIMIT_WEEKLY_LOSS", "The target account's weekly loss limit forbids new risk.")
    LIMIT_MONTHLY_LOSS = ("LIMIT_MONTHLY_LOSS", "The target account's monthly loss limit forbids new risk.")
    LIMIT_QUARTERLY_LOSS = ("LIMIT_QUARTERLY_LOSS", "The target account's quarterly loss limit forbids new risk.")
    LIMIT_YEARLY_LOSS = ("LIMIT_YEARLY_LOSS", "The target account's yearly loss limit forbids new risk.")
    LIMIT_MAX_LOSS = ("LIMIT_MAX_LOSS", "The target account's maximum loss limit forbids new risk.")
    SOURCE_LIMIT = ("SOURCE_LIMIT", "A limit of the source account forbids new risk there, which the policy obeys.")
    PROFIT_TARGET = ("PROFIT_TARGET", "The target account has reached a profit target, which ends trading for now.")
    FLAT_BY = ("FLAT_BY", "The target account must be flat now, or will have to be shortly.", True)
    BEST_DAY = ("BEST_DAY", "More profit today would make the target account's best day too large a share of all.")
    BUDGET_USED_UP = ("BUDGET_USED_UP", "The target account's budget of orders or lots is used up until its reset.")
    LIMIT_UNKNOWN = ("LIMIT_UNKNOWN", "A limit of the target account cannot be judged: its figures are unknown.", True)
    MAX_POSITIONS = ("MAX_POSITIONS", "The target would hold more positions than allowed.")
    MAX_TOTAL_VOLUME = ("MAX_TOTAL_VOLUME", "The target's total volume would exceed what is allowed.")
    MAX_VOLUME_PER_SYMBOL = ("MAX_VOLUME_PER_SYMBOL", "The target would hold more lots of the symbol than allowed.")
    MAX_VOLUME_TOGETHER = (
        "MAX_VOLUME_TOGETHER",
        "The target would hold more lots of symbols that count as one than `limits.together` allows.",
    )
    HEDGING_BLOCKED = ("HEDGING_BLOCKED", "The target holds the other side of the symbol and hedging is blocked.")
    MAX_RISK = ("MAX_RISK", "The copy would lose more at its stop-loss than `limits.max_risk`.")
    MAX_RISK_PER_SYMBOL = (
        "MAX_RISK_PER_SYMBOL",
        "All that is open of the symbol would lose more at its stop-losses than `limits.max_risk_per_symbol`.",
    )
    MAX_TOTAL_RISK = (
        "MAX_TOTAL_RISK",
        "All that is open at the target would lose more at its stop-losses than `limits.max_total_risk`.",
    )
    RISK_UNBOUNDED = (
        "RISK_UNBOUNDED",
        "Something open at the target has no stop-loss, and a cap on open risk cannot count it.",
        True,
    )
    MAX_LEVERAGE = ("MAX_LEVERAGE", "The target would hold more value over its equity than `limits.max_leverage`.")
    MARGIN_FREE_LOW = ("MARGIN_FREE_LOW", "The target has less free margin than `limits.min_free_margin`.")
    STOP_TOO_FAR = ("STOP_TOO_FAR", "The stop-loss lies further from the entry than `limits.max_stop_distance`.")
    KEEP_ALIVE_HELD = ("KEEP_ALIVE_HELD", "The account holds the keep-alive's symbol: such a trade would mix with it.")
    REFERENCE_UNKNOWN = ("REFERENCE_UNKNOWN", "Balance, equity or free margin that the copy needs is unknown.", True)
    REFERENCE_NOT_POSITIVE = (
        "REFERENCE_NOT_POSITIVE",
        "Balance, equity or free margin that the copy needs is not positive.",
    )
    CURRENCY_RATE_UNKNOWN = ("CURRENCY_RATE_UNKNOWN", "Two currencies meet in the size and no quote tells their rate.")
    CONTRACT_SIZE_UNKNOWN = ("CONTRACT_SIZE_UNKNOWN", "A contract size needed to size the copy is unknown.")
    STOP_MISSING = ("STOP_MISSING", "The size or a limit follows from the stop-loss and the position has none.", True)
    SIZE_UNUSABLE = ("SIZE_UNUSABLE", "The size's formula gives no volume: nothing, less, far too much, or x / 0.")
    VOLUME_BELOW_MIN = ("VOLUME_BELOW_MIN", "The volume is below the instrument's minimum.")
    VOLUME_AMPLIFIED = ("VOLUME_AMPLIFIED", "Raising to the minimum would pass `volume.max_amplification`.")
    VOLUME_ABOVE_MAX = ("VOLUME_ABOVE_MAX", "The volume is above the maximum and `over_max` is deny.")
    STOP_WRONG_SIDE = ("STOP_WRONG_SIDE", "A required stop lies on the wrong side of the target's price.")
    STOP_TOO_CLOSE = ("STOP_TOO_CLOSE", "A stop is closer to the price than the venue allows, by `stops.min_distance`.")
    SOURCE_GONE = ("SOURCE_GONE", "The source position was closed before the copy could be opened.")
    REJECTED = ("REJECTED", "The venue rejected the order.")
