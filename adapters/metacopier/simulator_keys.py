"""The API keys of a simulated MetaCopier, the accounts that each may see, and its open sessions."""

from collections import Counter
from collections.abc import Mapping

from attrs import define, field

from adapters.metacopier.simulator_words import account_id
from adapters.simulation.broker import Book, Broker


@define
class Keys:
    """`keys` maps each valid API key to the names of the accounts that it may see; None: all, also later ones."""

    broker: Broker
    keys: Mapping[str, frozenset[str] | None] = field(repr=False)
    sessions_max: int = 100
    _sessions: Counter[str] = field(factory=Counter, init=False, repr=False)

    def is_valid(self, key: str | None) -> bool:
        """Tell whether the key exists."""
        return key is not None and key in self.keys

    def books(self, key: str) -> dict[str, Book]:
        """Return the books that a valid key may see, by account id, at this moment."""
        names = self.keys[key]
        return {account_id(name): book for name, book in self.broker.books.items() if names is None or name in names}

    def book(self, key: str, wanted_id: str) -> Book | None:
        """Return the book of one account, None where the key may not see it or it does not exist."""
        return self.books(key).get(wanted_id.lower())

    def open_session(self, key: str) -> bool:
        """Count one more socket session of a key, unless that is one too many."""
        if self._sessions[key] >= self.sessions_max:
            return False
        self._sessions[key] += 1
        return True

    def close_session(self, key: str) -> None:
        """Count one socket session less."""
        self._sessions[key] -= 1
