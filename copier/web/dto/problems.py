"""What a refused request is answered with (RFC 9457)."""

from typing import Annotated, Literal

from attrs import field

from copier.web.dto.words import about
from rules.model.frozen import frozen


@frozen
class FieldFault:
    """One thing that was wrong with a request."""

    where: Literal["path", "query", "header", "body"]
    field: Annotated[str, about("The parameter, header or key; `.` where the body as a whole is meant.")]
    expected: str
    found: str


@frozen
class Problem:
    """Why a request was refused. Served as application/problem+json."""

    type: Annotated[
        str,
        about("Stable; tells programs which problem it is: `/problems/not-found`; `about:blank`: the status says all."),
    ]
    title: str
    status: int
    detail: str = ""
    errors: Annotated[list[FieldFault], about("What was wrong with which field.")] = field(factory=list)
