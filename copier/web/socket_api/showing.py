"""What there is to tell of the running service: every account's messages, and what is told once."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec
from attrs import define

from copier.ledger.records import AlertRecord, DecisionRecord
from copier.web.changes import Change
from copier.web.dto.decisions import decision_of
from copier.web.dto.limits import Limit
from copier.web.dto.words import as_builtins
from copier.web.socket_api import words
from copier.web.socket_api.fan_out import Notice, Shown
from copier.web.socket_api.histories import Histories
from copier.web.socket_api.past import Past
from copier.web.socket_api.session import CHANGES, DECISIONS, LIMITS
from copier.web.socket_api.values import Json, iso
from copier.web.socket_api.words import AccountNow, MissingMapping, account_id
from copier.web.surface import Surface
from rules.alerts.kinds import AlertKind
from rules.model.copies import Copy
from rules.model.reasons import Reason
from rules.model.values import AccountId, LinkId, Symbol

MAPPINGS_MAX: Final = 100
"""Symbols without a mapping that are told of one account: more are no list to read, and a source may hold thousands."""

_MINUTE: Final = timedelta(minutes=1)
"""How closely the 24 hours of the history are kept: older rows go within a minute."""


@define
class _Told:
    """The history's message, kept as long as nothing of it can have changed: it is the longest of all."""

    past: Past
    minute: datetime
    shown: Shown


class Showing:
    """Makes messages of what the surface shows (a `copier.web.socket_api.fan_out.Source`)."""

    def __init__(self, surface: Surface, histories: Histories, limits_of: Callable[[AccountId], list[Limit]]) -> None:
        self._surface = surface
        self._histories = histories
        self._limits_of = limits_of
        self._connected_at: dict[AccountId, datetime] = {}
        self._unmapped: dict[AccountId, dict[tuple[LinkId, Symbol], MissingMapping]] = {}
        self._told: dict[AccountId, _Told] = {}
        for copy in surface.book.all():
            self._note_mapping(copy, surface.utc_now())

    def accounts(self) -> Collection[AccountId]:
        return self._surface.views.keys()

    def show(self, account: AccountId) -> Mapping[str, Shown]:
        """Return all messages about an account by their kind, each complete; a history only once it is known."""
        now = self._now(account)
        shown = {
            words.INFORMATION: _information(account, now),
            words.POSITIONS: _shown(words.POSITIONS, account, {"openPositions": words.open_positions(now.view)}),
            "Limits": self._limits(account),
        }
        history = self._history(account, now)
        return shown if history is None else {**shown, words.HISTORY: history}

    def take(self, change: Change) -> Notice | None:
        """Look at a record that became durable; return what is told of it once."""
        match change.record:
            case DecisionRecord():
                self._note_mapping(change.record.copy, change.at)
                return self._decision(change, change.record)
            case AlertRecord(code=AlertKind.SESSION_LOST.value, over=True):
                self._connected_at[change.record.account] = change.at
        return None

    def _now(self, account: AccountId) -> AccountNow:
        surface, view = self._surface, self._surface.views[account]
        can, state = surface.account(account).capabilities, surface.session(account)
        balance = None if view.status is None else view.status.balance
        approvals = [copy for copy in surface.book.waiting_at(account) if copy.reason is Reason.APPROVAL_NEEDED]
        return AccountNow(
            view=view,
            at=surface.utc_now(),
            connected=state.state == "ready",
            refused=state.state == "refused",
            connected_at=self._connected_at.get(account, view.known_at),
            shows_orders=can.pending_orders,
            tells_history=can.history,
            past=self._histories.past(account, (tuple(view.positions), balance)) if can.history else None,
            limits=tuple(surface.limits.judgements(account)),
            mismatched=any(mismatch.target == account for mismatch in surface.mismatches),
            waiting=tuple(approvals),
            missing_mappings=tuple(self._unmapped.get(account, {}).values()),
            high_water_mark=surface.store.peak(account),
        )

    def _limits(self, account: AccountId) -> Shown:
        limits = as_builtins(self._limits_of(account))
        # What only counts down is no news; clients have the instants.
        key = [{name: value for name, value in limit.items() if name != "resets_in_s"} for limit in limits]
        body = msgspec.json.encode(_own("Limits", account, {"limits": limits}))
        return Shown(LIMITS, msgspec.json.encode(key), body)

    def _history(self, account: AccountId, now: AccountNow) -> Shown | None:
        if now.past is None:
            return None
        told, minute = self._told.get(account), now.at.replace(second=0, microsecond=0)
        if told is None or told.past is not now.past or minute - told.minute >= _MINUTE:
            shown = _shown(words.HISTORY, account, {"history": words.history(now)})
            told = self._told[account] = _Told(now.past, minute, shown)
        return told.shown

    def _decision(self, change: Change, record: DecisionRecord) -> Notice:
        copy = record.copy
        shown = as_builtins(decision_of(change.number, change.at, record))
        content = {"sourceAccountId": account_id(copy.source), "decision": shown}
        body = msgspec.json.encode(_own("Decision", copy.target, content))
        return Notice(copy.target, DECISIONS, body, needs=copy.source)

    def _note_mapping(self, copy: Copy, at: datetime) -> None:
        """Remember a symbol that no map of a link leads anywhere, and forget one that leads somewhere now."""
        found = self._unmapped.setdefault(copy.target, {})
        key = (copy.link_id, copy.source_symbol)
        if copy.reason is Reason.SYMBOL_UNMAPPED:
            found.pop(key, None)
            found[key] = MissingMapping(copy.link_id, copy.source, copy.source_symbol, at)
            while len(found) > MAPPINGS_MAX:
                del found[next(iter(found))]
        elif copy.target_symbol is not None:
            found.pop(key, None)


def _information(account: AccountId, now: AccountNow) -> Shown:
    info = words.information(now)
    body = words.message(words.INFORMATION, account, {"info": {**info, "timestamp": iso(now.at)}})
    return Shown(CHANGES, msgspec.json.encode(info), body)


def _shown(kind: str, account: AccountId, content: Json) -> Shown:
    body = words.message(kind, account, content)
    return Shown(CHANGES, body, body)


def _own(kind: str, account: AccountId, content: Json) -> Json:
    """Return a message of a queue of our own: the same envelope, and the account's name beside its id."""
    return {"type": kind, "data": {"accountId": account_id(account), "account": account, **content}}
