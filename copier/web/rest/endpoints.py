"""The row of the API's table: what is asked how, who may, what it answers, and what does it."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from attrs import field

from copier.web.principal import Principal
from copier.web.rest.params import Param, Text, Whole
from copier.web.surface import Surface
from rules.model.frozen import frozen

PREFIX: Final = "/api/v1"

LIMIT_MAX: Final = 500
"""Things of one page: some hundred kilobytes at most."""

CURSOR: Final = Param("cursor", Text(), "`next` of the page before.")
LIMIT: Final = Param("limit", Whole(1, LIMIT_MAX), "How many at most.", default=100)


@frozen
class Call:
    """A request whose every part was checked. Parameters that were left out have their defaults."""

    endpoint: "Endpoint"
    surface: Surface
    principal: Principal
    path: dict[str, str]
    query: dict[str, Any]
    body: Any
    headers: dict[str, Any]
    """Those that the endpoint reads, by small name."""
    raw_body: bytes = b""
    client: str = ""
    """The address that asks."""


Handler: TypeAlias = Callable[[Call], Awaitable[Any]]
"""Returns a shown thing, a page of them, or a whole response."""


@frozen
class Endpoint:
    """One thing that can be asked."""

    method: str
    path: str
    """Below the prefix; `{name}` stands for one segment."""
    summary: str
    handler: Handler
    answers: type | None = None
    """The class of what is shown. None: `media` says what it is."""
    paged: bool = False
    """It answers a page of those."""
    query: tuple[Param, ...] = ()
    headers: tuple[Param, ...] = ()
    body: type | None = None
    operates: bool = False
    """It needs a key that may operate."""
    dear: bool = False
    """It asks a venue, which counts our requests, or reads much of the ledger."""
    open: bool = False
    """It lets everybody in, and asks by itself who they are; the body is for it to read."""
    refusals: tuple[int, ...] = ()
    """The statuses of refusals that are its own."""
    media: str = "application/json"
    segments: tuple[str, ...] = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "segments", tuple(self.path.strip("/").split("/")))

    @property
    def tag(self) -> str:
        return self.segments[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the path's parameters."""
        return tuple(segment[1:-1] for segment in self.segments if segment.startswith("{"))

    @property
    def params(self) -> tuple[Param, ...]:
        """The query's parameters, those of pages among them."""
        return (*self.query, CURSOR, LIMIT) if self.paged else self.query

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """Return the path's parameters where the segments are this endpoint's."""
        if len(segments) != len(self.segments):
            return None
        found: dict[str, str] = {}
        for own, given in zip(self.segments, segments, strict=True):
            if own.startswith("{") and given:
                found[own[1:-1]] = given
            elif own != given:
                return None
        return found
