"""Whatever is put into a tag is text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copier.report.markup import Markup, join, tag


def test_text_is_escaped_and_what_a_tag_made_is_not() -> None:
    assert tag("p", "<b>", tag("b", "a & b"), None) == "<p>&lt;b&gt;<b>a &amp; b</b></p>"
    assert join("<", Markup("<br/>")) == "&lt;<br/>"


def test_attributes_are_escaped_and_those_that_are_none_left_out() -> None:
    assert tag("p", class_='"><script>', title=None, aria_label="x") == (
        '<p class="&quot;&gt;&lt;script&gt;" aria-label="x"></p>'
    )
    assert tag("rect", x=1.25, y=2.0, width=3) == '<rect x="1.2" y="2" width="3"/>'


def test_characters_that_a_page_would_obey_are_made_visible() -> None:
    assert tag("p", "a\u202eb\x00") == "<p>a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}</p>"
    assert len(tag("p", "x" * 5000)) < 1100


@pytest.mark.slow  # a hundred texts
@given(st.text())
def test_no_text_makes_an_element_or_ends_an_attribute(text: str) -> None:
    inside = tag("p", text).removeprefix("<p>").removesuffix("</p>")
    assert "<" not in inside
    quoted = tag("p", class_=text).removeprefix('<p class="').removesuffix('"></p>')
    assert '"' not in quoted
    assert "<" not in quoted
