"""The content after DATA: dots, ends, and what pretends to be an end."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.smtp.data import Content

LINES = st.lists(
    st.sampled_from([b"", b".", b"..", b".a", b"a.", b"\0", b"word", "窓口".encode()]), max_size=12
)


def stuffed(lines: list[bytes]) -> bytes:
    """The reference: a line that begins with a dot gets another one (RFC 5321 section 4.5.2)."""
    return b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines)


def take(wire: bytes, cuts: list[int]) -> tuple[bytes, bytes | None, bool]:
    content, taken, rest = Content(), b"", None
    edges = [0, *sorted({cut for cut in cuts if cut < len(wire)}), len(wire)]
    for start, end in pairwise(edges):
        if rest is not None:
            rest += wire[start:end]
            continue
        piece, rest = content.feed(wire[start:end])
        taken += piece
    return taken, rest, content.broken


@given(lines=LINES, cuts=st.lists(st.integers(1, 90), max_size=20))
def test_content_arrives_byte_exact_however_it_is_cut(lines: list[bytes], cuts: list[int]) -> None:
    wire = stuffed(lines) + b".\r\nMAIL FROM:<>\r\n"
    taken, rest, broken = take(wire, cuts)
    assert taken == b"".join(line + b"\r\n" for line in lines)
    assert rest == b"MAIL FROM:<>\r\n"
    assert not broken


@given(
    words=st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"..", b"a", b"\0"]), max_size=25),
    cuts=st.lists(st.integers(1, 40), max_size=20),
)
def test_the_end_and_the_judgement_do_not_depend_on_the_cuts(
    words: list[bytes], cuts: list[int]
) -> None:
    wire = b"".join(words) + b"\r\n.\r\n"
    assert take(wire, cuts) == take(wire, [])


@pytest.mark.parametrize(
    "wire",
    [
        b"a\nb\r\n.\r\n",
        b"a\rb\r\n.\r\n",
        b"\n.\r\n\r\n.\r\n",
        b"a\r\r\n.\r\n",
        b"a\r\n\0.\r\n.\r\n",
    ],
)
def test_a_line_that_servers_disagree_on_breaks_the_content(wire: bytes) -> None:
    for cut in range(1, len(wire)):
        assert take(wire, [cut])[2]


def test_a_dot_alone_ends_an_empty_mail() -> None:
    assert take(b".\r\n", [1, 2]) == (b"", b"", False)


def test_a_dot_that_was_not_doubled_goes_too() -> None:
    assert take(b".a\r\n.\r\n", [])[0] == b"a\r\n"
