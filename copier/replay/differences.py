"""Compares a recorded run with its replay, trade by trade, and sums up what each won or lost."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from copier.replay.replay import Replay
from copier.replay.trades import InstrumentOf, Trade, TradeKey, outcome_words
from copier.telling.wording import money_words, printable, trace_words
from rules.model.frozen import frozen
from rules.model.values import LinkId, PositionId, plain

Results = tuple[tuple[str, Decimal], ...]
"""Sums by currency, in the order of their names."""


@frozen
class Change:
    """One thing that would have been different, in words."""

    what: str
    recorded: str
    replayed: str


@frozen
class Difference:
    """A trade that would not have been the same, and why: the steps of the replayed decision."""

    link_id: LinkId
    position_id: PositionId
    opened_at: datetime
    what: str
    """The source position, in a few words."""
    changes: tuple[Change, ...]
    steps: tuple[str, ...]


@frozen
class Comparison:
    """What a replay showed."""

    trades: int
    differences: tuple[Difference, ...]
    left_out: int
    """Trades whose position was not recorded."""
    recorded: Results
    replayed: Results
    without_result: int
    """Trades that are in neither sum: still open, or without a price, a contract size or a currency in one of them."""


def compare(replay: Replay) -> Comparison:
    """Return how the replayed run differs from the recorded one."""
    recorded, replayed = replay.recorded.trades, replay.replayed.trades
    keys = [key for key in recorded if key not in replay.left_out]
    keys += [key for key in replayed if key not in recorded]
    keys.sort(key=lambda key: (key[2], key[0], key[1]))
    instrument_of = replay.instrument_of
    links = {key[0] for key in recorded}, {link.link_id for link in replay.config.links}
    differences, sums = [], _Sums()
    for key in keys:
        before, after = recorded.get(key), replayed.get(key)
        outcomes = [_outcome(trade, key[0] in named) for trade, named in zip((before, after), links, strict=True)]
        changes = (*_changed("outcome", *outcomes), *_changes(before, after, instrument_of))
        if changes:
            differences.append(_difference(key, before, after, changes))
        sums.add(before, after, instrument_of)
    return Comparison(
        len(keys), tuple(differences), len(replay.left_out), sums.recorded, sums.replayed, sums.without_result
    )


class _Sums:
    """Results of trades of which both runs' are known: a sum over others would compare nothing."""

    def __init__(self) -> None:
        self._sums: tuple[dict[str, Decimal], dict[str, Decimal]] = ({}, {})
        self.without_result = 0

    def add(self, before: Trade | None, after: Trade | None, instrument_of: InstrumentOf) -> None:
        results = [_result(trade, instrument_of) for trade in (before, after)]
        if None in results:
            self.without_result += 1
            return
        for total, result in zip(self._sums, results, strict=True):
            if result is not None and result[1]:
                total[result[1]] = total.get(result[1], Decimal(0)) + result[0]

    @property
    def recorded(self) -> Results:
        return tuple(sorted(self._sums[0].items()))

    @property
    def replayed(self) -> Results:
        return tuple(sorted(self._sums[1].items()))


def _result(trade: Trade | None, instrument_of: InstrumentOf) -> tuple[Decimal, str] | None:
    """Return a trade's result; one that was never opened won and lost nothing."""
    if trade is None or not trade.deals:
        return None if trade is not None and trade.copy.holds else (Decimal(0), "")
    return trade.result(instrument_of)


def _outcome(trade: Trade | None, linked: bool) -> str:
    if trade is not None:
        return outcome_words(trade)
    return "not decided" if linked else "no such link"


def _changes(before: Trade | None, after: Trade | None, instrument_of: InstrumentOf) -> Iterator[Change]:
    if before is not None and after is not None and before.order is not None and after.order is not None:
        for what in ("symbol", "side", "stop_loss", "take_profit"):
            yield from _changed(what, getattr(before.order, what), getattr(after.order, what))
        yield from _changed("volume", before.opened, after.opened)
        if before.copy.ending is not after.copy.ending:
            yield from _changed("end", before.copy.ending, after.copy.ending)
    results = [_result(trade, instrument_of) for trade in (before, after)]
    if None not in results:
        yield from _changed("result", *(_result_words(result) for result in results))


def _result_words(result: tuple[Decimal, str] | None) -> str:
    """Return a known result; one without a currency is that of a trade that there was not."""
    return "nothing" if result is None or not result[1] else money_words(*result)


def _changed(what: str, before: object, after: object) -> Iterator[Change]:
    if before != after:
        yield Change(what.replace("_", " "), _words(before), _words(after))


def _words(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, Decimal):
        return plain(value)
    return printable(value if isinstance(value, str) else str(getattr(value, "value", value)).replace("_", " "))


def _difference(key: TradeKey, before: Trade | None, after: Trade | None, changes: tuple[Change, ...]) -> Difference:
    trade = after or before
    assert trade is not None  # a key comes from one of the two
    copy = trade.copy
    what = f"{copy.side.value} {plain(copy.followed)} " if copy.followed else f"{copy.side.value} "
    steps = () if after is None else tuple(trace_words(item) for item in after.trace)
    return Difference(key[0], key[1], key[2], what + printable(copy.source_symbol), changes, steps)
