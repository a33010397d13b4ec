"""Who asks, and what they may see and do. What a principal may not see answers exactly as what does not exist."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from attrs import field

from rules.model.frozen import frozen
from rules.model.values import AccountId
from rules.policy.links import CopyLink


class KeyScope(Enum):
    """What a key lets its holder do."""

    READ = "read"
    """Look at everything of its accounts."""
    OPERATE = "operate"
    """Pull levers and send signals, too."""


@frozen
class Principal:
    """Whoever a key, or the absence of all keys, stands for."""

    name: str
    """The key's name: "who" in the ledger."""
    scopes: frozenset[KeyScope]
    accounts: frozenset[AccountId] | None = None
    """None: all."""
    sign_in: str | None = field(default=None, repr=False)
    """Which signed-in browser it is, where it is one."""

    @property
    def may_operate(self) -> bool:
        return KeyScope.OPERATE in self.scopes

    def sees(self, account: AccountId | str) -> bool:
        """Tell whether an account may be shown."""
        return self.accounts is None or account in self.accounts

    def sees_link(self, link: CopyLink) -> bool:
        """Tell whether a link and its copies may be shown: both of its ends may."""
        return self.sees(link.source) and self.sees(link.target)


LOCAL_READER: Final = Principal("local", frozenset({KeyScope.READ}))
"""Whoever is on this machine, while nobody has made any key."""


def principal_of(scope: Mapping[str, Any]) -> Principal:
    """Return who asks, of an ASGI scope that `copier.web.doors` let in."""
    principal: Principal = scope["state"]["principal"]
    return principal
