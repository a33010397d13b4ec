"""The operator's levers over REST: each is asked for once."""

import shlex

from copier.terminal.asking import Refusal
from copier.terminal.remote import Remote, segment
from copier.web.dto import levers as bodies
from copier.web.dto.links import Link
from rules.model.frozen import frozen
from rules.model.levers import Acknowledge, Approve, Lever, ResetLimit, SetAccount, SetLink, TradingState
from rules.model.values import AccountId, LinkId
from rules.policy.links import LinkState

_LINKS = {LinkState.PAUSED: "pause", LinkState.CLOSE_ONLY: "close-only", LinkState.ACTIVE: "resume"}
_ACCOUNTS = {TradingState.HALTED: "halt", TradingState.FLAT: "flatten", TradingState.ACTIVE: "resume"}


@frozen
class _Request:
    path: str
    what: str
    see: str
    """The command whose view shows what became of it."""
    confirm: str | None = None


async def pull(remote: Remote, lever: Lever, why: str) -> str:
    """Pull a lever of a running service; return one sentence on what it did.

    Raises:
        Unreachable: nothing was sent. Refusal: nothing was done. NotKnown: it may have been done.
    """
    asked = _request(lever)
    see = f"copier {asked.see} --url {shlex.quote(remote.url)}"
    return await remote.command(asked.path, _body(lever, asked, why), asked.what, see)


def _body(lever: Lever, asked: _Request, why: str) -> object:
    if isinstance(lever, Acknowledge):
        return bodies.Acknowledge(list(lever.alerts), why)
    return bodies.Command(why) if asked.confirm is None else bodies.ConfirmedCommand(why, asked.confirm)


def _request(lever: Lever) -> _Request:
    match lever:
        case SetLink(link, state):
            return _Request(f"/links/{segment(link)}/{_LINKS[state]}", f"{_LINKS[state]} {link}", "links")
        case SetAccount(account, state):
            confirm = account if state is TradingState.FLAT else None
            path = f"/accounts/{segment(account)}/{_ACCOUNTS[state]}"
            return _Request(path, f"{_ACCOUNTS[state]} {account}", "status", confirm)
        case Approve(position):
            return _Request(f"/approvals/{segment(position)}", f"approve {position}", "events", position)
        case ResetLimit(limit):
            return _Request(f"/limits/{segment(limit)}/reset", f"reset-limit {limit}", "limits", limit)
        case Acknowledge():
            return _Request("/alerts/acknowledge", f"acknowledge {lever.key}", "alerts list")


async def resumed(remote: Remote, subject: str) -> Lever:
    """Return what lifts what was set on a link, or, where no link is called so, on an account.

    Raises:
        Unreachable, Refusal: the service does not say whether it is a link.
    """
    try:
        await remote.one(f"/links/{segment(subject)}", Link)
    except Refusal as error:
        if error.status != 404:
            raise
        return SetAccount(AccountId(subject), TradingState.ACTIVE)
    return SetLink(LinkId(subject), LinkState.ACTIVE)
