"""How requests are refused: problems of RFC 9457 that name the field, what was expected and what was found."""

from typing import Final, Literal

from copier.web.dto.problems import FieldFault
from copier.web.problems import problem

Where = Literal["path", "query", "header", "body"]

_FOUND_MAX: Final = 80
"""Characters of what was found that are repeated in the answer."""


class Refused(Exception):
    """A request that is refused."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: tuple[FieldFault, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = problem(status, detail, errors)
        self.headers = headers or {}


def fault(where: Where, name: str, expected: str, found: object) -> FieldFault:
    """Return what was wrong with a field; what was found is cut short, for it may be anything."""
    text = "nothing" if found is None else str(found) or "an empty text"
    return FieldFault(where, name, expected, text if len(text) <= _FOUND_MAX else f"{text[:_FOUND_MAX]}...")


def bad_field(where: Where, name: str, expected: str, found: object) -> Refused:
    """Return the refusal of a field."""
    return bad_fields(fault(where, name, expected, found))


def bad_fields(*faults: FieldFault) -> Refused:
    """Return the refusal of some fields."""
    said = "; ".join(f"{each.where} {each.field}: expected {each.expected}, found {each.found}" for each in faults)
    return Refused(422, said, faults)


def not_found(what: str) -> Refused:
    """Return the refusal of something that does not exist, or that who asks may not see: there is no difference."""
    return Refused(404, f"there is no such {what}")
