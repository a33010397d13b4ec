"""Drawing in place: what is written, and what is not."""

from collections.abc import Iterator
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import RenderableType
from rich.text import Text

from adapters.base import RemoteProtocolError
from copier.terminal.event_stream import EVENT_BYTES_MAX, EventParser, SentEvent
from copier.terminal.screen import Screen

FOOTER = Text("footer")


class Window:
    """A terminal of some size that keeps what was written."""

    def __init__(self, columns: int = 20, lines: int = 5) -> None:
        self.out = StringIO()
        self.size = (columns, lines)
        self.screen = Screen(self.out, lambda: self.size)

    def drawn(self, *lines: str) -> str:
        """Draw lines and return what was written for it."""

        def frame(_: int) -> Iterator[RenderableType]:
            yield from map(Text, lines)

        before = len(self.out.getvalue())
        self.screen.draw(frame, FOOTER)
        return self.out.getvalue()[before:]


def test_only_what_changed_is_written_again() -> None:
    window = Window()
    assert "one" in window.drawn("one", "two")
    assert window.drawn("one", "two") == ""
    assert window.drawn("one", "three") == "\x1b[2;1H\x1b[2Kthree"
    assert window.drawn("one") == "\x1b[2;1H\x1b[2K", "a line that is gone is wiped"


def test_another_size_draws_everything_anew() -> None:
    window = Window()
    window.drawn("one")
    assert not window.screen.is_stale
    window.size = (30, 4)
    assert window.screen.is_stale
    assert "one" in window.drawn("one")


def test_what_does_not_fit_is_counted_and_the_footer_stays() -> None:
    written = Window(40, 4).drawn("a", "b", "c", "d", "e")
    assert "\x1b[2;1H\x1b[2Kb" in written
    assert "\x1b[3;1H\x1b[2K... 3 more lines" in written
    assert written.endswith("\x1b[4;1H\x1b[2Kfooter")


def test_window_comes_back_whatever_happens_and_the_last_frame_stays_below() -> None:
    window = Window()

    def interrupted() -> None:
        with window.screen.open():
            window.drawn("one")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert window.out.getvalue().endswith("\x1b[?25h\x1b[?1049lone\n\n\n\n")


@given(st.lists(st.integers(1, 40)))
def test_events_are_found_however_their_bytes_are_cut(cuts: list[int]) -> None:
    raw = b'retry: 2000\n\n:\n\nevent: link\nid: a-1\ndata: {"a":1}\n\nevent: reset\nid: a-2\ndata: {}\n\nevent: x'
    parser, found, rest = EventParser(), [], raw
    for cut in cuts:
        found += parser.feed(rest[:cut])
        rest = rest[cut:]
    found += parser.feed(rest)
    assert found == [SentEvent("link", "a-1", b'{"a":1}'), SentEvent("reset", "a-2", b"{}")]


def test_event_without_an_end_is_refused() -> None:
    parser = EventParser()
    parser.feed(b"data: ")
    with pytest.raises(RemoteProtocolError, match="at most"):
        parser.feed(b"x" * EVENT_BYTES_MAX)


def test_footer_that_is_too_long_is_cut_and_keeps_its_line() -> None:
    window = Window(10, 3)
    window.screen.draw(lambda _: iter(()), Text("one-word-that-is-long"))
    assert window.out.getvalue().endswith("\x1b[3;1H\x1b[2Kone-word-…")
