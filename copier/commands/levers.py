"""The operator's levers that work while no service runs: `reset-limit`."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from copier.clock import utc_now
from copier.commands.configs import read_config
from copier.commands.exits import FINE, WRONG_INPUT, explained
from copier.ledger import Entry, Ledger
from copier.ledger_codec import encode
from copier.records import KINDS, AlertRecord, LimitRecord
from copier.recovery import recover
from copier.wording import printable
from rules.alerts import AlertKind
from rules.limits import cleared
from rules.limits_state import LimitStage
from rules.values import AccountId


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
