"""Why a running service could not be asked, or did not do what it was asked."""

from http import HTTPStatus
from typing import Final

from copier.telling.wording import printable


class CannotAsk(Exception):
    """There is no answer to show. The text is for a person."""


class Unreachable(CannotAsk):
    """Nothing is known of the service now; asked again later it may answer."""


class Refusal(CannotAsk):
    """The service answered, and not with what was asked for."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status

    @property
    def passes(self) -> bool:
        """Tell whether the same may be answered later."""
        return self.status == HTTPStatus.TOO_MANY_REQUESTS or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def is_input(self) -> bool:
        """Tell whether what was asked is at fault, or the key."""
        return not self.passes and self.status != HTTPStatus.CONFLICT


class NotKnown(CannotAsk):
    """A command left, or may have left, and nobody said what became of it."""


_KEY_HINT: Final = "give a key by --key-file FILE or in COPIER_KEY; `copier keys add` makes one"


def refusal(where: str, status: int, detail: str) -> Refusal:
    """Return what a refused request means to a person."""
    said = printable(detail) or _phrase(status)
    match status:
        case HTTPStatus.UNAUTHORIZED:
            return Refusal(status, f"{where} does not know this key: {said} ({_KEY_HINT})")
        case HTTPStatus.FORBIDDEN:
            return Refusal(status, f"{where} refuses it: {said}")
        case HTTPStatus.NOT_FOUND:
            return Refusal(status, f"{where}: {said}, or none that this key may see")
    return Refusal(status, f"{where} answers {status}: {said}")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no reason given"
