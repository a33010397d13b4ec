"""The gates of new risk, in the order in which a denial is reported. Closing and reducing never pass here."""

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from attrs import define, field, frozen

from rules.events import Origin
from rules.filters import check_filter
from rules.guards import check_age, check_deviation, check_price_ratio, check_spread
from rules.instruments import Instrument, round_to_step
from rules.limits_policy import CapKind
from rules.observed import Position, Quote
from rules.policy import CopyLink, LinkState, SizeMode, StartOpen, StopsMode
from rules.reasons import Reason
from rules.schedule import Open
from rules.sizing import Sized, following_volume, size_copy
from rules.state import AccountView, stops_follow
from rules.stops import TargetStops, target_stops
from rules.symbols import map_symbol
from rules.trace import Denied, Note, Trace
from rules.values import AccountId, Price, Side, Symbol, Volume, plain

QUOTE_AGE_MAX = timedelta(seconds=2)
"""A quote older than this judges no deviation and no spread. Two round trips to a slow venue."""

PAIR_QUOTE_AGE_MAX = timedelta(days=1)
"""Old enough quotes still tell gold from an index: the price ratio asks for a tenth, not for a tick."""


UNCAPPED = Volume(10**12)
"""Lots that no venue has."""


@frozen
class LookUp:
    """Something to ask a venue before the question can be decided; `quote` asks for a fresh price too."""

    account: AccountId
    symbol: Symbol
    quote: bool = False
    awaited: bool = True
    """Decide again when the answer is here; False only wants it known for a later turn."""


@frozen
class Question:
    """New risk to judge: this source position, on this link, now.

    `increase_of` is the copy's entry ratio and expected volume where a copy grows, None for a new copy. `seen_at` is
    when we first saw what is asked for: an increase carries no time of its own.
    """

    now: datetime
    link: CopyLink
    source: AccountView
    target: AccountView
    position: Position
    origin: Origin
    seen_at: datetime
    increase_of: tuple[Fraction, Volume] | None = None


@frozen
class Grant:
    """New risk that every gate let pass."""

    symbol: Symbol
    side: Side
    instrument: Instrument
    sized: Sized
    stops: TargetStops
    expected_price: Price | None


@define
class Finding:
    """The answer while it is being found, with everything that the rules had to say."""

    trace: list[Note | Denied] = field(factory=list)
    look_ups: list[LookUp] = field(factory=list)

    def deny(self, rule: str, reason: Reason, *numbers: tuple[str, str], until: datetime | None = None) -> Denied:
        return self.no(Denied(rule, reason, numbers, until))

    def no(self, denied: Denied) -> Denied:
        self.trace.append(denied)
        return denied

    def note(self, rule: str, outcome: str, *numbers: tuple[str, str]) -> None:
        self.trace.append(Note(rule, outcome, numbers))


def judge_new_risk(question: Question) -> tuple[Grant | Denied, Trace, tuple[LookUp, ...]]:
    """Return what the gates say, why, and what must be looked up before a waiting denial can clear."""
    finding = Finding()
    answer = _early_gates(question, finding) or _market_gates(question, finding)
    return answer, tuple(finding.trace), tuple(finding.look_ups)


def _early_gates(question: Question, finding: Finding) -> Denied | None:
    """Judge what needs neither an instrument nor a price."""
    link, target = question.link, question.target
    if link.state is LinkState.CLOSE_ONLY:
        return finding.deny("link", Reason.LINK_CLOSE_ONLY)
    if link.state is LinkState.PAUSED:
        return finding.deny("link", Reason.LINK_PAUSED)
    if not target.ready:
        return finding.deny("target", Reason.TARGET_NOT_READY, ("account", target.account))
    if target.lagging:
        return finding.deny("target", Reason.TARGET_LAGGING, ("account", target.account))
    filtered = check_filter(link.policy.filter, question.position)
    return finding.no(filtered) if filtered is not None else None


def _market_gates(question: Question, finding: Finding) -> Grant | Denied:
    mapped = map_symbol(question.link.policy.symbols, question.position.symbol)
    if isinstance(mapped, Denied):
        return finding.no(mapped)
    if mapped.row is not None:
        finding.note(
            "symbol", f"row {mapped.row} of the map", ("from", question.position.symbol), ("to", mapped.symbol)
        )
    instrument = _instrument(question, mapped.symbol, mapped.row is not None, finding)
    if isinstance(instrument, Denied):
        return instrument
    market = Market(question, finding, mapped.symbol, instrument, mapped.max_price_ratio)
    for gate in (market.same_thing, market.schedule, market.age, market.price, market.limits):
        denied = gate()
        if denied is not None:
            return finding.no(denied)
    return market.grant()


def _instrument(question: Question, symbol: Symbol, by_map: bool, finding: Finding) -> Instrument | Denied:
    target = question.target
    if symbol not in target.instruments:
        finding.look_ups.append(LookUp(target.account, symbol, quote=True))
        return finding.deny("instrument", Reason.INSTRUMENT_UNKNOWN, ("symbol", symbol))
    instrument = target.instruments[symbol]
    if instrument is None or not instrument.tradable:
        finding.look_ups.append(LookUp(target.account, symbol))  # for the next one: it may be listed or opened by then
    if instrument is None:
        reason = Reason.SYMBOL_ABSENT if by_map else Reason.SYMBOL_UNMAPPED
        return finding.deny("symbol", reason, ("symbol", symbol), ("account", target.account))
    if not instrument.tradable:
        return finding.deny("symbol", Reason.SYMBOL_NOT_TRADABLE, ("symbol", symbol))
    return instrument


@define
class Market:
    """The gates that know the target's instrument."""

    question: Question
    finding: Finding
    symbol: Symbol
    instrument: Instrument
    max_price_ratio: Decimal | None

    @property
    def side(self) -> Side:
        side = self.question.position.side
        return side.opposite if self.question.link.policy.reverse else side

    def same_thing(self) -> Denied | None:
        """Refuse a mapped pair whose prices say that they are two different things."""
        guard, question = self.question.link.policy.guard, self.question
        ratio = self.max_price_ratio if self.max_price_ratio is not None else guard.max_price_ratio
        quote = question.target.fresh_quote(self.symbol, question.now, PAIR_QUOTE_AGE_MAX)
        position = question.position
        source_price = position.current_price if position.current_price is not None else position.open_price
        said = check_price_ratio(ratio, source_price, None if quote is None else quote.mid(), guard.require_quotes)
        if isinstance(said, Note):
            self.finding.trace.append(said)
            return None
        return said

    def schedule(self) -> Denied | None:
        schedule = self.question.link.policy.schedule
        if schedule is None:
            return None
        state = schedule.state(self.question.now)
        if isinstance(state, Open):
            return None
        numbers = (("schedule", schedule.name), ("why", state.why or "outside the open windows"))
        return Denied("schedule", Reason.SCHEDULE_CLOSED, numbers, state.until)

    def age(self) -> Denied | None:
        """Live: the guard's age. Found by reconciliation: the start policy stands in for the guard."""
        question, policy = self.question, self.question.link.policy
        if question.origin is Origin.LIVE:
            opened_at = question.position.opened_at if question.increase_of is None else question.seen_at
            return None if policy.guard.max_age is None else check_age(policy.guard.max_age, opened_at, question.now)
        start = policy.on_start
        if start.open is StartOpen.COPY:
            return None
        age = question.now - question.position.opened_at
        numbers = (("age", f"{age.total_seconds():.1f} s"), ("max_age", f"{start.max_age.total_seconds():.0f} s"))
        skipped = start.open is StartOpen.SKIP and not self.opened_since_start()
        if skipped or question.increase_of is not None or age > start.max_age:
            return Denied("on_start", Reason.DENIED_STALE, (("open", start.open.value), *numbers))
        return None

    def opened_since_start(self) -> bool:
        """Tell whether the position was opened after we first saw its account: a poll may be faster than the stream."""
        known_at = self.question.source.known_at
        return known_at is not None and self.question.position.opened_at > known_at

    def price(self) -> Denied | None:
        """Judge deviation and spread by a fresh quote of the target."""
        policy, live = self.question.link.policy, self.question.origin is Origin.LIVE
        deviation = policy.guard.max_deviation if live else policy.on_start.max_deviation
        spread = policy.guard.max_spread
        if deviation is None and spread is None:
            return None
        quote = self.quote()
        if quote is None:
            self.finding.look_ups.append(LookUp(self.question.target.account, self.symbol, quote=True))
            return Denied("guard", Reason.QUOTE_UNKNOWN, (("symbol", self.symbol),))
        denied = None if spread is None else check_spread(spread, quote, self.instrument)
        if denied is None and deviation is not None:
            denied = check_deviation(deviation, self.question.position.open_price, quote, self.side, self.instrument)
            if denied is not None and not live:
                return Denied("on_start", Reason.DENIED_STALE, denied.numbers)
        return denied

    def quote(self) -> Quote | None:
        return self.question.target.fresh_quote(self.symbol, self.question.now, QUOTE_AGE_MAX)

    def limits(self) -> Denied | None:
        target, caps = self.question.target, self.question.link.policy.limits
        if target.denied is not None:
            return target.denied
        if self.question.increase_of is not None:
            return None  # one copy more or less it is not
        if caps.max_positions is not None and target.copies >= caps.max_positions:
            numbers = (("held", str(target.copies)), ("max_positions", str(caps.max_positions)))
            return Denied("limits", Reason.MAX_POSITIONS, numbers)
        held = target.copies + target.foreign
        cap = self.cap(CapKind.MAX_POSITIONS)
        if cap is not None and held >= cap:
            found = (("held", str(held)), ("not_ours", str(target.foreign)), ("max_positions", plain(cap)))
            return Denied("[[limits]]", Reason.MAX_POSITIONS, found)
        return None

    def cap(self, kind: CapKind) -> Decimal | None:
        """Return the account's own cap of that kind, the lowest of several."""
        return min((cap.amount for cap in self.question.target.caps if cap.kind is kind), default=None)

    def totals(self, wanted: Volume) -> Denied | None:
        """Judge the lots that the account would hold: the policy sees copies, the account's own cap sees everything."""
        target = self.question.target
        everything = target.volume + target.foreign_volume
        for rule, held, cap in (
            ("limits", target.volume, self.question.link.policy.limits.max_total_volume),
            ("[[limits]]", everything, self.cap(CapKind.MAX_TOTAL_VOLUME)),
        ):
            if cap is not None and held + wanted > cap:
                numbers = (("held", plain(held)), ("wanted", plain(wanted)), ("max_total_volume", plain(cap)))
                return Denied(rule, Reason.MAX_TOTAL_VOLUME, numbers)
        return None

    def grant(self) -> Grant | Denied:
        """Size it, find its stops, and look at the totals that it would make."""
        sized = self.size()
        if isinstance(sized, Denied):
            return self.finding.no(sized)
        self.finding.trace.extend(sized.notes)
        stops = self.stops()
        if isinstance(stops, Denied):
            return self.finding.no(stops)
        self.finding.trace.extend(stops.notes)
        too_much = self.totals(sized.volume)
        if too_much is not None:
            return self.finding.no(too_much)
        return Grant(self.symbol, self.side, self.instrument, sized, stops, self.expected_price())

    def size(self) -> Sized | Denied:
        question, policy = self.question, self.question.link.policy
        contract_size = self.source_contract_size()
        if isinstance(contract_size, Denied):
            return contract_size
        if question.increase_of is not None:
            return self.grow(*question.increase_of)
        needs_reference = policy.size.mode in (SizeMode.BALANCE_RATIO, SizeMode.EQUITY_RATIO)
        return size_copy(
            policy.size,
            policy.volume,
            question.position,
            question.source.status if needs_reference else None,
            question.target.status if needs_reference else None,
            contract_size,
            self.instrument,
        )

    def source_contract_size(self) -> Decimal | Denied | None:
        """Return the source's contract size, by the position or by the source's own instrument."""
        source, position = self.question.source, self.question.position
        if position.contract_size is not None or self.question.link.policy.size.ignore_contract_size:
            return position.contract_size
        if self.instrument.contract_size is None:
            return None
        if position.symbol not in source.instruments:
            self.finding.look_ups.append(LookUp(source.account, position.symbol))
            return Denied("size", Reason.INSTRUMENT_UNKNOWN, (("symbol", position.symbol), ("account", source.account)))
        instrument = source.instruments[position.symbol]
        return None if instrument is None else instrument.contract_size

    def grow(self, ratio: Fraction, held: Volume) -> Sized | Denied:
        """Size an increase: what the entry's ratio asks for now, less what the copy has."""
        policy, volume = self.question.link.policy.volume, self.question.position.volume
        cap = UNCAPPED if policy.max is None else policy.max
        wanted = following_volume(ratio, volume, cap, self.instrument, policy) - held
        numbers = (("wanted", plain(max(wanted, Volume(0)))), ("volume_min", plain(self.instrument.volume_min)))
        if wanted < self.instrument.volume_min:
            return Denied("size", Reason.VOLUME_BELOW_MIN, numbers)
        capped = min(wanted, round_to_step(self.instrument.volume_max, self.instrument.volume_step))
        return Sized(ratio, capped, (capped,), (Note("size", "increase at the entry's ratio", numbers),))

    def stops(self) -> TargetStops | Denied:
        policy = self.question.link.policy
        entry = self.expected_price()
        required = policy.filter.require_stop_loss
        if policy.stops.mode is not StopsMode.NONE and not self.question.target.keeps_stops:
            numbers = (("account", self.question.target.account), ("stops.mode", policy.stops.mode.value))
            return Denied("stops", Reason.STOPS_UNSUPPORTED, numbers)
        if not stops_follow(self.question.source, self.question.target):
            return TargetStops(None, None, (Note("stops", "none: one netted position stands for several copies"),))
        return target_stops(
            policy.stops, policy.reverse, self.question.position, self.side, entry, self.instrument, required
        )

    def expected_price(self) -> Price | None:
        """Return the price that a market order would meet: the target's quote, else the source's own fill."""
        quote = self.quote()
        return self.question.position.open_price if quote is None else quote.entry(self.side)
