"""The gates of new risk, in the order in which a denial is reported. Closing and reducing never pass here."""

from datetime import datetime, timedelta

from rules.deciding.mirror import unable
from rules.gates import caps, entry, pacing, quiet_times
from rules.gates.alike import Gate
from rules.gates.equity_curve import equity_curve
from rules.gates.filters import check_filter, check_order_type
from rules.gates.grants import grant
from rules.gates.heard import Heard
from rules.gates.market import Market, market_of
from rules.gates.question import Finding, Grant, Question
from rules.model.beginnings import Beginning
from rules.model.instruments import Instrument
from rules.model.look_ups import LookUp
from rules.model.observed import Position
from rules.model.reasons import Reason
from rules.model.state import AccountView
from rules.model.trace import Denied, Note, Trace
from rules.model.values import AccountId, Symbol
from rules.policy.links import CopyLink, CopyPolicy, LinkState
from rules.policy.pending import PendingOrders
from rules.policy.symbols import Mapped, map_symbol

_MARKET_GATES: tuple[Gate, ...] = (
    entry.same_thing,
    entry.schedule,
    quiet_times.news,
    quiet_times.maintenance,
    entry.age,
    entry.price,
    equity_curve,
    pacing.skip_first,
    pacing.throttle,
    pacing.approval,
    caps.source_limits,
    caps.account_limits,
    caps.hedging,
    caps.positions,
)
"""Those that know the target's instrument; the size, the stops and the totals come after them."""

_ALIKE: frozenset[Gate] = frozenset({entry.same_thing, entry.age, entry.price})
"""Those that say the same of any new copy where targets show the same (see `rules.gates.alike.Shown`)."""

_NO_NEW_RISK = {LinkState.CLOSE_ONLY: Reason.LINK_CLOSE_ONLY, LinkState.PAUSED: Reason.LINK_PAUSED}


def forbids_new_risk(link: CopyLink, source: AccountView, target: AccountView) -> Denied | None:
    """Return what forbids by now an order that was granted and never left: the link's state, a person, or a limit."""
    if link.state in _NO_NEW_RISK:
        return Denied("link", _NO_NEW_RISK[link.state])
    if target.halted is not None:
        return _halted(target.account, target.halted)
    return caps.obeyed(link.policy, source) or target.denied


def forbids_entry(target: AccountView) -> Denied | None:
    """Return why the target cannot take new risk now, whatever it is: a person, its state, its queue."""
    if target.halted is not None:
        return _halted(target.account, target.halted)
    if not target.ready:
        return Denied("target", Reason.TARGET_NOT_READY, (("account", target.account),))
    if target.lagging:
        return Denied("target", Reason.TARGET_LAGGING, (("account", target.account),))
    return None


def _halted(account: AccountId, why: str) -> Denied:
    return Denied("target", Reason.ACCOUNT_HALTED, (("account", account), ("why", why)))


def hear(policy: CopyPolicy, source: AccountView, position: Position, now: datetime) -> Heard:
    """Return what a policy says of a source's position at any target."""
    row: Trace = ()
    if policy.row is not None:
        names = (("symbol", position.symbol), ("policy", policy.name))
        row = (Note("per_symbol", f"row {policy.row}", names),)
    mapped = map_symbol(policy.symbols, position.symbol, now)
    filtered = check_filter(policy.filter, position)
    side = position.side.opposite if policy.reverse else position.side
    named, gates = _named(position, mapped), _speaking(policy, source, now)
    own = tuple(gate for gate in gates if gate not in _ALIKE)
    return Heard(row, filtered, mapped, named, side, policy.asks_beginning, gates, own)


def _named(position: Position, mapped: Mapped | Denied) -> Note | None:
    if isinstance(mapped, Denied) or mapped.row is None:
        return None
    by = "" if mapped.preset is None else f", preset {mapped.preset}"
    return Note("symbol", f"row {mapped.row} of the map{by}", (("from", position.symbol), ("to", mapped.symbol)))


def _speaking(policy: CopyPolicy, source: AccountView, now: datetime) -> tuple[Gate, ...]:
    """Return the gates that may have something to say; the others let everything pass, whatever the target."""
    silent: dict[Gate, bool] = {
        entry.schedule: entry.takes_now(policy, now),
        quiet_times.news: policy.news is None,
        equity_curve: policy.equity_curve is None,
        pacing.skip_first: policy.skip_first is None,
        pacing.throttle: policy.throttle is None,
        pacing.approval: not policy.approval,
        caps.source_limits: caps.obeyed(policy, source) is None,
        caps.hedging: not policy.limits.block_hedging,
    }
    return tuple(gate for gate in _MARKET_GATES if not silent.get(gate))


def judge_new_risk(question: Question) -> tuple[Grant | Denied, Trace, tuple[LookUp, ...]]:
    """Return what the gates say, why, and what must be looked up before a waiting denial can clear."""
    heard = question.heard
    if heard is None:
        heard = hear(question.link.policy, question.source, question.position, question.now)
    finding = Finding([*heard.row])
    answer = _early_gates(question, heard, finding) or _market_gates(question, heard, finding)
    return answer, tuple(finding.trace), tuple(finding.look_ups)


def _early_gates(question: Question, heard: Heard, finding: Finding) -> Denied | None:
    """Judge what needs neither an instrument nor a price."""
    link, target = question.link, question.target
    if link.state in _NO_NEW_RISK:
        return finding.deny("link", _NO_NEW_RISK[link.state])
    denied = forbids_entry(target) or heard.filtered
    if denied is None and heard.asks_beginning:
        denied = _began(question)
    if denied is None and question.order is not None:
        denied = unable(question.order, link.policy, question.source, target)
    return None if denied is None else finding.no(denied)


ASK_AGAIN = timedelta(seconds=1)
"""How a position began is asked again after this, besides at each look at the source's books."""


def _began(question: Question) -> Denied | None:
    """Judge how a new position began; one that is reopened was judged before."""
    policy, beginning = question.link.policy, question.beginning
    if question.increase_of is not None or question.reopening:
        return None
    if beginning is None:
        numbers = (("symbol", question.position.symbol),)
        return Denied("pending", Reason.BEGINNING_UNKNOWN, numbers, question.now + ASK_AGAIN)
    order = beginning.order or question.order
    if beginning.over and order is not None:
        return Denied("pending", Reason.PENDING_ENDED, (("order", order.order_id),))
    if order is not None and policy.pending is PendingOrders.SKIP:
        what = (("order", order.order_id), ("order_type", order.order_type.value))
        return Denied("pending", Reason.PENDING_SKIPPED, what)
    return check_order_type(policy.filter, Beginning(order))


def _market_gates(question: Question, heard: Heard, finding: Finding) -> Grant | Denied:
    mapped, named = heard.mapped, heard.named
    if isinstance(mapped, Denied):
        return finding.no(mapped)
    if question.held_in is not None:
        mapped = mapped.in_contract(question.held_in)
        named = _named(question.position, mapped)
    if named is not None:
        finding.trace.append(named)
    instrument = _instrument(question, mapped.symbol, mapped.row is not None, finding)
    if isinstance(instrument, Denied):
        return instrument
    market = market_of(question, heard, finding, mapped, instrument)
    denied = _ask(market, heard)
    if denied is not None:
        return finding.no(denied)
    answer = grant(market)
    if isinstance(answer, Grant):
        answer = pacing.delay(market) or answer
    return finding.no(answer) if isinstance(answer, Denied) else answer


def _ask(market: Market, heard: Heard) -> Denied | None:
    """Let the gates speak. Those that say the same to all that are alike are not asked again once they kept silent."""
    said = len(market.finding.trace)
    for gate in market.alike.gates:
        denied = gate(market)
        if denied is not None:
            return denied
    if market.alike.gates is heard.gates and len(market.finding.trace) == said:
        market.alike.gates = heard.own_gates
    return None


def _instrument(question: Question, symbol: Symbol, by_map: bool, finding: Finding) -> Instrument | Denied:
    target = question.target
    instrument = target.instruments.get(symbol)
    if instrument is not None and instrument.tradable:
        return instrument
    if symbol not in target.instruments:
        finding.look_ups.append(LookUp(target.account, symbol, quote=True))
        return finding.deny("instrument", Reason.INSTRUMENT_UNKNOWN, ("symbol", symbol))
    finding.look_ups.append(LookUp(target.account, symbol))  # for the next one: it may be listed or opened by then
    if instrument is None:
        reason = Reason.SYMBOL_ABSENT if by_map else Reason.SYMBOL_UNMAPPED
        return finding.deny("symbol", reason, ("symbol", symbol), ("account", target.account))
    return finding.deny("symbol", Reason.SYMBOL_NOT_TRADABLE, ("symbol", symbol))
