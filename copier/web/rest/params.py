"""What a path or query parameter may be: read strictly, described in the API's document by the same object."""

from datetime import UTC, datetime
from typing import Any, Final, Protocol

from rules.model.frozen import frozen

TEXT_MAX: Final = 200
"""Characters of an id, a name or a code: venues' ids are a tenth of it."""


class Misfit(ValueError):
    """A value is not what a parameter takes."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


class ParamType(Protocol):
    """A type of parameters."""

    def read(self, text: str) -> Any:
        """Return the value of a text.

        Raises:
            Misfit: it is none.
        """
        ...

    def schema(self) -> dict[str, Any]: ...


@frozen
class Text:
    """Any text of a sane length."""

    def read(self, text: str) -> str:
        if not 1 <= len(text) <= TEXT_MAX:
            raise Misfit(f"1 to {TEXT_MAX} characters")
        return text

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": TEXT_MAX}


@frozen
class Whole:
    """A whole number within bounds."""

    low: int
    high: int

    def read(self, text: str) -> int:
        if text.isascii() and text.isdigit() and len(text) <= 18 and self.low <= int(text) <= self.high:
            return int(text)
        raise Misfit(f"a whole number from {self.low} to {self.high}")

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@frozen
class OneOf:
    """One of some words."""

    words: tuple[str, ...]

    def read(self, text: str) -> str:
        if text not in self.words:
            raise Misfit(f"one of {', '.join(self.words)}")
        return text

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.words)}


@frozen
class Instant:
    """An instant with its zone."""

    def read(self, text: str) -> datetime:
        expected = "an instant with its zone, such as 2026-11-21T15:00:00Z"
        try:
            at = datetime.fromisoformat(text)
            if at.tzinfo is None or "T" not in text.upper():
                raise Misfit(expected)
            return at.astimezone(UTC)
        except (ValueError, OverflowError):
            raise Misfit(expected) from None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}


@frozen
class Param:
    """A parameter. A `default` of None: it may be left out, and means nothing then."""

    name: str
    type: ParamType
    about: str
    default: Any = None
    many: bool = False
    """It may be given several times; its value is a tuple."""
