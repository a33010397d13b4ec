"""A target that is never asked: every order counts as executed as wished, so that the decisions go on as they would."""

from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path

import trio

from copier.clock import utc_now
from copier.engine.inputs import Intent
from copier.ledger.codec import encode
from copier.ledger.ledger import Entry, Ledger
from copier.ledger.records import KINDS, CheckpointRecord
from copier.ledger.recovery import recover
from rules.model.actions import Action, CancelOrder, OpenPosition, PlaceOrder, ReplaceOrder, ReplaceStops
from rules.model.reports import Canceled, Filled, Placed, Replaced, Report, StopsReplaced
from rules.model.values import AccountId, PositionId, VenueOrderId


class DryRun:
    """Takes the place of a `Dispatcher`; nothing leaves the process."""

    full = False

    def __init__(self, name: AccountId, *, report: Callable[[AccountId, Report], Awaitable[None]]) -> None:
        self._name = name
        self._report = report
        self._intents: deque[Intent] = deque()
        self._found: deque[Action] = deque()
        self._wake = trio.Event()

    def put(self, intent: Intent) -> None:
        self._intents.append(intent)
        self._wake.set()

    def find(self, action: Action) -> None:
        """Say of a pending order that works no more that it was not filled."""
        self._found.append(action)
        self._wake.set()

    async def run(self) -> None:
        """Answer until cancelled."""
        while True:
            while self._found:
                await self._report(self._name, Canceled(self._found.popleft().cl_ord_id))
            while self._intents:
                await self._report(self._name, as_wished(self._intents.popleft().action))
            self._wake = trio.Event()
            await self._wake.wait()


def as_wished(action: Action) -> Report:
    """Return the report of an order that was executed just as it was wanted."""
    match action:
        case OpenPosition():
            position_id = PositionId(f"dry-{action.cl_ord_id}")
            return Filled(action.cl_ord_id, position_id, action.volume, action.expected_price)
        case ReplaceStops():
            return StopsReplaced(action.cl_ord_id)
        case PlaceOrder():
            return Placed(action.cl_ord_id, VenueOrderId(f"dry-{action.cl_ord_id}"))
        case ReplaceOrder():
            return Replaced(action.cl_ord_id)
        case CancelOrder():
            return Canceled(action.cl_ord_id)
        case _:
            return Filled(action.cl_ord_id, action.position_id, action.volume, action.expected_price)


def ledger_copy(path: Path) -> Ledger:
    """Return a ledger in memory that goes on from the one at `path` (or from nothing), which is left as it is.

    Raises:
        LedgerRefused, LedgerFailed: the file cannot be read.
    """
    copy = Ledger.in_memory()
    if not path.exists():
        return copy
    original = Ledger.open(path, readonly=True)
    try:
        recovered = recover(original)
        intents = [
            original.by_key(leg.pending.cl_ord_id)
            for each in recovered.copies.values()
            for leg in each.legs
            if leg.pending
        ]
        checkpoint = CheckpointRecord(tuple(recovered.copies.values()), tuple(recovered.limits.values()), utc_now())
        entries = [Entry(entry.kind, entry.account, entry.body, entry.key) for entry in intents if entry is not None]
        copy.append([*entries, Entry(KINDS[CheckpointRecord], "", encode(checkpoint))], utc_now())
    finally:
        original.close()
    return copy
