"""All the texts that a pattern matches, where they are few: names in plain alternatives."""

from collections.abc import Iterator

LITERALS_MAX = 500
"""A pattern with more of them stands for a family of names and not for a list."""

CATCH_ALLS = frozenset({".*", ".+", "(.*)", "(.+)", "(?i).*", "(?s).*", "^.*$"})
"""Ways of writing a pattern that matches every name."""

_SPECIAL = set(".^$*+?{}[]()|\\")


class _Endless(Exception):
    """The pattern repeats something, or uses what this reading does not know."""


def literals_of(pattern: str) -> frozenset[str] | None:
    """Return every text that `pattern` matches as a whole; None where they are too many or cannot be told.

    Known are literals, `a|b`, groups, `?`, and classes of single characters.
    """
    reading = _Reading(pattern)
    try:
        found = reading.alternatives()
    except _Endless:
        return None
    return found if reading.done else None


class _Reading:
    """One pass over a pattern, from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    @property
    def done(self) -> bool:
        return self._at == len(self._pattern)

    def alternatives(self) -> frozenset[str]:
        found = self._sequence()
        while self._takes("|"):
            found |= self._sequence()
        return found

    def _sequence(self) -> frozenset[str]:
        texts = frozenset({""})
        while not self.done and self._pattern[self._at] not in "|)":
            part = self._atom()
            if self._takes("?"):
                part |= {""}
            if not self.done and self._pattern[self._at] in "*+?{":
                raise _Endless
            if len(texts) * len(part) > LITERALS_MAX:
                raise _Endless
            texts = frozenset(text + more for text in texts for more in part)
        return texts

    def _atom(self) -> frozenset[str]:
        if self._takes("("):
            if self._takes("?P<"):
                self._at = self._pattern.index(">", self._at) + 1
            elif not self._takes("?:") and self._pattern.startswith("?", self._at):
                raise _Endless  # flags, such as (?i)
            found = self.alternatives()
            if not self._takes(")"):
                raise _Endless
            return found
        if self._takes("["):
            return frozenset(self._class())
        return frozenset({self._character()})

    def _class(self) -> Iterator[str]:
        while not self._takes("]"):
            if self.done or self._pattern[self._at] in "^-[":
                raise _Endless  # a range, a complement, a named class
            escaped = self._pattern[self._at] == "\\"
            yield self._character() if escaped else self._pattern[self._at]
            self._at += 0 if escaped else 1

    def _character(self) -> str:
        if self._takes("\\"):
            if self.done or self._pattern[self._at].isalnum():
                raise _Endless  # \d, \w, \b, ...
        elif self._pattern[self._at] in _SPECIAL:
            raise _Endless
        self._at += 1
        return self._pattern[self._at - 1]

    def _takes(self, text: str) -> bool:
        if not self._pattern.startswith(text, self._at):
            return False
        self._at += len(text)
        return True
