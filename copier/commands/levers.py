"""The operator's levers: links, accounts, approvals, limits."""

import getpass
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import trio
from cyclopts import Parameter

from copier.clock import utc_now
from copier.commands.configs import read_config
from copier.commands.exits import FAILED, FINE, WRONG_INPUT, explained, say
from copier.commands.read import FILE
from copier.commands.views import HERE, At
from copier.config.model import Configuration
from copier.engine.operator import REFUSED, acknowledging, reset_words
from copier.ledger.codec import encode
from copier.ledger.kept_alerts import raised
from copier.ledger.ledger import Entry, Ledger
from copier.ledger.records import KINDS, AcknowledgedRecord, AlertRecord, LeverRecord, LimitRecord
from copier.ledger.recovery import recover
from copier.service.control import NotRunning, control_path, pull_lever
from copier.telling.wording import printable
from copier.terminal.confirming import confirmed
from copier.terminal.pulling import pull, resumed
from copier.terminal.remote import Remote
from copier.terminal.where import Where
from rules.alerts.kinds import AlertKind
from rules.limits.limits import cleared
from rules.limits.state import LimitStage, stays_in_force
from rules.model.levers import Acknowledge, Approve, Lever, ResetLimit, SetAccount, SetLink, TradingState
from rules.model.values import AccountId, LinkId, PositionId
from rules.policy.links import LinkState

REASON_MAX = 500
"""Characters of a reason, and of a name: more than anybody types, and it fits the control socket."""


Why = Annotated[str, Parameter(help="Your reason; it is kept in the ledger.")]
Yes = Annotated[bool, Parameter(help="Do it without asking: it moves money.", negative=())]
Link = Annotated[str, Parameter(name="LINK")]
AccountName = Annotated[str, Parameter(name="ACCOUNT")]


def pause(link: Link, file: Path = FILE, /, *, why: Why, at: At = HERE) -> int:
    """Let LINK (such as `master->small`) open nothing new; what it holds is still closed with its source."""
    return operate(file, at, SetLink(LinkId(link), LinkState.PAUSED), why)


def close_only(link: Link, file: Path = FILE, /, *, why: Why, at: At = HERE) -> int:
    """Let LINK only close: no new copies, no increases."""
    return operate(file, at, SetLink(LinkId(link), LinkState.CLOSE_ONLY), why)


def resume(
    subject: Annotated[str, Parameter(name="LINK|ACCOUNT")], file: Path = FILE, /, *, why: Why, at: At = HERE
) -> int:
    """Lift what was set by hand on LINK (`pause`, `close-only`) or on ACCOUNT (`halt`, `flatten`)."""
    with explained():
        remote = at.remote()
        if remote is not None:
            return _say(trio.run(_resume_there, remote, subject, why))
        links = {link.link_id for link in read_config(file).links}
    if subject in links:
        return operate(file, at, SetLink(LinkId(subject), LinkState.ACTIVE), why)
    return operate(file, at, SetAccount(AccountId(subject), TradingState.ACTIVE), why)


def halt(account: AccountName, file: Path = FILE, /, *, why: Why, at: At = HERE) -> int:
    """Let ACCOUNT take no new risk over any link until `resume`; what is held still closes with its source."""
    return operate(file, at, SetAccount(AccountId(account), TradingState.HALTED), why)


def flatten(account: AccountName, file: Path = FILE, /, *, why: Why, yes: Yes = False, at: At = HERE) -> int:
    """Close everything copied to ACCOUNT and let it take no new risk until `resume`. What is not ours stays."""
    if not confirmed(f"this closes every copy on {printable(account)}{_there(at)}", account, yes=yes):
        return WRONG_INPUT
    return operate(file, at, SetAccount(AccountId(account), TradingState.FLAT), why)


def approve(
    position: Annotated[str, Parameter(name="ID")],
    file: Path = FILE,
    /,
    *,
    why: Why,
    yes: Yes = False,
    source: Annotated[str | None, Parameter(help="Its account, where several have a position of that ID.")] = None,
    at: At = HERE,
) -> int:
    """Let the waiting copies of source position ID be opened, if every other gate still lets them."""
    if at.url is not None and source is not None:
        say("over REST an id is approved of only where one account has it: expected no --source beside --url")
        return WRONG_INPUT
    if not confirmed(f"this may open copies of {printable(position)}{_there(at)}", position, yes=yes):
        return WRONG_INPUT
    return operate(file, at, Approve(PositionId(position), None if source is None else AccountId(source)), why)


def reset_limit(
    limit: Annotated[str, Parameter(name="LIMIT")],
    file: Path = FILE,
    /,
    *,
    why: Why,
    yes: Yes = False,
    at: At = HERE,
) -> int:
    """Lift LIMIT (such as `prop/max_loss`) after a breach: the account may take new risk again.

    A limit that is still in breach is breached again by the figures.
    """
    what = f"this lifts {printable(limit)}{_there(at)} and lets an account take new risk again"
    if not confirmed(what, limit, yes=yes):
        return WRONG_INPUT
    return operate(file, at, ResetLimit(limit), why)


def _there(at: Where) -> str:
    return "" if at.url is None else f" at {printable(at.url)}"


async def _pull_there(remote: Remote, lever: Lever, why: str) -> str:
    try:
        return await pull(remote, lever, why)
    finally:
        with trio.CancelScope(shield=True):
            await remote.aclose()


async def _resume_there(remote: Remote, subject: str, why: str) -> str:
    return await _pull_there(remote, await resumed(remote, subject), why)


def operate(file: Path, at: Where, lever: Lever, why: str) -> int:
    """Hand a lever to the running service, and say what it did; without one here, do what the ledger alone can do."""
    with explained():
        remote = at.remote()
        if remote is not None:
            return _say(trio.run(_pull_there, remote, lever, why[:REASON_MAX]))
        config = read_config(file)
        refused = _unknown(config, lever)
        if refused is not None:
            print(f"expected {refused}, found {printable(lever.key)}", file=sys.stderr)
            return WRONG_INPUT
        record = LeverRecord(lever, getpass.getuser()[:REASON_MAX], why[:REASON_MAX])
        try:
            said = trio.run(pull_lever, control_path(config.service.ledger), record)
        except NotRunning:
            said = _leave(config, record)
        return _say(said)


def _say(said: str) -> int:
    refused = said.startswith(REFUSED)
    print(printable(said), file=sys.stderr if refused else sys.stdout)
    return FAILED if refused else FINE


def _unknown(config: Configuration, lever: Lever) -> str | None:
    """Return what would have been known instead of a lever's subject, or None where the config knows it."""
    if isinstance(lever, SetLink) and lever.link_id not in {link.link_id for link in config.links}:
        return f"one of the links {', '.join(link.link_id for link in config.links) or '(none)'}"
    account = lever.account if isinstance(lever, SetAccount) else lever.source if isinstance(lever, Approve) else None
    if account is not None and account not in config.accounts:
        return f"one of the accounts {', '.join(config.accounts)}"
    if isinstance(lever, ResetLimit) and lever.limit_id not in {each.limit_id for each in config.limits}:
        return f"one of the limits {', '.join(each.limit_id for each in config.limits) or '(none)'}"
    return None


def _leave(config: Configuration, record: LeverRecord) -> str:
    """Do what a lever does while no service runs, or write it down for the next run.

    An approval is of a copy that waits in a running service.

    Raises:
        LedgerBusy: a service runs, and does not answer.
    """
    lever = record.lever
    if isinstance(lever, Approve):
        return f"{REFUSED}no service runs, so that no copy waits for an approval"
    ledger = Ledger.open(config.service.ledger)
    try:
        if isinstance(lever, ResetLimit):
            return _lift(ledger, config, record, lever)
        if isinstance(lever, Acknowledge):
            return _acknowledge(ledger, record, lever)
        ledger.append([Entry(KINDS[LeverRecord], "", encode(record))], utc_now())
    finally:
        ledger.close()
    return f"{lever.key}: {lever.state.value}, from the next start on"


def _acknowledge(ledger: Ledger, record: LeverRecord, lever: Acknowledge) -> str:
    rows, said = acknowledging(record, lever, partial(raised, ledger))
    ledger.append([Entry(KINDS[AcknowledgedRecord], row.account, encode(row), row.key) for row in rows], utc_now())
    return said


def _lift(ledger: Ledger, config: Configuration, record: LeverRecord, lever: ResetLimit) -> str:
    account = next(each.account for each in config.limits if each.limit_id == lever.limit_id)
    state = recover(ledger).limits.get(lever.limit_id)
    if state is None or not stays_in_force(state):
        return f"{lever.limit_id}: nothing was in force"
    said = AlertRecord(AlertKind.LIMIT_RESET.value, reset_words(record, lever), account)
    lifted = LimitRecord(account, cleared(state), LimitStage.OK.value)
    ledger.append(
        [
            Entry(KINDS[LeverRecord], "", encode(record)),
            Entry(KINDS[LimitRecord], account, encode(lifted)),
            Entry(KINDS[AlertRecord], account, encode(said)),
        ],
        utc_now(),
    )
    return f"{lever.limit_id}: lifted"
