"""Forgeries of a customer's mail, and what thieves put beside them: the two sides of the matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.making import DESK, RELAY

VICTIM, HOME = "yuki@example.jp", "example.jp"
THIEF, EVIL = "mallory@evil.example", "evil.example"
ELSEWHERE = "198.51.100.9"  # no relay of ours
OUR_SERVER = "mx.desk.example"


class Forgery(NamedTuple):
    """Header lines that imitate the victim, and the domain that a relay would evaluate for them.

    `himself`: one clear address in From, which is the forger's own; as that he may be believed.
    """

    lines: str
    domain: str = EVIL
    himself: bool = False


# The forger's own name in From: what he is, whatever else his mail pretends.
_OWN = f"From: Mallory <{THIEF}>\r\n"
FORGERIES: dict[str, tuple[Forgery, ...]] = {
    "an exact copy of From": (
        Forgery(f"From: Yuki <{VICTIM}>\r\n", HOME),
        Forgery(f"From: {VICTIM.upper()}\r\n", HOME),
    ),
    "the display name (S08)": (
        Forgery(f'From: "{VICTIM}" <{THIEF}>\r\n'),
        Forgery(f'From: "Yuki <{VICTIM}>" <{THIEF}>\r\n'),
    ),
    "a look-alike domain": (
        Forgery("From: Yuki <yuki@exаmple.jp>\r\n", "exаmple.jp", himself=True),  # a Cyrillic letter
        Forgery("From: Yuki <yuki@xn--exmple-4nf.jp>\r\n", "xn--exmple-4nf.jp", himself=True),
        Forgery("From: Yuki <yuki@exarnple.jp>\r\n", "exarnple.jp", himself=True),
        Forgery("From: Yuki <ｙｕｋｉ@example.jp>\r\n", HOME),
    ),
    "a subdomain, a longer domain": (
        Forgery("From: Yuki <yuki@mail.example.jp>\r\n", "mail.example.jp"),
        Forgery("From: Yuki <yuki@example.jp.evil.example>\r\n", "example.jp.evil.example", himself=True),
    ),
    "two mailboxes in From (S07)": (
        Forgery(f"From: Yuki <{VICTIM}>, Mallory <{THIEF}>\r\n"),
        Forgery(f"From: {THIEF}, {VICTIM}\r\nSender: {THIEF}\r\n"),
    ),
    "two From headers (S07)": (
        Forgery(f"From: Yuki <{VICTIM}>\r\n{_OWN}"),
        Forgery(f"{_OWN}From: Yuki <{VICTIM}>\r\n"),
        Forgery(f"From : Yuki <{VICTIM}>\r\n{_OWN}"),
    ),
    "a group": (
        Forgery(f"From: Yuki: {VICTIM};\r\n", HOME),
        Forgery(f"From: {VICTIM}: {THIEF};\r\n"),
    ),
    "two at signs (S07)": (
        Forgery(f"From: <{VICTIM}@evil.example>\r\n"),
        Forgery(f"From: <@evil.example:{VICTIM}>\r\n", HOME),
    ),
    "an encoded word": (
        Forgery("From: =?utf-8?q?Yuki_=3Cyuki=40example=2Ejp=3E?=\r\n", HOME),
        Forgery(f"From: =?utf-8?q?yuki=40example=2Ejp?= <{THIEF}>\r\n"),
        Forgery("From: <=?utf-8?b?eXVraUBleGFtcGxlLmpw?=@evil.example>\r\n"),
    ),
    "Sender, Reply-To, X-Original-From": (
        Forgery(f"{_OWN}Sender: {VICTIM}\r\n", himself=True),
        Forgery(f"{_OWN}Reply-To: Yuki <{VICTIM}>\r\n", himself=True),
        Forgery(f"{_OWN}X-Original-From: Yuki <{VICTIM}>\r\n"),
        Forgery(f"{_OWN}X-Original-Sender: {VICTIM}\r\nReturn-Path: <{VICTIM}>\r\n", himself=True),
    ),
    "Resent-From": (Forgery(f"Resent-From: Yuki <{VICTIM}>\r\nResent-To: {DESK}\r\n{_OWN}", himself=True),),
    "comments, NUL, folding": (
        Forgery(f"From: {VICTIM}<{THIEF}>\r\n"),
        Forgery(f"From: {THIEF} ({VICTIM})\r\n"),
        Forgery(f"From: ({THIEF}) {VICTIM}\r\n", HOME),
        Forgery(f"From: {VICTIM}\0@evil.example\r\n"),
        Forgery(f"From: <{VICTIM}>\0 <{THIEF}>\r\n"),
        Forgery("From: yuki(\r\n @evil.example)@example.jp\r\n", HOME),
        Forgery(f'From: "{VICTIM}"@evil.example\r\n', himself=True),
    ),
}  # fmt: skip


class Loot(NamedTuple):
    """All that a thief may know of the victim's case."""

    hers: str
    ours: str
    reply_to: str
    reference: str
    subject: str


class Beside(NamedTuple):
    """What stands in a mail besides its author, and how it comes to us."""

    lines: str = ""
    to: str = DESK
    subject: str = "Hello"
    body: str = "Send it to my new address."
    above: str = ""
    peer: str = RELAY


Placing = Callable[[Loot], Iterator[Beside]]


def _alone(loot: Loot) -> Iterator[Beside]:
    yield Beside()
    yield Beside(peer=ELSEWHERE)


def _references(loot: Loot) -> Iterator[Beside]:
    yield Beside(f"References: <{loot.hers}>\r\n")
    yield Beside(f"References: <{loot.hers}> <{loot.ours}>\r\nIn-Reply-To: <{loot.hers}>\r\n")


def _in_reply_to(loot: Loot) -> Iterator[Beside]:
    yield Beside(f"In-Reply-To: <{loot.ours}>\r\n")
    yield Beside(f"Message-ID: <{loot.ours}>\r\n")


def _plus_tag(loot: Loot) -> Iterator[Beside]:
    token = loot.ours.partition("@")[0]
    head, _, _ = token.rpartition(".")
    for tag in (f"{head}.{'0' * 20}", token[:-1], loot.reference, "1", f"bounce-{token}"):
        yield Beside(to=f"support+{tag}@example.com")
    yield Beside(to=loot.reply_to)


def _results(server: str) -> Placing:
    lines = (
        f"Authentication-Results: {server}; dmarc=pass header.from={HOME};"
        f" dkim=pass header.d={HOME}; spf=pass smtp.mailfrom={VICTIM}\r\n"
    )

    def place(loot: Loot) -> Iterator[Beside]:
        tempting = f"References: <{loot.hers}>\r\n"
        yield Beside(tempting, above=lines)
        yield Beside(tempting + lines)
        yield Beside(tempting, above=lines, peer=ELSEWHERE)
        yield Beside(f"{tempting}ARC-{lines}ARC-Seal: i=1; cv=pass\r\n")

    return place


def _reference(loot: Loot) -> Iterator[Beside]:
    yield Beside(subject=f"[{loot.reference}] Hello")
    yield Beside(body=f"My reference is {loot.reference}.")
    yield Beside(subject=loot.reference, peer=ELSEWHERE)


def _same_subject(loot: Loot) -> Iterator[Beside]:
    yield Beside(subject=f"Re: {loot.subject}")
    yield Beside(subject=loot.subject, peer=ELSEWHERE)


PLACINGS: dict[str, Placing] = {
    "From alone": _alone,
    "forged results of another server (S09)": _results("mx.example.jp"),
    "forged results of our server (S09)": _results(OUR_SERVER),
    "the reference, typed": _reference,
    "the same subject": _same_subject,
    "stolen References": _references,
    "our Message-ID": _in_reply_to,
    "the reply address, guessed and stolen (S12)": _plus_tag,
}


def results(domain: str, *, signs: bool) -> str:
    """What our relay writes on top of a forger's mail; S10: SPF passes for his MAIL FROM alone.

    The victim's domain asks to reject what fails; the forger's own domains sign if he does.
    """
    is_hers = domain == HOME or domain.endswith(f".{HOME}")
    if signs:
        found = f"spf=pass smtp.mailfrom={THIEF}; dkim=pass header.d={EVIL if is_hers else domain}"
    else:
        found = f"spf=fail smtp.mailfrom={THIEF}; dkim=none"
    aligned = "pass" if signs and not is_hers else "fail (p=reject)" if is_hers else "none"
    return (
        f"Authentication-Results: {OUR_SERVER}; {found}; dmarc={aligned} header.from={domain}\r\n"
        f"Received: from out.evil.example by {OUR_SERVER}; Tue, 24 Nov 2026 12:00:00 +0900\r\n"
    )


def forged(forgery: Forgery, beside: Beside, number: int, *, signs: bool) -> bytes:
    """One mail of a forger, as it reaches us."""
    stamp = results(forgery.domain, signs=signs) if beside.peer == RELAY else ""
    own_id = "" if "Message-ID:" in beside.lines else f"Message-ID: <{number}@evil.example>\r\n"
    return (
        f"{stamp}{beside.above}{forgery.lines}{beside.lines}{own_id}To: {DESK}\r\n"
        f"Subject: {beside.subject}\r\nDate: Tue, 24 Nov 2026 12:00:00 +0900\r\n\r\n{beside.body}\r\n"
    ).encode()
