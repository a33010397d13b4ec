"""Who asks, as they are shown to themselves."""

from typing import Annotated, Literal

from copier.web.dto.words import about
from rules.model.frozen import frozen


@frozen
class Visitor:
    """Whom the key, the cookie or the absence of both stands for."""

    name: Annotated[str, about("The key's name; `local` where no key was ever made.")]
    scopes: Annotated[list[Literal["read", "operate"]], about("What it may do.")]
    accounts: Annotated[list[str] | None, about("The accounts that it sees; null: all.")]
    signed_in: Annotated[bool, about("By a cookie, which `DELETE` gives back.")]
