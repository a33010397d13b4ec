"""What decisions ask of venues."""

from rules.model.frozen import frozen
from rules.model.values import AccountId, Symbol


@frozen
class LookUp:
    """Something to ask a venue before the question can be decided; `quote` asks for a fresh price too."""

    account: AccountId
    symbol: Symbol
    quote: bool = False
    awaited: bool = True
    """Decide again when the answer is here; False only wants it known for a later turn."""
