"""What the keys mean whose classes are the rules' own, for the reference page; a test finds a key that is missing."""

from collections.abc import Mapping

from rules.policy.curve import EquityCurve
from rules.policy.exits import BreakEven, Exits, Trailing
from rules.policy.guard import Guard, StartPolicy
from rules.policy.limits import PolicyLimits, Together
from rules.policy.mismatch import MismatchPolicy
from rules.policy.pacing import Delay, SkipFirst, Throttle
from rules.policy.pending import Mirror
from rules.policy.series import AfterLosses, Masaniello
from rules.policy.size import Size, VolumePolicy
from rules.policy.stops import FixedStops, Stops

MEANINGS: Mapping[type, Mapping[str, str]] = {
    Size: {
        "mode": "What the target's volume follows from.",
        "multiplier": "> 0; scales every mode but `fixed` and the risk modes; `expression` may name it.",
        "volume": "Lots, > 0; mode `fixed` only, and required there.",
        "source_reference": "Pins the source's balance, equity or free margin to a number of its own currency; ratio "
        "modes only.",
        "target_reference": "Pins the target's likewise; ratio modes only.",
        "ignore_contract_size": "Copy lots as they are, whatever a lot holds on either side.",
        "ignore_currency": "Take money of different currencies as equal instead of converting it.",
        "percent": 'Of the target\'s money, such as `"1 %"`; mode `risk_percent` only, and required there.',
        "of": "What `percent` is of; mode `risk_percent` only.",
        "initial": 'The target\'s initial balance, > 0, in its currency; required with `of = "initial"`.',
        "amount": 'Money at risk, such as `"250 USD"`; mode `risk_amount` only, and required there. Another currency '
        "than the account's is converted (`CURRENCY_RATE_UNKNOWN`).",
        "cost_per_lot": "What opening and closing one lot costs, >= 0, in the target's currency; it counts as risk.",
        "default_stop": "The distance to reckon with where there is no stop-loss; without it such a copy waits for "
        "`guard.wait_for_stop` and is denied (`STOP_MISSING`). It sets no stop.",
        "expression": "Arithmetic over numbers and the names below, with `+ - * / ( )`, `min(a, b)` and `max(a, b)`, "
        "at most 500 characters, such as `source_volume * target_equity / (source_equity * rate)`. What is not > 0 is "
        "denied (`SIZE_UNUSABLE`).",
    },
    VolumePolicy: {
        "min": "What becomes of a volume below the instrument's minimum.",
        "max": "Lots that one copy never passes, increases included.",
        "over_max": "What becomes of a volume above the instrument's maximum.",
        "keep_proportions": "Copies that are open together keep the proportions of what was wanted of them, where "
        "rounding each by itself would flatten them; the source's growing lots stay growing ones. Within "
        "`max_amplification` and every cap. The idea: the rounding for martingales of other copiers.",
        "round": "How a volume meets the instrument's step.",
        "max_amplification": '>= 1; how many times the wanted volume `min = "raise"` may give.',
    },
    Mirror: {
        "fill_grace": "How long the other order is waited for where one of the two is filled; 1 s to 1 day.",
        "late": "Where the source's order was filled and the target's was not by then.",
        "early": "Where the target's order was filled and the source's was not by then.",
        "max_life": "How long the target's order waits at most, 1 minute to 366 days; then it is canceled, and the "
        "position that comes of the source's is not copied (`PENDING_EXPIRED`, `PENDING_ENDED`).",
    },
    Guard: {
        "max_age": "A source position older than this is not copied; also bounds every wait.",
        "max_deviation": "How much worse than the source's entry the target's price may be.",
        "on_deviation": "What becomes of a copy whose price is worse than that.",
        "limit_for": "How long such a limit order waits, 1 s to 1 day; then it is canceled (`LIMIT_NOT_FILLED`).",
        "max_spread": "How wide the target's spread may be.",
        "require_quotes": "Deny a copy whose prices cannot be compared for want of a quote.",
        "wait_default": "How long a waiting copy waits when there is no `max_age`; up to 1 day.",
        "wait_for_stop": "How long a stop that `filter.require` or the size needs is waited for, within the waits "
        "above; up to 1 day.",
    },
    Stops: {
        "mode": "How the source's stops become the target's.",
        "stop_loss": "Whether the stop-loss follows.",
        "take_profit": "Whether the take-profit follows.",
        "add_stop_points": "Points (ticks) by which a stop-loss that follows is moved away from the entry; negative "
        "ones bring it nearer: with `5` at ticks of 0.00001 a stop at 1.09 of a long position becomes 1.08995.",
        "add_profit_points": "The same for the take-profit.",
        "lock": "Which of the target's stops stay once they are set.",
        "min_distance": "What becomes of a stop that is closer to the price than the venue allows (`STOP_TOO_CLOSE`).",
        "fixed": "Stops of our own, instead of the source's or where it has none.",
    },
    FixedStops: {
        "stop_loss": 'Distance of the stop-loss from the target\'s entry, > 0, such as `"50 pips"`.',
        "take_profit": "Likewise, of the take-profit.",
        "fallback": "Only while the source has none: what it sets later takes their place.",
    },
    Exits: {
        "min_hold": "A copy is not closed after its source before it has been open for so long.",
        "ignore_close": "The source's close is not followed while all of the copy has both a stop-loss and a "
        "take-profit at the target: they end it.",
        "ignore_close_for": "For how long it is ignored then, instead of for ever.",
        "break_even": 'Once in so much profit, the stop-loss goes to the entry: with `{ trigger = "30 pips", lock = '
        '"2 pips" }` a copy bought at 1.1000 has its stop-loss at 1.1002 from a price of 1.1030 on.',
        "reverse_break_even": "Once in so much loss, the take-profit goes to the entry, so that the copy ends without "
        "loss when the price comes back.",
        "trailing": "The stop-loss follows the price.",
        "max_open": "A copy is closed when it has been open for so long, whatever its source does, and not opened "
        "again.",
    },
    BreakEven: {
        "trigger": "How far the price has to come, > 0.",
        "lock": "How far beyond the entry the stop goes, on the side of profit; without it to the entry itself.",
    },
    Trailing: {
        "distance": "How far behind the price, > 0.",
        "activate": "The profit from which on it follows; without it at any profit.",
        "step": "How much better a new stop-loss must be to be set; without it any better one is.",
    },
    Throttle: {
        "max_opens": "How many, 1 to 1000.",
        "window": "How long an opening counts, 1 s to 1 day.",
    },
    EquityCurve: {
        "samples": "How many the mean is of, 2 to 200.",
        "every": "The time between two, 1 minute to 7 days.",
        "of": "Whose equity: the source's, or the target's own.",
        "while_short": "What becomes of new risk while fewer samples are known (`EQUITY_CURVE_SHORT`).",
    },
    AfterLosses: {
        "multiplier": "By what each loss multiplies the next size, > 0 and at most 10: with `2` a size of 0.1 lots is "
        "0.2 after one loss and 0.4 after two.",
        "levels": "How many losses count at most, 1 to 10.",
        "wins": "How many wins one after another let it begin anew, 1 to 100.",
        "reset_after": "A time without any result after which it begins anew, 1 minute to 366 days.",
        "even_within": 'A copy that ended so near to its entry counts as neither, such as `"2 points"`; without it '
        "only one that ended at its entry.",
        "by_symbol": "Each symbol of the source counts by itself.",
    },
    Masaniello: {
        "events": "Copies of a series, 2 to 100.",
        "wins": "How many of them must win, fewer than `events`.",
        "payout": "What a win earns over what a loss costs, > 0 and at most 10: `1` where take-profit and stop-loss "
        "are equally far away.",
        "reset_after": "A time without any result after which a series begins anew, 1 minute to 366 days.",
        "even_within": "A copy that ended so near to its entry counts as neither; without it only one that ended at "
        "its entry.",
        "by_symbol": "Each symbol of the source has series of its own.",
    },
    SkipFirst: {
        "count": "How many, 1 to 1000.",
        "reset_after": "A quiet time after which the count begins anew, 1 s to 7 days.",
        "by_side": "Count buys and sells of the source apart.",
    },
    Delay: {
        "open": 'How long an opening is held back: `"2s"`, or a draw between two, `["1s", "5s"]`; up to 1 h, and less '
        "than `guard.max_age`.",
        "close": "How long the closing of a copy is held back after its source was closed, likewise.",
    },
    StartPolicy: {
        "open": "Copy what was open before we looked, skip it, or copy what is young enough.",
        "max_age": "What counts as young for `if_young`.",
        "max_deviation": "How much worse than the source's entry the target's price may then be.",
    },
    MismatchPolicy: {
        "grace": "How long a difference may last, for orders in flight; up to 1 h.",
        "tolerance": "How far the lots may be off: steps of the instrument, a percent of what should be held, or cash.",
        "action": "What is done by itself. Every mismatch is in the ledger.",
    },
    Together: {
        "symbols": "Patterns of the target's names, such as `['EURUSD', 'GBP.*']`.",
        "max_volume": "Lots of all of them, both sides together, > 0.",
    },
    PolicyLimits: {
        "max_positions": "Copies that the target may hold at once, >= 1.",
        "max_total_volume": "Lots over all copies of the target, > 0 (`MAX_TOTAL_VOLUME`).",
        "max_volume_per_symbol": "Lots of one of the target's symbols, both sides together, > 0 "
        "(`MAX_VOLUME_PER_SYMBOL`).",
        "together": "Groups of symbols that move alike and count as one (`MAX_VOLUME_TOGETHER`); a symbol may be in "
        "several.",
        "block_hedging": "Open nothing while the target holds the other side of the symbol, as some firms demand "
        "(`HEDGING_BLOCKED`).",
        "count_foreign": "Positions that are not ours count as well, in all limits here.",
        "max_risk": 'What a copy may lose from its entry to its stop-loss, `size.cost_per_lot` included: `"1 %"` or '
        '`"250 USD"`, > 0. One without a stop-loss waits and is denied (`MAX_RISK`, `STOP_MISSING`).',
        "max_risk_per_symbol": "What all copies of one of the target's symbols may lose together from their entries to "
        'their stop-losses, over all links: `"2 %"` or `"500 USD"`, > 0, without costs (`MAX_RISK_PER_SYMBOL`). What '
        "has a stop in profit makes up for nothing.",
        "max_total_risk": "The same over all symbols of the target (`MAX_TOTAL_RISK`).",
        "risk_of": "What the percentages of these two are of.",
        "no_stop": "What these two make of a copy without a stop-loss, or of one that the venue refused or does not "
        "show (`RISK_UNBOUNDED`, and `STOP_MISSING` for the new one, which waits for it).",
        "max_leverage": "What all positions together may be worth, over equity, > 0: with `10` and 10000 USD that is "
        "100000 USD (`MAX_LEVERAGE`).",
        "min_free_margin": 'Open nothing while the target has less free margin, such as `"30 %"` (`MARGIN_FREE_LOW`).',
        "max_stop_distance": "How far from the entry the target's stop-loss may lie, > 0 (`STOP_TOO_FAR`, "
        "`STOP_MISSING`).",
        "obey_source": "Open nothing while a [[limits]] row of the source's account forbids new risk there: with a "
        "trailing `max_loss` a drawdown filter (`SOURCE_LIMIT`; `LIMIT_UNKNOWN` while it cannot be judged).",
        "on_limit": "What becomes of a copy that volumes, risks or leverage leave too little room for.",
    },
}
