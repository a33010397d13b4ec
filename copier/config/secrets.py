"""Values that stand outside the file: `${env:NAME}` and `${file:/path}`."""

import re
from collections.abc import Mapping
from pathlib import Path

from attrs import field

from copier.config.errors import Fault
from rules.model.frozen import frozen

# Tokens and keys are far smaller; a wrong path (a log, a device) must not fill the memory.
FILE_BYTES_MAX = 64 * 1024

_REFERENCE = re.compile(r"\$\{(env|file):([^{}]*)\}")
_LOOKS_LIKE_REFERENCE = re.compile(r"\$\{")
_EXPECTED = "text, `${env:NAME}` or `${file:/path}`"


@frozen
class Outside:
    """Where references lead: the environment, and the folder that relative paths start from."""

    env: Mapping[str, str]
    folder: Path
    _given: set[str] = field(factory=set, init=False, repr=False, eq=False)

    def expand(self, text: str) -> str:
        """Return `text` with every reference replaced by what it names.

        A file's last line break is not part of its value. No error shows more than the reference's own name.

        Raises:
            Fault: malformed, not set, empty, not readable, too large, or not UTF-8.
        """
        rest = _REFERENCE.sub("", text)
        if _LOOKS_LIKE_REFERENCE.search(rest):
            raise Fault(_EXPECTED, "a `${...}` of another form")
        return _REFERENCE.sub(lambda match: self._value(match[1], match[2]), text)

    def hide(self, text: str) -> str:
        """Return `text` with stars in place of every value that a reference gave, for messages of others."""
        for value in sorted(self._given, key=len, reverse=True):
            text = text.replace(value, "***")
        return text

    def _value(self, kind: str, name: str) -> str:
        value = self._of_env(name) if kind == "env" else self._of_file(name)
        if not value:
            raise Fault(f"`${{{kind}:{name}}}` to hold a value", "an empty one")
        self._given.add(value)
        return value

    def _of_env(self, name: str) -> str:
        value = self.env.get(name)
        if value is None:
            raise Fault(f"the environment variable {name} to be set", "no such variable")
        return value

    def _of_file(self, name: str) -> str:
        path = self.folder / name
        try:
            with path.open("rb") as file:
                data = file.read(FILE_BYTES_MAX + 1)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            why = error.strerror if isinstance(error, OSError) else None
            raise Fault(f"a readable file {name}", why or "a path that cannot be opened") from None
        if len(data) > FILE_BYTES_MAX:
            raise Fault(f"the file {name} to hold at most {FILE_BYTES_MAX} bytes", "more")
        try:
            return data.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise Fault(f"the file {name} to hold UTF-8 text", "other bytes") from None


def is_reference(text: str) -> bool:
    """Tell whether `text` is nothing but references, so that the file itself holds no part of the value."""
    return bool(text) and not _REFERENCE.sub("", text)
