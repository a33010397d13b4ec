"""Why a run of the service ends: by a signal, for good; or by a changed config, to begin again by that."""

import trio
from attrs import define, field

from copier.config.model import Configuration


@define
class Ending:
    """How the present run ends: `stop` after a drain, `scope` at once."""

    stop: trio.Event = field(factory=trio.Event)
    scope: trio.CancelScope = field(factory=trio.CancelScope)
    signals: list[int] = field(factory=list)
    _changed: Configuration | None = None

    def end_by(self, received: int) -> None:
        """End for good by a signal: after a drain at the first one, at once at the second."""
        if self.signals:
            self.scope.cancel()
        self.signals.append(received)
        self.stop.set()

    def end_for(self, changed: Configuration) -> None:
        """End after a drain, to begin again by a changed config."""
        self._changed = changed
        self.stop.set()

    @property
    def is_for_good(self) -> bool:
        """A signal is stronger than a changed config."""
        return self._changed is None or bool(self.signals)

    def begin_again(self) -> Configuration | None:
        """Return what to begin again by, now that the run has ended; None: it was for good."""
        if self.is_for_good:
            return None
        changed, self._changed = self._changed, None
        self.stop, self.scope = trio.Event(), trio.CancelScope()
        return changed
