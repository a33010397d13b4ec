"""The gates of new risk, in the order in which a denial is reported. Closing and reducing never pass here."""

from collections.abc import Callable
from datetime import timedelta

from rules.deciding.mirror import unable
from rules.gates import caps, entry, pacing, quiet_times
from rules.gates.equity_curve import equity_curve
from rules.gates.filters import check_filter, check_order_type
from rules.gates.grants import grant
from rules.gates.market import Market
from rules.gates.question import Finding, Grant, Question
from rules.model.beginnings import Beginning
from rules.model.instruments import Instrument
from rules.model.look_ups import LookUp
from rules.model.reasons import Reason
from rules.model.state import AccountView
from rules.model.trace import Denied, Trace
from rules.model.values import AccountId, Symbol
from rules.policy.links import CopyLink, LinkState
from rules.policy.pending import PendingOrders
from rules.policy.symbols import map_symbol

_MARKET_GATES: tuple[Callable[[Market], Denied | None], ...] = (
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


def judge_new_risk(question: Question) -> tuple[Grant | Denied, Trace, tuple[LookUp, ...]]:
    """Return what the gates say, why, and what must be looked up before a waiting denial can clear."""
    finding = Finding()
    policy = question.link.policy
    if policy.row is not None:
        finding.note("per_symbol", f"row {policy.row}", ("symbol", question.position.symbol), ("policy", policy.name))
    answer = _early_gates(question, finding) or _market_gates(question, finding)
    return answer, tuple(finding.trace), tuple(finding.look_ups)


def _early_gates(question: Question, finding: Finding) -> Denied | None:
    """Judge what needs neither an instrument nor a price."""
    link, target = question.link, question.target
    if link.state in _NO_NEW_RISK:
        return finding.deny("link", _NO_NEW_RISK[link.state])
    forbidden = forbids_entry(target)
    if forbidden is not None:
        return finding.no(forbidden)
    filtered = check_filter(link.policy.filter, question.position)
    denied = filtered or _began(question) or _possible(question)
    return None if denied is None else finding.no(denied)


ASK_AGAIN = timedelta(seconds=1)
"""How a position began is asked again after this, besides at each look at the source's books."""


def _began(question: Question) -> Denied | None:
    """Judge how a new position began; one that is reopened was judged before."""
    policy, beginning = question.link.policy, question.beginning
    if not policy.asks_beginning or question.increase_of is not None or question.reopening:
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


def _possible(question: Question) -> Denied | None:
    """Refuse a pending order that cannot have its like at the target."""
    if question.order is None:
        return None
    return unable(question.order, question.link.policy, question.source, question.target)


def _market_gates(question: Question, finding: Finding) -> Grant | Denied:
    mapped = map_symbol(question.link.policy.symbols, question.position.symbol, question.now)
    if isinstance(mapped, Denied):
        return finding.no(mapped)
    mapped = mapped.in_contract(question.held_in)
    if mapped.row is not None:
        by = "" if mapped.preset is None else f", preset {mapped.preset}"
        names = (("from", question.position.symbol), ("to", mapped.symbol))
        finding.note("symbol", f"row {mapped.row} of the map{by}", *names)
    instrument = _instrument(question, mapped.symbol, mapped.row is not None, finding)
    if isinstance(instrument, Denied):
        return instrument
    market = Market(question, finding, mapped.symbol, instrument, mapped.max_price_ratio)
    for gate in _MARKET_GATES:
        denied = gate(market)
        if denied is not None:
            return finding.no(denied)
    answer = grant(market)
    if isinstance(answer, Grant):
        answer = pacing.delay(market) or answer
    return finding.no(answer) if isinstance(answer, Denied) else answer


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
