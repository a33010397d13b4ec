"""What the rows of a ledger say, folded: accounts as they were seen, copies as they stand, orders that may leave."""

from datetime import datetime
from fractions import Fraction

from attrs import define, field

from tests.checker.beginnings import Beginnings, name_of
from tests.checker.conduct import POSITIONS, Conduct, rule_id
from tests.checker.limits import Limits
from tests.checker.links import Config, Link, Rules
from tests.checker.mirror import PREFIX, as_position, is_mirror
from tests.checker.positions import Positions
from tests.checker.results import Results
from tests.checker.text import number
from tests.checker.trees import Row, Tree, kind_of
from tests.checker.windows import Calendar

HOLDING = ("close_only", "flatten")
"""What is done about a mismatch that lets a link open nothing while it lasts."""

Key = tuple[str, str]
"""A link and a source position, or an account and a symbol."""


@define
class Operator:
    """What a person has set by hand and not lifted: states of links and of accounts."""

    links: dict[str, str] = field(factory=dict)
    accounts: dict[str, str] = field(factory=dict)

    def pull(self, lever: Tree) -> None:
        if kind_of(lever) == "Approve":
            return  # what it approves of is told by the copies
        links = kind_of(lever) == "SetLink"
        states, name = (self.links, lever["link_id"]) if links else (self.accounts, lever["account"])
        states.pop(name, None)
        if lever["state"] != "active":
            states[name] = lever["state"]


@define
class Facts:
    """State at one row of the ledger."""

    config: Config
    limits: Limits
    conduct: Conduct
    results: Results
    single: Positions
    beginnings: Beginnings = field(factory=Beginnings)
    positions: dict[Key, Tree] = field(factory=dict)
    """Open source positions by account and id."""
    seen: set[Key] = field(factory=set)
    """Source positions of which this run has seen something."""
    known_at: dict[str, datetime] = field(factory=dict)
    """When each source was first seen whole in this run."""
    instruments: dict[Key, Tree | None] = field(factory=dict)
    quotes: dict[Key, Tree] = field(factory=dict)
    copies: dict[Key, Tree] = field(factory=dict)
    intents: dict[str, Tree] = field(factory=dict)
    held_back: dict[tuple[str, str, str], str] = field(factory=dict)
    net_stops: dict[Key, tuple[str, Fraction | None, Fraction | None]] = field(factory=dict)
    """The side and the stops that were last asked for of positions that stand for many copies."""
    flattening: Tree | None = None
    """The mismatch that has just begun, where it closes what its link holds of the instrument."""
    operator: Operator = field(factory=Operator)
    memories: dict[str, Tree] = field(factory=dict)
    calendars: dict[str, Tree] = field(factory=dict)
    ready: set[str] = field(factory=set)
    """Targets that have shown that they answer, and have not been lost since."""
    contradictions: list[str] = field(factory=list)

    @classmethod
    def of(cls, config: Config) -> "Facts":
        single = Positions({rule_id(row): row for row in config.conduct if row["kind"] in POSITIONS})
        conduct = Conduct(config.conduct, config.zone)
        return cls(config, Limits(config.limits), conduct, Results(config.results), single)

    def restart(self) -> None:
        """Forget what only lived in memory."""
        for known in (self.positions, self.instruments, self.quotes, self.calendars, self.known_at):
            known.clear()
        self.seen.clear()
        self.ready.clear()
        self.results.restart()
        self.single.restart()
        self.beginnings.restart()
        for copy in sorted(self.copies.values(), key=holds):  # what one link was denied may have been moved since
            if copy["order"] is not None:
                self.beginnings.remember(copy["source"], copy["order"])

    def observe(self, row: Row) -> None:
        """Take something that was observed of an account."""
        event = row.tree["event"]
        account = event["account"]
        match kind_of(event):
            case "PositionReported":
                position = event["position"]
                self.positions[account, position["position_id"]] = position
                self.beginnings.seen.setdefault(name_of(account, position), row.at)
                self.seen.add((account, position["position_id"]))
            case "PositionClosed":
                self.positions.pop((account, event["position_id"]), None)
                self.beginnings.forget(account, event["position_id"])
                self.seen.add((account, event["position_id"]))
            case "OrderReported":
                self.beginnings.reported(account, event["order"])
            case "OrderEnded":
                self.beginnings.ended(event)
            case "FirstSeen":
                self.known_at[account] = event["received_at"]
            case "InstrumentReported":
                self.instruments[account, event["symbol"]] = event["instrument"]
            case "QuoteReported":
                self.quotes[account, event["quote"]["symbol"]] = event["quote"]

    def quote(self, account: str, quote: Tree | None) -> None:
        """Take a quote that a decision met."""
        if quote is not None:
            self.quotes[account, quote["symbol"]] = quote

    def order(self, link: Link, name: str) -> Tree | None:
        """Return the source's pending order that a name stands for, while it works."""
        return self.beginnings.working.get((link.source, name.removeprefix(PREFIX))) if is_mirror(name) else None

    def source_position(self, link: Link, name: str, copy: Tree | None) -> Tree | None:
        """Return a source position, or what a pending order would open."""
        if not is_mirror(name):
            return self.positions.get((link.source, name))
        order = self.order(link, name)
        return None if order is None else as_position(order, order["placed_at"] if copy is None else copy["opened_at"])

    def store(self, copy: Tree) -> None:
        key = (copy["link_id"], copy["source_position_id"])
        if copy["status"] == "ended" and copy["ending"] == "source_closed" and not holds(copy):
            self.copies.pop(key, None)
        else:
            self.copies[key] = copy

    def mismatch(self, tree: Tree) -> None:
        each = tree["mismatch"]
        key = (each["link_id"], each["symbol"], each["kind"])
        if tree["ended"]:
            self.held_back.pop(key, None)
            return
        if each["action"] == "flatten" and key not in self.held_back:
            self.flattening = each
        self.held_back[key] = each["action"]

    def flattened_by_mismatch(self, copy: Tree) -> str | None:
        """Return why a copy must be closed, where a mismatch of its link and instrument has just begun."""
        each = self.flattening
        if each is None or (copy["link_id"], copy["target_symbol"]) != (each["link_id"], each["symbol"]):
            return None
        return f"mismatch {each['kind']}"

    def memory_of(self, link_id: str) -> Tree:
        return self.memories.get(link_id) or {"link_id": link_id, "opens": [], "skips": [], "series": [], "curves": []}

    def maintenance_of(self, account: str) -> list[Calendar]:
        known = self.config.accounts[account]
        return [each.calendar for each in self.config.maintenance if each.fits(account, known)]

    def is_held_back(self, link: Link) -> bool:
        return any(key[0] == link.link_id and action in HOLDING for key, action in self.held_back.items())

    def forbidden(self, link: Link) -> str | None:
        """Return what forbids new risk on a link whatever it is: the config, an operator, a mismatch."""
        state = link.state
        if state == "active":
            state = self.operator.links.get(link.link_id, "close_only" if self.is_held_back(link) else state)
        if state != "active":
            return {"close_only": "LINK_CLOSE_ONLY", "paused": "LINK_PAUSED"}[state]
        return "ACCOUNT_HALTED" if link.target in self.operator.accounts else None

    def denied(self, account: str, now: datetime) -> str | None:
        """Return what of an account's rules forbids new risk; a budget that is used up forbids only what is new."""
        code = self.limits.denied(account) or ("FLAT_BY" if self.conduct.closed(account, now) else None)
        return code or self.results.denied(account, now)

    def source_denied(self, link: Link, rules: Rules, now: datetime) -> str | None:
        """Return what of the source account's rules forbids new risk, where a policy obeys it."""
        code = self.denied(link.source, now) if rules["limits"]["obey_source"] else None
        return code if code in (None, "LIMIT_UNKNOWN") else "SOURCE_LIMIT"

    # What a target holds by our records

    def copies_at(self, target: str) -> int:
        return sum(copy["target"] == target and holds(copy) for copy in self.copies.values())

    def lots_at(self, target: str) -> Fraction:
        return sum((exposure(copy) for copy in self.copies.values() if copy["target"] == target), Fraction(0))

    def lots_on(self, target: str, symbol: str, side: str) -> Fraction:
        """Return the lots on one side of a symbol, at most: what is being closed may not be closed yet."""
        legs = (leg for copy in self.copies.values() if copy["target"] == target for leg in copy["legs"])
        ours = (leg for leg in legs if is_live(leg) and leg["symbol"] == symbol and leg["side"] == side)
        return sum((most(leg) for leg in ours), Fraction(0))

    def symbols_at(self, target: str) -> list[str]:
        copies = (copy for copy in self.copies.values() if copy["target"] == target)
        return list(dict.fromkeys(leg["symbol"] for copy in copies for leg in copy["legs"]))

    def held_by(self, account: str) -> list[Tree]:
        return [position for (owner, _), position in self.positions.items() if owner == account]

    def cap(self, account: str, kind: str, status: Tree | None) -> Fraction | None:
        """Return the least that the account's own rules allow of what it holds, by its figures of now."""
        rows = [row for row in self.config.caps if row["account"] == account and row["kind"] == kind]
        return min((allowed(row, status) for row in rows), default=None)

    def cap_without_tiers(self, account: str, kind: str) -> Fraction:
        """Return what would be allowed where figures led to no tier."""
        rows = [row for row in self.config.caps if row["account"] == account and row["kind"] == kind]
        return min(number(row["amount"]) for row in rows)

    def stops_follow(self, link: Link) -> bool:
        return not self.config.nets(link.target) or self.config.nets(link.source)

    # Whether a target answers is not in the ledger; what the traces say of it must at least fit together.

    def may_be_away(self, account: str) -> bool:
        if account in self.ready:
            self.contradictions.append(f"{account} is said not to be ready, and was a moment before")
        return True

    def shows_ready(self, account: str) -> None:
        self.ready.add(account)

    def loses(self, account: str) -> None:
        self.ready.discard(account)


def allowed(row: Tree, status: Tree | None) -> Fraction:
    """Return what a cap allows: what its highest tier says that was reached, the least where nobody knows."""
    tiers, by = row.get("tiers", ()), row.get("by", "profit")
    figure = None if status is None else status["equity" if by == "equity" else "balance"]
    if figure is None:
        return min(number(each["amount"]) for each in (row, *tiers))
    figure -= number(row["initial_balance"]) if tiers and by == "profit" else 0
    reached = [each for each in tiers if number(each["from"]) <= figure]
    return number(max(reached, key=lambda each: number(each["from"]), default=row)["amount"])


def is_live(leg: Tree) -> bool:
    return leg["stage"] in ("opening", "working", "open")


def holds(copy: Tree) -> bool:
    """Tell whether a copy has, or may yet have, anything at the target."""
    return any(is_live(leg) for leg in copy["legs"])


def most(leg: Tree) -> Fraction:
    return Fraction(leg["volume"] if leg["stage"] in ("opening", "working") else leg["held"])


def leg_expected(leg: Tree) -> Fraction:
    """Return the lots that a leg holds once what is under way is done."""
    if leg["stage"] in ("opening", "working"):
        return Fraction(leg["volume"])
    if leg["stage"] != "open":
        return Fraction(0)
    leaving = leg["pending"]["volume"] if leg["pending"] is not None else 0
    return Fraction(leg["held"] - leaving)


def exposure(copy: Tree) -> Fraction:
    """Return the lots to reckon with before new risk: a reduction without an answer may not have been executed."""
    doubted = (leg["pending"] is not None and leg["pending"]["unknown"] for leg in copy["legs"])
    lots = (most(leg) if doubt else leg_expected(leg) for leg, doubt in zip(copy["legs"], doubted, strict=True))
    return sum(lots, Fraction(0))


def expected(copy: Tree) -> Fraction:
    return sum((leg_expected(leg) for leg in copy["legs"]), Fraction(0))
