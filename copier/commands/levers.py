"""The operator's levers: links, accounts, approvals; and `reset-limit`, which works while no service runs."""

import getpass
import sys
from pathlib import Path
from typing import Annotated

import trio
from cyclopts import Parameter

from copier.clock import utc_now
from copier.commands.configs import read_config
from copier.commands.exits import FAILED, FINE, WRONG_INPUT, explained
from copier.config.model import Configuration
from copier.control import NotRunning, control_path, pull_lever
from copier.ledger import Entry, Ledger
from copier.ledger_codec import encode
from copier.operator import REFUSED
from copier.records import KINDS, AlertRecord, LeverRecord, LimitRecord
from copier.recovery import recover
from copier.wording import printable
from rules.alerts import AlertKind
from rules.levers import Approve, Lever, SetAccount, SetLink, TradingState
from rules.limits import cleared
from rules.limits_state import LimitStage
from rules.policy import LinkState
from rules.values import AccountId, LinkId, PositionId

FILE = Path("copier.toml")

REASON_MAX = 500
"""Characters of a reason, and of a name: more than anybody types, and it fits the control socket."""


Why = Annotated[str, Parameter(help="Your reason; it is kept in the ledger.")]
Yes = Annotated[bool, Parameter(help="Do it: it moves money.")]


def pause(link: Annotated[str, Parameter(name="LINK")], file: Path = FILE, /, *, why: Why) -> int:
    """Let LINK (such as `master->small`) open nothing new; what it holds is still closed with its source."""
    return _pull(file, SetLink(LinkId(link), LinkState.PAUSED), why)


def close_only(link: Annotated[str, Parameter(name="LINK")], file: Path = FILE, /, *, why: Why) -> int:
    """Let LINK only close: no new copies, no increases."""
    return _pull(file, SetLink(LinkId(link), LinkState.CLOSE_ONLY), why)


def resume(subject: Annotated[str, Parameter(name="LINK|ACCOUNT")], file: Path = FILE, /, *, why: Why) -> int:
    """Lift what was set by hand on LINK (`pause`, `close-only`) or on ACCOUNT (`halt`, `flatten`)."""
    with explained():
        links = {link.link_id for link in read_config(file).links}
    if subject in links:
        return _pull(file, SetLink(LinkId(subject), LinkState.ACTIVE), why)
    return _pull(file, SetAccount(AccountId(subject), TradingState.ACTIVE), why)


def halt(account: Annotated[str, Parameter(name="ACCOUNT")], file: Path = FILE, /, *, why: Why) -> int:
    """Let ACCOUNT take no new risk over any link until `resume`; what is held still closes with its source."""
    return _pull(file, SetAccount(AccountId(account), TradingState.HALTED), why)


def flatten(
    account: Annotated[str, Parameter(name="ACCOUNT")], file: Path = FILE, /, *, why: Why, yes: Yes = False
) -> int:
    """Close everything copied to ACCOUNT and let it take no new risk until `resume`. What is not ours stays."""
    if not yes:
        print(f"this closes every copy on {printable(account)}: add --yes", file=sys.stderr)
        return WRONG_INPUT
    return _pull(file, SetAccount(AccountId(account), TradingState.FLAT), why)


def approve(position: Annotated[str, Parameter(name="ID")], file: Path = FILE, /, *, why: Why, yes: Yes = False) -> int:
    """Let the waiting copies of source position ID be opened, if every other gate still lets them."""
    if not yes:
        print(f"this may open copies of {printable(position)}: add --yes", file=sys.stderr)
        return WRONG_INPUT
    return _pull(file, Approve(PositionId(position)), why)


def _pull(file: Path, lever: Lever, why: str) -> int:
    """Hand a lever to the running service; without one, leave a lasting one in the ledger for the next."""
    with explained():
        config = read_config(file)
        refused = _unknown(config, lever)
        if refused is not None:
            print(f"expected {refused}, found {printable(lever.key)}", file=sys.stderr)
            return WRONG_INPUT
        record = LeverRecord(lever, getpass.getuser()[:REASON_MAX], why[:REASON_MAX])
        try:
            said = trio.run(pull_lever, control_path(config.service.ledger), record)
        except NotRunning:
            said = _leave(config.service.ledger, record)
        print(printable(said), file=sys.stderr if said.startswith(REFUSED) else sys.stdout)
        return FAILED if said.startswith(REFUSED) else FINE


def _unknown(config: Configuration, lever: Lever) -> str | None:
    """Return what would have been known instead of a lever's subject, or None where the config knows it."""
    if isinstance(lever, SetLink) and lever.link_id not in {link.link_id for link in config.links}:
        return f"one of the links {', '.join(link.link_id for link in config.links) or '(none)'}"
    if isinstance(lever, SetAccount) and lever.account not in config.accounts:
        return f"one of the accounts {', '.join(config.accounts)}"
    return None


def _leave(path: Path, record: LeverRecord) -> str:
    """Write a lever down for the next run. An approval is of a copy that waits in a running service.

    Raises:
        LedgerBusy: a service runs, and does not answer.
    """
    if isinstance(record.lever, Approve):
        return f"{REFUSED}no service runs, so that no copy waits for an approval"
    ledger = Ledger.open(path)
    try:
        ledger.append([Entry(KINDS[LeverRecord], "", encode(record))], utc_now())
    finally:
        ledger.close()
    return f"{record.lever.key}: {record.lever.state.value}, from the next start on"


def reset_limit(
    limit: Annotated[str, Parameter(name="LIMIT")],
    file: Path = Path("copier.toml"),
    /,
    *,
    why: Annotated[str, Parameter(help="Your reason; it is kept in the ledger.")],
    yes: Annotated[bool, Parameter(help="Do it: the account may take new risk again.")] = False,
) -> int:
    """Lift LIMIT (such as `prop/max_loss`) after a breach. Stop the service first.

    A limit that is still in breach is breached again by the next figures.
    """
    with explained():
        config = read_config(file)
        account = next((each.account for each in config.limits if each.limit_id == limit), None)
        if account is None:
            known = ", ".join(each.limit_id for each in config.limits) or "none"
            print(f"expected a limit of {file} ({known}), found {printable(limit)}", file=sys.stderr)
            return WRONG_INPUT
        if not yes:
            print(f"this lets {account} take new risk again: add --yes", file=sys.stderr)
            return WRONG_INPUT
        ledger = Ledger.open(config.service.ledger)
        try:
            lifted = _lift(ledger, account, limit, why)
        finally:
            ledger.close()
        print(f"{limit}: {'lifted' if lifted else 'nothing was in force'}")
        return FINE


def _lift(ledger: Ledger, account: AccountId, limit: str, why: str) -> bool:
    state = recover(ledger).limits.get(limit)
    if state is None or state.latched is None:
        return False
    said = AlertRecord(AlertKind.LIMIT_RESET.value, f"{limit} was lifted by hand: {why}", account)
    entries = [
        Entry(KINDS[LimitRecord], account, encode(LimitRecord(account, cleared(state), LimitStage.OK.value))),
        Entry(KINDS[AlertRecord], account, encode(said)),
    ]
    ledger.append(entries, utc_now())
    return True
