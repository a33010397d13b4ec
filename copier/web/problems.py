"""What goes wrong, as RFC 9457 has it: one shape for every error that a client sees, and no more than it may know."""

import json
from http import HTTPStatus
from typing import Final

from attrs import frozen

MEDIA_TYPE: Final = "application/problem+json"


@frozen
class Problem:
    """An error as it is shown. `detail` never holds a secret, nor what the one who asked may not see."""

    status: int
    detail: str = ""

    @property
    def title(self) -> str:
        return HTTPStatus(self.status).phrase

    def body(self) -> bytes:
        shown = {"type": "about:blank", "title": self.title, "status": self.status}
        return json.dumps({**shown, "detail": self.detail} if self.detail else shown).encode()
