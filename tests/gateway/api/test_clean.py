"""A customer's HTML does nothing but show, and costs little to clean."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.api.clean import MAX_DEPTH, MAX_HTML, clean

EVIL = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    "<style>@import 'https://spy.example';</style>",
    '<p style="background:url(https://spy.example)">x</p>',
    '<link rel=stylesheet href="https://spy.example">',
    '<iframe src="https://spy.example"></iframe>',
    '<img srcset="https://spy.example 2x">',
    '<table background="https://spy.example"><tr><td>x</table>',
    '<video poster="https://spy.example"></video>',
    '<base href="https://spy.example">',
    '<meta http-equiv=refresh content="0;url=https://spy.example">',
    '<form action="https://spy.example"><input name=a></form>',
    '<math><mtext><table><mglyph><style><img src=x onerror="alert(1)">',
    '<blockquote cite="https://spy.example">x</blockquote>',
]
LOADS = re.compile(
    r"""<(?:script|style|link|iframe|object|embed|base|meta|form|video|audio|svg|math)\b
    |<[^>]*\s(?:on\w+|style|srcset|background|poster|action|cite)\s*=
    |<[^>]*\ssrc\s*=\s*"(?!cid:)
    |<a\b[^>]*\shref\s*=\s*"(?!https?:|mailto:|tel:|cid:)""",
    re.VERBOSE | re.IGNORECASE,
)


@pytest.mark.parametrize("html", EVIL)
def test_nothing_runs_and_nothing_is_fetched(html: str) -> None:
    assert not LOADS.search(clean(html).html or "")


@given(st.lists(st.sampled_from([*EVIL, "<b>", "</b>", "<table>", "<!--", "]]>", "'", '"', "<p "])))
@settings(max_examples=100, deadline=None)
def test_no_mixture_of_these_gets_through(pieces: list[str]) -> None:
    assert not LOADS.search(clean("".join(pieces)).html or "")


def test_remote_images_are_marked_and_those_of_the_mail_stay() -> None:
    shown = clean('<img src="HTTPS://spy.example/a?b&c" alt="logo"><img src="cid:1@x" width="9">')
    assert shown.blocked == ("HTTPS://spy.example/a?b&c",)
    assert 'data-blocked-src="HTTPS://spy.example/a?b&amp;c"' in (shown.html or "")
    assert 'alt="logo"' in (shown.html or "")
    assert 'src="cid:1@x"' in (shown.html or "")


def test_a_mail_cannot_write_our_mark_itself() -> None:
    forged = '<img src="blocked-0000000000000000:https://spy.example">src="blocked-1:x'
    shown = clean(forged)
    assert shown.blocked == ()
    assert "data-blocked-src" not in (shown.html or "")


def test_what_people_write_stays() -> None:
    html = '<p dir="rtl">שלום <b>world</b><br><a href="https://example.com">x</a></p><ul><li>1</ul>'
    shown = clean(html).html or ""
    for kept in ('dir="rtl"', "<b>world</b>", "<br>", 'href="https://example.com"', "<li>1</li>"):
        assert kept in shown


@pytest.mark.parametrize("unit", ["<div>", "<b><p>", "<div></x>", "<svg><td>", "<a href=1>"])
def test_a_tower_of_tags_is_withheld_instead_of_climbed(unit: str) -> None:
    shown = clean(unit * (MAX_HTML // len(unit)))
    assert shown.html is None
    assert "nested" in shown.withheld


@pytest.mark.parametrize("unit", ["<p>", "<li>x", "<br>", "<div>x</div>", "&amp;", "<"])
def test_long_mail_is_shown_all_the_same(unit: str) -> None:
    assert clean(unit * (2 * MAX_DEPTH)).html is not None


def test_more_than_anybody_reads_is_withheld() -> None:
    assert "too long" in clean("x" * (MAX_HTML + 1)).withheld
