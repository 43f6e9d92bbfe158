"""Mailboxes are cut where their writer cut them, and kept as they were written."""

from __future__ import annotations

import pytest

from normalizer.email import address
from normalizer.message import Address


@pytest.mark.parametrize(
    ("value", "mailboxes"),
    [
        (b"a@b.example", [("", "a@b.example")]),
        (b"<a@b.example>", [("", "a@b.example")]),
        (b"Ann Lee <a@b.example>", [("Ann Lee", "a@b.example")]),
        (b'"Lee, Ann" <a@b.example>', [("Lee, Ann", "a@b.example")]),
        (b'"Ann \\"A\\" Lee" <a@b.example>', [('Ann "A" Lee', "a@b.example")]),
        (b"a@b.example (Ann Lee)", [("Ann Lee", "a@b.example")]),
        (b"Ann (x (y) z) <a@b.example>", [("Ann", "a@b.example")]),
        (b"a@b.example, Ann <c@d.example>", [("", "a@b.example"), ("Ann", "c@d.example")]),
        (b"a@b.example; c@d.example", [("", "a@b.example"), ("", "c@d.example")]),
        (b"friends: a@b.example, c@d.example;", [("", "a@b.example"), ("", "c@d.example")]),
        (b"undisclosed-recipients:;", []),
        (b"=?utf-8?q?Lee=2C_Ann?= <a@b.example>", [("Lee, Ann", "a@b.example")]),
        (b"=?utf-8?q?Lee,_Ann?= <a@b.example>", [("Lee, Ann", "a@b.example")]),
        (b'"=?utf-8?b?5L2Q6Jek?=" <a@b.example>', [("佐藤", "a@b.example")]),
        ("佐藤 <a@b.example>".encode(), [("佐藤", "a@b.example")]),
        ("佐藤 <a@b.example>".encode("cp932"), [("佐藤", "a@b.example")]),
        (b"foo..bar@docomo.ne.jp", [("", "foo..bar@docomo.ne.jp")]),
        (b"foo.@ezweb.ne.jp", [("", "foo.@ezweb.ne.jp")]),
        (b"<@relay.example:a@b.example>", [("", "a@b.example")]),
        (b'"very odd"@b.example', [("", '"very odd"@b.example')]),
        (b"", []),
        (b",,,", []),
        (b"Ann", [("Ann", "")]),
        (b"Ann <>", [("Ann", "")]),
        (b"a@b.example,", [("", "a@b.example")]),
        (b"Ann Lee a@b.example", [("Ann Lee", "a@b.example")]),
        (b"MAILTO:a@b.example", [("", "a@b.example")]),
    ],
)
def test_a_header_is_cut_into_its_mailboxes(value: bytes, mailboxes: list[tuple[str, str]]) -> None:
    assert list(address.parse(value)) == [Address(*one) for one in mailboxes]


@pytest.mark.parametrize(
    "good", ["a@b.example", "foo..bar@docomo.ne.jp", '"a b"@c.example', "日本@例え.jp"]
)
def test_an_address_that_carriers_gave_out_is_well_formed(good: str) -> None:
    assert address.well_formed(good)


@pytest.mark.parametrize(
    "bad", ["", "@", "a@", "@b", "a@b@c", "a b@c", "a@b c", "a@b\n", "a" * 200 + "@b"]
)
def test_an_address_that_could_be_read_in_two_ways_is_not(bad: str) -> None:
    assert not address.well_formed(bad)
