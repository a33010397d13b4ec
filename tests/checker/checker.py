"""Walks a ledger's rows, makes every decision again, and tells each difference."""

from collections import deque
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from attrs import define, field

from tests.checker import answers, corrections, curves, keep_alive, mirror, net_stops
from tests.checker.differences import Checked, Difference, differing
from tests.checker.dues import due, held_back, only_stops, unfinished
from tests.checker.facts import Facts, Key, holds
from tests.checker.legs import replaced
from tests.checker.links import Config, Link
from tests.checker.lives import Case, Outcome, decide
from tests.checker.positions import Shown, offence_of
from tests.checker.text import Unchecked
from tests.checker.trees import Row, Tree, kind_of

CANCEL_AGAIN = timedelta(seconds=30)


def check(config: Config, rows: Iterable[Row], starts: Collection[int], shown: Iterable[Shown]) -> Checked:
    """Recompute everything in a ledger.

    Args:
        config: what the service ran by.
        rows: all of them, in order.
        starts: the numbers of the rows with which a run of the service began; a ledger does not tell.
        shown: what the targets' books showed, in order; a ledger does not tell that either.
    """
    rows = list(rows)
    walk = _Walk(Facts.of(config), config, deque(shown))
    for row in rows:
        walk.take(row, begins=row.seq in starts)
    walk.end(rows[-1])
    return walk.checked


@define
class _Walk:
    facts: Facts
    config: Config
    shown: deque[Shown]
    """What is yet to be shown."""
    checked: Checked = field(factory=Checked)
    _orders: list[Tree] = field(factory=list)
    """What the last decision must still lead to."""
    _to_remember: Tree | None = None
    """What the last decision's link must remember."""
    _dues: dict[Key, str] = field(factory=dict)
    """Copies that must be decided about before anything else happens."""
    _event: Tree = field(factory=dict)
    """The last thing that was observed."""
    _origin: str = ""
    _began: datetime | None = None
    """When the run began."""
    _last: datetime | None = None
    """When its last row so far was written."""
    _handing: Tree | None = None
    """A mirrored order's copy that has just ended, until that of its position has taken over."""
    _change_told: str = ""
    """The last alert on what a person changed at a target."""
    _canceled: dict[tuple[str, str], datetime] = field(factory=dict)
    """When an order of an account that must be flat was canceled last by what the books show."""
    _approved: str = ""
    """The source position that an operator approved of last."""

    def take(self, row: Row, *, begins: bool) -> None:
        if begins:
            self._settle_dues(row)
            self._end_run(row)
            self.facts.restart()
            self._began = row.at
            while self.shown and self.shown[0].begun < row.seq:
                self.shown.popleft()  # after its last row, to the run before, which nothing may have come of
        self._look(row)
        counts = row.kind == "limit" and row.tree["state"]["limit_id"] in self.facts.conduct.ids
        if not counts and self.facts.conduct.due:
            self._tell(row, f"nobody told what was counted: {self.facts.conduct.due}")
            self.facts.conduct.due.clear()
        if row.kind not in ("intent", "resend") and not counts and self._orders:
            self._tell(row, f"an order is missing: {self._orders[0]}")
            self._orders.clear()
        if row.kind not in ("intent", "resend", "memory") and not counts and self._to_remember is not None:
            self._tell(row, f"nobody remembered {self._to_remember}")
            self._to_remember = None
        handler = getattr(self, f"_{row.kind}", None)
        if handler is None:
            raise Unchecked(f"a row of kind {row.kind}")
        handler(row)
        self._last = row.at
        for text in self.facts.contradictions:
            self._tell(row, text)
        self.facts.contradictions.clear()

    def _look(self, row: Row) -> None:
        """Take what was shown by now; what should have been told before this row was not."""
        single, facts = self.facts.single, self.facts
        while self.shown and self.shown[0].at <= row.at:
            single.show(self.shown.popleft(), facts.instruments)
        self.checked.counts.update(single.within)
        single.within.clear()
        open_legs = [leg for copy in facts.copies.values() for leg in copy["legs"] if leg["stage"] == "open"]
        single.ticks(row.at, {leg["position_id"] for leg in open_legs})
        for text in single.missing(row.at):
            self._tell(row, text)

    def end(self, row: Row) -> None:
        """Look for what should have happened by now."""
        self._settle_dues(row)
        self._end_run(row)
        if self._orders:
            self._tell(row, f"an order is missing: {self._orders[0]}")
        for text in unfinished(self.facts, row.at):
            self._tell(row, text)

    def _end_run(self, row: Row) -> None:
        """Look for what should have happened by the clock alone; after a crash nobody knows until when it ran."""
        if self._began is not None and self._last is not None:
            for text in keep_alive.missed(self.facts, self._began, self._last):
                self._tell(row, text)

    def _tell(self, row: Row, text: str) -> None:
        self.checked.differences.append(Difference(row.seq, text))

    def _settle_dues(self, row: Row) -> None:
        for key, why in self._dues.items():
            self._tell(row, f"nothing was decided about {key} before this row: {why}")
        self._dues.clear()
        self.facts.flattening = None

    def _expect(self, key: Key, now: datetime) -> None:
        why = due(self.facts, self._link(key[0]), key[1], now)
        if why is not None:
            self._dues[key] = why

    def _link(self, link_id: str) -> Link:
        return self.config.link(link_id)

    # One kind of row each

    def _observed(self, row: Row) -> None:
        if row.tree["event"] != self._event:  # what is gone since the last run is told for each link
            self._settle_dues(row)
        self.facts.observe(row)
        self._event, self._origin = row.tree["event"], row.tree["origin"]
        if kind_of(self._event) == "OrderReported":
            order_id = self._event["order"]["order_id"]
            for link in self.config.links:
                if link.source == self._event["account"]:
                    self._expect((link.link_id, mirror.PREFIX + order_id), self._event["received_at"])
        if kind_of(self._event) not in ("PositionReported", "PositionClosed"):
            return
        position_id = self._event.get("position_id") or self._event["position"]["position_id"]
        for link in self.config.links:
            if link.source == self._event["account"]:
                self._expect((link.link_id, position_id), self._event["received_at"])

    def _decision(self, row: Row) -> None:
        new, because = row.tree["copy"], row.tree["because"]
        key = (new["link_id"], new["source_position_id"])
        old, link = self.facts.copies.get(key), self._link(key[0])
        source = self.facts.source_position(link, key[1], old)
        if because == "keep-alive":
            self._keep_alive(row)
            return
        if because == "order filled" and (self._handing is not None or mirror.is_mirror(key[1])):
            self._hand_over(row, link, old)
            return
        if because == "order gone" and old is not None:
            self._order_gone(row, old)
            return
        if old is not None and corrections.is_flattening(because, old, new):
            if not corrections.may_flatten(self.facts, link, old, new["flatten"], row.at):
                self._tell(row, f"nothing asks to flatten: {because}")
            self.checked.counts["flattened" if self.facts.flattening is None else "flattened by a mismatch"] += 1
        elif old is not None and corrections.is_approval(because, old, new):
            if self._approved != key[1]:
                self._tell(row, f"nobody approved of {key}")
            self.checked.counts["approved"] += 1
        elif old is not None and because in corrections.BY_BOOKS and self._by_books(because, old, new, source):
            self._told_of_change(row, link, old, new, because)
        else:
            self._dues.pop(key, None)
            self._recompute(row, link, old, source)
            self.facts.store(new)
            return
        self.facts.store(new)
        self._dues.pop(key, None)
        if (link.source, key[1]) in self.facts.seen or new["flatten"] is not None:
            self._expect(key, row.at)

    def _keep_alive(self, row: Row) -> None:
        """Decide again about a firing of a keep-alive trade."""
        new = row.tree["copy"]
        told = [each["reason"] for each in row.tree["trace"] if kind_of(each) == "Denied"]
        outcome = keep_alive.decided(self.facts, new, row.at, told[0] if told else None)
        self._compare(row, outcome, new, frozenset(told))
        self.facts.results.fired.add((new["source_position_id"].rsplit(" ", 1)[0], new["opened_at"]))
        self._orders = list(outcome.orders)
        self.facts.store(new)
        for code in told or ["keep-alive trade"]:
            self.checked.counts[code] += 1

    def _hand_over(self, row: Row, link: Link, old: Tree | None) -> None:
        """Take the end of a mirrored order's copy, or the copy of the position that takes it over."""
        new = row.tree["copy"]
        if mirror.is_mirror(new["source_position_id"]):
            self._handing = old
            expected = None if old is None else {**old, "status": "ended", "ending": "handed_over", "legs": []}
        else:
            order, self._handing = self._handing, None
            position = self.facts.positions.get((link.source, new["source_position_id"]))
            expected = None
            if position is not None and order is not None:
                rules = link.rules(position["symbol"])
                expected = mirror.handed_over(order, position, rules, row.at)[1]
                held = self.facts.held_by(link.source)
                opened_by = self.facts.beginnings.of(link.source, position, held, row.at, undecided=False)
                if opened_by is None or opened_by == "unknown" or opened_by["order_id"] != order["order"]["order_id"]:
                    self._tell(row, f"the position did not come of this order, but of {opened_by}")
            self.checked.counts["order taken over"] += 1
        if expected is None:
            self._tell(row, f"nothing was mirrored that {new} takes over")
        for text in differing(expected or {}, new):
            self._tell(row, f"{link.link_id} {new['source_position_id']}: {text}")
        self.facts.store(new)
        key = (link.link_id, new["source_position_id"])
        self._dues.pop(key, None)
        if self._handing is None:
            self._expect(key, row.at)

    def _order_gone(self, row: Row, old: Tree) -> None:
        """Take that a target shows a pending order of ours no more."""
        new, working = row.tree["copy"], [leg for leg in old["legs"] if leg["stage"] == "working"]
        doubted = [mirror.in_doubt({**leg, "step": leg["step"] + (leg["pending"] is not None)}) for leg in working]
        if new not in [replaced(old, leg) for leg in doubted]:
            self._tell(row, f"no order of it can be gone so: {new}")
        self.facts.store(new)
        self.checked.counts["order gone"] += 1

    def _by_books(self, because: str, old: Tree, new: Tree, source: Tree | None) -> bool:
        on_change = self._link(old["link_id"]).rules(old["source_symbol"]).on_target_change
        return corrections.by_books(because, old, new, source, on_change)

    def _told_of_change(self, row: Row, link: Link, old: Tree, new: Tree, because: str) -> None:
        """Look for the alert on what a person changed, where the policy wants one."""
        on_change = link.rules(old["source_symbol"]).on_target_change
        again = new["restored"] != old["restored"] or any(
            one["moved_to"] is None and (one["stop_loss"], one["take_profit"]) != (two["stop_loss"], two["take_profit"])
            for one, two in zip(old["legs"], new["legs"], strict=True)
        )
        wanted = because != "target closed it" and on_change != "adopt"
        about = f"{link.link_id} #{old['source_position_id']} " in self._change_told
        if wanted and not (about and self._change_told.endswith("put back once" if again else "left as they are")):
            self._tell(row, f"nobody told of it: {because}")
        self._change_told = ""
        self.checked.counts[f"{because}, put back" if again else because] += 1

    def _recompute(self, row: Row, link: Link, old: Tree | None, source: Tree | None) -> None:
        tree, new = row.tree, row.tree["copy"]
        told = [each["reason"] for each in tree["trace"] if kind_of(each) == "Denied"]
        case = Case(
            row.at,
            link,
            self.facts,
            new["source_position_id"],
            source,
            self._origin if tree["because"] in ("position", "closed") or old is None else old["origin"],
            old,
            self._event.get("close_price") if tree["because"] == "closed" else None,
            claimed=told[0] if told else None,
            order=self.facts.order(link, new["source_position_id"]),
        )
        if tree["known"] is not None:
            known = tree["known"]
            case.quote, case.source_status, case.target_status = known["quote"], known["source"], known["target"]
            self.facts.quote(link.target, known["quote"])
            for text in () if known["target"] is None else self.facts.limits.outlives(link.target, known["target"]):
                self._tell(row, text)
        outcome = decide(case)
        if old is not None and tree["known"] is None and not tree["orders"] and only_stops(outcome):
            outcome = held_back(case, old) or outcome  # by a price of which nothing but that is told
        self._compare(row, outcome, new, frozenset(told))
        self._orders, self._to_remember = list(outcome.orders), outcome.memory
        for code in [*told, *case.turned_on]:
            self.checked.counts[code] += 1

    def _compare(self, row: Row, outcome: Outcome, new: Tree, told: frozenset[str]) -> None:
        name = f"{new['link_id']} {new['source_position_id']} ({row.tree['because']})"
        if outcome.denied != told:
            self._tell(row, f"{name}: expected the denials {sorted(outcome.denied)}, found {sorted(told)}")
        if outcome.copy is None:
            self._tell(row, f"{name}: expected nothing to remember")
            return
        for text in differing(outcome.copy, new):
            self._tell(row, f"{name}: {text}")
        ids = [order["cl_ord_id"] for order in outcome.orders]
        if ids != row.tree["orders"]:
            self._tell(row, f"{name}: expected the orders {outcome.orders}, found {row.tree['orders']}")

    def _intent(self, row: Row) -> None:
        action = row.tree["action"]
        if action["cl_ord_id"] in self.facts.intents or row.key != action["cl_ord_id"]:
            self._tell(row, f"the id of {action} is not new")
        self.facts.intents[action["cl_ord_id"]] = action
        if not self._orders and kind_of(action) == "ReplaceStops":
            self._take_net_stops(row, action)
        elif not self._orders and kind_of(action) == "CancelOrder":
            self._take_flat_cancel(row, action)
        else:
            self._take_order(row, action)

    def _take_net_stops(self, row: Row, action: Tree) -> None:
        """Take an order of no copy, which only the books show the end of."""
        for text in net_stops.contradicts(self.facts, action):
            self._tell(row, text)
        stops = (action["side"], action["stop_loss"], action["take_profit"])
        self.facts.net_stops[action["account"], action["symbol"]] = stops
        self.checked.counts["stops of a netted position"] += 1
        self.facts.conduct.ordered(action, row.at)

    def _take_flat_cancel(self, row: Row, action: Tree) -> None:
        """Take the cancel of an order that a target's books show where everything there must go; once in a while."""
        facts, name = self.facts, (action["account"], action["order_id"])
        legs = (leg for copy in facts.copies.values() if copy["target"] == name[0] for leg in copy["legs"])
        works = any(leg["stage"] == "working" and leg["waits"]["order_id"] == name[1] for leg in legs)
        last = self._canceled.get(name)
        again = last is not None and row.at < last + CANCEL_AGAIN
        if not works or again or not facts.conduct.all_must_go(name[0], row.at):
            self._tell(row, f"nothing asks for {action}")
        self._canceled[name] = row.at
        self.checked.counts["cancel where all must go"] += 1
        facts.conduct.ordered(action, row.at)

    def _resend(self, row: Row) -> None:
        action = row.tree["action"]
        if action != self.facts.intents.get(action["cl_ord_id"]):
            self._tell(row, f"{action} was never intended like this")
        self._take_order(row, action)

    def _take_order(self, row: Row, action: Tree) -> None:
        if not self._orders:
            self._tell(row, f"nothing asks for {action}")
            return
        expected = self._orders.pop(0)
        for text in differing(expected, action):
            self._tell(row, f"order {action['cl_ord_id']}: {text}")
        if row.account != action["account"]:
            self._tell(row, f"an order of {action['account']} stands in a row of {row.account}")
        self.checked.counts[row.kind if row.kind == "resend" else kind_of(action)] += 1
        self.facts.conduct.ordered(action, row.at)

    def _report(self, row: Row) -> None:
        self._settle_dues(row)
        report, new = row.tree["report"], row.tree["copy"]
        key = (new["link_id"], new["source_position_id"])
        old = self.facts.copies.get(key)
        if old is None or report["cl_ord_id"] not in self.facts.intents:
            self._tell(row, f"a report on an order that nobody sent: {report}")
            return
        for text in differing(answers.settled(old, report, row.at), new):
            self._tell(row, f"after {kind_of(report)} of {key}: {text}")
        self.facts.store(new)
        self.checked.counts[kind_of(report)] += 1
        if (new["source"], key[1]) in self.facts.seen or new["flatten"] is not None:
            self._expect(key, row.at)

    def _forget(self, row: Row) -> None:
        key = (row.tree["link_id"], row.tree["source_position_id"])
        copy = self.facts.copies.pop(key, None)
        link = self._link(key[0])
        if copy is None or copy["status"] != "ended" or holds(copy) or (link.source, key[1]) in self.facts.positions:
            self._tell(row, f"{key} is forgotten although it is not over")

    def _limit(self, row: Row) -> None:
        if row.tree["state"]["limit_id"] in self.facts.conduct.ids:
            wrong = self.facts.conduct.told(row.tree["stage"], row.tree["state"], row.at)
            if wrong is not None:
                self._tell(row, wrong)
            self.checked.counts[f"budget {row.tree['stage']}"] += 1
            return
        if row.tree["state"]["limit_id"] in self.facts.results.ids:
            told = row.tree["stage"], row.tree["state"], row.at
            for text in self.facts.results.take(row.tree["account"], *told):
                self._tell(row, text)
            self.checked.counts[f"result {row.tree['stage']}"] += 1
            return
        for text in self.facts.limits.take(row.tree["account"], row.tree["stage"], row.tree["state"]):
            self._tell(row, text)
        for name in [f"limit {row.tree['stage']}", *self.facts.limits.turned_on]:
            self.checked.counts[name] += 1
        self.facts.limits.turned_on.clear()

    def _alert(self, row: Row) -> None:
        if row.tree["code"] == "target.changed":
            self._change_told = row.tree["text"]
        if row.tree["code"] == "session.lost":
            self.facts.loses(row.tree["account"])
        if row.tree["code"] == "position.offence":
            account, text = row.tree["account"], row.tree["text"]
            for wrong in self.facts.single.take(account, text, self.facts.instruments, row.at):
                self._tell(row, wrong)
            self.checked.counts[offence_of(text)] += 1

    def _mismatch(self, row: Row) -> None:
        self._settle_dues(row)
        self.facts.mismatch(row.tree)
        for key, copy in self.facts.copies.items():
            why = self.facts.flattened_by_mismatch(copy)
            if why is not None and holds(copy) and copy["flatten"] is None and copy["status"] != "ended":
                self._dues[key] = f"it must be closed: {why}"

    def _memory(self, row: Row) -> None:
        memory = row.tree["memory"]
        before = self.facts.memory_of(memory["link_id"])
        if memory["curves"] != before["curves"] and self._to_remember is None:
            self._take_sample(row, before, memory)
        elif memory != self._to_remember:
            self._tell(row, f"expected to remember {self._to_remember}, found {memory}")
        self.facts.memories[memory["link_id"]] = memory
        self._to_remember = None
        self.checked.counts["memory"] += 1

    def _take_sample(self, row: Row, before: Tree, memory: Tree) -> None:
        """Take a sample of an account's equity, which no decision led to."""
        if {**memory, "curves": before["curves"]} != before:
            self._tell(row, f"expected nothing but a sample, found {memory} after {before}")
        for text in curves.samples_wrong(self._link(memory["link_id"]), before["curves"], memory["curves"], row.at):
            self._tell(row, text)
        self.checked.counts["sample of equity"] += 1

    def _lever(self, row: Row) -> None:
        self._settle_dues(row)
        self.facts.operator.pull(row.tree["lever"])
        self._approved = row.tree["lever"].get("source_position_id", "")
        self.checked.counts[f"lever {kind_of(row.tree['lever'])}"] += 1

    def _calendar(self, row: Row) -> None:
        self._settle_dues(row)
        self.facts.calendars[row.tree["news"]] = row.tree["calendar"]

    def _history(self, row: Row) -> None:
        """Take what an account's history told; what limits of losses made of it is in their states."""
        self.facts.results.remember(row.tree["account"], row.tree["past"])

    def _checkpoint(self, row: Row) -> None:
        told = {(copy["link_id"], copy["source_position_id"]): copy for copy in row.tree["copies"]}
        if told != self.facts.copies:
            self._tell(row, "the checkpoint is not what the rows before it add up to")
