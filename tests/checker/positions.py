"""Rules on single positions, judged again by what the targets' books showed: losses, time, stops and lots.

No ledger keeps books, so the days write down what each target showed. Everything that offends must be told of at once,
with its numbers and once a run, and nothing else may be.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction

from attrs import define, field, frozen

from tests.checker.text import duration, number, share_or_cash
from tests.checker.trees import Tree

TOLD = re.compile(
    r"(?P<rule>\S+): position (?P<position>\S+) (?P<symbol>\S+) (?P<what>.*?)(?P<closed>, and is closed)?"
)
BLIND = re.compile(r"(?P<rule>\S+): what position (?P<position>\S+) \S+ loses cannot be told")
NUMBER = re.compile(r"-?[0-9]+(?:[.][0-9]+)?(?![0-9:-])")


@frozen
class Shown:
    """What a target showed at once: its figures, and all its positions by their ids."""

    begun: int
    """The number of the row with which the run began that it was shown to."""
    at: datetime
    account: str
    status: Tree | None
    positions: Mapping[str, Tree]


@frozen
class Offence:
    """What must be told of a position: the numbers, or since when it is open."""

    numbers: tuple[Fraction, ...] = ()
    since: datetime | None = None


@define
class Positions:
    """The rules, what was shown last, and what is to be told of it."""

    rows: Mapping[str, Tree]
    shown: dict[str, Shown] = field(factory=dict)
    told: set[tuple[str, str]] = field(factory=set)
    due: dict[tuple[str, str], datetime] = field(factory=dict)
    """Offences of rules and positions that must be told of by then."""
    closing: dict[tuple[str, str], set[str]] = field(factory=dict)
    """By account and rule: ids of the positions that are closed for it, and their symbols."""
    within: Counter[str] = field(factory=Counter)
    """How often a position was shown that kept a rule of these kinds, to be counted."""

    def restart(self) -> None:
        self.shown.clear()
        self.told.clear()
        self.due.clear()

    def show(self, shown: Shown, instruments: Mapping[tuple[str, str], Tree | None]) -> None:
        """Take a target's books."""
        self.shown[shown.account] = shown
        for name, row in self.rows.items():
            for position_id, position in shown.positions.items():
                key = (name, position_id)
                if row["account"] == shown.account and key not in self.told:
                    if offence(row, position, shown.status, instruments, shown.at) is not None:
                        self.due.setdefault(key, shown.at)
                    elif row["kind"] != "per_trade_loss" or loses(row, position, shown.status, instruments):
                        self.within[f"{row['kind']} kept"] += 1

    def ticks(self, now: datetime, held: set[str]) -> None:
        """Let time pass: what is still held becomes due by the clock alone."""
        for name, row in self.rows.items():
            books = self.shown.get(row["account"])
            for position_id, position in () if books is None else books.positions.items():
                at = due_at(row, position)
                if at is not None and at < now and position_id in held and (name, position_id) not in self.told:
                    self.due.setdefault((name, position_id), at)

    def missing(self, now: datetime) -> Iterable[str]:
        """Yield what should have been told before now."""
        for (name, position_id), at in list(self.due.items()):
            if at < now:
                yield f"nobody told that {position_id} offends {name} since {at}"
                self.due.pop((name, position_id))

    def take(
        self, account: str, text: str, instruments: Mapping[tuple[str, str], Tree | None], now: datetime
    ) -> Iterable[str]:
        """Take an alert on a position; yield what is wrong with it."""
        blind, found = BLIND.fullmatch(text), TOLD.fullmatch(text)
        known = blind or found
        row = None if known is None else self.rows.get(known["rule"])
        books = self.shown.get(account)
        if known is None or row is None or row["account"] != account or books is None:
            yield f"nothing that was shown explains this: {text}"
            return
        position = books.positions.get(known["position"])
        offends = None if position is None else offence(row, position, books.status, instruments, now)
        if blind is not None:
            lost = None if position is None else loss(row, position, books.status, instruments)
            if row["kind"] != "per_trade_loss" or (lost is not None and allowed(row, books.status) is not None):
                yield f"that can be told: {text}"
            return
        key = (known["rule"], known["position"])
        if offends is None or key in self.told:
            yield f"that is no offence, or was told before: {text}"
        elif not says(known["what"], offends):
            yield f"{offends} must be told, was: {text}"
        if (known["closed"] is None) is (row.get("follow", "close") == "close"):
            yield f"what follows is another thing: {text}"
        self.told.add(key)
        self.due.pop(key, None)
        if known["closed"] is not None:
            self.closing.setdefault((account, known["rule"]), set()).update((known["position"], known["symbol"]))

    def closes(self, copy: Tree, *, nets: bool) -> list[str]:
        """Return the rules that close a copy for a position of its own."""
        legs = [leg for leg in copy["legs"] if leg["stage"] in ("opening", "open")]
        names = {leg["symbol"] if nets else leg["position_id"] for leg in legs}
        own = {rule: held for (account, rule), held in self.closing.items() if account == copy["target"]}
        return [rule for rule, held in own.items() if names & held]


def offence_of(text: str) -> str:
    """Return as what an alert is counted."""
    found = TOLD.fullmatch(text)
    return "offence that cannot be told" if found is None else f"offence {found['rule'].split('/')[1]}"


def says(what: str, offends: Offence) -> bool:
    if offends.since is not None:
        return offends.since.isoformat(timespec="seconds") in what
    return offends.numbers == tuple(Fraction(each) for each in NUMBER.findall(what))


def offence(
    row: Tree, position: Tree, status: Tree | None, instruments: Mapping[tuple[str, str], Tree | None], now: datetime
) -> Offence | None:
    """Return how a position offends a rule; None: it does not, or nobody can tell."""
    if row["kind"] == "max_position_volume":
        most = number(row["volume"])
        return Offence((position["volume"], most)) if position["volume"] > most else None
    if row["kind"] == "per_trade_loss":
        lost, most = loss(row, position, status, instruments), allowed(row, status)
        return None if lost is None or most is None or lost < most else Offence((lost, most))
    at = due_at(row, position)
    return None if at is None or now < at else Offence(since=position["opened_at"])


def loss(
    row: Tree, position: Tree, status: Tree | None, instruments: Mapping[tuple[str, str], Tree | None]
) -> Fraction | None:
    """Return what a position loses now, without costs, in its account's currency; None where nobody can tell."""
    instrument = instruments.get((row["account"], position["symbol"]))
    if status is None or instrument is None or status["currency"] is None:
        return None
    size, price = instrument["contract_size"], position["current_price"]
    if size is None or price is None or instrument["profit_currency"] != status["currency"]:
        return None
    down = position["open_price"] - price if position["side"] == "buy" else price - position["open_price"]
    return Fraction(down * position["volume"] * size)


def loses(row: Tree, position: Tree, status: Tree | None, instruments: Mapping[tuple[str, str], Tree | None]) -> bool:
    lost = loss(row, position, status, instruments)
    return lost is not None and lost > 0


def allowed(row: Tree, status: Tree | None) -> Fraction | None:
    """Return what one position may lose: cash of the account's currency, or a share of the balance."""
    amount, unit = share_or_cash(row["amount"])
    if status is None:
        return None
    if unit == "%":
        return None if status["balance"] is None else amount * status["balance"]
    return amount if unit in (None, status["currency"]) else None


def due_at(row: Tree, position: Tree) -> datetime | None:
    """Return when time alone makes a position offend."""
    if row["kind"] == "max_open_time" or (row["kind"] == "stop_required" and position["stop_loss"] is None):
        return position["opened_at"] + duration(row["within"])  # type: ignore[no-any-return]  # an instant
    return None
