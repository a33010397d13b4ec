"""Where a view gets what it shows: the same questions, asked of a running service or of the ledger here."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from copier.telling.overview import Overview
from copier.terminal.happenings import Happening
from copier.terminal.held import Held
from copier.web.dto.events import Alert
from copier.web.dto.limits import Limit
from copier.web.dto.links import Link
from copier.web.dto.mismatches import Mismatch


class Changes(Protocol):
    """Tells that something may look different now."""

    async def some(self, patience_s: float) -> bool:
        """Return whether something changed, waiting so long at most for it.

        Raises:
            Unreachable: nobody can tell any more.
        """


class Source(Protocol):
    """Each reading raises CannotAsk where a service does not give it, and LedgerRefused, LedgerFailed."""

    @property
    def where(self) -> str:
        """What is read, for a person."""

    async def overview(self) -> Overview: ...

    async def positions(self) -> list[Held]: ...

    async def links(self) -> list[Link]: ...

    async def limits(self) -> list[Limit]: ...

    async def mismatches(self) -> list[Mismatch]: ...

    async def alerts(self, *, open_only: bool, most: int | None) -> list[Alert]:
        """Return the latest alerts, the latest first; `open_only`: those that nobody has acknowledged."""

    async def happened(self, count: int) -> list[Happening]:
        """Return the last things that happened, oldest first."""

    async def note(self) -> str:
        """Return what a person must know about all that was read; mostly nothing."""

    def changes(self, events: Iterable[str]) -> AbstractAsyncContextManager[Changes]:
        """Watch for changes of these kinds for the length of the block."""

    def following(self) -> AsyncIterator[Happening]:
        """Yield what happens after what `happened` returned, until the line is lost."""

    async def aclose(self) -> None: ...
