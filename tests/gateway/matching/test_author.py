"""Who wrote: From is a claim, and often not the writer's."""

from __future__ import annotations

import pytest

from gateway.matching.author import fold, is_robot, resolve, untagged
from gateway.sender.trust import NOBODY_VOUCHES, Verdict
from normalizer.message import Claim, Identity, Message
from tests.making import DESK, OWN, mail, read

VOUCHED = Verdict(True, "dkim passed")


def who(raw: bytes, verdict: Verdict = NOBODY_VOUCHES) -> str:
    return str(resolve(read(raw), OWN, verdict).identity)


PLAIN = {
    "one mailbox": "Yuki <yuki@example.jp>",
    "upper case": "YUKI@Example.JP",
    "S08: the name imitates somebody else": '"ceo@corp.example" <yuki@example.jp>',
    "a comma in the name": '"Sato, Yuki" <yuki@example.jp>',
}


@pytest.mark.parametrize("sender", PLAIN.values(), ids=PLAIN)
def test_from_is_the_author_when_it_names_one_mailbox(sender: str) -> None:
    assert who(mail(sender)) == "email:yuki@example.jp"


NOBODY = {
    "S07: two at signs": "a@b@example.jp",
    "S07: empty address": "<@>",
    "S07: two mailboxes": "a@example.jp, b@example.jp",
    "two angle brackets": "<a@example.jp> <b@example.jp>",
    "missing": "",
    "a group": "friends: a@example.jp;",
    "an encoded word that hides an address": "=?utf-8?q?ceo=40corp=2Eexample?=",
}


@pytest.mark.parametrize("sender", NOBODY.values(), ids=NOBODY)
def test_a_from_that_can_be_read_in_two_ways_is_nobody(sender: str) -> None:
    found = resolve(read(mail(sender)), OWN, VOUCHED)
    assert found.identity is None
    assert not found.authenticated
    assert found.reason


def test_two_from_headers_are_nobody_s07() -> None:
    assert who(b"From: ceo@corp.example\r\n" + mail("mallory@evil.example")) == "None"


@pytest.mark.parametrize("sender", [DESK, "Support@Example.COM", "support+k3.1.ab@example.com"])
def test_our_own_addresses_are_never_an_identity_l10(sender: str) -> None:
    assert who(mail(sender), VOUCHED) == "None"
    assert who(mail(sender, Reply_To="yuki@example.jp"), VOUCHED) == "None"


def test_an_own_address_with_a_plus_in_it_is_ours_too() -> None:
    own = {Identity("email", "help+jp@example.com")}
    assert resolve(read(mail("help+jp@example.com")), own, VOUCHED).identity is None
    assert resolve(read(mail("help+de@example.com")), own, VOUCHED).identity is not None


REWRITTEN = {
    "Google Groups": {"List_ID": "<all.example.com>", "sender": "'Yuki' via All <all@example.com>"},
    "Google Groups in Japanese": {"List_ID": "<a.example>", "sender": "ゆき 経由 All <all@list.example>"},
    "Mailman, From is the list": {
        "List_ID": "<l.example>", "sender": "Yuki <list@example.org>", "To": "list@example.org",
    },
    "X-Original-From": {"X_Original_From": "yuki@example.jp", "sender": "All <all@list.example>"},
}  # fmt: skip


@pytest.mark.parametrize("headers", REWRITTEN.values(), ids=REWRITTEN)
def test_a_rewritten_from_makes_each_mail_a_customer_of_its_own(headers: dict[str, str]) -> None:
    assert who(mail(**headers), VOUCHED) == "None"


def test_via_in_a_name_is_no_list_where_no_list_says_so() -> None:
    assert who(mail("Maria Via <maria@example.jp>")) == "email:maria@example.jp"


def test_two_people_behind_one_form_are_two() -> None:
    form = "Shop <form@shop.example>"
    first, second = (mail(form, Reply_To=who) for who in ("a@example.jp", "b@example.jp"))
    assert who(first) == "form:form@shop.example>a@example.jp"
    assert who(second) == "form:form@shop.example>b@example.jp"


@pytest.mark.parametrize(
    ("reply_to", "verdict"), [("x@example.jp", NOBODY_VOUCHES), ("a@else.example", VOUCHED)]
)
def test_reply_to_changes_nothing_at_home_or_when_authenticated(
    reply_to: str, verdict: Verdict
) -> None:
    assert who(mail(Reply_To=reply_to), verdict) == "email:yuki@example.jp"


def test_an_unreadable_mail_has_the_envelope_sender_but_never_our_own() -> None:
    def claimed(address: str) -> Message:
        return Message(claims=(Claim("envelope", Identity("email", address), ""),), unreadable="x")

    assert (
        str(resolve(claimed("yuki@example.jp"), OWN, VOUCHED).identity) == "email:yuki@example.jp"
    )
    assert resolve(claimed(DESK), OWN, VOUCHED).identity is None
    assert not resolve(claimed("yuki@example.jp"), OWN, VOUCHED).authenticated


@pytest.mark.parametrize(
    "local",
    ["owner-x", "x-request", "MAILER-DAEMON", "postmaster", "noreply", "no-reply", "no-reply-123", "do-not-reply", "donotreply", "bounce+abc", "bounces", "x-errors", "mail-relay", "shop.no-reply", "list-bounces"],
)  # fmt: skip
def test_nobody_reads_these_addresses_l09(local: str) -> None:
    assert is_robot(f"{local}@example.jp")


@pytest.mark.parametrize(
    "local", ["yuki", "owner", "request", "bouncer", "replying", "noel", "mailer"]
)
def test_people_are_no_robots(local: str) -> None:
    assert not is_robot(f"{local}@example.jp")


@pytest.mark.parametrize(
    "written", ["yu.ki@example.jp", "YUKI@Example.jp", "yuki+a@example.jp", "y.u.k.i+b@example.jp"]
)
def test_budgets_fold_case_tags_and_dots(written: str) -> None:
    assert fold(written) == "yuki@example.jp"


def test_identities_fold_only_the_tag_and_only_to_know_our_own() -> None:
    assert untagged(Identity("email", "A.b+c@X.jp")) == Identity("email", "a.b@x.jp")


def test_a_forwarded_mails_writer_is_a_claim_that_decides_nothing() -> None:
    body = "---------- Forwarded message ---------\r\nFrom: Hana <hana@example.com>\r\n\r\nHello"
    message = read(mail("Yuki <yuki@example.jp>", "Fwd: parcel", body))
    assert [claim.source for claim in message.claims] == ["from", "forwarded"]
    assert str(resolve(message, OWN, NOBODY_VOUCHES).identity) == "email:yuki@example.jp"
    unnamed = read(mail("a@example.jp, b@example.jp", "Fwd: parcel", body))
    assert resolve(unnamed, OWN, NOBODY_VOUCHES).identity is None
