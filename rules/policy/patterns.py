"""Patterns that a person wrote: RE2 (linear time: none can freeze the service), whole text, case-sensitive."""

import re
from typing import Any, Final, TypeAlias

import re2
from attrs import define, field

# Longer patterns are generated ones, and their memory is ours; no symbol or comment needs this much.
PATTERN_CHARACTERS_MAX = 1000

# Distinct symbols and magic numbers of an account are some hundreds; beyond this they are noise: the memo starts anew.
MEMO_ENTRIES_MAX = 1024
MEMO_CHARACTERS_MAX = 100

# A template's pieces: literal text, or the number of a group.
Template: TypeAlias = tuple[str | int, ...]
# Patterns of ours, short and linear, may use the standard library.
_REFERENCE: Final = re.compile(r"\\(?:g<(?P<name>\w{1,100})>|(?P<number>0|[1-9]\d?)|(?P<other>.?))", re.DOTALL)

# What people bring along from other engines, by the beginning of RE2's own complaint.
_UNSUPPORTED = {
    "invalid perl operator: (?=": "look-ahead is not supported (patterns are RE2)",
    "invalid perl operator: (?!": "negative look-ahead is not supported (patterns are RE2)",
    "invalid perl operator: (?<": "look-behind is not supported (patterns are RE2)",
    "invalid perl operator: (?>": "atomic groups are not supported (patterns are RE2)",
    "invalid named capture group: (?<": "look-behind is not supported (patterns are RE2), or a group's name is broken",
    "invalid escape sequence: \\": "unknown escape, or a back-reference, which is not supported (patterns are RE2)",
}


class PatternError(ValueError):
    """A person's pattern or template that cannot be used; the text says which and why."""


def compile_pattern(text: str, where: str) -> Any:
    """Return the compiled pattern, whose `fullmatch` takes well-formed text only (see `well_formed`).

    `.` matches every character, line breaks too: a row `.*` that denies the rest must not be passed by an odd name.

    Args:
        text: an RE2 pattern of at most 1,000 characters; `(?i)` makes it ignore case.
        where: names the pattern in the error.
    Raises:
        PatternError: if RE2 does not take it.
    """
    if len(text) > PATTERN_CHARACTERS_MAX:
        raise PatternError(f"{where}: a pattern must have at most {PATTERN_CHARACTERS_MAX} characters, had {len(text)}")
    if text != well_formed(text):
        raise PatternError(f"{where}: the pattern {text!r} holds broken Unicode")
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    try:
        return re2.compile(text, options=options)  # type: ignore[no-untyped-call]
    except re2.error as error:
        raise PatternError(f"{where}: the pattern '{text}' cannot be used: {_explain(error)}") from error


def well_formed(text: str) -> str:
    """Return `text` with `?` in place of lone surrogates, which RE2 cannot read and no venue's name holds."""
    return text.encode("utf-8", "replace").decode()


def parse_template(text: str, pattern: Any, where: str) -> Template:
    """Return the pieces of a text in which `\\g<name>`, `\\1` and `\\0` stand for what `pattern` matched.

    Raises:
        PatternError: it names a group that the pattern lacks, or holds a backslash that means nothing.
    """
    pieces: list[str | int] = []
    end = 0
    for reference in _REFERENCE.finditer(text):
        pieces.append(text[end : reference.start()])
        end = reference.end()
        name, number, other = reference.group("name", "number", "other")
        if other == "\\":
            pieces.append("\\")
        elif other is not None:
            raise PatternError(f"{where}: expected a group such as \\1 or \\g<name> in `to`, found '{reference[0]}'")
        else:
            pieces.append(_group_number(name or number, pattern, where, text))
    pieces.append(text[end:])
    return tuple(piece for piece in pieces if piece != "")


def _group_number(name: str, pattern: Any, where: str, template: str) -> int:
    groups: dict[str, int] = pattern.groupindex
    number = int(name) if name.isascii() and name.isdigit() else groups.get(name)
    if number is None or number > pattern.groups:
        named = f", named: {', '.join(groups)}" if groups else ""
        raise PatternError(
            f"{where}: `to` ('{template}') names the group {name}; the pattern has {pattern.groups}{named}"
        )
    return number


@define
class PatternSet:
    """Patterns of one config key, of which any may match. Equal when the patterns are; the memo changes no answer."""

    patterns: tuple[str, ...]
    where: str = field(eq=False)
    _compiled: tuple[Any, ...] = field(init=False, eq=False, repr=False)
    _memo: dict[str, bool] = field(init=False, eq=False, repr=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        self._compiled = tuple(
            compile_pattern(text, f"{self.where}, pattern {number}") for number, text in enumerate(self.patterns, 1)
        )

    def matches(self, text: str) -> bool:
        """Tell whether any pattern matches the whole of `text`."""
        known = self._memo.get(text)
        if known is None:
            subject = well_formed(text)
            known = any(pattern.fullmatch(subject) is not None for pattern in self._compiled)
            remember(self._memo, text, known)
        return known


def remember(memo: dict[str, Any], text: str, answer: object) -> None:
    """Keep an answer in a memo whose size is bounded whatever names arrive."""
    if len(text) > MEMO_CHARACTERS_MAX:
        return
    if len(memo) >= MEMO_ENTRIES_MAX:
        memo.clear()
    memo[text] = answer


def _explain(error: Exception) -> str:
    """Return RE2's complaint (it comes as bytes) in words that help."""
    complaint = error.args[0] if error.args else ""
    text = complaint.decode("utf-8", "replace") if isinstance(complaint, bytes) else str(complaint)
    for beginning, meaning in _UNSUPPORTED.items():
        if text.startswith(beginning):
            return f"{meaning}: {text}"
    return text
